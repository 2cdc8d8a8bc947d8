"""Starting a conversation: her greeting comes first. Reopening and deleting one, and bringing it back."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from chat import realtime
from chat.models import Alternative, Conversation, Erasure, Message, Reply
from chat.settling import end_owed
from config.lib.text import is_blank
from girls.macros import fill
from girls.models import Girl, Media

UNDO = timedelta(minutes=1)  # so long a deleted conversation can be brought back


def start_conversation(user: Any, girl: Girl) -> Conversation:
    """This person's conversation with her: the one they have, or a new one that opens with her greeting."""
    conversation, _ = Conversation.objects.get_or_create(user=user, girl=girl)
    if conversation.last_seq and not conversation.deleted_at:
        return conversation
    with transaction.atomic(durable=True):
        # Two tabs may start at once: only the first to hold the row greets.
        conversation = Conversation.objects.locked(conversation.pk, deleted=True)
        if conversation.last_seq == 0 or conversation.deleted_at:
            if Erasure.objects.filter(pk=conversation.pk).delete()[0]:
                _erase(conversation)  # who starts anew does not bring the old one back
            conversation.deleted_at = None
            conversation.save(update_fields=["deleted_at"])
            greeting = fill(girl.greeting, char=girl.name, user=conversation.user.name)
            conversation.write(Message.Sender.AI, greeting)
            realtime.tell(conversation, typing=False)
    return conversation


def draft_about(user: Any, girl: Girl, about: str) -> str:
    """How one would begin to write about an item of hers, given by its id; empty when this person sees no such item."""
    if not about.isascii() or not about.isdecimal() or len(about) > 18:
        return ""
    item = Media.objects.visible_to(user).filter(girl=girl, pk=about).first()
    if item is None:
        return ""
    return f"About your {item.get_kind_display().lower()}{f' “{item.text}”' if item.text else ''}: "


def delete_conversation(conversation: Conversation) -> None:
    """Take a conversation away at once, and owe the end of what was said in it; a reply owed is dropped.

    For a minute it can be brought back. The row stays, so that free messages do not come back; nor does the one whose
    answer was read while it was written.
    Raises Conversation.DoesNotExist when it is gone already.
    """
    with transaction.atomic(durable=True):
        conversation = Conversation.objects.locked(conversation.pk)
        conversation.deleted_at = conversation.now
        for reply in conversation.replies.filter(state__in=Reply.OWED):
            if reply.state == Reply.State.WRITING and is_blank(reply.text):
                # Whether anything was read of it by now, its worker knows, and ends it as soon as it looks.
                Reply.objects.filter(pk=reply.pk).update(stop_at=0)
            else:
                end_owed(conversation, reply, Reply.State.FAILED)
        conversation.bump()
        conversation.save(update_fields=["deleted_at"])
        Erasure.objects.update_or_create(conversation=conversation, defaults={"due_at": Now() + UNDO})


def restore_conversation(user: Any, pk: UUID) -> Conversation:
    """Bring a deleted conversation back as it was. Raises Conversation.DoesNotExist when nothing is left of it."""
    with transaction.atomic(durable=True):
        conversation = Conversation.objects.locked(pk, of=user, deleted=True)
        if not Erasure.objects.filter(pk=pk).delete()[0]:
            raise Conversation.DoesNotExist
        conversation.deleted_at = None
        conversation.save(update_fields=["deleted_at"])
        owed = conversation.replies.filter(state__in=Reply.OWED)
        owed.filter(stop_at=0).update(stop_at=None)  # what did not end so soon goes on
        conversation.bump()
        realtime.tell(conversation, typing=owed.exists())
    return conversation


def erase_words(pk: UUID) -> None:
    """Erase what was said in a deleted conversation, if it is time and nobody brought it back."""
    with transaction.atomic(durable=True):
        conversation = Conversation.objects.locked(pk, deleted=True)
        if Erasure.objects.due().filter(pk=pk).delete()[0]:
            _erase(conversation)


def _erase(conversation: Conversation) -> None:
    Alternative.objects.filter(conversation=conversation).delete()
    conversation.messages.all().delete()
    conversation.replies.all().delete()
    conversation.cleared_version = conversation.bump()  # rows leave no trace: older tabs start afresh
    conversation.last_message_preview = conversation.last_message_sender = ""
    conversation.held_at, conversation.care_level, conversation.care_at = None, 0, None  # the card went with the words
    shown = ["last_message_preview", "last_message_sender"]
    conversation.save(update_fields=["cleared_version", *shown, "held_at", "care_level", "care_at"])
