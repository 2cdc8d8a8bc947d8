"""What nobody told us about: purchases that are not settled, and pages that were never made."""

from datetime import timedelta
from uuid import UUID, uuid4

from django.db.models.functions import Now

from payments import fulfilment
from payments.base import ProcessorError
from payments.models import Purchase

HALF_MADE = timedelta(minutes=10)  # longer than the processor may take to answer a click
REFUSED = timedelta(days=30)


def look_after(purchase_id: UUID) -> None:
    """Settle a purchase that nobody told us about, if it is time to. What fails now is asked again when it is due."""
    token = uuid4()
    if not Purchase.objects.claim(purchase_id, token=token):
        return
    try:
        fulfilment.settle(purchase_id)
    except (ProcessorError, fulfilment.PaymentRefused, fulfilment.Overtaken, Purchase.DoesNotExist) as error:
        fulfilment.log.warning("purchase_not_settled", purchase=str(purchase_id), error=repr(error))
    purchase = Purchase.objects.with_now().filter(pk=purchase_id).first()
    if purchase is not None:  # still owed, unless it was settled
        Purchase.objects.postpone(purchase_id, token=token, by=fulfilment.next_look(purchase))


def drop_half_made() -> None:
    """Forget purchases whose page was never made: nobody was sent anywhere, nobody can pay them.

    Why the processor refused some is kept for staff, for a while.
    """
    never_made = Purchase.objects.filter(session_id=None)
    never_made.filter(problem="", created_at__lt=Now() - HALF_MADE).delete()
    never_made.filter(created_at__lt=Now() - REFUSED).delete()
