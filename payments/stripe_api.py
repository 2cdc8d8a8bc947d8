"""Stripe, the real one. The only import of its library, and the only door to it."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

import stripe
from django.conf import settings

from config.lib import waiting
from config.lib.database import give_back_connection
from payments import base, stripe_shapes
from payments.base import (
    BadEvent,
    Event,
    Offer,
    Payment,
    ProcessorBusy,
    ProcessorDown,
    ProcessorRefused,
    Started,
    UnknownPayment,
)
from payments.models import Purchase

TIMEOUT_SECONDS = 10
RETRIES = 1
TOLERANCE_SECONDS = 300  # a webhook that is older was recorded by somebody
SESSION = ["line_items", "payment_intent.latest_charge"]


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
        "customer_email": email,
        "metadata": metadata,
        # Refunds and disputes know the payment, not the session.
        "payment_intent_data": {"metadata": metadata, "description": f"{settings.SITE_NAME}: {purchase.title}"},
        "success_url": success_url + "?session_id={CHECKOUT_SESSION_ID}",
        "cancel_url": cancel_url,
        "expires_at": int(purchase.expires_at.timestamp()),
        "allow_promotion_codes": True,
        "adaptive_pricing": {"enabled": False},  # the price on our page is the price
    }
    with _asking() as client:
        session = client.v1.checkout.sessions.create(params, {"idempotency_key": f"checkout:{purchase.pk}"})
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
        except ValueError as error:
            raise BadEvent("not UTF-8") from error
        try:
            return stripe_shapes.event(json.loads(body))
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
    except (stripe.APIConnectionError, stripe.RateLimitError) as error:
        raise ProcessorDown(f"{type(error).__name__}: {error.code or 'no answer'}") from error
    except stripe.InvalidRequestError as error:
        if error.code == "resource_missing" and error.http_status == 404:
            raise UnknownPayment(str(error.param or "")) from error
        raise ProcessorRefused(f"{error.code or 'invalid'}: {error.user_message}") from error
    except (stripe.AuthenticationError, stripe.PermissionError, stripe.IdempotencyError) as error:
        raise ProcessorRefused(type(error).__name__) from error
    except stripe.StripeError as error:
        raise ProcessorDown(f"{type(error).__name__}: {error.http_status}") from error
    except (AttributeError, KeyError, TypeError) as error:  # JSON, but not what was asked for
        raise ProcessorDown(f"unreadable: {error!r}") from error


@cache
def _client(key: str, base: str) -> stripe.StripeClient:
    http = stripe.RequestsClient(timeout=TIMEOUT_SECONDS)
    if base:
        return stripe.StripeClient(key, base_addresses={"api": base}, max_network_retries=RETRIES, http_client=http)
    return stripe.StripeClient(key, max_network_retries=RETRIES, http_client=http)


def _plain(thing: stripe.StripeObject) -> dict[str, Any]:
    """Their object as JSON would have it."""
    return thing.to_dict(for_json=True)
