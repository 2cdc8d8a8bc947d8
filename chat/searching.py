"""Finding words in what was said: in a member's own conversations, whichever were used last first."""

import re
from functools import reduce
from operator import or_
from typing import Any, TypedDict

from django.db.models import OuterRef, Q, QuerySet, Subquery

from chat import frames
from chat.models import Conversation, Message
from chat.rendering import preview
from chat.sync import Cursor
from config.lib.text import fold, isolated, pattern

PAGE = 20
LONGEST = 100  # characters that are looked for
BEFORE = 40  # characters that are shown before what was found


class Hit(TypedDict):
    """The newest message of a conversation that holds the words, cut to where they stand."""

    conversation: str
    girl: frames.GirlShape
    seq: int
    text: str
    created_at: str


class Hits(TypedDict):
    """A page of them. `next` asks for the page after it, as `before`; None on the last."""

    found: list[Hit]
    next: str | None


def find(user: Any, words: str, before: Cursor | None = None) -> Hits:
    """The conversations in which these words were said, whatever their case; the newest place of each."""
    words = words.strip()[:LONGEST]
    if not fold(words):
        return {"found": [], "next": None}
    said = Message.objects.filter(conversation=OuterRef("pk"), deleted_at=None, text__regex=pattern(words))
    said = said.exclude(sender=Message.Sender.SITE).order_by("-seq")
    rows = Conversation.objects.of(user.pk).select_related("girl").annotate(at=Subquery(said.values("seq")[:1]))
    found: list[Any] = list(_after(before, rows.exclude(at=None)).order_by("-last_message_at", "id")[: PAGE + 1])
    page = found[:PAGE]
    messages = Message.objects.filter(reduce(or_, (Q(conversation=c.pk, seq=c.at) for c in page), Q(pk=None)))
    hits = {message.conversation_id: message for message in messages}
    return {
        "found": [_hit(c, hits[c.pk], words) for c in page if c.pk in hits],
        "next": str(Cursor(page[-1].last_message_at, page[-1].pk)) if len(found) > PAGE else None,
    }


def _after(before: Cursor | None, rows: QuerySet[Conversation]) -> QuerySet[Conversation]:
    if before is None:
        return rows
    past = Q(last_message_at__lt=before.at)
    if before.pk is not None:
        past |= Q(pk__gt=before.pk)
    return rows.filter(past, last_message_at__lte=before.at)


def _hit(conversation: Conversation, message: Message, words: str) -> Hit:
    found = re.search(pattern(words), message.text)
    begin = max(0, found.start() - BEFORE) if found else 0
    begin = message.text.rfind(" ", 0, begin) + 1 if begin else 0
    by_member = message.sender == Message.Sender.USER
    shown = preview(message.text[begin:], by_member=by_member)
    return {
        "conversation": str(conversation.pk),
        "girl": frames.girl(conversation.girl),
        "seq": message.seq,
        "text": ("You: " if by_member else "") + ("…" if begin else "") + isolated(shown),
        "created_at": frames.iso(message.created_at) or "",
    }
