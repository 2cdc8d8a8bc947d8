"""The local twin of Stripe: a checkout that is played on a page of our own. No money moves. Only while DEBUG is on.

It keeps what it is told in Stripe's shapes and says what happened in Stripe's events, signed with a key of its own,
so that everything behind the door is the same code as in production.
"""

import json
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils.crypto import constant_time_compare, salted_hmac

from config.lib import strictjson
from payments import money, stripe_shapes
from payments.base import BadEvent, Event, Offer, Payment, Started, UnknownPayment
from payments.models import Purchase, ScriptedSession

FEATURES = ["Unlimited messages with everyone"]
PLANS = (("7", 7, 999), ("30", 30, 2999), ("90", 90, 6999))


class NotNow(Exception):
    """A payment in this state does not do that."""


def is_live() -> bool:
    """Never."""
    return False


def list_offers() -> list[Offer]:
    """Three plans; thirty days is our pick."""
    return [
        Offer(
            product_id=f"prod_scripted_{name}",
            name=f"{days} days",
            description="A demo plan: nothing is charged.",
            features=FEATURES,
            metadata={"duration_days": str(days), **({"pick": "true"} if days == 30 else {})},
            price_id=f"price_scripted_{name}",
            price_active=True,
            one_time=True,
            amount=money.whole(amount, settings.CURRENCY),
            currency=settings.CURRENCY,
        )
        for name, days, amount in PLANS
    ]


def start(purchase: Purchase, *, email: str, success_url: str, cancel_url: str) -> Started:
    """A session whose page is ours. The same purchase has the same one."""
    session_id = f"cs_scripted_{purchase.pk.hex}"
    # Paths alone: a phone in the same network knows this laptop by another name.
    url = reverse("payments:scripted", args=[session_id])
    success_url, cancel_url = (to.removeprefix(settings.SITE_URL) for to in (success_url, cancel_url))
    session = {
        "id": session_id,
        "object": "checkout.session",
        "mode": "payment",
        "livemode": False,
        "status": "open",
        "payment_status": "unpaid",
        "url": url,
        "success_url": f"{success_url}?{urlencode({'session_id': session_id})}",
        "cancel_url": cancel_url,
        "client_reference_id": str(purchase.user_id),
        "metadata": {"purchase_id": str(purchase.pk), "user_id": str(purchase.user_id)},
        "line_items": {"data": [{"price": {"id": purchase.price_id}, "quantity": 1}]},
        "currency": purchase.currency,
        "amount_subtotal": purchase.amount,
        "amount_total": purchase.amount,
        "total_details": {"amount_discount": 0, "amount_tax": 0},
        "expires_at": int(purchase.expires_at.timestamp()),
        "payment_intent": None,
    }
    kept, _ = ScriptedSession.objects.get_or_create(pk=session_id, defaults={"session": session})
    return Started(kept.pk, kept.session["url"])


def look_up(session_id: str) -> Payment:
    """The session as it is now."""
    kept = ScriptedSession.objects.filter(pk=session_id).first()
    if kept is None:
        raise UnknownPayment(session_id)
    if kept.session["status"] == "open" and kept.session["expires_at"] <= time.time():
        kept.session["status"] = "expired"
        kept.save(update_fields=["session"])
    return stripe_shapes.payment(kept.session, kept.disputes)


def find_session(payment_intent_id: str) -> str:
    """The session that a payment was made at: its name says so."""
    session_id = payment_intent_id.replace("pi_", "cs_", 1)
    return session_id if ScriptedSession.objects.filter(pk=session_id).exists() else ""


def verify_event(body: bytes, headers: Mapping[str, str]) -> Event | None:
    """An event that `act` made."""
    if not constant_time_compare(_signature(body), headers.get("Stripe-Signature", "")):
        raise BadEvent("signature")
    return stripe_shapes.event(strictjson.loads(body))


def act(session_id: str, action: str) -> tuple[bytes, dict[str, str]] | None:
    """Do what the page's button says; the event that Stripe would send: its body and headers. None: it sends none.

    Raises NotNow when the payment is not at that point, UnknownPayment when there is none.
    """
    if action not in ACTIONS:
        raise NotNow(action)
    status, deed, kind = ACTIONS[action]
    with transaction.atomic():
        kept = ScriptedSession.objects.select_for_update().filter(pk=session_id).first()
        if kept is None:
            raise UnknownPayment(session_id)
        if where(kept.session) != status:
            raise NotNow(action)
        deed(kept.session)
        kept.save(update_fields=["session"])
    if not kind:
        return None
    return _event(kind, kept.session)


def where(session: dict[str, Any]) -> str:
    """The point that a payment is at: open, pending, paid, failed, expired or refunded."""
    payment = stripe_shapes.payment(session, [])
    return "refunded" if payment.is_refunded else payment.state


def _complete(session: dict[str, Any], payment_status: str, intent_status: str) -> None:
    paid = payment_status == "paid"
    intent_id = session["id"].replace("cs_", "pi_", 1)
    charge = {
        "object": "charge",
        "payment_intent": intent_id,
        "amount": session["amount_total"],
        "amount_refunded": 0,
        "refunded": False,
        "disputed": False,
        "receipt_url": None,
        "payment_method_details": {"type": "card", "card": {"brand": "demo", "last4": "4242"}},
    }
    session["status"] = "complete"
    session["payment_status"] = payment_status
    session["payment_intent"] = {
        "id": intent_id,
        "object": "payment_intent",
        "status": intent_status,
        "latest_charge": charge if paid else None,
    }


def _pay(session: dict[str, Any]) -> None:
    _complete(session, "paid", "succeeded")


def _pay_later(session: dict[str, Any]) -> None:
    _complete(session, "unpaid", "processing")


def _fail(session: dict[str, Any]) -> None:
    session["payment_intent"]["status"] = "requires_payment_method"


def _refund(session: dict[str, Any]) -> None:
    charge = session["payment_intent"]["latest_charge"]
    charge.update(amount_refunded=charge["amount"], refunded=True)


def _nothing(session: dict[str, Any]) -> None:
    """Stripe's page says that the card was declined, and waits for another."""


# What the button does: where the payment must be, the deed, and the event that follows.
ACTIONS: dict[str, tuple[str, Callable[[dict[str, Any]], None], str]] = {
    "pay": ("open", _pay, "checkout.session.completed"),
    "decline": ("open", _nothing, ""),
    "later": ("open", _pay_later, "checkout.session.completed"),
    "settle": ("pending", _pay, "checkout.session.async_payment_succeeded"),
    "fail_later": ("pending", _fail, "checkout.session.async_payment_failed"),
    "refund": ("paid", _refund, "charge.refunded"),
}


def _event(kind: str, session: dict[str, Any]) -> tuple[bytes, dict[str, str]]:
    subject = session["payment_intent"]["latest_charge"] if kind.startswith("charge.") else session
    shape = {
        "id": f"evt_scripted_{uuid.uuid4().hex}",
        "object": "event",
        "type": kind,
        "livemode": False,
        "created": int(time.time()),
        "data": {"object": subject},
    }
    body = json.dumps(shape).encode()
    return body, {"Stripe-Signature": _signature(body)}


def _signature(body: bytes) -> str:
    return salted_hmac("payments.stripe_scripted", body, algorithm="sha256").hexdigest()
