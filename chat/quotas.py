"""Free messages: charging and giving back. Whoever has premium is not charged."""

from functools import cache
from typing import Literal

from django.db.models import F, IntegerField, Max, QuerySet

from chat.models import Conversation, Message, Reply
from config.lib.prepared import Param, Update

Kind = Literal["text", "media", "audio"]


class QuotaExhausted(Exception):
    """Nothing of this kind is left for free in this conversation."""

    def __init__(self, kind: Kind) -> None:
        super().__init__(kind)
        self.kind = kind


def charge(conversation: Conversation, kind: Kind, amount: int = 1) -> None:
    """Take free units, under the conversation's lock. Not for premium members, who are never charged.

    The row count decides, so that no race takes what is not there. Raises QuotaExhausted.
    """
    field = f"free_{kind}"
    if not _take(field)(pk=conversation.pk, amount=amount):
        raise QuotaExhausted(kind)
    setattr(conversation, field, getattr(conversation, field) - amount)


@cache
def _take(field: str) -> Update:
    amount = Param("amount", IntegerField())
    return Update(
        lambda: Conversation.objects.filter(**{"pk": Param("pk"), f"{field}__gte": amount}),
        **{field: F(field) - amount},
    )


def unanswered(conversation: Conversation, through: int) -> QuerySet[Message]:
    """The member's messages up to a seq that no reply has answered yet."""
    settled = conversation.replies.filter(state__in=[Reply.State.DONE, Reply.State.STOPPED])
    answered = settled.aggregate(seq=Max("answers_through"))["seq"] or 0
    return conversation.messages.filter(sender=Message.Sender.USER, seq__gt=answered, seq__lte=through)


def give_back(conversation: Conversation, through: int) -> int:
    """Return what unanswered messages had cost, under the lock; the number of units.

    A message is given back by un-charging it, so it cannot be given back twice.
    """
    count = unanswered(conversation, through).filter(charged=True).update(charged=False)
    if count:
        Conversation.objects.filter(pk=conversation.pk).update(free_text=F("free_text") + count)
        conversation.free_text += count
    return count


def charge_again(conversation: Conversation, through: int) -> None:
    """Charge unanswered messages that were given back, before asking again. Raises QuotaExhausted."""
    if conversation.user.premium_active:
        return
    free = list(unanswered(conversation, through).filter(charged=False).values_list("pk", flat=True))
    if free:
        charge(conversation, "text", len(free))
        Message.objects.filter(pk__in=free).update(charged=True)
