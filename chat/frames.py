"""The vocabulary: what the browser is told, over the socket and in JSON alike.

Shapes are those of the product's contract. Times are ISO 8601 UTC, ids are UUIDs except seq and version; offsets in
replies are in UTF-16 code units, as JavaScript counts.
"""

import json
from datetime import UTC, datetime
from typing import Any, Literal, NotRequired
from uuid import UUID

from django.utils import timezone
from pydantic import BaseModel, ConfigDict, model_validator
from typing_extensions import TypedDict  # pydantic checks these in tests, and takes only this one before 3.12

from chat.models import Conversation, Message, Reply
from chat.notices import HelpShape, help_of
from chat.rendering import to_html
from config.lib.text import isolated
from girls.models import Girl


class GirlShape(TypedDict):
    name: str
    slug: str
    avatar_url: str


class MediaShape(TypedDict):
    id: str
    kind: str
    url: str
    preview_url: str
    width: int
    height: int
    alt: str
    ai_generated: bool


class AudioShape(TypedDict):
    state: str
    url: str
    seconds: float
    peaks: list[int]


class MessageShape(TypedDict):
    id: str
    seq: int
    version: int
    sender: str
    kind: str
    text: str
    html: str
    media: MediaShape | None
    audio: AudioShape | None
    created_at: str
    edited_at: str | None
    client_id: str | None
    alternatives: int
    chosen: int
    notice: NotRequired[str]  # of a line of the site: which one it is
    help: NotRequired[HelpShape]  # of a crisis card: where people are who help


class DeletedShape(TypedDict):
    """A message whose words are gone: it travels in what changed, never in a page or a snapshot."""

    id: str
    seq: int
    version: int
    deleted: Literal[True]


class FreeShape(TypedDict):
    text: int
    media: int
    audio: int


class ConversationShape(TypedDict):
    id: str
    girl: GirlShape
    version: int
    last_seq: int
    last_read_seq: int
    free_remaining: FreeShape
    premium_active: bool
    premium_until: str | None
    care: str  # "held" while a crisis card stands in place of her reply, "near" for a while after one, else ""


class ReplyShape(TypedDict):
    id: str
    state: str
    text: str  # so far, or what there was of it when it failed; empty for one that became a message
    can_retry: bool
    message: str | None  # the id of the message that it became
    replaces: str | None  # the id of the message that it is another answer for


class ThreadShape(TypedDict):
    conversation: str
    girl: GirlShape
    preview: str
    last_message_at: str
    unread: bool
    typing: bool


class MessageFrame(TypedDict):
    type: Literal["message"]
    conversation: str
    version: int
    message: MessageShape | DeletedShape


class ConversationFrame(TypedDict):
    type: Literal["conversation"]
    conversation: ConversationShape
    since: NotRequired[int]  # ends the answer to a watch: every message changed after this version came before it


class ReplyFrame(TypedDict):
    type: Literal["reply"]
    conversation: str
    reply: ReplyShape
    since: NotRequired[int]  # in the answer to a watch: this is the latest reply, whatever was told before


class DeltaFrame(TypedDict):
    type: Literal["delta"]
    conversation: str
    reply: str
    offset: int
    text: str


class ThreadFrame(TypedDict):
    type: Literal["thread"]
    thread: ThreadShape


class ThreadsFrame(TypedDict):
    """In the answer to a watch: how the thread list stands. Whoever knows another stamp asks for the list."""

    type: Literal["threads"]
    stamp: int


class AccountFrame(TypedDict):
    type: Literal["account"]
    premium_active: bool
    premium_until: str | None


class ErrorFrame(TypedDict):
    type: Literal["error"]
    code: str
    message: str


ServerFrame = (
    MessageFrame | ConversationFrame | ReplyFrame | DeltaFrame | ThreadFrame | ThreadsFrame | AccountFrame | ErrorFrame
)


class Watch(BaseModel):
    """The only thing a browser says: which conversation it shows and the version it knows; the list's stamp, too.

    A page that shows neither may ask how its person's premium stands.
    """

    model_config = ConfigDict(extra="ignore")

    type: Literal["watch"]
    conversation: UUID | None = None
    version: int = 0
    threads: int | None = None
    account: bool = False

    @model_validator(mode="after")
    def asks_something(self) -> "Watch":
        """Refuse a watch of nothing."""
        if self.conversation is None and self.threads is None and not self.account:
            raise ValueError("neither a conversation nor the list, nor the account")
        return self


def encode(frame: ServerFrame) -> str:
    """A frame as it travels."""
    return json.dumps(frame, ensure_ascii=False, separators=(",", ":"))


class Time(str):
    """A time as it travels, in ISO 8601. Templates, which get the same shapes, show the moment it was made from.

    In UTC, until the page's script says it in the viewer's zone and words.
    """

    moment: datetime

    @property
    def day(self) -> str:
        """14 Nov, and the year when it is another one"""
        this_year = self.moment.year == timezone.now().year
        return f"{self.moment.day} {self.moment:%b}" if this_year else f"{self.moment.day} {self.moment:%b %Y}"

    @property
    def stamp(self) -> str:
        """14 Nov, 21:07"""
        return f"{self.day}, {self.moment:%H:%M}"


def iso(moment: datetime | None) -> Time | None:
    """ISO 8601 in UTC, or None."""
    if moment is None:
        return None
    text = Time(moment.astimezone(UTC).isoformat().replace("+00:00", "Z"))
    text.moment = moment
    return text


def girl(girl: Girl) -> GirlShape:
    """A character as chats show her."""
    return {"name": girl.name, "slug": girl.slug, "avatar_url": girl.avatar_url}


def message(message: Message) -> MessageShape:
    """A message, whole."""
    shape: MessageShape = {
        "id": str(message.pk),
        "seq": message.seq,
        "version": message.version,
        "sender": message.sender,
        "kind": message.kind,
        "text": message.text,
        "html": to_html(message.text, by_member=message.sender == Message.Sender.USER),
        "media": None,
        "audio": None,
        "created_at": iso(message.created_at) or "",
        "edited_at": iso(message.edited_at),
        "client_id": str(message.client_id) if message.client_id else None,
        "alternatives": message.alternatives,
        "chosen": message.chosen,
    }
    if message.notice:
        shape["notice"] = message.notice
        if ways := help_of(message):
            shape["help"] = ways
    return shape


_whole = message  # parameters are called like it


def changed(message: Message) -> MessageShape | DeletedShape:
    """A message as it travels in what changed: whole, or that it is gone."""
    if message.deleted_at is None:
        return _whole(message)
    return {"id": str(message.pk), "seq": message.seq, "version": message.version, "deleted": True}


def conversation(conversation: Conversation) -> ConversationShape:
    """A conversation's header. Needs its girl and its user."""
    return {
        "id": str(conversation.pk),
        "girl": girl(conversation.girl),
        "version": conversation.version,
        "last_seq": conversation.last_seq,
        "last_read_seq": conversation.last_read_seq,
        "free_remaining": {
            "text": conversation.free_text,
            "media": conversation.free_media,
            "audio": conversation.free_audio,
        },
        "premium_active": conversation.user.premium_active,
        "premium_until": iso(conversation.user.premium_until),
        "care": conversation.care,
    }


def reply(reply: Reply | None) -> ReplyShape | None:
    """The latest reply of a conversation, if there ever was one."""
    if reply is None:
        return None
    return {
        "id": str(reply.pk),
        "state": reply.state,
        "text": reply.text if reply.is_owed or reply.state == Reply.State.FAILED else "",
        "can_retry": reply.state == Reply.State.FAILED,
        "message": str(reply.message_id) if reply.message_id else None,
        "replaces": str(reply.replaces_id) if reply.replaces_id else None,
    }


def thread(conversation: Conversation, *, typing: bool) -> ThreadShape:
    """A row of the thread list."""
    mine = conversation.last_message_sender == Message.Sender.USER
    return {
        "conversation": str(conversation.pk),
        "girl": girl(conversation.girl),
        "preview": f"You: {isolated(conversation.last_message_preview)}" if mine else conversation.last_message_preview,
        "last_message_at": iso(conversation.last_message_at) or "",
        "unread": conversation.unread,
        "typing": typing,
    }


def message_frame(m: Message) -> MessageFrame:
    """A message that is new, changed or deleted."""
    return {"type": "message", "conversation": str(m.conversation_id), "version": m.version, "message": changed(m)}


def conversation_frame(c: Conversation, *, since: int | None = None) -> ConversationFrame:
    """A header that changed: quota, read mark, version. With `since` it ends the answer to a watch."""
    frame: ConversationFrame = {"type": "conversation", "conversation": conversation(c)}
    if since is not None:
        frame["since"] = since
    return frame


def reply_frame(r: Reply, *, since: int | None = None) -> ReplyFrame:
    """A reply that changed state, or its text so far. With `since` it is part of the answer to a watch."""
    shape = reply(r)
    assert shape is not None
    frame: ReplyFrame = {"type": "reply", "conversation": str(r.conversation_id), "reply": shape}
    if since is not None:
        frame["since"] = since
    return frame


def delta_frame(conversation_id: UUID, reply_id: UUID, offset: int, text: str) -> DeltaFrame:
    """A few more words of a reply; offset in UTF-16 units."""
    return {
        "type": "delta",
        "conversation": str(conversation_id),
        "reply": str(reply_id),
        "offset": offset,
        "text": text,
    }


def thread_frame(c: Conversation, *, typing: bool) -> ThreadFrame:
    """A row of the thread list that changed."""
    return {"type": "thread", "thread": thread(c, typing=typing)}


def threads_frame(stamp: int) -> ThreadsFrame:
    """How the thread list stands."""
    return {"type": "threads", "stamp": stamp}


def account_frame(user: Any) -> AccountFrame:
    """What this person's premium is now."""
    return {"type": "account", "premium_active": user.premium_active, "premium_until": iso(user.premium_until)}


def error_frame(code: str, text: str) -> ErrorFrame:
    """What was wrong with what the browser said."""
    return {"type": "error", "code": code, "message": text}
