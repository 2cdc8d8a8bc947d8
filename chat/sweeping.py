"""Replies whose bell or worker was lost: ring again, or end them visibly and give back."""

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Q
from django.db.models.functions import Now

from chat.models import Conversation, Reply
from chat.rendering import utf16_cut
from chat.settling import Written, end

UNHEARD_SECONDS = 2  # a reply that waits longer than that was not heard
BATCH = 1000


def _waiting() -> Q:
    """Queued and not heard, or writing under a lease that ran out; by the database's clock."""
    unheard = Q(state=Reply.State.QUEUED, created_at__lt=Now() - timedelta(seconds=UNHEARD_SECONDS))
    abandoned = Q(state=Reply.State.WRITING, lease_until__lt=Now())
    return unheard | abandoned


def sweep() -> list[UUID]:
    """End what is overdue, was tried too often or was stopped by its member; return the ids to ring for."""
    overdue = Reply.objects.owed().filter(_over()).order_by("created_at")[:BATCH]
    following = [pk for reply in overdue if (pk := _end_over(reply))]
    waiting = Reply.objects.owed().filter(_waiting()).order_by("created_at").values_list("pk", flat=True)
    return [*following, *waiting[:BATCH]]


def settle_overdue(conversation: Conversation) -> bool:
    """End this conversation's reply if it is overdue; whether it was.

    Whoever asks gets an answer, even with every worker gone.
    """
    reply = Reply.objects.owed().filter(_over(), conversation=conversation).first()
    if reply is not None:
        _end_over(reply)
    return reply is not None


def _over() -> Q:
    """Replies that no worker may write any more."""
    overdue = Q(created_at__lt=Now() - timedelta(seconds=settings.REPLY_BUDGET_SECONDS + 5))
    abandoned = Q(state=Reply.State.WRITING, lease_until__lt=Now())
    return overdue | (abandoned & (Q(attempts__gte=settings.REPLY_MAX_ATTEMPTS) | Q(stop_at__isnull=False)))


def _end_over(reply: Reply) -> UUID | None:
    if reply.stop_at is not None:
        text = utf16_cut(reply.text, reply.stop_at)
        return end(reply, Reply.State.STOPPED, written=Written(text.rstrip()))
    why = "too many attempts" if reply.attempts >= settings.REPLY_MAX_ATTEMPTS else "overdue"
    return end(reply, Reply.State.FAILED, error=why)
