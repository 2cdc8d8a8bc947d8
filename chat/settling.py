"""How an owed reply ends: done, stopped or failed, once, whoever ends it."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Max

from chat import frames, quotas, realtime
from chat.models import Conversation, Message, Reply
from chat.rendering import is_blank
from config.lib.database import tried_again


@dataclass(frozen=True, slots=True)
class Written:
    """What a model wrote, and what it took. Times in milliseconds from the claim."""

    text: str
    provider: str = ""
    model: str = ""
    tokens_in: int | None = None
    tokens_out: int | None = None
    first_token_ms: int | None = None
    total_ms: int | None = None


def end_owed(
    conversation: Conversation,
    reply: Reply,
    state: Reply.State,
    *,
    token: UUID | None = None,
    written: Written | None = None,
    error: str = "",
) -> UUID | None:
    """End a reply under the conversation's lock, inside the caller's transaction.

    Done and stopped leave her message behind (if anything was written); failed gives the free messages back. For a
    member who was deactivated meanwhile every reply fails.
    With a token, only the worker that holds the lease may. Returns the id of the next reply when newer messages
    wait for one, for the caller to ring; None otherwise, and when the reply had already ended.
    """
    if not conversation.user.is_active:  # whoever is gone is told nothing more
        state, error = Reply.State.FAILED, error or "member gone"
        written = written and replace(written, text="")
    fields: dict[str, Any] = {"error": error[:300]}
    if written is not None:
        fields |= {
            "text": written.text,
            "provider": written.provider,
            "model": written.model,
            "tokens_in": written.tokens_in,
            "tokens_out": written.tokens_out,
            "first_token_ms": written.first_token_ms,
            "total_ms": written.total_ms,
        }
    leaves_words = state != Reply.State.FAILED and written is not None and not is_blank(written.text)
    message_id = uuid4() if leaves_words else None
    if not Reply.objects.settle(reply.pk, state, token=token, message=message_id, **fields):
        return None
    reply.state = state
    through = reply.answers_through
    newest = None
    if conversation.last_seq > through:
        asked_meanwhile = conversation.messages.filter(sender=Message.Sender.USER, seq__gt=through)
        newest = asked_meanwhile.aggregate(seq=Max("seq"))["seq"]
    message: Message | None = None
    if written is not None and message_id is not None:
        message = conversation.write(Message.Sender.AI, written.text, id=message_id)
    else:
        if state == Reply.State.FAILED:
            quotas.give_back(conversation, through)
        conversation.bump()
    following = conversation.owe_reply(through=newest) if newest else None
    news: list[frames.ServerFrame] = [frames.message_frame(message)] if message else []
    news += [
        frames.reply_frame(reply),
        *([frames.reply_frame(following)] if following else []),
        frames.conversation_frame(conversation),
        frames.thread_frame(conversation, typing=following is not None),
    ]
    transaction.on_commit(partial(realtime.announce, conversation.user_id, *news), robust=True)
    return following.pk if following else None


@tried_again
def end(
    reply: Reply,
    state: Reply.State,
    *,
    token: UUID | None = None,
    written: Written | None = None,
    error: str = "",
) -> UUID | None:
    """`end_owed` in a transaction of its own. A conversation deleted meanwhile drops the reply silently."""
    with transaction.atomic(durable=True):
        try:
            conversation = Conversation.objects.locked(reply.conversation_id)
        except Conversation.DoesNotExist:
            return None
        if token is None:  # what a reply that waits is to answer may have grown since it was read
            reply = Reply.objects.get(pk=reply.pk)
        return end_owed(conversation, reply, state, token=token, written=written, error=error)
