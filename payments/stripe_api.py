"""Stripe, the real one. The only import of its library, and the only door to it."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

import stripe
from django.conf import settings

from config.lib import strictjson, waiting
from config.lib.database import give_back_connection
from payments import base, stripe_shapes
from payments.base import (
    BadEvent,
    Event,
    NotForSale,
    NotServed,
    Offer,
    Payment,
    ProcessorBusy,
    ProcessorDown,
    ProcessorError,
    ProcessorRefused,
    Started,
    UnknownPayment,
)
from payments.models import Purchase

TIMEOUT_SECONDS = 10
RETRIES = 1
TOLERANCE_SECONDS = 300  # a webhook that is older was recorded by somebody
SESSION = ["line_items", "payment_intent.latest_charge"]
# How Stripe says no (https://docs.stripe.com/error-codes). It has no code for most things, so its words count as well.
OUR_ACCOUNT = re.compile(
    r"^(account_|api_key|platform_|secret_key_required|testmode_charges_only|livemode_mismatch|country_unsupported"
    r"|tls_version|charge_not_enabled|more_permissions)"
    r"|similar object exists in|your account|account or business name|API key"
)
THIS_PRICE = re.compile(
    r"^(amount_too_|product_inactive|price_|currency_|invalid_currency|invalid_charge_amount)|^line_items"
    r"|\bprice\b|\bproduct\b|\bcurrency\b|amount due"
)


def is_live() -> bool:
    """Whether the key moves real money."""
    return settings.STRIPE_SECRET_KEY.startswith(("sk_live_", "rk_live_"))


def list_offers() -> list[Offer]:
    """Every active product."""
    params: stripe.params.ProductListParams = {"active": True, "expand": ["data.default_price"], "limit": 100}
    with _asking() as client:
        products = [_plain(product) for product in client.v1.products.list(params).auto_paging_iter()]
        return [stripe_shapes.offer(product) for product in products]


def start(purchase: Purchase, *, email: str, success_url: str, cancel_url: str) -> Started:
    """A Checkout Session. The idempotency key makes two askings for one purchase one session."""
    metadata = {
        "purchase_id": str(purchase.pk),
        "user_id": str(purchase.user_id),
        "product_id": purchase.product_id,
        "price_id": purchase.price_id,
        "duration_days": str(purchase.duration_days),
    }
    params: stripe.params.checkout.SessionCreateParams = {
        "mode": "payment",
        "line_items": [{"price": purchase.price_id, "quantity": 1}],
        "client_reference_id": str(purchase.user_id),
        "metadata": metadata,
        # Refunds and disputes know the payment, not the session.
        "payment_intent_data": {"metadata": metadata, "description": f"{settings.SITE_NAME}: {purchase.title}"},
        "success_url": success_url + "?session_id={CHECKOUT_SESSION_ID}",
        "cancel_url": cancel_url,
        "expires_at": int(purchase.expires_at.timestamp()),
        "allow_promotion_codes": True,
        "adaptive_pricing": {"enabled": False},  # the price on our page is the price
    }
    key = f"checkout:{purchase.pk}"
    with _asking() as client:
        create = client.v1.checkout.sessions.create
        try:
            session = create({**params, "customer_email": email}, {"idempotency_key": key})
        except stripe.InvalidRequestError as error:
            if error.code != "email_invalid" and not (error.param or "").startswith("customer"):
                raise
            session = create(params, {"idempotency_key": f"{key}:no-address"})  # their page asks for one then
        return Started(session.id, session.url or "")


def look_up(session_id: str) -> Payment:
    """The session as it is now; a second question only where somebody ever disputed."""
    with _asking() as client:
        session = _plain(client.v1.checkout.sessions.retrieve(session_id, {"expand": SESSION}))
        disputes: list[dict[str, Any]] = []
        charge = (session.get("payment_intent") or {}).get("latest_charge") or {}
        if charge.get("disputed"):
            listed = client.v1.disputes.list({"payment_intent": session["payment_intent"]["id"], "limit": 100})
            disputes = [_plain(dispute) for dispute in listed.data]
        return stripe_shapes.payment(session, disputes)


def find_session(payment_intent_id: str) -> str:
    """The session that a payment was made at."""
    with _asking() as client:
        found = client.v1.checkout.sessions.list({"payment_intent": payment_intent_id, "limit": 1}).data
        return found[0].id if found else ""


def verify_event(body: bytes, headers: Mapping[str, str]) -> Event | None:
    """An event that was signed with one of our secrets within five minutes; while they rotate there are two."""
    for secret in settings.STRIPE_WEBHOOK_SECRETS:
        try:
            stripe.WebhookSignature.verify_header(body, headers.get("Stripe-Signature"), secret, TOLERANCE_SECONDS)
        except stripe.SignatureVerificationError:
            continue
        except (TypeError, ValueError) as error:  # the body is not UTF-8, or the signature is not even ASCII
            raise BadEvent("not text") from error
        try:
            return stripe_shapes.event(strictjson.loads(body))
        except ValueError as error:
            raise BadEvent("not JSON") from error
    raise BadEvent("signature")


@contextmanager
def _asking() -> Iterator[stripe.StripeClient]:
    """Stripe's client, its errors in our words."""
    give_back_connection()
    try:
        with base.requests.place():
            yield _client(settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE)
    except waiting.Full as error:
        raise ProcessorBusy("very many wait for it") from error
    except stripe.StripeError as error:
        raise _sorted(error) from error
    except (AttributeError, KeyError, TypeError) as error:  # JSON, but not what was asked for
        raise ProcessorDown(f"unreadable: {error!r}") from error


def _sorted(error: stripe.StripeError) -> ProcessorError:
    """Whether it is away, or refused, and then what about it: its words are for staff and logs."""
    said = error.error
    code = error.code or (getattr(said, "code", None) if said else None) or ""
    words = f"{code}: {error.user_message}" if code else str(error.user_message or type(error).__name__)
    refusals = (stripe.InvalidRequestError, stripe.CardError, stripe.AuthenticationError, stripe.PermissionError)
    if not isinstance(error, refusals) or error.http_status in (409, 429):
        # Also an idempotency key that was used for something else: the half-made purchase goes, the next has another.
        return ProcessorDown(f"{type(error).__name__}: {code or error.http_status or 'no answer'}")
    if isinstance(error, stripe.AuthenticationError | stripe.PermissionError):
        return NotServed(words)
    param = getattr(error, "param", None) or ""
    if any(OUR_ACCOUNT.search(text) for text in (code, error.user_message or "")):
        return NotServed(words)
    if any(THIS_PRICE.search(text) for text in (code, param, error.user_message or "")):
        return NotForSale(words)
    if code == "resource_missing" and error.http_status == 404:
        return UnknownPayment(param)
    return ProcessorRefused(words)


@cache
def _client(key: str, base: str) -> stripe.StripeClient:
    http = stripe.RequestsClient(timeout=TIMEOUT_SECONDS)
    if base:
        return stripe.StripeClient(key, base_addresses={"api": base}, max_network_retries=RETRIES, http_client=http)
    return stripe.StripeClient(key, max_network_retries=RETRIES, http_client=http)


def _plain(thing: stripe.StripeObject) -> dict[str, Any]:
    """Their object as JSON would have it."""
    return thing.to_dict(for_json=True)
