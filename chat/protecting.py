"""What is done when a member seems to be under age, or speaks sexually of somebody who is, or threatens somebody.

Plain words pause the account at once: nothing is answered, and a moderator decides. Signs that may mean anything are
only counted, and looked at when there were several. Nobody is told anything but the member and the moderators.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from accounts import restricting
from accounts.models import Restriction
from chat.models import Conversation, Message
from safety import reporting
from safety.classifying import PLAN, Finding, Kind
from safety.counting import count
from safety.models import Count, Report

AROUND = 3  # messages before the one that is reported, which are kept with it
STRONG = PLAN


@dataclass(frozen=True, slots=True)
class Pause:
    """Why an account is paused, and what its member is told."""

    restriction: Restriction.Reason
    report: Report.Reason
    words: str


PAUSES = {
    Kind.SEXUAL_MINOR: Pause(
        Restriction.Reason.SEXUAL_MINOR,
        Report.Reason.SEXUAL_MINOR,
        "Something that you wrote is sexual and about somebody under 18. That is never allowed here, in play or in a "
        "story either. A person will look at it.",
    ),
    Kind.MINOR: Pause(
        Restriction.Reason.MINOR,
        Report.Reason.MINOR,
        "This place is for adults, and something that you wrote sounds as if you were under 18. If we misunderstood "
        "you, there is nothing that you have to do: a person will look at it. If it is true, thank you for being "
        "honest. Please come back when you are older.",
    ),
}


def pause_for(findings: Iterable[Finding]) -> Kind | None:
    """The kind of these for which the account is paused, if there is one."""
    strong = {each.kind for each in findings if each.level >= STRONG}
    return next((kind for kind in PAUSES if kind in strong), None)


def protect(conversation: Conversation, message: Message, findings: Iterable[Finding], *, country: str) -> bool:
    """Do what these ask for; whether the account is paused by now.

    Under the conversation's lock, after the message was written. The caller owes no reply to somebody who is paused.
    """
    findings = list(findings)
    found = {each.kind: each.level for each in sorted(findings, key=lambda each: each.level)}
    user = conversation.user
    if kind := pause_for(findings):
        pause = PAUSES[kind]
        restricting.restrict(user, Restriction.Kind.PAUSE, pause.restriction, words=pause.words, signs_out=False)
        count(Count.Action.PAUSED, kind, level=found[kind], country=country)
        _put_before_a_moderator(conversation, message, pause.report, kind, country=country)
    elif Kind.MINOR in found and reporting.weak_sign(user, Kind.MINOR):
        _put_before_a_moderator(conversation, message, Report.Reason.MINOR, Kind.MINOR, country=country)
    elif Kind.MINOR in found:
        count(Count.Action.WEAK, Kind.MINOR, level=found[Kind.MINOR], country=country)
    if found.get(Kind.THREAT, 0) >= STRONG:
        _put_before_a_moderator(conversation, message, Report.Reason.THREAT, Kind.THREAT, country=country)
    return kind is not None


def _put_before_a_moderator(
    conversation: Conversation, message: Message, reason: Report.Reason, kind: Kind, *, country: str
) -> None:
    _, is_new = reporting.report(
        by=None,
        what=Report.What.MEMBER,
        target=f"member:{conversation.user_id}",
        reason=reason,
        about=f"Member {conversation.user.username}",
        girl=conversation.girl,
        member=conversation.user,
        evidence=evidence(conversation, message.seq),
    )
    if is_new:
        count(Count.Action.QUEUED, kind, country=country)


def evidence(conversation: Conversation, seq: int) -> list[dict[str, Any]]:
    """A message, and what was said around it, as it stands now. Lines of the site are nobody's words."""
    said = conversation.messages.filter(deleted_at=None).exclude(sender=Message.Sender.SITE)
    before = list(said.filter(seq__lte=seq).order_by("-seq")[: AROUND + 1])[::-1]
    after = list(said.filter(seq__gt=seq).order_by("seq")[:AROUND])
    return [
        {
            "seq": each.seq,
            "sender": each.sender,
            "text": each.text,
            "at": each.created_at.isoformat(),
            "reported": each.seq == seq,
        }
        for each in (*before, *after)
    ]
