"""The overview: how the site does in the last days, beside the days before. Read from the roll-ups, in five queries."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import Sum
from django.utils.formats import date_format

from accounts.models import User
from chat import prices
from girls.models import Girl
from payments import money
from staff import attention, charts, histograms, rollups
from staff.models import DailyGirl, DailyPlan, Day

RANGES = (7, 30, 90)  # days one can look at
USUAL = 30
SEES, SEES_MONEY = "staff.view_overview", "payments.view_purchase"
FACES = 6  # of those who were talked to most
ROWS = 50  # of characters in a table
PLANS = 3  # with a colour of their own; the others have one together
MANY = 1000  # of a currency: from here on nobody looks at the cents
COUNTED = ("messages", "replies_done", "replies_failed", "by_fallback", "tokens_in", "tokens_cached", "tokens_out")


@dataclass(frozen=True, slots=True)
class Change:
    """Against the days before, in words. `way` is up, down or none; `is_good` is None where it is neither."""

    words: str
    way: str = ""
    is_good: bool | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """A number that one looks at first."""

    name: str
    value: str
    change: Change
    more: str = ""
    help: str = ""


class Period:
    """The last days, today among them, and as many before. Days that nobody counted are days of nothing."""

    def __init__(self, length: int, today: date) -> None:
        self.length = length
        self.days = list(rollups.days(today - timedelta(days=length - 1), today))
        self.before = [day - timedelta(days=length) for day in self.days]
        rows = {row.day: row for row in Day.objects.filter(day__range=(self.before[0], today))}
        self.rows = [rows.get(day) or Day(day=day) for day in self.days]
        self.rows_before = [rows.get(day) or Day(day=day) for day in self.before]
        self.today = self.rows[-1]
        self.counted_at = max((row.counted_at for row in rows.values() if row.counted_at), default=None)

    # Today is not over: it would always look like a loss. So changes compare what is over of both.
    @property
    def over(self) -> tuple[list[Day], list[Day]]:
        """The days that are over, and those of the period before that stand across from them."""
        return self.rows[:-1], self.rows_before[:-1]

    def label(self, day: date) -> str:
        """A day on a scale."""
        return date_format(day, "j M")


def page(user: User, length: int) -> dict[str, Any]:
    """What the overview shows to this member of the team."""
    period = Period(length, rollups.today())
    sees_money = user.has_perm(SEES_MONEY)
    priced = sees_money and any(prices.has_price(name) for name in settings.LLM_PRICES)
    plans = list(DailyPlan.objects.filter(day__range=(period.before[0], period.days[-1]))) if sees_money else []
    figures = [*([_revenue(period, plans)] if sees_money else []), *_figures(period)]
    girls = _girls(period)
    return {
        "title": "Overview",
        "ranges": [{"days": days, "is_here": days == length} for days in RANGES],
        "days": length,
        "sees_money": sees_money,
        "figures": figures,
        "said": _messages(period, priced=priced),
        "sales": _sales(period, plans) if sees_money else None,
        "faces": _faces(girls),
        "girls": girls[:ROWS],
        "girls_more": max(0, len(girls) - ROWS),
        "replies": _replies(period, sees_money=sees_money),
        "helps": [figure for figure in figures if figure.help],
        "priced": priced,
        "look": attention.items(user, period.today, period.counted_at),
        "counted_at": period.counted_at,
    }


# --- What one looks at first -----------------------------------------------------------------------------------


def _figures(period: Period) -> list[Figure]:
    over, before = period.over
    accounts = sum(row.accounts for row in period.rows)
    share, was, now = (_converted(rows) for rows in (period.rows, before, over))
    slow, slow_was, slow_now = (_time(rows, "reply_ms", 0.95) for rows in (period.rows, before, over))
    usual, words = _time(period.rows, "reply_ms", 0.5), _time(period.rows, "first_word_ms", 0.95)
    more = [f"p50 {_seconds(usual)}"] if usual is not None else []
    more += [f"first words p95 {_seconds(words)}"] if words is not None else []
    return [
        Figure("New accounts", f"{accounts:,}", change(_sum(over, "accounts"), _sum(before, "accounts"))),
        Figure(
            "Free to premium",
            "–" if share is None else f"{share:.1f}%",
            _points(now, was),
            help="People who paid for the first time, for each hundred new accounts.",
        ),
        Figure(
            "Reply time, p95",
            "–" if slow is None else _seconds(slow),
            _faster(slow_now, slow_was),
            ", ".join(more),
            help="From the message to the end of the reply, exact to 2.5 %.",
        ),
    ]


def _revenue(period: Period, plans: Sequence[DailyPlan]) -> Figure:
    """Of the currency that is sold in most; the others beside it. Currencies are never added."""
    here, over, before = set(period.days), {row.day for row in period.over[0]}, {row.day for row in period.over[1]}
    sold = Counter({settings.CURRENCY: 0})
    earned: Counter[str] = Counter()
    for row in plans:
        if row.day in here:
            sold[row.currency] += row.sales
            earned[row.currency] += row.amount - row.refunded
    main = max(sold, key=lambda currency: (sold[currency], currency == settings.CURRENCY))
    now, was = (
        sum(p.amount - p.refunded for p in plans if p.currency == main and p.day in days) for days in (over, before)
    )
    others = [in_short(earned[currency], currency) for currency in sorted(earned) if currency != main]
    return Figure(
        "Revenue",
        in_short(earned[main], main),
        change(now, was, against=period.length),
        f"and {', '.join(others)}" if others else "",
        help="What was paid, less what went back or is disputed.",
    )


def change(now: float, was: float, *, against: int = 0) -> Change:
    """In percent of what it was, of what is good to have more of."""
    beside = f" than the previous {against} days" if against else ""
    if now == was:
        return Change("as before" if now else "none before either")
    if was <= 0:
        return Change("none before", "up", is_good=True)
    percent = abs(now - was) / was * 100
    way = "up" if now > was else "down"
    figure = f"{percent:.1f}%" if percent < MANY else "over 1,000%"
    return Change(f"{figure} {'more' if now > was else 'less'}{beside}", way, now > was)


def _points(now: float | None, was: float | None, *, more_is_good: bool = True) -> Change:
    """Of shares in percent."""
    if now is None or was is None:
        return Change("nothing to compare with")
    points = round(now - was, 1)
    if not points:
        return Change("as before")
    way, words = ("up", "more") if points > 0 else ("down", "less")
    return Change(f"{abs(points):.1f} points {words}", way, (points > 0) == more_is_good)


def _faster(now: float | None, was: float | None) -> Change:
    if now is None or was is None:
        return Change("nothing to compare with")
    seconds = round((now - was) / 1000, 1)
    if not seconds:
        return Change("as before")
    if seconds > 0:
        return Change(f"{seconds:.1f} s slower", "up", is_good=False)
    return Change(f"{-seconds:.1f} s faster", "down", is_good=True)


def _converted(rows: Sequence[Day]) -> float | None:
    accounts = _sum(rows, "accounts")
    return 100 * _sum(rows, "first_purchases") / accounts if accounts else None


def _time(rows: Sequence[Day], what: str, share: float) -> float | None:
    return histograms.percentile(histograms.together(getattr(row, what) for row in rows), share)


def _seconds(ms: float) -> str:
    return f"{ms / 1000:.1f} s" if ms < 100_000 else f"{ms / 1000:.0f} s"


def in_short(amount: int, currency: str) -> str:
    """An amount without its cents, where it is a large one."""
    unit = 10 ** money.decimals(currency)
    if abs(amount) < MANY * unit:
        return money.formatted(amount, currency)
    whole = money.formatted(round(amount / unit) * unit, currency)
    return re.sub(rf"[.,]0{{{money.decimals(currency)}}}(?!\d)", "", whole) if unit > 1 else whole


def _sum(rows: Iterable[Any], name: str) -> int:
    return sum(getattr(row, name) for row in rows)


# --- Charts and tables -----------------------------------------------------------------------------------------


def _messages(period: Period, *, priced: bool) -> dict[str, Any]:
    """Each day, and the one across from it before."""
    values, before = ([row.messages for row in rows] for rows in (period.rows, period.rows_before))
    chart = charts.line(values, before, [period.label(day) for day in period.days])
    highest = max(period.rows, key=lambda row: row.messages)
    told = f"{sum(values):,} messages in {period.length} days, {sum(before):,} in the {period.length} before."
    if highest.messages:
        told += f" Most on {date_format(highest.day, 'j F')}: {highest.messages:,}."
    days = zip(reversed(period.rows), reversed(before), strict=True)
    table = [{"label": period.label(row.day), "cells": _cells(row, was, priced=priced)} for row, was in days]
    return {"chart": chart, "told": told, "table": table}


def _cells(row: Day, before: int, *, priced: bool) -> list[str]:
    """What the table says of a day. Written here: ninety days have a thousand of them."""
    replies = (row.replies_done, row.replies_failed, row.by_fallback)
    numbers = (row.messages, before, row.accounts, *replies, row.tokens_in, row.tokens_cached, row.tokens_out)
    cost = [] if not priced else ["–" if row.cost is None else f"{row.cost:,.2f}"]
    return [f"{number:,}" for number in numbers] + cost


def _sales(period: Period, plans: Sequence[DailyPlan]) -> dict[str, Any]:
    """Sales of each plan, by week from Monday on; of seven days by day. How many, so that currencies can be mixed."""
    by_day = period.length == RANGES[0]
    starts = sorted({day if by_day else day - timedelta(days=day.weekday()) for day in period.days})
    shown = [row for row in plans if row.day >= starts[0]]
    total: Counter[str] = Counter()
    names: dict[str, str] = {}
    for row in sorted(shown, key=lambda row: row.day):
        total[row.product_id] += row.sales
        names[row.product_id] = row.name
    first = [product for product, _ in total.most_common(PLANS)]
    rest = len(total) > PLANS
    series = [names[product] for product in first] + (["Others"] if rest else [])
    stacks = {start: [0] * len(series) for start in starts}
    for row in shown:
        start = row.day if by_day else row.day - timedelta(days=row.day.weekday())
        stacks[start][first.index(row.product_id) if row.product_id in first else PLANS] += row.sales
    labels = [period.label(start) for start in starts]
    chart = charts.bars(list(stacks.values()), labels)
    told = ", ".join(f"{total[product]:,} of {names[product]}" for product in first) or "Nothing was sold"
    return {
        "chart": chart,
        "each": "day" if by_day else "week",
        "series": series,
        "told": f"{told}, since {period.label(starts[0])}.",
        "table": [{"label": label, "stack": stack} for label, stack in zip(labels, stacks.values(), strict=True)],
    }


def _girls(period: Period) -> list[dict[str, Any]]:
    """Characters by what was said with them, with what their replies took."""
    rows: Any = DailyGirl.objects.filter(day__range=(period.days[0], period.days[-1])).values("girl").order_by()
    sums = rows.annotate(**{f"all_{name}": Sum(name) for name in COUNTED}, all_cost=Sum("cost"))
    found = [{"girl": row["girl"], **{name: row[f"all_{name}"] for name in (*COUNTED, "cost")}} for row in sums]
    found.sort(key=lambda row: (-row["messages"], row["girl"]))
    there = Girl.objects.only("name", "slug", "avatar", "avatar_square", "demo_art")
    known = there.in_bulk([row["girl"] for row in found[:ROWS]])
    tokens = ("tokens_in", "tokens_cached", "tokens_out")
    return [
        {**row, "her": known.get(row["girl"]), "shown": {name: charts.compact(row[name]) for name in tokens}}
        for row in found
    ]


def _faces(girls: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    shown = [row for row in girls[:FACES] if row["messages"]]
    return [{**row, "share": charts.share(row["messages"], shown[0]["messages"])} for row in shown]


def _replies(period: Period, *, sees_money: bool) -> list[dict[str, Any]]:
    """How replies went and what they took."""
    over, before = period.over
    done, failed, fallback = (_sum(period.rows, name) for name in ("replies_done", "replies_failed", "by_fallback"))
    read, cached, written = (_sum(period.rows, name) for name in ("tokens_in", "tokens_cached", "tokens_out"))
    costs = [row.cost for row in period.rows if row.cost is not None]
    lines = [
        ("Replies written", f"{done:,}", ""),
        ("Failed", f"{failed:,}", _percent(failed, done + failed)),
        ("Answered by the fallback", f"{fallback:,}", _percent(fallback, done)),
        ("Tokens read", f"{read:,}", f"{_percent(cached, read)} from the cache" if cached else ""),
        ("Tokens written", f"{written:,}", ""),
    ]
    if sees_money and costs:
        each = sum(costs) / max(1, done)
        lines.append(("Cost", dollars(sum(costs, Decimal(0))), f"{each * 100:.2f} ¢ for each reply"))
    told = {
        "Failed": _points(_failed(over), _failed(before), more_is_good=False),
        "Answered by the fallback": _points(_by_fallback(over), _by_fallback(before), more_is_good=False),
    }
    return [{"name": name, "value": value, "more": more, "change": told.get(name)} for name, value, more in lines]


def _failed(rows: Sequence[Day]) -> float | None:
    ended = _sum(rows, "replies_done") + _sum(rows, "replies_failed")
    return 100 * _sum(rows, "replies_failed") / ended if ended else None


def _by_fallback(rows: Sequence[Day]) -> float | None:
    done = _sum(rows, "replies_done")
    return 100 * _sum(rows, "by_fallback") / done if done else None


def dollars(amount: Decimal) -> str:
    """What hosts take."""
    return f"${amount:,.2f}"


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f}%" if whole else ""
