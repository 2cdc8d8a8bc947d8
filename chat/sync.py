"""What changed since version n: the one answer to every tab that was away.

A tab that knew version n and applies this answer ends exactly like a fresh page. Order of reading matters: the
header first, so that its version never promises a message that was not read yet.
"""

from datetime import datetime
from typing import Any, TypedDict

from django.db.models import Exists, OuterRef

from chat import frames
from chat.models import Conversation, Message, Reply

PAGE = 50
MOST_CHANGES = 200  # further behind than that, a tab starts again from a fresh snapshot


class State(TypedDict):
    """The JSON of `/chat/<id>/state/`."""

    conversation: frames.ConversationShape
    reply: frames.ReplyShape | None
    messages: list[frames.MessageShape]
    has_more: bool


class Messages(TypedDict):
    """A page of older messages."""

    messages: list[frames.MessageShape]
    has_more: bool


class Threads(TypedDict):
    """A page of the thread list."""

    threads: list[frames.ThreadShape]
    has_more: bool


def latest_reply(conversation: Conversation) -> Reply | None:
    """The reply that the conversation shows: the last one owed, whatever became of it."""
    return Reply.objects.filter(conversation=conversation).order_by("-created_at").first()


def snapshot(conversation: Conversation) -> State:
    """The header, the latest reply and the last 50 messages; `has_more` says that there are older ones."""
    page = _before(conversation, None)
    return {
        "conversation": frames.conversation(conversation),
        "reply": frames.reply(latest_reply(conversation)),
        **page,
    }


def changes_since(conversation: Conversation, version: int) -> State:
    """The header, the latest reply and every message changed after `version`, oldest change first.

    `has_more` says that the tab is too far behind to be caught up: it takes a fresh snapshot.
    """
    changed = conversation.messages.filter(version__gt=version).order_by("version")[: MOST_CHANGES + 1]
    messages = [frames.message(m) for m in changed] if version < conversation.version else []
    too_many = len(messages) > MOST_CHANGES
    return {
        "conversation": frames.conversation(conversation),
        "reply": frames.reply(latest_reply(conversation)),
        "messages": [] if too_many else messages,
        "has_more": too_many,
    }


def older(conversation: Conversation, before: int) -> Messages:
    """The 50 messages before a seq, oldest first."""
    return _before(conversation, before)


def _before(conversation: Conversation, before: int | None) -> Messages:
    messages: Any = conversation.messages.order_by("-seq")
    if before is not None:
        messages = messages.filter(seq__lt=before)
    page: list[Message] = list(messages[: PAGE + 1])
    return {
        "messages": [frames.message(m) for m in reversed(page[:PAGE])],
        "has_more": len(page) > PAGE,
    }


def threads(user: Any, before: datetime | None = None, limit: int = PAGE) -> Threads:
    """This person's conversations, newest activity first; `before` is the last row's `last_message_at`."""
    owed = Reply.objects.filter(conversation=OuterRef("pk"), state__in=Reply.OWED)
    rows = Conversation.objects.visible_to(user).annotate(typing=Exists(owed)).order_by("-last_message_at", "id")
    if before is not None:
        rows = rows.filter(last_message_at__lt=before)
    page = list(rows[: limit + 1])
    return {
        "threads": [frames.thread(c, typing=c.typing) for c in page[:limit]],
        "has_more": len(page) > limit,
    }
