"""Bells that were missed: events that wait, purchases that nobody told us about, pages that were never made."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

from django.utils import timezone

from payments import fulfilment
from payments.base import ProcessorError
from payments.models import Purchase, StripeEvent

BATCH = 1000
HALF_MADE = timedelta(minutes=10)  # longer than the processor may take to answer a click


def waiting_events() -> list[str]:
    """Ids of events whose time has come."""
    waiting = StripeEvent.objects.filter(processed_at=None, try_at__lte=timezone.now())
    return list(waiting.order_by("try_at").values_list("pk", flat=True)[:BATCH])


def due_purchases() -> Iterator[UUID]:
    """Purchases to ask the processor about; each is given to one asker only."""
    now = timezone.now()
    for purchase in Purchase.objects.unsettled().filter(look_at__lte=now).order_by("look_at")[:BATCH]:
        mine = Purchase.objects.filter(pk=purchase.pk, look_at=purchase.look_at)
        if mine.update(look_at=now + fulfilment.next_look(purchase)):
            yield purchase.pk


def owed_mails() -> list[UUID]:
    """Purchases whose buyers were promised a mail."""
    return list(Purchase.objects.filter(mail_owed=True).values_list("pk", flat=True)[:BATCH])


def drop_half_made() -> None:
    """Forget purchases whose page was never made: nobody was sent anywhere, nobody can pay them."""
    half_made = Purchase.objects.filter(session_id=None, created_at__lt=timezone.now() - HALF_MADE)
    half_made.delete()


def look_after(purchase_id: UUID) -> None:
    """Settle a purchase that nobody told us about. What fails now is asked again when it is due."""
    try:
        fulfilment.settle(purchase_id)
    except (ProcessorError, fulfilment.PaymentRefused, fulfilment.Overtaken, Purchase.DoesNotExist) as error:
        fulfilment.log.warning("purchase_not_settled", purchase=str(purchase_id), error=repr(error))
