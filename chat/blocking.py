"""A member wants to see no more of a character, or thinks better of it."""

from typing import Any

from django.db import transaction

from chat.models import Conversation
from chat.settling import silence
from girls.models import Block, Girl


def block(user: Any, girl: Girl) -> None:
    """Hide a character from this person everywhere, with what was said; what she is about to say is not said. Once."""
    with transaction.atomic(durable=True):
        Block.objects.get_or_create(user=user, girl=girl)
        conversation = _theirs(user, girl)
        if conversation is not None and conversation.blocked_at is None:
            silence(conversation)
            conversation.blocked_at = conversation.now
            conversation.bump()
            conversation.save(update_fields=["blocked_at"])


def unblock(user: Any, girl: Girl) -> None:
    """Show her again, and what was said, as it was."""
    with transaction.atomic(durable=True):
        Block.objects.filter(user=user, girl=girl).delete()
        conversation = _theirs(user, girl)
        if conversation is not None and conversation.blocked_at is not None:
            conversation.blocked_at = None
            conversation.bump()
            conversation.save(update_fields=["blocked_at"])


def _theirs(user: Any, girl: Girl) -> Conversation | None:
    """Their conversation under its lock, if there is one."""
    pk = Conversation.objects.filter(user=user, girl=girl).values_list("pk", flat=True).first()
    return pk and Conversation.objects.locked(pk, deleted=True)
