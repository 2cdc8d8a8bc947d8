"""What is done when a member speaks of harm to themselves. Levels are those of `safety.classifying`.

3, a plan, means, now: she says nothing. The site's card stands in place of her reply until the member goes on.
2, clear distress: the card stands above her reply, at most once in QUIET, and her model is told to be gentle.
1: her model is told. None of it costs a free message, and nothing is sold beside it.
"""

from datetime import timedelta

from chat.models import Conversation, Message
from safety.classifying import DISTRESS, PLAN, Finding, Kind
from safety.counting import count
from safety.models import Count

CRISIS = frozenset({Kind.SUICIDE, Kind.SELF_HARM, Kind.EATING_DISORDER})
QUIET = timedelta(minutes=30)  # a card of the same level does not come twice within this
REMEMBERED = timedelta(hours=2)  # so long her model is told
WORDS = (
    "You don’t have to carry this alone. {name} is an AI and can’t help in an emergency. "
    "These people can, free and in private."
)


def is_of_harm(finding: Finding) -> bool:
    """Whether it is for this module: other kinds are for others."""
    return finding.kind in CRISIS and finding.level > 0


def level(conversation: Conversation) -> int:
    """How grave it was what the member said of such things lately; 0 when it was nothing, or long ago."""
    if conversation.care_at is None or conversation.now - conversation.care_at > REMEMBERED:
        return 0
    return conversation.care_level


def care(conversation: Conversation, finding: Finding, *, country: str) -> Message | None:
    """Note that the member spoke of harm, and put up the card where one is due, which is returned.

    Under the conversation's lock, after what they said was written. The caller owes no reply while it is held.
    """
    before = level(conversation)
    is_new = finding.level > before or conversation.now - (conversation.care_at or conversation.now) > QUIET
    conversation.care_level, conversation.care_at = max(finding.level, before), conversation.now
    card: Message | None = None
    action = Count.Action.NOTED
    words = WORDS.format(name=conversation.girl.name)
    if finding.level >= PLAN and not conversation.held_at:
        card = conversation.note(Message.Notice.HELD, words, country=country)
        conversation.held_at, action = conversation.now, Count.Action.INTERRUPTED
    elif finding.level == DISTRESS and is_new and not conversation.held_at:
        card, action = conversation.note(Message.Notice.HELP, words, country=country), Count.Action.CARD
    conversation.save(update_fields=["care_level", "care_at", "held_at"])
    count(action, finding.kind, level=finding.level, country=country)
    return card


def go_on(conversation: Conversation, *, country: str) -> bool:
    """The member is all right and wants her back; False when nothing was held. Under the conversation's lock."""
    if not conversation.held_at:
        return False
    conversation.held_at = None
    conversation.save(update_fields=["held_at"])
    count(Count.Action.RESUMED, "suicide", level=PLAN, country=country)
    return True
