"""What the processor tells us: written down, answered, and only then looked into.

An event is a hint. What is true is asked of the processor when the event is processed, so that events may come late,
twice, in any order, or never.
"""

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID, uuid4

import structlog
from django.core.exceptions import ValidationError
from django.db.models.functions import Now

from config.lib.bells import ring
from payments import fulfilment
from payments.base import NotServed, ProcessorDown, ProcessorError, UnknownPayment
from payments.models import Purchase, StripeEvent
from payments.processor import get_processor

log = structlog.get_logger(__name__)

MAX_TRIES = 30  # with the waits below, about a day


class NoSuchPurchase(Exception):
    """It is about something that nobody bought here."""


def receive(body: bytes, headers: Mapping[str, str]) -> None:
    """Write an event down, and ring for it if it is new. Raises BadEvent, ProcessorRefused."""
    event = get_processor().verify_event(body, headers)
    if event is None:
        return
    about = {"session_id": event.session_id, "payment_intent_id": event.payment_intent_id}
    new = {"type": event.type[:100], "livemode": event.livemode, **about}
    row, is_new = StripeEvent.objects.get_or_create(pk=event.id, defaults=new)
    if is_new:
        ring(StripeEvent.TASK, row.pk)


def process(event_id: str) -> None:
    """Look into an event that waits, and do what follows from it. Who claims it does it; others find nothing to do.

    It counts as processed only after it is: a crash in between repeats it, which is harmless.
    """
    token = uuid4()
    if not StripeEvent.objects.claim(event_id, token=token):
        return
    event = StripeEvent.objects.get(pk=event_id)
    try:
        _look_into(event)
    except (ProcessorDown, NotServed, fulfilment.Overtaken) as error:  # later, or when the key is mended
        _postpone(event, error)
    except (ProcessorError, fulfilment.PaymentRefused, NoSuchPurchase) as error:
        _park(event, error)
    except Exception as error:
        log.exception("event_failed", event_id=event_id)
        _postpone(event, error)
    else:
        StripeEvent.objects.settle(event_id, token=token, processed_at=Now(), error="")


def process_again(event_id: str) -> StripeEvent:
    """Look into an event once more, parked or processed, at once; the row says how it went."""
    StripeEvent.objects.filter(pk=event_id).update(processed_at=None, due_at=Now(), attempts=0)
    process(event_id)
    return StripeEvent.objects.get(pk=event_id)


def _look_into(event: StripeEvent) -> None:
    purchase_id = _purchase_of(event)
    if purchase_id is not None:
        fulfilment.settle(purchase_id)


def _purchase_of(event: StripeEvent) -> UUID | None:
    """Which purchase it is about; None if it is about a page that was never paid nor kept.

    Raises NoSuchPurchase and ProcessorError.
    """
    session_id = event.session_id
    if not session_id:
        # Refunds and disputes know the payment only. We do, too, unless they overtook the news of the payment.
        if known := _first(payment_intent_id=event.payment_intent_id):
            return known
        session_id = get_processor().find_session(event.payment_intent_id)
    if not session_id:
        raise NoSuchPurchase("No checkout belongs to this payment.")
    if known := _first(session_id=session_id):
        return known
    if adopted := _adopt(session_id):
        return adopted
    if event.type == "checkout.session.expired":
        return None
    raise NoSuchPurchase("Nobody here bought this.")


def _adopt(session_id: str) -> UUID | None:
    """The purchase whose page was made when we died before noting which."""
    try:
        purchase_id = get_processor().look_up(session_id).metadata.get("purchase_id", "")
    except UnknownPayment:
        return None
    try:
        Purchase.objects.filter(pk=purchase_id, session_id=None).update(session_id=session_id)
        return _first(pk=purchase_id, session_id=session_id)
    except ValidationError:  # not an id of ours
        return None


def _first(**which: object) -> UUID | None:
    return Purchase.objects.filter(**which).values_list("pk", flat=True).first()


def _postpone(event: StripeEvent, error: Exception) -> None:
    """Later again: after half a minute, then longer, at most an hour; in the end it is the staff's."""
    if event.attempts >= MAX_TRIES:
        return _park(event, error)
    wait = min(timedelta(seconds=30) * 2 ** min(event.attempts - 1, 10), timedelta(hours=1))
    StripeEvent.objects.postpone(event.pk, token=event.lease_token, by=wait, error=_said(event, error))


def _park(event: StripeEvent, error: Exception) -> None:
    """Trying again would not help: staff see it."""
    StripeEvent.objects.settle(event.pk, token=event.lease_token, error=_said(event, error))


def _said(event: StripeEvent, error: Exception) -> str:
    log.warning("event_waits", event_id=event.pk, error=repr(error))
    return f"{type(error).__name__}: {error}"[:1000]
