"""Figures by day, counted up from the rows: the overview reads these few numbers, never a million messages.

A day is a UTC day, as at Stripe. A message counts when it was sent, a reply when it ended, a sale when it was paid.
What goes back later is taken off the day of the sale.

Today is counted again and again; each day once more when it is over, and then it is final: what members erase later
changes nothing in it. Whoever counts a day holds its row, and counts all of it from the rows as they are: twice is the
same as once, and who is killed leaves the day as it was.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from typing import Any

from django.db import transaction
from django.db.models import (
    Case,
    Count,
    Exists,
    F,
    FloatField,
    Func,
    IntegerField,
    Max,
    OuterRef,
    Q,
    QuerySet,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Cast, Floor, Greatest, Ln, TruncDate
from django.utils import timezone

from accounts.models import User
from chat import prices
from chat.models import Message, Reply
from payments.models import Purchase
from staff import histograms
from staff.models import Counts, DailyGirl, DailyPlan, Day

GRACE = timedelta(minutes=15)  # after its end, for transactions that were under way and for clocks that differ
CATCH_UP = 7  # days that were missed, at each time
SALES_AGAIN = 200  # days whose sales are looked at again: what is refunded or disputed, mostly is within 120
LOSABLE = ("accounts", "messages", "replies_done", "replies_failed", "replies_stopped")
SOLD = (Purchase.Status.PAID, Purchase.Status.REFUNDED, Purchase.Status.DISPUTED)


class Outcome(Enum):
    """What became of counting a day."""

    COUNTED = "counted"
    BUSY = "somebody else counts it"
    KEPT = "left as it was: rows are gone that it was counted from"


class MillisecondsBetween(Func):
    """From the first moment to the second."""

    output_field = FloatField()
    arity = 2

    def as_sql(self, compiler: Any, connection: Any, *args: Any, **context: Any) -> Any:
        """An interval's seconds, with their fractions."""
        how: dict[str, Any] = {"template": "(EXTRACT(EPOCH FROM (%(expressions)s)) * 1000)", "arg_joiner": " - "}
        return super().as_sql(compiler, connection, *args, **{**how, **context})

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """Django's own function for it, which gives microseconds."""
        how: dict[str, Any] = {"template": "(django_timestamp_diff(%(expressions)s) / 1000.0)", "arg_joiner": ", "}
        return super().as_sql(compiler, connection, **how)


def today() -> date:
    """The day that it is."""
    return timezone.now().astimezone(UTC).date()


def keep_up() -> None:
    """Count today, and what is over and was not counted since: as often as one likes, wherever one likes."""
    count(today(), wait=False)
    for day in missing()[:CATCH_UP]:
        count(day, wait=False)
    count_sales(today() - timedelta(days=SALES_AGAIN), today())


def first_day() -> date:
    """The day of the first account that there is."""
    first = User.objects.order_by("pk").values_list("date_joined", flat=True).first()
    return first.astimezone(UTC).date() if first else today()


def missing() -> list[date]:
    """The days that are over and not final, the latest first."""
    now = timezone.now()
    over = [day for day in days(first_day(), today()) if _bounds(day)[1] + GRACE <= now]
    final = set(Day.objects.filter(is_final=True).values_list("day", flat=True))
    return [day for day in reversed(over) if day not in final]


def days(first: date, last: date) -> Iterator[date]:
    """From the first to the last, both with it."""
    return (first + timedelta(days=n) for n in range((last - first).days + 1))


def count(day: date, *, wait: bool = True, keep: bool = False) -> Outcome:
    """Count one day up from the rows, all of it or nothing.

    Without `wait`, a day that somebody else counts is left to them. With `keep`, one that would lose something stays as
    it was: its rows were erased since.
    """
    Day.objects.bulk_create([Day(day=day)], ignore_conflicts=True)  # by itself, so that nobody waits for it
    with transaction.atomic(durable=True):
        found = Day.objects.select_for_update(no_key=True, skip_locked=not wait).filter(day=day).first()
        if found is None:
            return Outcome.BUSY
        start, end = _bounds(day)
        girls = _girls(day, start, end)
        counted = Day(day=day, **_totals(girls))
        counted.accounts = User.objects.filter(date_joined__gte=start, date_joined__lt=end).count()
        counted.first_purchases = _first_purchases(start, end)
        counted.reply_ms, counted.first_word_ms = _times(start, end)
        if keep and found.counted_at and any(getattr(counted, name) < getattr(found, name) for name in LOSABLE):
            return Outcome.KEPT
        counted.counted_at = timezone.now()
        counted.is_final = end + GRACE <= counted.counted_at
        counted.save(force_update=True)
        DailyGirl.objects.filter(day=day).delete()
        DailyGirl.objects.bulk_create(girls)
    return Outcome.COUNTED


def count_sales(first: date, last: date) -> None:
    """Make the sales of these days what the purchases say now, refunds of today and all."""
    with transaction.atomic(durable=True):
        # Whoever comes second looks when the first has written.
        Day.objects.bulk_create([Day(day=last)], ignore_conflicts=True)
        Day.objects.select_for_update(no_key=True).get(day=last)
        there = {
            (row.day, row.product_id, row.currency): row for row in DailyPlan.objects.filter(day__range=(first, last))
        }
        for row in _sales(_bounds(first)[0], _bounds(last)[1]):
            known = there.pop((row.day, row.product_id, row.currency), None)
            if known is None:
                row.save()
            elif _figures(known) != _figures(row):
                row.pk = known.pk
                row.save(force_update=True)
        DailyPlan.objects.filter(pk__in=[row.pk for row in there.values()]).delete()


# --- What is counted -------------------------------------------------------------------------------------------


def _bounds(day: date) -> tuple[datetime, datetime]:
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return start, start + timedelta(days=1)


def _girls(day: date, start: datetime, end: datetime) -> list[DailyGirl]:
    rows: dict[int, DailyGirl] = {}

    def of(girl: int) -> DailyGirl:
        return rows.setdefault(girl, DailyGirl(day=day, girl=girl))

    said = Message.objects.filter(created_at__gte=start, created_at__lt=end).exclude(sender=Message.Sender.SITE)
    talks: Any = said.values("conversation__girl").order_by()
    for found in talks.annotate(n=Count("pk"), talks=Count("conversation", distinct=True)):
        row = of(found["conversation__girl"])
        row.messages, row.conversations = found["n"], found["talks"]
    ended: Any = _ended(start, end).values("conversation__girl", "provider", "state").order_by()
    tokens = {f"sum_{name}": Sum(name, default=0) for name in ("tokens_in", "tokens_cached", "tokens_out")}
    for found in ended.annotate(n=Count("pk"), told=Count("tokens_in"), **tokens):
        _add(of(found["conversation__girl"]), found)
    return list(rows.values())


def _add(row: DailyGirl, found: dict[str, Any]) -> None:
    """Replies of one provider that ended in one way."""
    name = f"replies_{found['state']}"
    setattr(row, name, getattr(row, name) + found["n"])
    if found["state"] == Reply.State.DONE and found["provider"] == "fallback":
        row.by_fallback += found["n"]
    row.tokens_in += found["sum_tokens_in"]
    row.tokens_cached += found["sum_tokens_cached"]
    row.tokens_out += found["sum_tokens_out"]
    if found["told"]:
        tokens = (found["sum_tokens_in"], found["sum_tokens_cached"], found["sum_tokens_out"])
        cost = prices.cost(found["provider"], *tokens)
        if cost is not None:
            row.cost = (row.cost or 0) + cost


def _totals(girls: list[DailyGirl]) -> dict[str, Any]:
    names = [field.name for field in Counts._meta.get_fields() if field.name != "cost"]
    sums: dict[str, Any] = {name: sum(getattr(row, name) for row in girls) for name in names}
    costs = [row.cost for row in girls if row.cost is not None]
    return {**sums, "cost": sum(costs) if costs else None}


def _ended(start: datetime, end: datetime) -> QuerySet[Reply]:
    return Reply.objects.filter(finished_at__gte=start, finished_at__lt=end)


def _first_purchases(start: datetime, end: datetime) -> int:
    paid = Purchase.objects.filter(paid_at__isnull=False)
    new = paid.filter(paid_at__gte=start, paid_at__lt=end).order_by()
    earlier = paid.filter(paid_at__lt=start)
    members = new.filter(user__isnull=False).exclude(Exists(earlier.filter(user=OuterRef("user"))))
    erased = new.filter(user=None).exclude(pseudonym="")  # the book outlives the account
    erased = erased.exclude(Exists(earlier.filter(pseudonym=OuterRef("pseudonym"))))
    return members.values("user").distinct().count() + erased.values("pseudonym").distinct().count()


def _times(start: datetime, end: datetime) -> tuple[dict[str, int], dict[str, int]]:
    """How long people waited for replies, and for their first words, since these were owed."""
    done = _ended(start, end).filter(state=Reply.State.DONE)
    whole = MillisecondsBetween(F("finished_at"), F("created_at"))
    first = whole - F("total_ms") + F("first_token_ms")  # of the time in a worker, only up to there
    spoke = done.filter(total_ms__isnull=False, first_token_ms__isnull=False)
    return _histogram(done, whole), _histogram(spoke, first)


def _histogram(replies: QuerySet[Reply], ms: Any) -> dict[str, int]:
    longer_than_nothing = Greatest(Cast(ms, FloatField()), Cast(Value(1.0), FloatField()))
    bucket = Cast(Floor(Ln(longer_than_nothing) / histograms.LOG_BASE), IntegerField())
    rows: Any = replies.annotate(bucket=bucket).values("bucket").order_by("bucket").annotate(n=Count("pk"))
    return {str(row["bucket"]): row["n"] for row in rows}


def _sales(start: datetime, end: datetime) -> list[DailyPlan]:
    paid = Purchase.objects.filter(paid_at__gte=start, paid_at__lt=end, status__in=SOLD)
    disputed = Q(status=Purchase.Status.DISPUTED)
    rows: Any = (
        paid.annotate(day=TruncDate("paid_at", tzinfo=UTC))
        .values("day", "product_id", "currency")
        .order_by()
        .annotate(
            called=Max("name"),
            sales=Count("pk"),
            paid=Sum("amount_total", default=0),
            refunds=Count("pk", filter=disputed | Q(amount_refunded__gt=0)),
            refunded=Sum(Case(When(disputed, then="amount_total"), default="amount_refunded"), default=0),
        )
    )
    return [DailyPlan(name=row.pop("called"), amount=row.pop("paid"), **row) for row in rows]


def _figures(row: DailyPlan) -> tuple[Any, ...]:
    return row.name, row.sales, row.amount, row.refunds, row.refunded
