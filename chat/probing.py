"""A tab asks what is newer, each 25 s, and mostly nothing is: one question to the database, and one short answer.

The same question makes sure that the session and the person are still there, so that no second one is needed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user
from django.contrib.sessions.models import Session
from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.db.models.functions import Now
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import User
from accounts.sessions import SessionStore
from chat import frames, settling, sync
from chat.models import Conversation, Reply
from config.lib.prepared import select


@dataclass(frozen=True, slots=True)
class Seen:
    """A session and a person as they were when they were found to be good; unchanged, they still are."""

    session_data: str
    password: str
    premium_until: datetime | None

    @property
    def premium_active(self) -> bool:
        """Whether premium is on at this moment."""
        return self.premium_until is not None and self.premium_until > timezone.now()


@dataclass(frozen=True, slots=True)
class Header:
    """The header that a tab was told last: good as long as nothing that it says has changed."""

    version: int
    premium: tuple[datetime | None, bool]
    text: str  # the frame that ends the answer to a watch of this version


@dataclass(frozen=True, slots=True)
class Answer:
    """What a tab is told, encoded, and what is remembered for its next question."""

    seen: Seen
    frames: list[str]
    header: Header | None = None


def answer(user: User, session: str, seen: Seen | None, watch: frames.Watch, known: Header | None) -> Answer | None:
    """What a tab that knew a version is told; None when its session or its person is gone, or on the way out.

    The same for a foreign conversation as for an absent one.
    """
    row: Any = _probe.first(user.pk, session, watch.conversation)
    seen = _still_good(row, user, session, seen)
    if seen is None:
        return None
    told = _about_conversation(row, user, seen, watch, known) if watch.conversation else Answer(seen, [])
    if watch.threads is not None and (watch.threads != row.stamp or not told.frames):
        told.frames.append(frames.encode(frames.threads_frame(row.stamp or 0)))
    if watch.account:
        told.frames.append(frames.encode(frames.account_frame(seen)))
    return told


def _about_conversation(row: Any, user: User, seen: Seen, watch: frames.Watch, known: Header | None) -> Answer:
    if row.version is None:
        return Answer(seen, [frames.encode(frames.error_frame("not_found", "There is nothing here."))])
    quiet = watch.version == row.version and not row.is_owed
    premium = (seen.premium_until, seen.premium_active)
    if quiet and known is not None and (known.version, known.premium) == (row.version, premium):
        return Answer(seen, [known.text], known)
    return _in_full(user, seen, watch)


def look(user: User, session: str, seen: Seen | None) -> Seen | None:
    """The session and the person as they are now, if they are still good: for a tab that watches nothing."""
    return _still_good(_probe.first(user.pk, session, None), user, session, seen)


def look_at_all(tabs: Sequence[tuple[User, str, Seen | None]]) -> list[Seen | None]:
    """`look` for many tabs: two questions for all of them, and one more for each in which something changed."""
    people = {user.pk for user, _, _ in tabs}
    rows = User.objects.filter(pk__in=people, is_active=True, restricted="", erase_at=None).values_list(
        "pk", "password", "premium_until"
    )
    there = {pk: (password, premium_until) for pk, password, premium_until in rows}
    keys = {session for _, session, _ in tabs}
    live = Session.objects.filter(session_key__in=keys, expire_date__gt=Now())
    alive = set(live.values_list("session_key", flat=True))
    found: list[Seen | None] = []
    for user, session, seen in tabs:
        password, premium_until = there.get(user.pk, (None, None))
        if password is None or session not in alive:
            found.append(None)
        elif seen is not None and seen.password == password:
            found.append(seen if seen.premium_until == premium_until else replace(seen, premium_until=premium_until))
        else:
            found.append(look(user, session, seen))
    return found


@select
def _probe(user: int, session: str, conversation: UUID | None) -> QuerySet[User]:
    watched = Conversation.objects.filter(pk=conversation, user=OuterRef("pk"), deleted_at=None)
    live = Session.objects.filter(session_key=session, expire_date__gt=Now())
    return (
        User.objects.filter(pk=user, is_active=True, restricted="", erase_at=None)
        .only("password", "premium_until")
        .annotate(
            session_data=Subquery(live.values("session_data")[:1]),
            version=Subquery(watched.values("version")[:1]),
            stamp=Subquery(sync.stamps().filter(user=OuterRef("pk")).values("stamp")),
            is_owed=Exists(Reply.objects.owed().filter(conversation=conversation)),
        )
    )


def _still_good(row: Any, user: User, session: str, seen: Seen | None) -> Seen | None:
    """What was seen, if nothing of it changed; else what a full check of the session finds."""
    if row is None or row.session_data is None:
        return None
    now = Seen(row.session_data, row.password, row.premium_until)
    if seen is None or (now.session_data, now.password) != (seen.session_data, seen.password):
        request = HttpRequest()
        request.session = SessionStore(session)
        person = get_user(request)  # knows passwords that were changed, too
        if not isinstance(person, User) or person.pk != user.pk:
            return None
    return now


def _in_full(user: User, seen: Seen, watch: frames.Watch) -> Answer:
    """All that changed, the latest reply, the header, and the row of the thread list."""
    assert watch.conversation is not None
    conversation = settling.looked_at(user, watch.conversation)
    if conversation is None:
        return Answer(seen, [frames.encode(frames.error_frame("not_found", "There is nothing here."))])
    changes = sync.changes_since(conversation, watch.version)
    if changes.too_far:
        return Answer(seen, [frames.encode(frames.error_frame("too_far_behind", "Take a fresh snapshot."))])
    news: list[frames.ServerFrame] = [frames.message_frame(m) for m in changes.messages]
    if changes.reply is not None:
        news.append(frames.reply_frame(changes.reply, since=watch.version))
    news.append(frames.conversation_frame(conversation, since=watch.version))
    typing = changes.reply is not None and changes.reply.is_owed
    news.append(frames.thread_frame(conversation, typing=typing))
    person = conversation.user
    last = frames.encode(frames.conversation_frame(conversation, since=conversation.version))
    header = Header(conversation.version, (person.premium_until, person.premium_active), last)
    return Answer(seen, [frames.encode(frame) for frame in news], header)
