"""What changed since version n: the one answer to every tab that was away.

A tab that knew version n and applies this answer ends exactly like a fresh page. Order of reading matters: the
header first, so that its version never promises a message that was not read yet.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypedDict
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery, Sum
from django.utils.dateparse import parse_datetime

from chat import frames
from chat.models import Conversation, Message, Reply
from config.lib.prepared import select

PAGE = 50
MOST_CHANGES = 200  # further behind than that, a tab starts again from a fresh snapshot


class State(TypedDict):
    """The JSON of `/chat/<id>/state/`."""

    conversation: frames.ConversationShape
    reply: frames.ReplyShape | None
    messages: Sequence[frames.MessageShape | frames.DeletedShape]
    has_more: bool


class Messages(TypedDict):
    """A page of older messages."""

    messages: list[frames.MessageShape]
    has_more: bool


class Threads(TypedDict):
    """A page of the thread list. `next` asks for the page after it, as `before`; None on the last.

    `stamp` is how the whole list stood: see `stamps`.
    """

    threads: list[frames.ThreadShape]
    has_more: bool
    stamp: int
    next: str | None


class NoCursor(Exception):
    """It is no place in the thread list."""


class Cursor(NamedTuple):
    """A place in the thread list: after this time and, among conversations of the same time, after this id.

    It travels as `<last_message_at>~<id>`, or as the time alone from pages that were opened before there were ids.
    """

    at: datetime
    pk: UUID | None

    def __str__(self) -> str:
        return f"{frames.iso(self.at)}~{self.pk}"

    @classmethod
    def of(cls, text: str) -> "Cursor":
        """Read it. Raises NoCursor."""
        time, _, pk = text.replace(" ", "+").partition("~")  # a plus that was not escaped arrives as a space
        try:
            at = parse_datetime(time)
            if at is None or at.tzinfo is None:
                raise NoCursor
            return cls(at.astimezone(UTC), UUID(pk) if pk else None)
        except (ValueError, OverflowError):
            raise NoCursor from None


def latest_reply(conversation: Conversation) -> Reply | None:
    """The reply that the conversation shows: the last one owed, whatever became of it."""
    return _latest.first(conversation.pk)


@select
def _latest(conversation: UUID) -> QuerySet[Reply]:
    return Reply.objects.newest_in(conversation)


def snapshot(conversation: Conversation) -> State:
    """The header, the latest reply and the last 50 messages; `has_more` says that there are older ones."""
    page = _before(conversation, None)
    return {
        "conversation": frames.conversation(conversation),
        "reply": frames.reply(latest_reply(conversation)),
        **page,
    }


@dataclass(frozen=True, slots=True)
class Changes:
    """What a tab that knew a version has to learn, oldest change first, deletions among it."""

    conversation: Conversation
    reply: Reply | None
    messages: Sequence[Message]
    too_far: bool  # it cannot be caught up, or knows of messages that left no trace: it takes a fresh snapshot

    def state(self) -> State:
        """As JSON."""
        return {
            "conversation": frames.conversation(self.conversation),
            "reply": frames.reply(self.reply),
            "messages": [frames.changed(m) for m in self.messages],
            "has_more": self.too_far,
        }


def changes_since(conversation: Conversation, version: int) -> Changes:
    """Every message changed after `version`, and the latest reply."""
    messages: list[Message] = []
    if version < conversation.version:
        changed = conversation.messages.filter(version__gt=version).order_by("version")
        messages = list(changed[: MOST_CHANGES + 1])
    too_far = len(messages) > MOST_CHANGES or max(version, 0) < conversation.cleared_version
    return Changes(conversation, latest_reply(conversation), [] if too_far else messages, too_far)


def older(conversation: Conversation, before: int) -> Messages:
    """The 50 messages before a seq, oldest first."""
    return _before(conversation, before)


def _before(conversation: Conversation, before: int | None) -> Messages:
    most = PAGE + 1
    page = _newest(conversation.pk, most=most) if before is None else _newest_before(conversation.pk, before, most=most)
    return {
        "messages": [frames.message(m) for m in reversed(page[:PAGE])],
        "has_more": len(page) > PAGE,
    }


@select
def _newest(conversation: UUID, *, most: int) -> QuerySet[Message]:
    return Message.objects.filter(conversation=conversation, deleted_at=None).order_by("-seq")[:most]


@select
def _newest_before(conversation: UUID, seq: int, *, most: int) -> QuerySet[Message]:
    said = Message.objects.filter(conversation=conversation, deleted_at=None, seq__lt=seq)
    return said.order_by("-seq")[:most]


def stamps() -> QuerySet[Any]:
    """How each person's thread list stands, as a number that grows with whatever changes in it: `user_id`, `stamp`."""
    return Conversation.objects.order_by().values("user").annotate(stamp=Sum("version"))


def threads(user: Any, before: Cursor | None = None, limit: int = PAGE) -> Threads:
    """This person's conversations, newest activity first, from where a page before ended."""
    if before is None:
        found: list[Any] = _first_threads(user.pk, most=limit + 1)
    else:
        past = Q(last_message_at__lt=before.at)
        if before.pk is not None:
            past |= Q(pk__gt=before.pk)
        # The index finds where to begin by the time alone.
        found = list(_rows(user.pk).filter(past, last_message_at__lte=before.at)[: limit + 1])
    page, has_more = found[:limit], len(found) > limit
    return {
        "threads": [frames.thread(c, typing=c.typing) for c in page],
        "has_more": has_more,
        "stamp": found[0].stamp if found else next(iter(stamps().filter(user=user).values_list("stamp", flat=True)), 0),
        "next": str(Cursor(page[-1].last_message_at, page[-1].pk)) if has_more else None,
    }


def _rows(user: Any) -> QuerySet[Conversation]:
    """Rows of a person's thread list, with as much of each as it shows."""
    owed = Reply.objects.owed().filter(conversation=OuterRef("pk"))
    hers = (f"girl__{field}" for field in ("name", "slug", "avatar", "avatar_square", "demo_art"))
    shown = ("user_id", "last_message_at", "last_message_preview", "last_message_sender", "last_seq", "last_read_seq")
    rows = Conversation.objects.of(user).select_related("girl").only(*shown, *hers)
    stamp = stamps().filter(user=user).values("stamp")
    return rows.annotate(typing=Exists(owed), stamp=Subquery(stamp)).order_by("-last_message_at", "id")


@select
def _first_threads(user: int, *, most: int) -> QuerySet[Conversation]:
    return _rows(user)[:most]
