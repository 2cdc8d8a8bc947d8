"""Django's sessions in the database, which every request of a member reads first: with a statement built once.

Whose a session is, and on which device it began, stands in a row of allauth's beside it (UserSession).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from allauth.usersessions.models import UserSession
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.db.models.functions import Now
from django.dispatch import Signal
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from accounts.devices import Device, recognise
from accounts.models import User
from config.lib.prepared import select

# Sent on commit with `user`, and with the key of the session that ended (`key`), or with None when all did but one
# (`but`). A signal, because accounts may not know that sockets exist (chat closes them).
sessions_ended = Signal()


@select
def _live(key: str) -> QuerySet[Session]:
    return Session.objects.filter(session_key=key, expire_date__gt=Now())


A_DAY = timedelta(days=1)
AT_ONCE = 5000  # rows: a statement may take ten seconds


class SessionStore(db.SessionStore):
    """The same rows, read a little faster, which last as long as they are used."""

    ends: datetime | None = None  # as the row says that was read

    def _get_session_from_db(self) -> Session | None:
        key = self.session_key
        found = _live.first(key) if key and key.isalnum() else None  # PostgreSQL keeps no NUL
        if found is None:
            self._session_key = None
        else:
            self.ends = found.expire_date
        return found

    def prolong(self) -> bool:
        """Let it last from now on as long as it did at first: at most once a day, and by one request of many.

        Nothing else of it is written: who signs out meanwhile is signed out.
        """
        lasts = timedelta(seconds=self.get_expiry_age())
        if self.ends is None or self.ends - timezone.now() > lasts - A_DAY or self.get_expire_at_browser_close():
            return False
        row = Session.objects.filter(session_key=self.session_key, expire_date=self.ends)
        return row.update(expire_date=Now() + lasts) == 1


def end(user: User, *, but: str | None = None) -> int:
    """Sign a person out everywhere, but for one session; how many ended. Their sockets close when it is committed.

    Whatever the sessions are known by: one that began before there were rows of devices has none.
    """
    with transaction.atomic():
        theirs = UserSession.objects.filter(user=user)
        keys = {*theirs.values_list("session_key", flat=True), *_unlisted(user)} - {but}
        ended = _delete(keys)
        transaction.on_commit(partial(sessions_ended.send_robust, User, user=user, key=None, but=but), robust=True)
    return ended


def end_one(user: User, pk: int) -> bool:
    """Sign a person out where one row of theirs says; whether there was such a session."""
    with transaction.atomic():
        key = UserSession.objects.filter(user=user, pk=pk).values_list("session_key", flat=True).first()
        if key is None:
            return False
        was_there = _delete([key]) > 0
        transaction.on_commit(partial(sessions_ended.send_robust, User, user=user, key=key, but=None), robust=True)
    return was_there


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody is signed in: a device, and when it was used last, to the day."""

    pk: int | None  # of the row that ends it; the one that is looked from ends by signing out
    device: Device
    seen_at: datetime
    is_here: bool


def places(user: User, *, here: str | None, user_agent: str) -> list[Place]:
    """Where a person is signed in now: this session first, then as they were used last.

    Only sessions that still let in: not those of a password that was changed somewhere else.
    """
    others = [place for key, place in _signed_in(user) if key != here]
    return [Place(None, recognise(user_agent), timezone.now(), is_here=True), *others]


def signed_in(user: User) -> list[Place]:
    """Where a person is signed in now, as they were used last: for whoever looks from somewhere else."""
    return [place for _, place in _signed_in(user)]


def _signed_in(user: User) -> list[tuple[str, Place]]:
    live = Session.objects.filter(session_key=OuterRef("session_key"), expire_date__gt=Now())
    rows = (
        UserSession.objects.filter(user=user)
        .annotate(session_data=Subquery(live.values("session_data")[:1]))
        .exclude(session_data=None)
        .order_by("-last_seen_at")
    )
    store = SessionStore()
    good = [row for row in rows if _lets_in(user, store.decode(row.session_data))]
    return [
        (row.session_key, Place(row.pk, recognise(row.user_agent), row.last_seen_at, is_here=False)) for row in good
    ]


def _lets_in(user: User, data: dict[str, Any]) -> bool:
    said = data.get(HASH_SESSION_KEY, "")
    hashes = (user.get_session_auth_hash(), *user.get_session_auth_fallback_hash())
    return data.get(SESSION_KEY) == str(user.pk) and any(constant_time_compare(said, known) for known in hashes)


def seen(request: HttpRequest) -> None:
    """Note that a session was used: with the one write a day that lets it last."""
    row = UserSession.objects.filter(session_key=request.session.session_key)
    if not row.update(last_seen_at=Now()):  # it began before sessions had rows
        UserSession.objects.create_from_request(request)


def _delete(keys: Iterable[str]) -> int:
    UserSession.objects.filter(session_key__in=keys).delete()
    return Session.objects.filter(session_key__in=keys).delete()[0]


def _unlisted(user: User) -> list[str]:
    """Keys of a person's sessions that have no row of their own: few, so what is in them is looked at."""
    listed = UserSession.objects.filter(session_key=OuterRef("session_key"))
    others = Session.objects.filter(~Exists(listed), expire_date__gt=Now()).values_list("session_key", "session_data")
    store = SessionStore()
    return [key for key, data in others.iterator() if store.decode(data).get(SESSION_KEY) == str(user.pk)]


def sweep() -> int:
    """Delete sessions that are over, and the rows of devices whose session is gone; how many sessions."""
    over, deleted = Session.objects.filter(expire_date__lt=Now()), 0
    while keys := list(over.values_list("pk", flat=True)[:AT_ONCE]):
        deleted += Session.objects.filter(pk__in=keys).delete()[0]
    # A sign-in writes its session first, and the row beside it a moment later, never the other way round.
    gone = UserSession.objects.filter(~Exists(Session.objects.filter(session_key=OuterRef("session_key"))))
    while rows := list(gone.values_list("pk", flat=True)[:AT_ONCE]):
        UserSession.objects.filter(pk__in=rows).delete()
    return deleted
