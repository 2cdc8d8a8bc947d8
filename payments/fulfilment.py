"""What a payment gives and takes: one deed for the success page, the webhook and the sweep."""

from datetime import timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction

from accounts import emails, premium
from accounts.models import PremiumGrant
from payments.base import Payment, State, UnknownPayment
from payments.models import Purchase, booked
from payments.processor import get_processor

log = structlog.get_logger(__name__)

TRIES = 20
SOONEST, LATEST = timedelta(minutes=1), timedelta(hours=1)
Status = Purchase.Status


class PaymentRefused(Exception):
    """The payment does not fit the purchase: nothing is given until staff have looked."""


class Overtaken(Exception):
    """Others kept changing the purchase in the meantime."""


def settle(purchase_id: UUID) -> Purchase:
    """Ask the processor how a purchase stands and make it so here: give, take back or restore premium, each once.

    However often, from wherever and in whatever order it is called, the outcome follows from the processor's last word.
    Raises PaymentRefused, Overtaken, ProcessorError, Purchase.DoesNotExist. Calls the network: never in a transaction.
    """
    for _ in range(TRIES):
        purchase = Purchase.objects.get(pk=purchase_id)
        if purchase.session_id is None:
            return purchase
        processor = get_processor()
        try:
            payment = processor.look_up(purchase.session_id)
        except UnknownPayment:
            problem = "The processor knows no such payment."
            Purchase.objects.filter(pk=purchase_id).update(problem=problem, due_at=None)
            raise
        settled = apply(purchase, payment, is_live=processor.is_live())
        if settled is not None:
            if settled.problem:
                raise PaymentRefused(settled.problem)
            return settled
    raise Overtaken(str(purchase_id))


def apply(known: Purchase, payment: Payment, *, is_live: bool) -> Purchase | None:
    """Write down what the processor said after `known` was read. None: somebody wrote newer news since, ask again.

    Without that guard an old answer that comes late would undo a refund.
    """
    with transaction.atomic(durable=True):
        purchase = Purchase.objects.locked(known.pk)
        if purchase.revision != known.revision:
            return None
        if problem := mismatch(purchase, payment, is_live=is_live):
            log.error("payment_refused", purchase=str(purchase.pk), problem=problem)
            _save(purchase, problem=problem, due_at=None)
            return purchase
        before, status = purchase.status, _status(payment)
        paid = status in (Status.PAID, Status.REFUNDED, Status.DISPUTED)
        was_promised_mail = before == Status.PENDING and status == Status.PAID
        nobody = bool(purchase.pseudonym)  # whoever bought it was erased: what is news about them is not kept
        unowned = purchase.user is None and status == Status.PAID and (purchase.problem or not purchase.paid_at)
        changed = _save(
            purchase,
            status=status,
            payment_intent_id=payment.payment_intent_id,
            amount_total=payment.total if paid else None,
            amount_refunded=payment.amount_refunded,
            method="" if nobody else payment.method[:64],
            receipt_url="" if nobody else payment.receipt_url,
            paid_at=purchase.paid_at or (purchase.now if paid else None),
            problem="Paid for an account that was deleted." if unowned else "",
            due_at=_next_look(purchase, status),
            snapshot=booked(payment.snapshot) if nobody else payment.snapshot,
        )
        if changed and purchase.user is not None:
            _move_premium(purchase, before)
            if was_promised_mail:  # paid later than on the page. Receipts are Stripe's own
                emails.owe("premium_on", {"purchase": purchase}, user=purchase.user)
    if before != status:
        log.info("purchase_settled", purchase=str(purchase.pk), before=before, status=status)
    return purchase


def mismatch(purchase: Purchase, payment: Payment, *, is_live: bool) -> str:
    """What about the payment is not as it was agreed; empty when all is."""
    if payment.mode != "payment":
        return f"The mode is {payment.mode}."
    if payment.livemode != is_live:
        return "The payment is live, the key is not." if payment.livemode else "The payment is a test, the key is live."
    if payment.metadata.get("purchase_id") != str(purchase.pk):
        return "It was made for another purchase."
    if purchase.user_id and {payment.reference, payment.metadata.get("user_id")} != {str(purchase.user_id)}:
        return "It was made for another account."
    if payment.currency != purchase.currency:
        return f"It was made in {payment.currency}, not {purchase.currency}."
    if payment.prices != ((purchase.price_id, 1),):
        return "It was made for another price."
    if payment.subtotal != purchase.amount or payment.total != payment.subtotal - payment.discount + payment.tax:
        return f"It is over {payment.total} of {payment.subtotal}, not {purchase.amount}."
    return ""


def next_look(purchase: Purchase) -> timedelta:
    """How long to wait before asking again without being told: half its age, between a minute and an hour.

    Of a purchase that was read `with_now`.
    """
    return min(max((purchase.now - purchase.created_at) / 2, SOONEST), LATEST)


def _status(payment: Payment) -> Purchase.Status:
    match payment.state:
        case State.PAID if payment.is_refunded:
            return Status.REFUNDED
        case State.PAID if payment.amount_refunded and settings.PARTIAL_REFUND_ENDS_PREMIUM:
            return Status.REFUNDED
        case State.PAID if payment.is_disputed:
            return Status.DISPUTED
    return Status(payment.state.value)


def _move_premium(purchase: Purchase, before: str) -> None:
    """Give what was paid, take back what no longer is. The grant dates from when we learnt of the payment."""
    assert purchase.user is not None
    if purchase.status == Status.PAID and before != Status.PAID:
        try:
            premium.restore(purchase.reason)
        except PremiumGrant.DoesNotExist:
            premium.grant(purchase.user, purchase.duration_days, purchase.reason, granted_at=purchase.paid_at)
    elif before == Status.PAID and purchase.status != Status.PAID:
        premium.revoke(purchase.reason)


def _next_look(purchase: Purchase, status: str) -> object:
    return purchase.now + next_look(purchase) if status in (Status.OPEN, Status.PENDING) else None


def _save(purchase: Purchase, **fields: object) -> bool:
    """Save what differs, and count it as news if anything but the next look does; whether it was."""
    changed = {name for name, value in fields.items() if getattr(purchase, name) != value}
    if not changed:
        return False
    for name in changed:
        setattr(purchase, name, fields[name])
    is_news = changed != {"due_at"}
    if is_news:
        purchase.revision += 1
    purchase.save(update_fields=[*changed, "revision"])
    return is_news
