"""What was done in a year, in numbers: for the law, and for everybody to read. Sums below FEW are not published."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import structlog
from django.db import DatabaseError
from django.db.models import Sum
from django.utils import timezone

from safety.models import Count

log = structlog.get_logger(__name__)

FEW = 5
SECONDS = 600  # that a process may go on showing what it counted
ACTION = Count.Action
CARDS = (ACTION.CARD, ACTION.INTERRUPTED)  # each shows people where helplines are: a referral
_kept: dict[int, tuple[float, "Year"]] = {}


@dataclass(frozen=True, slots=True)
class Year:
    """Sums of a year. `is_over`: no more will come."""

    year: int
    is_over: bool
    actions: Mapping[str, int]
    referrals_by_kind: Mapping[str, int]

    @property
    def referrals(self) -> int:
        """How often somebody was shown where people are who help."""
        return sum(self.actions.get(action, 0) for action in CARDS)

    def of(self, action: str) -> int:
        """How often this was done."""
        return self.actions.get(action, 0)


def of_year(year: int) -> Year:
    """The sums of a year in UTC, as they are now. Raises ValueError for one that has not begun."""
    today = timezone.now().date()
    if year > today.year:
        raise ValueError(f"{year} has not begun.")
    rows = Count.objects.filter(day__gte=date(year, 1, 1), day__lte=date(year, 12, 31)).order_by()
    by_action = dict(rows.values_list("action").annotate(Sum("n")))
    by_kind = dict(rows.filter(action__in=CARDS).values_list("kind").annotate(Sum("n")))
    return Year(year, year < today.year, by_action, dict(sorted(by_kind.items())))


def published(year: int) -> Year | None:
    """The same for a page, counted every SECONDS; None while the database is away."""
    now = time.monotonic()
    if year in _kept and now - _kept[year][0] < SECONDS:
        return _kept[year][1]
    try:
        found = of_year(year)
    except DatabaseError as error:
        log.warning("figures_not_counted", why=type(error).__name__)
        return None
    _kept[year] = now, found
    return found


def forget() -> None:
    """Count anew when somebody asks."""
    _kept.clear()


def in_words(n: int) -> str:
    """A sum as it may be published: few of a kind may be one person."""
    return f"{n:,}" if n >= FEW else f"fewer than {FEW}"
