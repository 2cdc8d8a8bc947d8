"""What a member does in a conversation: send, stop, ask again, read."""

from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from accounts import permits
from accounts.models import User
from accounts.turnstile import SecurityCheckFailed
from chat import caring, frames, noticing, protecting, quotas, realtime, settling, sync
from chat.models import AlreadyWritten, Conversation, Message, Reply
from chat.settling import Written, end_owed
from config.lib.database import tried_again
from config.lib.prepared import together
from config.lib.text import utf16_cut, utf16_length
from safety.classifying import findings

PERMIT_SCOPE = "chat_send"


class AccountRestricted(Exception):
    """Whoever writes is paused or banned, since a moment ago."""


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
    notices: tuple[Message, ...] = ()  # lines of the site that stand below the message


@tried_again
def send_message(
    user: User, conversation_id: UUID, *, text: str, client_id: UUID, permit: UUID | None, country: str = ""
) -> Sent:
    """Accept what the member wrote and owe a reply to it: all of it happens, or none.

    The same client id, however often and from however many tabs, is one message and one charge. Whoever speaks of harm
    to themselves gets help before anything else (`caring`): the helplines of `country`, where they are. Who seems to be
    under age is paused (`protecting`): then the conversation's user is restricted, and no reply is owed.
    Raises Conversation.DoesNotExist, also when it is somebody else's, CharacterRetired, SecurityCheckFailed,
    QuotaExhausted, AccountRestricted.
    """
    found = findings(text)
    harm = caring.harm(found)
    try:
        with transaction.atomic(durable=True):
            conversation = _open(Conversation.objects.locked(conversation_id, of=user))
            is_paused = protecting.pause_for(found) is not None
            is_silent = caring.interrupts(conversation, harm) or is_paused
            if is_silent:
                settling.silence(conversation)
            reply: Reply | None = None
            with together():
                is_free = is_paused or caring.is_free(conversation, harm)
                charged = "" if is_free else quotas.charge(conversation, "text")
                message = conversation.write(Message.Sender.USER, text, client_id=client_id, charged_as=charged)
                permits.consume(permit, user=conversation.user, scope=PERMIT_SCOPE)
                if not is_silent:
                    reply = conversation.owe_reply(through=message.seq)
            if found:
                protecting.protect(conversation, message, found, country=country)
            told = [noticing.tell(conversation)]
            if harm.level:
                told.append(caring.care(conversation, harm, country=country))
            if reply:
                reply = conversation.owed_reply(reply)
            notices = tuple(notice for notice in told if notice)
            said = (frames.message_frame(each) for each in (message, *notices))
            asked = [frames.reply_frame(reply)] if reply else []
            realtime.tell(conversation, *said, *asked, typing=reply is not None)
    except (AlreadyWritten, CharacterRetired, SecurityCheckFailed, quotas.QuotaExhausted):
        if sent := _sent_before(user, conversation_id, client_id):
            return sent
        raise
    return Sent(message, reply or sync.latest_reply(conversation), conversation, created=True, notices=notices)


def _open(conversation: Conversation) -> Conversation:
    """The same, if anything new can be asked of her by this person."""
    if conversation.user.restricted:
        raise AccountRestricted
    if conversation.girl.retired_at:
        raise CharacterRetired
    return conversation


def _sent_before(user: User, conversation_id: UUID, client_id: UUID) -> Sent | None:
    """What an earlier try with this client id left: the same answer, whatever would be said to a new one."""
    conversation = Conversation.objects.visible_to(user).get(pk=conversation_id)
    message = conversation.messages.filter(client_id=client_id).first()
    if message is None:
        return None
    notices = conversation.messages.filter(sender=Message.Sender.SITE, created_at=message.created_at).order_by("seq")
    reply = sync.latest_reply(conversation)
    return Sent(message, reply, conversation, created=False, notices=tuple(notices))


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
        if reply is None or reply.state not in (Reply.State.FAILED, *Reply.OWED) or conversation.held_at:
            raise NothingToRetry
        message = conversation.messages.get(seq=reply.answers_through)
        if reply.is_owed:
            return Sent(message, reply, conversation, created=False)
        _open(conversation)
        if not conversation.care:
            quotas.charge_again(conversation, reply.answers_through)
        conversation.bump()
        again = {"purpose": reply.purpose, "replaces": reply.replaces}
        reply = conversation.owe_reply(through=reply.answers_through, **again)
        realtime.tell(conversation, frames.reply_frame(reply), typing=True)
    return Sent(message, reply, conversation, created=True)


def go_on(conversation: Conversation, *, country: str) -> Reply | None:
    """The member is all right: what a crisis card held back is asked of her now, for nothing; once.

    Returns the latest reply. Raises Conversation.DoesNotExist, CharacterRetired, AccountRestricted.
    """
    with transaction.atomic(durable=True):
        conversation = Conversation.objects.locked(conversation.pk)
        _open(conversation)
        if not caring.go_on(conversation, country=country):
            return sync.latest_reply(conversation)
        conversation.bump()
        waiting = quotas.unanswered(conversation, conversation.last_seq).filter(deleted_at=None)
        through = waiting.order_by("-seq").values_list("seq", flat=True).first()
        reply = None
        if through:
            reply = conversation.owe_reply(through=through)
        realtime.tell(conversation, *([frames.reply_frame(reply)] if reply else []), typing=reply is not None)
        return reply or sync.latest_reply(conversation)


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
