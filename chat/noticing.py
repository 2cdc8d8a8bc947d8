"""That she is an AI, said by the site: at the first message of a day, and again after hours of use.

One clock for each member, over all characters, tabs and processes; the database's. A line in the thread, not in her
voice: below the member's message, so that it stands before her first word.
"""

from datetime import UTC, datetime, timedelta

from django.conf import settings

from accounts.models import User
from chat.models import Conversation, Message

PAUSE = timedelta(minutes=30)  # whoever says nothing for longer has stopped, and begins anew
MINUTE = timedelta(minutes=1)  # to which it is known when somebody said something last
WORDS = "{name} is an AI character, not a person. Replies are generated and can be wrong."


def tell(conversation: Conversation) -> Message | None:
    """The line, if it is due now that the member said something; it is written once, whoever else asks.

    Under the conversation's lock. Most of the time nothing is written.
    """
    user, now = conversation.user, conversation.now
    since = in_use_since(user, now)
    me = User.objects.filter(pk=user.pk)
    if is_due(user, now):
        is_mine = me.filter(told_at=user.told_at).update(told_at=now, in_use_since=since, used_at=now)
        return conversation.note(Message.Notice.AI, WORDS.format(name=conversation.girl.name)) if is_mine else None
    if user.used_at is None or now - user.used_at >= MINUTE:
        me.update(in_use_since=since, used_at=now)
    return None


def in_use_since(user: User, now: datetime) -> datetime:
    """Since when they have used the site without a pause, at a moment when they say something."""
    if user.in_use_since is None or user.used_at is None or now - user.used_at > PAUSE + MINUTE:
        return now
    return user.in_use_since


def is_due(user: User, now: datetime) -> bool:
    """Whether they have to be told at this moment: not yet on this day in UTC, or not for hours of use."""
    if user.told_at is None or user.told_at.astimezone(UTC).date() < now.astimezone(UTC).date():
        return True
    return now - max(user.told_at, in_use_since(user, now)) >= timedelta(hours=settings.DISCLOSURE_HOURS)
