"""Filling free messages, photos and voice notes up again: for one person, for many, and by the calendar.

A reset looks at each conversation once, under its lock, and changes what has to change by one conditional UPDATE that
takes the next version; so it is exact while people are chatting. Premium is another book, and not touched.
"""

import threading
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from django.conf import settings
from django.db import OperationalError, transaction
from django.db.models import Case, F, PositiveIntegerField, Q, QuerySet, When
from django.db.models.functions import Now

from chat import realtime
from chat.models import Conversation, QuotaReset
from chat.quotas import Kind
from config.lib import bells, database
from config.lib.owed import Lost

KINDS: tuple[Kind, ...] = ("text", "media", "audio")
BATCH = 500  # conversations under their locks at once, for some hundredths of a second
TRIES = 20  # at a batch in which somebody holds a lock for longer than the database waits for one
MOST = 1_000_000  # of anything that is free
LOCK_NOT_GOT = "55P03"  # PostgreSQL's code

_leaving = threading.Event()  # this worker stops: a reset is somebody else's to go on with


class Wish(NamedTuple):
    """What is to become of the numbers of a conversation.

    Without `to` they are filled up to what a new conversation has, and whoever has more keeps it; with it they are
    that, more or less than before. With `only_exhausted` those that are at zero change, each kind for itself.
    """

    kinds: tuple[Kind, ...] = KINDS
    to: int | None = None
    only_exhausted: bool = False

    def _needed(self) -> dict[str, tuple[Q, int]]:
        """For each column: which rows have to change, and to what."""
        found = {}
        for kind in self.kinds:
            column = f"free_{kind}"
            number: int = getattr(settings, f"FREE_{kind.upper()}") if self.to is None else self.to
            needs = Q(**{f"{column}__lt": number}) if self.to is None else ~Q(**{column: number})
            found[column] = (needs & Q(**{column: 0}) if self.only_exhausted else needs, number)
        return found

    def needing(self) -> Q:
        """The conversations in which something has to change."""
        anything = Q(pk__in=[])
        for needs, _ in self._needed().values():
            anything |= needs
        return anything

    def changes(self) -> dict[str, Any]:
        """What an UPDATE sets in those."""
        whole = PositiveIntegerField()
        numbers = {
            column: Case(When(needs, then=number), default=F(column), output_field=whole)
            for column, (needs, number) in self._needed().items()
        }
        return {**numbers, "version": F("version") + 1}


FULL = Wish()


def reset(conversations: QuerySet[Conversation], wish: Wish = FULL) -> int:
    """Do it in these conversations, in batches. Returns in how many something had to change.

    Each batch is a transaction of its own, so what is killed in between has done a part; done again, it does the rest.
    """
    changed, after = 0, None
    rows = Conversation.objects.filter(pk__in=conversations.order_by().values("pk"))
    while batch := _next(rows.filter(wish.needing()), after):
        changed += len(_batch(batch, wish))
        after = batch[-1]
    return changed


def reset_person(
    user_id: int,
    girl_id: int | None = None,
    kinds: Iterable[Kind] = KINDS,
    to: int | None = None,
    *,
    only_exhausted: bool = False,
) -> int:
    """Do it in all conversations of a person, or in the one with a character. Returns in how many something changed."""
    rows = Conversation.objects.filter(user=user_id)
    if girl_id is not None:
        rows = rows.filter(girl=girl_id)
    return reset(rows, Wish(tuple(kinds), to, only_exhausted))


def begin(wish: Wish, *, girl_id: int | None = None, idle_since: datetime | None = None) -> QuotaReset:
    """Owe a reset of everybody's conversations, or of those with a character, or of those silent since then."""
    return QuotaReset.objects.create(
        kinds=",".join(wish.kinds),
        to=wish.to,
        only_exhausted=wish.only_exhausted,
        girl=girl_id,
        idle_since=idle_since,
    )


def concerned(run: QuotaReset) -> QuerySet[Conversation]:
    """The conversations that this reset has still to change."""
    rows = Conversation.objects.filter(_wish(run).needing(), created_at__lte=run.began_at)
    if run.girl is not None:
        rows = rows.filter(girl=run.girl)
    if run.idle_since is not None:
        rows = rows.filter(last_message_at__lt=run.idle_since)
    return rows if run.through is None else rows.filter(pk__gt=run.through)


def carry_out(pk: UUID, told: Callable[[int], None] = lambda changed: None) -> bool:
    """Carry out a reset, or go on with it; False when somebody else has it in hand, or it is done.

    How far it came is written down with each batch, in its transaction: no conversation is reset twice by the same
    reset, wherever a process dies. `told` hears after each batch how many were changed so far.
    """
    token = uuid4()
    if not QuotaReset.objects.claim(pk, token=token):
        return False
    run = QuotaReset.objects.get(pk=pk)
    try:
        while batch := _next(concerned(run), None):
            if _leaving.is_set():
                QuotaReset.objects.postpone(pk, token=token, by=database.AT_ONCE)
                bells.ring(QuotaReset.TASK, pk)
                return False
            _batch(batch, _wish(run), run, token)
            told(run.changed)
    except KeyboardInterrupt:  # whoever typed it wants it to stay as it is
        QuotaReset.objects.settle(pk, token=token)
        raise
    except Lost:
        return False
    return QuotaReset.objects.settle(pk, token=token, finished_at=Now())


def resume() -> QuotaReset | None:
    """Owe the rest of the reset that was begun last and interrupted. None when there is none."""
    run: QuotaReset | None = QuotaReset.objects.filter(finished_at=None).order_by("-began_at").first()
    if run is not None and QuotaReset.objects.filter(pk=run.pk, due_at=None, finished_at=None).update(due_at=Now()):
        run.refresh_from_db()
    return run


def keep_calendar() -> None:
    """Owe the reset of this day or month, once, if there is one by `QUOTA_RESET`.

    Whoever comes late (beat was down) owes it then. The day or month in which the setting is turned on has none: it
    begins with the next.
    """
    if settings.QUOTA_RESET == "never":
        return
    period = period_of(database.now())
    if QuotaReset.objects.filter(period=period).exists():
        return
    is_first = not QuotaReset.objects.filter(period__startswith=f"{settings.QUOTA_RESET} ").exists()
    done: dict[str, Any] = {"due_at": None, "finished_at": Now()} if is_first else {}
    run, is_mine = QuotaReset.objects.get_or_create(period=period, defaults={"kinds": ",".join(KINDS), **done})
    if is_mine and not is_first:
        bells.ring(QuotaReset.TASK, run.pk)


def period_of(moment: datetime) -> str:
    """The day or the month, in the zone of the site (`TIME_ZONE`, UTC), as its reset is known by."""
    return f"{settings.QUOTA_RESET} {moment:%Y-%m-%d}" if settings.QUOTA_RESET == "daily" else f"monthly {moment:%Y-%m}"


def _wish(run: QuotaReset) -> Wish:
    kinds = tuple(kind for kind in KINDS if kind in run.kinds.split(","))
    return Wish(kinds, run.to, run.only_exhausted)


def _next(rows: QuerySet[Conversation], after: UUID | None) -> list[UUID]:
    if after is not None:
        rows = rows.filter(pk__gt=after)
    return list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH])


def _batch(pks: list[UUID], wish: Wish, run: QuotaReset | None = None, token: UUID | None = None) -> list[UUID]:
    """Change those of these that need it, and tell who looks. Somebody who sits on a lock is waited for."""
    for _ in range(TRIES - 1):
        try:
            return _change(pks, wish, run, token)
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", None) != LOCK_NOT_GOT:
                raise
    return _change(pks, wish, run, token)


@database.tried_again
def _change(pks: list[UUID], wish: Wish, run: QuotaReset | None, token: UUID | None) -> list[UUID]:
    with transaction.atomic():
        # In the order of their keys, so that two resets wait for each other, and do not tear each other.
        locked = Conversation.objects.filter(wish.needing(), pk__in=pks).order_by("pk").select_for_update(of=("self",))
        changed = list(locked.values_list("pk", "user_id"))
        if changed:
            Conversation.objects.filter(pk__in=[pk for pk, _ in changed]).update(**wish.changes())
        if run is not None:
            reached = {"through": pks[-1], "changed": run.changed + len(changed), "due_at": Now() + QuotaReset.lease()}
            if not QuotaReset.objects.owed().filter(pk=run.pk, lease_token=token).update(**reached):
                raise Lost
        transaction.on_commit(partial(realtime.announce_headers, changed), robust=True)
    if run is not None:
        run.through, run.changed = pks[-1], run.changed + len(changed)
    return [pk for pk, _ in changed]


bells.before_stopping(_leaving.set)
