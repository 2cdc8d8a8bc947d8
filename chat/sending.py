"""What a member does in a conversation: send, stop, ask again, read."""

from dataclasses import dataclass
from functools import partial
from uuid import UUID

from django.db import transaction

from accounts import permits
from accounts.models import User
from chat import frames, quotas, realtime, sync
from chat.models import Conversation, Message, Reply
from chat.rendering import utf16_cut, utf16_length
from chat.settling import Written, end_owed
from chat.tasks import ring
from config.lib.database import tried_again

PERMIT_SCOPE = "chat_send"


class NothingToRetry(Exception):
    """The latest reply did not fail."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What a send left: the message, the reply owed to it, and whether it is new."""

    message: Message
    reply: Reply | None
    conversation: Conversation
    created: bool


@tried_again
def send_message(user: User, conversation_id: UUID, *, text: str, client_id: UUID, permit: UUID | None) -> Sent:
    """Accept what the member wrote and owe a reply to it: all of it happens, or none.

    The same client id, however often and from however many tabs, is one message and one charge.
    Raises Conversation.DoesNotExist, also when it is somebody else's, SecurityCheckFailed, QuotaExhausted.
    """
    with transaction.atomic(durable=True):
        conversation = Conversation.objects.locked(conversation_id, of=user)
        charged = not conversation.user.premium_active
        message = conversation.write(Message.Sender.USER, text, client_id=client_id, charged=charged)
        if message is None:
            sent = conversation.messages.get(client_id=client_id)
            return Sent(sent, sync.latest_reply(conversation), conversation, created=False)
        permits.consume(permit, user=conversation.user, scope=PERMIT_SCOPE)
        if charged:
            quotas.charge(conversation, "text")
        reply = conversation.owe_reply(through=message.seq)
        if reply.state == Reply.State.QUEUED:
            transaction.on_commit(partial(ring, reply.pk), robust=True)
        _tell(conversation, frames.message_frame(message), frames.reply_frame(reply), typing=True)
    return Sent(message, reply, conversation, created=True)


def stop_reply(conversation: Conversation, *, seen: int | None) -> Reply | None:
    """Stop the reply that is owed, keeping what the member has seen of it: `seen` UTF-16 units, or all so far.

    What is on screen may be a second ahead of what is saved. Then the worker, which has the words, ends the reply at
    its next save; otherwise it ends here. Returns the latest reply.
    """
    with transaction.atomic(durable=True):
        conversation = Conversation.objects.locked(conversation.pk)
        reply = sync.latest_reply(conversation)
        if reply is None or not reply.is_owed:
            return reply
        if seen is None or reply.state == Reply.State.QUEUED or utf16_length(reply.text) >= seen:
            text = reply.text if seen is None else utf16_cut(reply.text, seen)
            following = end_owed(conversation, reply, Reply.State.STOPPED, written=Written(text.rstrip()))
            if following:
                transaction.on_commit(partial(ring, following), robust=True)
        else:
            Reply.objects.filter(pk=reply.pk, state__in=Reply.OWED).update(stop_at=seen)
    return reply


def retry_reply(conversation: Conversation) -> Sent:
    """Ask again after a failure. What the failure gave back is charged again.

    Pressing twice asks once. Raises NothingToRetry, QuotaExhausted, Conversation.DoesNotExist.
    """
    with transaction.atomic(durable=True):
        conversation = Conversation.objects.locked(conversation.pk)
        reply = sync.latest_reply(conversation)
        if reply is None or reply.state not in (Reply.State.FAILED, *Reply.OWED):
            raise NothingToRetry
        message = conversation.messages.get(seq=reply.answers_through)
        if reply.is_owed:
            return Sent(message, reply, conversation, created=False)
        quotas.charge_again(conversation, reply.answers_through)
        conversation.bump()
        reply = conversation.owe_reply(through=reply.answers_through)
        transaction.on_commit(partial(ring, reply.pk), robust=True)
        _tell(conversation, frames.reply_frame(reply), typing=True)
    return Sent(message, reply, conversation, created=True)


def mark_read(conversation: Conversation, *, seq: int) -> None:
    """Mark everything up to a seq as read; never backwards, never beyond what was said."""
    with transaction.atomic(durable=True):
        conversation = Conversation.objects.locked(conversation.pk)
        seq = min(seq, conversation.last_seq)
        if seq <= conversation.last_read_seq:
            return
        conversation.last_read_seq = seq
        conversation.version += 1
        conversation.save(update_fields=["last_read_seq", "version"])
        typing = conversation.replies.filter(state__in=Reply.OWED).exists()
        _tell(conversation, typing=typing)


def _tell(conversation: Conversation, *news: frames.ServerFrame, typing: bool) -> None:
    """On commit, tell every tab: what is new, the header, the thread's row."""
    everything = (
        *news,
        frames.conversation_frame(conversation),
        frames.thread_frame(conversation, typing=typing),
    )
    transaction.on_commit(partial(realtime.announce, conversation.user_id, *everything), robust=True)
