"""Free messages: charging and giving back. Whoever has premium is not charged."""

from collections import Counter
from typing import Literal

from django.db.models import F, Max, QuerySet

from chat.models import Conversation, Message, Reply

Kind = Literal["text", "media", "audio"]
LOW = 3  # free messages from which on the page says that they do not refill


class QuotaExhausted(Exception):
    """Nothing of this kind is left for free in this conversation."""

    def __init__(self, kind: Kind) -> None:
        super().__init__(kind)
        self.kind = kind


def charge(conversation: Conversation, kind: Kind) -> str:
    """What the next of this kind is charged as: the kind, or nothing for premium. Raises QuotaExhausted.

    Under the conversation's lock, so that what is looked at here is still there when it is taken with the message.
    """
    if conversation.user.premium_active:
        return ""
    if getattr(conversation, f"free_{kind}") < 1:
        if conversation.care:  # nobody is stopped beside a crisis card
            return ""
        raise QuotaExhausted(kind)
    return kind


def band(conversation: Conversation, *, owed: bool) -> str:
    """How much is left, as the page shows it: premium, plenty, low or out; `care` beside a crisis card, where nothing
    is sold. Its script goes on from there.

    While the last message waits for its answer, `owed`, it is not out yet.
    """
    if conversation.care:
        return "care"
    if conversation.user.premium_active:
        return "premium"
    left = conversation.free_text
    return "out" if left < 1 and not owed else "low" if left <= LOW else "plenty"


def unanswered(conversation: Conversation, through: int) -> QuerySet[Message]:
    """The member's messages up to a seq that no reply has answered yet."""
    settled = conversation.replies.filter(state__in=[Reply.State.DONE, Reply.State.STOPPED])
    answered = settled.aggregate(seq=Max("answers_through"))["seq"] or 0
    return conversation.messages.filter(sender=Message.Sender.USER, seq__gt=answered, seq__lte=through)


def give_back(conversation: Conversation, reply: Reply) -> None:
    """Return what a reply that failed had cost, each kind as it was charged, under the lock.

    That is what the messages had cost that it was to answer, and what it had cost itself. Each is given back by
    un-charging it, so it cannot be given back twice.
    """
    given = _uncharge(conversation, reply)
    if reply.charged_as and Reply.objects.filter(pk=reply.pk).exclude(charged_as="").update(charged_as=""):
        given[reply.charged_as] += 1
    _move(conversation, given)


def keep(conversation: Conversation, reply: Reply) -> None:
    """Keep what a reply had cost that its member ended having read some of it, under the lock.

    Its messages are charged no more: asking again costs again, and what is given back then is not this.
    """
    if kinds := _uncharge(conversation, reply):
        Reply.objects.filter(pk=reply.pk).update(charged_as=next(iter(kinds)))


def _uncharge(conversation: Conversation, reply: Reply) -> Counter[str]:
    charged = unanswered(conversation, reply.answers_through).exclude(charged_as="")
    kinds = Counter(charged.values_list("charged_as", flat=True))
    if kinds:
        charged.update(charged_as="")
    return kinds


def charge_again(conversation: Conversation, through: int) -> None:
    """Charge unanswered messages that were given back, before asking again. Raises QuotaExhausted."""
    if conversation.user.premium_active:
        return
    free = list(unanswered(conversation, through).filter(charged_as="").values_list("pk", flat=True))
    if len(free) > conversation.free_text:
        raise QuotaExhausted("text")
    if free:
        conversation.messages.filter(pk__in=free).update(charged_as="text")
        _move(conversation, Counter(text=-len(free)))


def _move(conversation: Conversation, units: Counter[str]) -> None:
    """Add to what is free."""
    if not units:
        return
    changes = {f"free_{kind}": F(f"free_{kind}") + count for kind, count in units.items()}
    Conversation.objects.filter(pk=conversation.pk).update(**changes)
    for kind, count in units.items():
        setattr(conversation, f"free_{kind}", getattr(conversation, f"free_{kind}") + count)
