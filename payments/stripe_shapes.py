"""From Stripe's JSON to our words. Pure; the real Stripe and the scripted one speak the same shapes."""

import re
from typing import Any

from payments.base import BadEvent, Event, Offer, Payment, State

SESSION_EVENTS = frozenset(
    f"checkout.session.{name}" for name in ("completed", "async_payment_succeeded", "async_payment_failed", "expired")
)
PAYMENT_EVENTS = frozenset(
    {
        "charge.refunded",
        "charge.refund.updated",
        "refund.created",
        "refund.updated",
        "refund.failed",
        *(f"charge.dispute.{name}" for name in ("created", "updated", "closed", "funds_withdrawn", "funds_reinstated")),
    }
)
# A dispute that is none (any more): an inquiry, or one that was decided for us.
HARMLESS = frozenset({"won", "prevented", "warning_needs_response", "warning_under_review", "warning_closed"})
# Who paid, and with what, is Stripe's to keep.
PRIVATE = frozenset(
    {
        *("billing_details", "client_secret", "collected_information", "custom_fields", "customer", "customer_account"),
        *("customer_details", "customer_email", "fingerprint", "payment_method", "payment_method_details"),
        *("receipt_email", "receipt_number", "shipping", "shipping_details", "url"),
    }
)


def offer(product: dict[str, Any]) -> Offer:
    """A product with its `default_price` expanded."""
    price = product.get("default_price")
    price = price if isinstance(price, dict) else {}
    return Offer(
        product_id=product["id"],
        name=product.get("name") or "",
        description=product.get("description") or "",
        features=[feature["name"] for feature in product.get("marketing_features") or [] if feature.get("name")],
        metadata=product.get("metadata") or {},
        price_id=price.get("id") or "",
        price_active=bool(price.get("active")),
        one_time=price.get("type") == "one_time",
        amount=price.get("unit_amount"),
        currency=price.get("currency") or "",
    )


def payment(session: dict[str, Any], disputes: list[dict[str, Any]]) -> Payment:
    """A Checkout Session with `line_items` and `payment_intent.latest_charge` expanded, and its disputes."""
    intent = session.get("payment_intent")
    intent = intent if isinstance(intent, dict) else {"id": intent or ""}
    charge = intent.get("latest_charge")
    charge = charge if isinstance(charge, dict) else {}
    details = session.get("total_details") or {}
    return Payment(
        session_id=session["id"],
        state=_state(session, intent),
        url=session.get("url") or "",
        livemode=bool(session.get("livemode")),
        mode=session.get("mode") or "",
        reference=session.get("client_reference_id") or "",
        metadata=session.get("metadata") or {},
        prices=tuple((line["price"]["id"], line["quantity"]) for line in (session.get("line_items") or {})["data"]),
        currency=session.get("currency") or "",
        subtotal=session.get("amount_subtotal") or 0,
        total=session.get("amount_total") or 0,
        discount=details.get("amount_discount") or 0,
        tax=details.get("amount_tax") or 0,
        payment_intent_id=intent["id"],
        amount_refunded=charge.get("amount_refunded") or 0,
        is_refunded=bool(charge.get("refunded")),
        is_disputed=any(dispute["status"] not in HARMLESS for dispute in disputes),
        method=_method(charge.get("payment_method_details") or {}),
        receipt_url=_https(charge.get("receipt_url")),
        snapshot=_without_private({**session, "disputes": disputes}),
    )


def event(shape: Any) -> Event | None:
    """An event; None if it is of a type that changes nothing here. Raises BadEvent when it is no event at all."""
    try:
        kind, subject = shape["type"], shape["data"]["object"]
        intent = subject["id"] if subject.get("object") == "payment_intent" else subject.get("payment_intent")
        found = Event(
            id=shape["id"],
            type=kind,
            livemode=bool(shape["livemode"]),
            session_id=subject["id"] if kind in SESSION_EVENTS else "",
            payment_intent_id=(intent["id"] if isinstance(intent, dict) else intent) or "",
        )
    except (AttributeError, KeyError, TypeError) as error:
        raise BadEvent(f"not an event: {error!r}") from error
    ids = (found.id, found.type, found.session_id, found.payment_intent_id)
    if not found.id or not all(isinstance(one, str) and len(one) <= 255 and one.isascii() for one in ids):
        raise BadEvent("not an event: ids")
    if not "".join(ids).isprintable():
        raise BadEvent("not an event: ids")
    if kind in SESSION_EVENTS or (kind in PAYMENT_EVENTS and found.payment_intent_id):
        return found
    return None


def words(snapshot: dict[str, Any]) -> list[str]:
    """What Stripe itself says about why it was not paid: to the payer, and to us."""
    intent = snapshot.get("payment_intent")
    intent = intent if isinstance(intent, dict) else {}
    error = intent.get("last_payment_error") or {}
    charge = intent.get("latest_charge")
    outcome = (charge.get("outcome") if isinstance(charge, dict) else None) or {}
    codes = [str(error[name]) for name in ("code", "decline_code") if error.get(name)]
    told = " ".join([str(error.get("message") or ""), f"({', '.join(codes)})" if codes else ""]).strip()
    ours = "" if outcome.get("type") == "authorized" else str(outcome.get("seller_message") or "")
    return [text[:500] for text in (told, ours) if text]


def dashboard_url(snapshot: dict[str, Any], payment_intent_id: str) -> str:
    """Where a payment is refunded by hand, at Stripe; empty for what is no payment of theirs.

    Whoever is signed in there with several accounts is led to the right one by Stripe.
    """
    if not re.fullmatch(r"pi_[A-Za-z0-9]+", payment_intent_id):  # those of the scripted checkout have two underscores
        return ""
    return f"https://dashboard.stripe.com/{'' if snapshot.get('livemode') else 'test/'}payments/{payment_intent_id}"


def _state(session: dict[str, Any], intent: dict[str, Any]) -> State:
    match session.get("status"):
        case "complete" if session.get("payment_status") in ("paid", "no_payment_required"):
            return State.PAID
        case "complete" if intent.get("status") in ("requires_payment_method", "canceled"):
            return State.FAILED
        case "complete":
            return State.PENDING
        case "expired":
            return State.EXPIRED
    return State.OPEN


def _https(url: Any) -> str:
    """An address that a page may link to."""
    return url if isinstance(url, str) and url.startswith("https://") and len(url) <= 2000 else ""


def _method(details: dict[str, Any]) -> str:
    kind = details.get("type") or ""
    if kind != "card":
        return kind.replace("_", " ").title()
    card = details.get("card") or {}
    if wallet := (card.get("wallet") or {}).get("type"):
        return wallet.replace("_", " ").title()
    return f"{(card.get('brand') or 'card').title()} •• {card.get('last4') or '????'}"


def _without_private(shape: Any) -> Any:
    if isinstance(shape, dict):
        return {name: _without_private(value) for name, value in shape.items() if name not in PRIVATE}
    if isinstance(shape, list):
        return [_without_private(value) for value in shape]
    return shape
