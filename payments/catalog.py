"""What can be bought: the processor's products, kept for six hours, asked for by one at a time.

While the processor is down the old list stays on sale; what it refuses to sell does not.
"""

import time
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from accounts.premium import MAX_DAYS
from config.lib import waiting
from config.lib.database import give_back_connection
from payments import base
from payments.base import Offer, ProcessorError, ProcessorRefused
from payments.models import CatalogCache
from payments.processor import get_processor

log = structlog.get_logger(__name__)

WAIT_SECONDS = 10.0  # for the very first catalog, while somebody else fetches it
READ_LATELY = timedelta(seconds=30)  # a list that is younger is not doubted
MOST = 2**31 - 1  # of an amount that a purchase can keep


@dataclass(frozen=True)
class Plan:
    """Premium time that can be bought now. The amount is in the currency's smallest unit."""

    product_id: str
    price_id: str
    name: str
    description: str
    features: list[str]
    amount: int
    currency: str
    duration_days: int
    is_pick: bool


@dataclass(frozen=True)
class Catalog:
    """The plans, shortest first; stale when the processor could not be asked for a newer list.

    Unavailable while there is no list, or while the processor does nothing for us: then it `is_refused`, too.
    """

    plans: list[Plan]
    is_stale: bool
    is_unavailable: bool
    is_refused: bool = False

    def find(self, product_id: str) -> Plan | None:
        """The plan for a product, if it can be bought."""
        return next((plan for plan in self.plans if plan.product_id == product_id), None)


def current() -> Catalog:
    """What is on sale. Asks the processor when the list is older than six hours and nobody else is asking."""
    row = _row()
    if row.is_stale() and refresh_if_due():
        row = _row()
    elif row.refreshed_at is None:
        row = _wait_for_the_first()
    if row.is_refused:
        return Catalog([], is_stale=row.is_stale(), is_unavailable=True, is_refused=True)
    plans = _with_a_pick([Plan(**plan) for plan in row.plans])
    return Catalog(plans, is_stale=row.is_stale(), is_unavailable=row.refreshed_at is None)


def _with_a_pick(plans: list[Plan]) -> list[Plan]:
    """Where nobody chose our pick, it is the one in the middle; of one plan there is none to pick."""
    if len(plans) < 2 or any(plan.is_pick for plan in plans):
        return plans
    return [replace(plan, is_pick=place == len(plans) // 2) for place, plan in enumerate(plans)]


def cheapest() -> Plan | None:
    """The plan that costs least, as far as it is known: for a word on other pages, so nobody is asked."""
    row = CatalogCache.objects.first()
    return min((Plan(**plan) for plan in row.plans), key=lambda plan: plan.amount, default=None) if row else None


def refresh() -> CatalogCache:
    """Ask the processor now, whatever the age of the list and whatever it refused; the row says how it went."""
    _row()
    CatalogCache.objects.update(due_at=Now())
    refresh_if_due(whatever_was_refused=True)
    return _row()


def doubt() -> None:
    """The processor refused something else than a price: ask what is on sale, unless that was done just now."""
    old = Q(refreshed_at=None) | Q(refreshed_at__lt=Now() - READ_LATELY)
    if CatalogCache.objects.filter(old, error="").update(due_at=Now()):
        refresh_if_due()


def take_off(plan: Plan, words: str) -> None:
    """The processor would not sell it: off the list, with the processor's words for staff. Then ask what is on sale.

    It stays off for as long as a list is good, unless its price changes or staff ask again.
    """
    entry = {"product_id": plan.product_id, "name": plan.name, "reason": f"Stripe refused to sell it. {words}"}
    entry |= {"price_id": plan.price_id, "refused_at": timezone.now().isoformat()}
    with transaction.atomic(durable=True):
        row = CatalogCache.objects.select_for_update().get(pk=_row().pk)
        plans = [other for other in row.plans if other["price_id"] != plan.price_id]
        others = [other for other in row.unsellable if other.get("price_id") != plan.price_id]
        CatalogCache.objects.update(plans=plans, unsellable=[*others, entry], due_at=Now())
    refresh_if_due()


def refresh_if_due(*, whatever_was_refused: bool = False) -> bool:
    """Ask the processor if it is time to and nobody else is at it; whether we asked."""
    token = uuid4()
    if not CatalogCache.objects.claim(_row().pk, token=token):
        return False
    _fetch(token, {} if whatever_was_refused else _refused_lately())
    return True


def why_not(offer: Offer) -> str:
    """Why a product cannot be sold, for staff; empty when it can."""
    days = offer.metadata.get("duration_days", "")
    if not offer.price_id:
        return "It has no default price."
    if not offer.price_active:
        return "Its default price is not active."
    if not offer.one_time:
        return "Its default price recurs; Dusk sells time once."
    if not offer.amount or offer.amount < 0:
        return "Its default price has no fixed amount above zero."
    if offer.amount > MOST:
        return "Its default price is too large."
    if offer.currency.lower() != settings.CURRENCY:
        return f"Its price is in {offer.currency.upper()}; this site sells in {settings.CURRENCY.upper()}."
    if not days:
        return "Its metadata has no duration_days."
    if not (days.isascii() and days.isdigit() and 1 <= int(days[:6]) <= MAX_DAYS):
        return f"Its duration_days is not a whole number from 1 to {MAX_DAYS}."
    return ""


def exists() -> None:
    """See to it that there is a row, which is then refreshed like anything that is owed."""
    _row()


def _row() -> CatalogCache:
    row, _ = CatalogCache.objects.get_or_create(pk=1)
    return row


def _refused_lately() -> dict[str, dict[str, Any]]:
    """What the processor would not sell though it is on its list, by price."""
    since = timezone.now() - CatalogCache.STALE_AFTER
    entries = [entry for entry in _row().unsellable if "refused_at" in entry]
    return {entry["price_id"]: entry for entry in entries if datetime.fromisoformat(entry["refused_at"]) > since}


def _fetch(token: UUID, refused: dict[str, dict[str, Any]]) -> None:
    """Ask, and write down the answer. After a failure the lease stays, so that nobody asks again at once."""
    try:
        offers = get_processor().list_offers()
    except ProcessorError as error:
        (log.error if isinstance(error, ProcessorRefused) else log.warning)("catalog_failed", error=str(error))
        CatalogCache.objects.update(error=f"{type(error).__name__}: {error}"[:255])
        return
    plans, unsellable = [], []
    for offer in offers:
        if reason := why_not(offer):
            unsellable.append({"product_id": offer.product_id, "name": offer.name, "reason": reason})
        elif offer.price_id in refused:
            unsellable.append(refused[offer.price_id])
        else:
            plans.append(_plan(offer))
    plans.sort(key=lambda plan: (plan.duration_days, plan.amount, plan.product_id))
    CatalogCache.objects.postpone(
        1,
        token=token,
        by=CatalogCache.STALE_AFTER - CatalogCache.AHEAD,
        plans=[asdict(plan) for plan in plans],
        unsellable=unsellable,
        refreshed_at=Now(),
        error="",
    )


def _plan(offer: Offer) -> Plan:
    return Plan(
        product_id=offer.product_id,
        price_id=offer.price_id,
        name=offer.name[:250],
        description=offer.description,
        features=list(offer.features),
        amount=offer.amount or 0,
        currency=offer.currency.lower(),
        duration_days=int(offer.metadata["duration_days"]),
        is_pick=_says_yes(offer.metadata.get("pick")),
    )


def _says_yes(value: Any) -> bool:
    return str(value).strip().lower() in ("1", "true", "yes")


def _wait_for_the_first() -> CatalogCache:
    """Somebody else fetches the very first list: wait for it, unless it failed, or very many wait already."""
    until = time.monotonic() + WAIT_SECONDS
    with suppress(waiting.Full), base.requests.place():
        while (row := _row()).refreshed_at is None and not row.error and time.monotonic() < until:
            give_back_connection()
            time.sleep(0.1)
    return _row()
