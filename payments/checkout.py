"""From a click on a plan to the page where it is paid."""

from contextlib import suppress
from datetime import timedelta
from urllib.parse import urlencode
from uuid import UUID, uuid4

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.urls import reverse

from accounts.models import User
from payments import catalog, fulfilment
from payments.base import (
    NotForSale,
    ProcessorDown,
    ProcessorError,
    ProcessorRefused,
    State,
    UnknownPayment,
)
from payments.catalog import Plan
from payments.models import Purchase
from payments.processor import get_processor

log = structlog.get_logger(__name__)

PAYABLE = timedelta(hours=2)  # Stripe allows 30 minutes to 24 hours
ENDING = timedelta(minutes=5)  # a page that closes so soon is not worth going back to
FIRST_LOOK = timedelta(minutes=2)
BEING_MADE = timedelta(minutes=1)  # longer than the processor takes to make a page
# Where distance sales can be undone for 14 days unless the buyer asks for immediate supply: EU, EEA, United Kingdom.
WITHDRAWAL = frozenset(
    {
        *("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU"),
        *("LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK", "IS", "LI", "NO", "GB"),
    }
)


class UnknownPlan(Exception):
    """No such plan is on sale."""


class PlanChanged(UnknownPlan):
    """It is on sale, but not at the price that was on the page."""


class CountryMissing(Exception):
    """Whether the law wants a consent depends on where the buyer lives, and they did not say."""


class ConsentMissing(Exception):
    """The law wants the buyer to ask for immediate supply first."""


class CheckoutUnavailable(Exception):
    """The processor cannot be reached now. Nothing was written."""


class CheckoutRefused(Exception):
    """The processor will not make a page, and trying again will not help: staff have its words."""


class AlreadyDone(Exception):
    """This click was paid for, or ended otherwise: the purchase says how."""

    def __init__(self, purchase: Purchase) -> None:
        super().__init__(str(purchase.pk))
        self.purchase = purchase


def must_say_more(user: User) -> bool:
    """Whether this buyer is asked something before paying: where they live, or for immediate supply."""
    return not user.country or str(user.country) in WITHDRAWAL


def start(
    user: User, product_id: str, *, click: UUID, next_url: str = "", country: str = "", consents: bool = False
) -> str:
    """The address of the page where this plan is paid. The same click, or a second tab, gets the same page.

    The purchase is written first, then the processor is asked, then its page is noted. Raises UnknownPlan,
    PlanChanged, CountryMissing, ConsentMissing, CheckoutUnavailable, CheckoutRefused, AlreadyDone. Calls the network:
    never in a transaction.
    """
    on_sale = catalog.current()
    if on_sale.is_refused:
        raise CheckoutRefused
    if on_sale.is_unavailable:
        raise CheckoutUnavailable
    plan = on_sale.find(product_id)
    if plan is None:
        raise UnknownPlan(product_id)
    _terms_of(user, country, consents=consents)
    try:
        while (purchase := _begin(user, plan, click=click, next_url=next_url, consents=consents)).session_id:
            if url := _url_of_open(purchase):
                return url
            if purchase.click == click:
                raise AlreadyDone(Purchase.objects.get(pk=purchase.pk))
            # The page of another tab was paid or closed meanwhile, and is settled now: look again.
        return _open(purchase, user)
    except NotForSale as error:
        log.error("not_for_sale", product=product_id, price=plan.price_id, error=str(error))
        catalog.take_off(plan, str(error))
        raise (PlanChanged if catalog.current().find(product_id) else UnknownPlan)(product_id) from error
    except ProcessorRefused as error:
        log.error("checkout_refused", product=product_id, error=repr(error))
        catalog.doubt()
        raise CheckoutRefused from error
    except (ProcessorError, fulfilment.Overtaken) as error:
        log.warning("checkout_failed", product=product_id, error=repr(error))
        raise CheckoutUnavailable from error


def _terms_of(user: User, country: str, *, consents: bool) -> None:
    """See to it that the law of where the buyer lives is kept, and remember what they said of that, once."""
    lives_in = str(user.country) or country
    if not consents:
        if not lives_in:
            raise CountryMissing
        if lives_in in WITHDRAWAL:
            raise ConsentMissing
    if country and not user.country:
        User.objects.filter(pk=user.pk, country="").update(country=country)


def _begin(user: User, plan: Plan, *, click: UUID, next_url: str, consents: bool) -> Purchase:
    """The purchase of this click, or one on the same terms whose page is still open, or a new one."""
    with transaction.atomic(durable=True):
        held = User.objects.select_for_update(no_key=True).filter(pk=user.pk)
        now = held.values_list(Now(), flat=True).get()  # hosts whose clocks differ see the same page as being made
        mine = Purchase.objects.visible_to(user).filter(product_id=plan.product_id)
        if clicked := mine.filter(click=click).first():
            return clicked
        terms = {
            "price_id": plan.price_id,
            "amount": plan.amount,
            "currency": plan.currency,
            "duration_days": plan.duration_days,
        }
        waiting = mine.filter(**terms, status=Purchase.Status.OPEN, expires_at__gt=now + ENDING, problem="")
        # In one question: between two, another tab's page may be ready, and be neither.
        going_on = Q(session_id__isnull=False) | Q(created_at__gt=now - BEING_MADE)
        found = waiting.filter(going_on).order_by(F("session_id").asc(nulls_last=True)).first()
        if found and found.session_id and next_url != found.next_url:  # they come back to where they were last
            Purchase.objects.filter(pk=found.pk).update(next_url=next_url)
        if found:  # while it is being made: whoever asks for the same purchase gets the same page
            return found
        return Purchase.objects.create(
            user=user,
            click=click,
            product_id=plan.product_id,
            name=plan.name,
            features=plan.features,
            next_url=next_url,
            consented_at=now if consents else None,
            created_at=now,
            expires_at=now + PAYABLE,
            due_at=now + FIRST_LOOK,
            **terms,
        )


def _url_of_open(purchase: Purchase) -> str:
    """Where this purchase can still be paid; empty, and settled, if it cannot."""
    assert purchase.session_id
    try:
        payment = get_processor().look_up(purchase.session_id)
    except UnknownPayment:
        Purchase.objects.filter(pk=purchase.pk).update(
            status=Purchase.Status.EXPIRED, due_at=None, revision=F("revision") + 1
        )
        return ""
    if payment.state == State.OPEN:
        return payment.url
    with suppress(fulfilment.PaymentRefused):  # what is wrong with it stands on it, for staff; it is not this page
        fulfilment.settle(purchase.pk)
    return ""


def _open(purchase: Purchase, user: User) -> str:
    """Have the page made. Where nobody answers, leave no trace of the try; of a refusal keep why, for staff.

    All that is asked follows from the purchase, so that two who ask for one purchase ask for the same.
    """
    site = settings.SITE_URL
    back = reverse("payments:plans")
    unmade = Purchase.objects.filter(pk=purchase.pk, session_id=None)
    try:
        started = get_processor().start(
            purchase,
            email=user.email,
            success_url=site + reverse("payments:success"),
            cancel_url=site + (f"{back}?{urlencode({'next': purchase.next_url})}" if purchase.next_url else back),
        )
        if not started.url:
            raise ProcessorDown("The page is closed.")
    except ProcessorRefused as error:
        words = f"Stripe refused it. {error}"[:255]
        # The click is free for another try.
        unmade.update(status=Purchase.Status.FAILED, problem=words, due_at=None, click=uuid4())
        raise
    except ProcessorError:
        unmade.delete()
        raise
    if not Purchase.objects.filter(pk=purchase.pk, status=Purchase.Status.OPEN).update(session_id=started.session_id):
        raise ProcessorDown("The purchase is gone: another tab's try for it failed.")
    return started.url
