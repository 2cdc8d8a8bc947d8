"""What a member does in a conversation: send, stop, ask again, read."""

from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from accounts import permits
from accounts.models import User
from accounts.turnstile import SecurityCheckFailed
from chat import frames, quotas, realtime, sync
from chat.models import AlreadyWritten, Conversation, Message, Reply
from chat.settling import Written, end_owed
from config.lib.database import tried_again
from config.lib.prepared import together
from config.lib.text import utf16_cut, utf16_length

PERMIT_SCOPE = "chat_send"


class NothingToRetry(Exception):
    """The latest reply did not fail."""


class CharacterRetired(Exception):
    """She answers nobody any more. What was said stays readable, and a reply that is owed already still comes."""


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
    Raises Conversation.DoesNotExist, also when it is somebody else's, CharacterRetired, SecurityCheckFailed,
    QuotaExhausted.
    """
    try:
        with transaction.atomic(durable=True):
            conversation = _open(Conversation.objects.locked(conversation_id, of=user))
            with together():
                charged = quotas.charge(conversation, "text")
                message = conversation.write(Message.Sender.USER, text, client_id=client_id, charged_as=charged)
                permits.consume(permit, user=conversation.user, scope=PERMIT_SCOPE)
                reply = conversation.owe_reply(through=message.seq)
            reply = conversation.owed_reply(reply)
            realtime.tell(conversation, frames.message_frame(message), frames.reply_frame(reply), typing=True)
    except (AlreadyWritten, CharacterRetired, SecurityCheckFailed, quotas.QuotaExhausted):
        if sent := _sent_before(user, conversation_id, client_id):
            return sent
        raise
    return Sent(message, reply, conversation, created=True)


def _open(conversation: Conversation) -> Conversation:
    """The same, if anything new can be asked of her."""
    if conversation.girl.retired_at:
        raise CharacterRetired
    return conversation


def _sent_before(user: User, conversation_id: UUID, client_id: UUID) -> Sent | None:
    """What an earlier try with this client id left: the same answer, whatever would be said to a new one."""
    conversation = Conversation.objects.visible_to(user).get(pk=conversation_id)
    message = conversation.messages.filter(client_id=client_id).first()
    return message and Sent(message, sync.latest_reply(conversation), conversation, created=False)


def stop_reply(conversation: Conversation, *, seen: int | None) -> Reply | None:
    """Stop the reply that is owed, keeping what the member has seen of it: `seen` UTF-16 units, or all so far.

    What is on screen may be a few seconds ahead of what is saved. Then the worker, which has the words, ends the reply
    as soon as it looks; otherwise it ends here. Returns the latest reply.
    """
    with transaction.atomic(durable=True):
        conversation = Conversation.objects.locked(conversation.pk)
        reply = sync.latest_reply(conversation)
        if reply is None or not reply.is_owed:
            return reply
        if seen is None or reply.state == Reply.State.QUEUED or utf16_length(reply.text) >= seen:
            text = reply.text if seen is None else utf16_cut(reply.text, seen)
            end_owed(conversation, reply, Reply.State.STOPPED, written=Written(text.rstrip()))
        else:
            Reply.objects.filter(pk=reply.pk, state__in=Reply.OWED).update(stop_at=seen)
    return reply


def retry_reply(conversation: Conversation) -> Sent:
    """Ask again after a failure. What the failure gave back is charged again.

    Pressing twice asks once. Raises NothingToRetry, CharacterRetired, QuotaExhausted, Conversation.DoesNotExist.
    """
    with transaction.atomic(durable=True):
        conversation = Conversation.objects.locked(conversation.pk)
        reply = sync.latest_reply(conversation)
        if reply is None or reply.state not in (Reply.State.FAILED, *Reply.OWED):
            raise NothingToRetry
        message = conversation.messages.get(seq=reply.answers_through)
        if reply.is_owed:
            return Sent(message, reply, conversation, created=False)
        _open(conversation)
        quotas.charge_again(conversation, reply.answers_through)
        conversation.bump()
        again = {"purpose": reply.purpose, "replaces": reply.replaces}
        reply = conversation.owe_reply(through=reply.answers_through, **again)
        realtime.tell(conversation, frames.reply_frame(reply), typing=True)
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
        realtime.tell(conversation, typing=conversation.replies.filter(state__in=Reply.OWED).exists())
