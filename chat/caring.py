"""What is done when a member speaks of harm to themselves. Levels are those of `safety.classifying`:

3, a plan, means, now: she says nothing. The site's card stands in place of her reply until the member goes on.
2, clear distress: the card stands above her reply, at most once in QUIET, and her model is told to be gentle.
1: her model is told.

From 2 on it costs no free message; while a card is near, no send fails for want of one, and nothing is sold beside it.
"""

from collections.abc import Iterable
from datetime import timedelta

from chat.models import NEAR, Conversation, Message
from safety.classifying import DISTRESS, NOTHING, PLAN, Finding, Kind
from safety.counting import count
from safety.models import Count

CRISIS = frozenset({Kind.SUICIDE, Kind.SELF_HARM, Kind.EATING_DISORDER})
QUIET = NEAR  # a card does not come again within this, unless it has become graver
REMEMBERED = timedelta(hours=2)  # so long her model is told
WORDS = "{name} is an AI and can’t help in an emergency. These people can, free and in private."


def harm(findings: Iterable[Finding]) -> Finding:
    """The gravest of these that is of harm to themselves, or NOTHING. Other kinds are for others."""
    return max((each for each in findings if each.kind in CRISIS), key=lambda each: each.level, default=NOTHING)


def level(conversation: Conversation) -> int:
    """How grave it was what the member said of such things lately; 0 when it was nothing, or long ago."""
    if conversation.care_at is None or conversation.now - conversation.care_at > REMEMBERED:
        return 0
    return conversation.care_level


def is_free(conversation: Conversation, finding: Finding) -> bool:
    """Whether a message that speaks of this costs nothing."""
    return finding.level >= DISTRESS or conversation.held_at is not None


def interrupts(conversation: Conversation, finding: Finding) -> bool:
    """Whether she is silent after it."""
    return finding.level >= PLAN or conversation.held_at is not None


def care(conversation: Conversation, finding: Finding, *, country: str) -> Message | None:
    """Note that the member spoke of harm, and put up the card where one is due, which is returned.

    Under the conversation's lock, after what they said was written. The caller owes no reply while it is held.
    """
    before = level(conversation)
    words = WORDS.format(name=conversation.girl.name)
    card, action = None, Count.Action.NOTED
    if conversation.held_at:
        pass  # it stands there
    elif finding.level >= PLAN:
        conversation.held_at, action = conversation.now, Count.Action.INTERRUPTED
        card = conversation.note(Message.Notice.HELD, words, country=country)
    elif finding.level == DISTRESS and (before < DISTRESS or not _stands_near(conversation)):
        card, action = conversation.note(Message.Notice.HELP, words, country=country), Count.Action.CARD
    conversation.care_level, conversation.care_at = max(finding.level, before), conversation.now
    conversation.save(update_fields=["care_level", "care_at", "held_at"])
    count(action, finding.kind, level=finding.level, country=country)
    return card


def _stands_near(conversation: Conversation) -> bool:
    cards = conversation.messages.filter(notice__in=(Message.Notice.HELP, Message.Notice.HELD))
    return cards.filter(created_at__gt=conversation.now - QUIET).exists()


def go_on(conversation: Conversation, *, country: str) -> bool:
    """The member is all right and wants her back; False when nothing was held. Under the conversation's lock."""
    if conversation.held_at is None:
        return False
    conversation.held_at = None
    conversation.save(update_fields=["held_at"])
    count(Count.Action.RESUMED, Kind.SUICIDE, level=PLAN, country=country)
    return True
