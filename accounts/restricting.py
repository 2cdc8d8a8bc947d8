"""Pauses and bans: a decision with a reason, which holds from the moment it is written down.

`User.restricted` is read with every request and under the lock of every send; `AccountsRest`'s neighbour in
middleware.py closes the doors, and the sockets of the person close on commit.
"""

from collections.abc import Iterable
from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from accounts import sessions
from accounts.models import Restriction, User


def restrict(
    user: User,
    kind: Restriction.Kind,
    reason: Restriction.Reason,
    *,
    words: str,
    by: User | None = None,
    until: datetime | None = None,
    signs_out: bool = True,
) -> Restriction:
    """Let somebody in no more, for a reason that they are told. One that stands already stays as it is.

    Their sessions end, unless the page that says why is to come at once (`signs_out`); their sockets end always.
    """
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        found = user.restrictions.filter(kind=kind, reason=reason, lifted_at=None).first()
        if found is None:
            fields = {"kind": kind, "reason": reason, "words": words, "by": by, "until": until}
            found = Restriction.objects.create(user=user, began_at=Now(), **fields)
        _derive(user)
        if signs_out:
            sessions.end(user)
        else:
            told = partial(sessions.sessions_ended.send_robust, User, user=user, key=None, but=None)
            transaction.on_commit(told, robust=True)
    return found


def lift(user: User, restrictions: Iterable[Restriction], *, why: str, by: User | None = None) -> int:
    """Let somebody in again; how many restrictions ended."""
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        these = user.restrictions.filter(pk__in=[each.pk for each in restrictions], lifted_at=None)
        ended = these.update(lifted_at=Now(), lifted_by=by, lifted_why=why[:300])
        _derive(user)
    return ended


def standing(user: User) -> Any:
    """The restrictions that hold now, the graver first."""
    return user.restrictions.filter(_holds()).order_by("kind", "-began_at")  # ban stands before pause


def expire() -> int:
    """Let those in again whose time is over: for the sweep. How many people."""
    over = User.objects.exclude(restricted="").filter(restrictions__lifted_at=None, restrictions__until__lte=Now())
    people = list(over.distinct())
    for user in people:
        with transaction.atomic():
            User.objects.select_for_update(no_key=True).get(pk=user.pk)
            user.restrictions.filter(lifted_at=None, until__lte=Now()).update(
                lifted_at=Now(), lifted_why="Time is over."
            )
            _derive(user)
    return len(people)


def _holds() -> Q:
    return Q(lifted_at=None) & (Q(until=None) | Q(until__gt=Now()))


def _derive(user: User) -> None:
    kinds = set(user.restrictions.filter(_holds()).values_list("kind", flat=True))
    graver = next((str(kind) for kind in (Restriction.Kind.BAN, Restriction.Kind.PAUSE) if kind in kinds), "")
    User.objects.filter(pk=user.pk).update(restricted=graver)
    user.restricted = graver
