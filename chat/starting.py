"""Starting a conversation: her greeting comes first. Reopening and deleting one."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from chat import realtime
from chat.models import Alternative, Conversation, Message, Reply
from chat.settling import end_owed
from girls.models import Girl


def start_conversation(user: Any, girl: Girl) -> Conversation:
    """This person's conversation with her: the one they have, or a new one that opens with her greeting."""
    conversation, _ = Conversation.objects.get_or_create(user=user, girl=girl)
    if conversation.last_seq and not conversation.deleted_at:
        return conversation
    with transaction.atomic(durable=True):
        # Two tabs may start at once: only the first to hold the row greets.
        everything = Conversation.objects.select_related("girl", "user").select_for_update(of=("self",))
        conversation = everything.get(pk=conversation.pk)
        if conversation.last_seq == 0 or conversation.deleted_at:
            conversation.deleted_at = None
            conversation.save(update_fields=["deleted_at"])
            conversation.write(Message.Sender.AI, girl.greeting)
            realtime.tell(conversation, typing=False)
    return conversation


def delete_conversation(conversation: Conversation) -> None:
    """Erase what was said. The row stays, so that free messages do not come back; a reply owed is dropped.

    Raises Conversation.DoesNotExist when it is gone already.
    """
    with transaction.atomic(durable=True):
        conversation = Conversation.objects.locked(conversation.pk)
        for reply in conversation.replies.filter(state__in=Reply.OWED):
            end_owed(conversation, reply, Reply.State.FAILED, error="conversation deleted")
        Alternative.objects.filter(conversation=conversation).delete()
        conversation.messages.all().delete()
        conversation.replies.all().delete()
        conversation.deleted_at = timezone.now()
        conversation.cleared_version = conversation.bump()  # rows leave no trace: older tabs start afresh
        conversation.last_message_preview = conversation.last_message_sender = ""
        gone = ["deleted_at", "cleared_version", "last_message_preview", "last_message_sender"]
        conversation.save(update_fields=gone)
