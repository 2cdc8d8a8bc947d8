"""What somebody on the team should look at, and what is well: each with a count, a way there, and who is told."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Func, IntegerField, QuerySet, Subquery
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone

from accounts.models import Mail, User
from chat.models import Reply
from girls.admin_list import NEEDS_MEDIA
from girls.models import Girl
from payments.models import Purchase, StripeEvent
from safety.models import Helpline, Report
from staff.models import Day, Erasure, Export

WAITS = timedelta(minutes=5)  # due for so long, and nobody came
SILENT = timedelta(minutes=15)  # three times that the clock and a worker should have counted
RECENT = timedelta(days=7)  # older failures have been seen
STUCK = 3  # tries
LEAST = 20  # replies, before the share of one host among them says something


@dataclass(frozen=True, slots=True)
class Item:
    """One line. `level` is bad, warn or ok; `count` may be a share in percent."""

    level: str
    icon: str
    words: str
    count: str = ""
    url: str = ""
    act: str = ""


@dataclass(frozen=True, slots=True)
class Watched:
    """Rows that should not be there."""

    name: str
    needs: str  # permission
    rows: Callable[[], QuerySet[Any]]
    level: str
    icon: str
    words: Callable[[int], str]
    page: str
    query: str = ""
    act: str = "Look"


def _s(count: int, one: str, many: str) -> str:
    return one if count == 1 else many


WATCHED = (
    Watched(
        "late",
        "chat.view_reply",
        lambda: Reply.objects.due(timedelta(seconds=30)),
        "bad",
        "clock",
        lambda n: f"{_s(n, 'Reply waits', 'Replies wait')} for a worker",
        "chat_reply_changelist",
        "state__exact=queued",
    ),
    Watched(
        "overdue",
        "safety.view_report",
        lambda: Report.objects.exclude(state=Report.State.CLOSED).filter(due_at__lt=Now()),
        "bad",
        "flag",
        lambda n: f"{_s(n, 'Report is', 'Reports are')} overdue",
        "safety_report_changelist",
    ),
    Watched(
        "reports",
        "safety.view_report",
        lambda: Report.objects.filter(state=Report.State.NEW, due_at__gte=Now()),
        "warn",
        "flag",
        lambda n: f"{_s(n, 'Report waits', 'Reports wait')} for somebody to take in hand",
        "safety_report_changelist",
        "state=new",
    ),
    Watched(
        "helplines",
        "safety.change_helpline",
        lambda: Helpline.objects.to_be_checked(),
        "warn",
        "life-buoy",
        lambda n: f"{_s(n, 'Helpline', 'Helplines')} that nobody here has checked, or not for a year",
        "safety_helpline_changelist",
    ),
    Watched(
        "problems",
        "payments.view_purchase",
        lambda: Purchase.objects.exclude(problem=""),
        "bad",
        "receipt",
        lambda n: f"{_s(n, 'Payment', 'Payments')} with a problem",
        "payments_purchase_changelist",
        "problem__isempty=0",
    ),
    Watched(
        "parked",
        "payments.view_stripeevent",
        lambda: StripeEvent.objects.filter(processed_at=None, due_at=None),
        "bad",
        "bell",
        lambda n: f"{_s(n, 'Event', 'Events')} from Stripe that nobody could process",
        "payments_stripeevent_changelist",
        "state=parked",
    ),
    Watched(
        "mails",
        "accounts.view_mail",
        lambda: Mail.objects.in_state(Mail.State.FAILED),
        "warn",
        "mail",
        lambda n: f"{_s(n, 'Mail', 'Mails')} that could not be sent",
        "accounts_mail_changelist",
        "state=failed",
    ),
    Watched(
        "low",
        "girls.view_girl",
        lambda: Girl.objects.filter(NEEDS_MEDIA),
        "warn",
        "image",
        lambda n: f"{_s(n, 'Character', 'Characters')} low on reply media",
        "girls_girl_changelist",
        "is=media",
        "Open",
    ),
    Watched(
        "exports",
        "staff.view_export",
        lambda: Export.objects.filter(state=Export.State.FAILED, asked_at__gt=Now() - RECENT),
        "warn",
        "download",
        lambda n: f"{_s(n, 'Copy', 'Copies')} of somebody’s data that could not be made",
        "staff_export_changelist",
        "state__exact=failed",
    ),
    Watched(
        "erasures",
        "staff.view_erasure",
        lambda: Erasure.objects.due(WAITS).filter(attempts__gte=STUCK),
        "bad",
        "user",
        lambda n: f"{_s(n, 'Erasure does', 'Erasures do')} not come to an end",
        "staff_erasure_changelist",
    ),
)
UNSETTLED = {  # what Stripe was to be asked about, and was not
    "purchases": lambda: Purchase.objects.due(WAITS),
    "events": lambda: StripeEvent.objects.filter(processed_at=None).due(WAITS),
}


def items(user: User, today: Day, counted_at: datetime | None) -> list[Item]:
    """The lines for this person, the worst first; what is well stands at the end.

    `counted_at` is when the figures were counted last, be it before midnight.
    """
    watched = [each for each in WATCHED if user.has_perm(each.needs)]
    sees_money = user.has_perm("payments.view_purchase")
    unsettled = UNSETTLED if sees_money else {}
    counts = _counts(user, {each.name: each.rows() for each in watched} | {k: rows() for k, rows in unsettled.items()})
    lines = [_clock(counted_at)]
    for each in watched:
        if n := counts[each.name]:
            url = reverse(f"admin:{each.page}") + (f"?{each.query}" if each.query else "")
            lines.append(Item(each.level, each.icon, each.words(n), f"{n:,}", url, each.act))
    if user.has_perm("chat.view_reply"):
        lines += _replies(today)
    if sees_money:
        waiting = sum(counts[name] for name in unsettled)
        is_well = not (waiting or counts["problems"] or counts.get("parked"))
        if waiting:
            lines.append(Item("warn", "receipt", "Payments that Stripe was not asked about yet", f"{waiting:,}"))
        elif is_well and counted_at:
            lines.append(Item("ok", "check", f"Payments reconciled, {counted_at:%H:%M} UTC"))
    if user.has_perm("accounts.view_mail") and not counts["mails"]:
        lines.append(Item("ok", "check", "Mails go out"))
    return sorted(lines, key=lambda line: ("bad", "warn", "ok").index(line.level))


def _counts(user: User, rows: dict[str, QuerySet[Any]]) -> dict[str, int]:
    """How many of each, in one query."""
    if not rows:
        return {}
    number = Func(F("pk"), function="COUNT", output_field=IntegerField())
    each = {f"n_{name}": Subquery(found.order_by().annotate(n=number).values("n")) for name, found in rows.items()}
    counted: Any = User.objects.filter(pk=user.pk).values(**each).get()
    return {name: counted[f"n_{name}"] for name in rows}


def _clock(counted_at: datetime | None) -> Item:
    """The figures themselves tell whether the clock and a worker are at work: they are counted every five minutes."""
    if counted_at is None:
        return Item("bad", "clock", "Nothing was counted yet: beat or the worker does not run")
    if timezone.now() - counted_at > SILENT:
        return Item("bad", "clock", f"Beat or the worker is silent since {counted_at:%d %B %H:%M} UTC")
    return Item("ok", "check", f"Worker and beat are at work, {counted_at:%H:%M} UTC")


def _replies(today: Day) -> list[Item]:
    replies = reverse("admin:chat_reply_changelist")
    lines = []
    if n := today.replies_failed:
        words = f"{_s(n, 'Reply', 'Replies')} failed today"
        lines.append(Item("warn", "bot", words, f"{n:,}", f"{replies}?state__exact=failed", "Details"))
    if today.by_fallback and today.replies_done >= LEAST:
        share = f"{100 * today.by_fallback / today.replies_done:.0f}%"
        url = f"{replies}?provider=fallback"
        lines.append(Item("warn", "zap", "Replies used the fallback model today", share, url, "Details"))
    return lines
