"""What support does for a member, or to one: each deed is one transaction, and says what it changed for the audit.

Who may do it, and why it was done, is the door's to ask (`staff/person_views.py`).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

import chat.privacy
from accounts import premium, restricting, sessions, team
from accounts.models import PremiumGrant, Restriction, User
from chat import resetting
from chat.models import Conversation
from chat.quotas import Kind
from girls.models import Girl
from staff import erasing
from staff.models import Erasure

KINDS: dict[Kind, str] = {"text": "Messages", "media": "Photos", "audio": "Voice notes"}


class Refused(Exception):
    """It cannot be done, and nothing was. Says why, in words for whoever asked."""


@dataclass(frozen=True, slots=True)
class Done:
    """What was done: for the audit (`did`, a verb in the past tense; the values that changed), and for the page."""

    did: str
    words: str
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    is_new: bool = True  # whether anything was done: what was asked twice is done and written down once
    then: Callable[[], None] = lambda: None  # what remains to be done once it is committed


def within_reach(actor: User, person: User) -> str:
    """Why this member of the team may do nothing to that person; empty when they may."""
    if actor.pk == person.pk:
        return "This is your own account. Somebody else on the team has to do this."
    if not team.may_change(actor, person):
        return f"{person} is on the team. Whoever hands out roles changes the team’s own accounts."
    return ""


# --- Premium ---------------------------------------------------------------------------------------------------


def give_premium(person: User, *, days: int, key: UUID) -> Done:
    """Give days of premium: once for each key, which the form brings along, however often it is sent."""
    reason = f"staff:{key}"
    before = _held(person).premium_until
    is_new = not PremiumGrant.objects.filter(reason=reason).exists()
    try:
        given = premium.grant(person, days, reason)
    except premium.GrantExists:
        raise Refused("This form was used for somebody else. Open it anew.") from None
    if not is_new:
        return Done(
            "", f"That form was sent before: {_days(given.days)} were given then, and nothing now.", is_new=False
        )
    return Done(
        f"Gave premium: {_days(days)}",
        f"{person} has {_days(days)} more of premium, until {_day(person.premium_until)}.",
        {"premium_until": before},
        {"premium_until": person.premium_until},
    )


def take_premium_back(person: User, *, grant: PremiumGrant) -> Done:
    """Take back exactly what one grant gave. Raises Refused when somebody did already."""
    before = _held(person).premium_until
    if PremiumGrant.objects.get(pk=grant.pk).revoked_at is not None:
        raise Refused("These days were taken back already.")
    taken = premium.revoke(grant.reason)
    person.refresh_from_db(fields=["premium_until"])
    until = f"ends on {_day(person.premium_until)}" if person.premium_until else "is over"
    return Done(
        f"Took premium back: {_days(taken.days)}",
        f"{_days(taken.days).capitalize()} were taken back. Premium of {person} {until}.",
        {"premium_until": before},
        {"premium_until": person.premium_until},
    )


# --- Free messages ---------------------------------------------------------------------------------------------


def reset_quotas(person: User, *, girl: Girl | None, kinds: Iterable[Kind]) -> Done:
    """Fill up what is free, with one character or all; who has more keeps it. Open tabs see it at once."""
    chosen = [kind for kind in KINDS if kind in kinds]
    talks = Conversation.objects.filter(user=person).select_related("girl").order_by("pk")
    talks = talks.filter(girl=girl) if girl else talks
    # Under their locks, so that what is written down is what it was; in the order in which everybody locks them.
    before = _free(talks.select_for_update(of=("self",)), chosen)
    if not resetting.reset_person(person.pk, girl.pk if girl else None, chosen):
        raise Refused("Nothing was used up, so there is nothing to reset.")
    after = _free(talks, chosen)
    changed = [slug for slug in before if before[slug] != after[slug]]
    what = " and ".join(KINDS[kind].lower() for kind in chosen)
    whom = girl.name if girl else "1 character" if len(changed) == 1 else f"{len(changed)} characters"
    return Done(
        f"Reset free {what} with {whom}",
        f"Free {what} with {whom} are full again.",
        {slug: before[slug] for slug in changed},
        {slug: after[slug] for slug in changed},
    )


def _free(talks: QuerySet[Conversation], kinds: Iterable[str]) -> dict[str, dict[str, int]]:
    """What is left, by character."""
    return {talk.girl.slug: {kind: getattr(talk, f"free_{kind}") for kind in kinds} for talk in talks}


# --- Being let in ----------------------------------------------------------------------------------------------


def end_sessions(person: User, *, session: int | None) -> Done:
    """Sign them out, on one device or on all; open tabs are out at once."""
    if session is None:
        ended = sessions.end(person)
        count = "1 session" if ended == 1 else f"{ended} sessions"
        return Done(f"Ended {count}", f"{count.capitalize()} ended. {person} is signed out everywhere.")
    if not sessions.end_one(person, session):
        raise Refused("That session is over already.")
    return Done("Ended 1 session", f"{person} is signed out there.")


def deactivate(person: User) -> Done:
    """Let them in no more: their sessions end, and what is being written for them stops."""
    if not _held(person).is_active:
        raise Refused(f"{person} is deactivated already.")
    person.is_active = False
    person.save(update_fields=["is_active"])
    sessions.end(person)
    return Done(
        "Deactivated",
        f"{person} is deactivated and signed out.",
        {"is_active": True},
        {"is_active": False},
        then=partial(chat.privacy.rest, person),
    )


def reactivate(person: User) -> Done:
    """Let them in again. Raises Refused for somebody who is being erased."""
    if _held(person).is_active:
        raise Refused(f"{person} is active already.")
    of_theirs = Erasure.objects.filter(person=person.pk, joined_at=person.date_joined)
    if of_theirs.exclude(state=Erasure.State.ASKED).exists():
        raise Refused(f"{person} is being erased. That cannot be stopped any more.")
    person.is_active = True
    person.save(update_fields=["is_active"])
    return Done("Reactivated", f"{person} can sign in again.", {"is_active": False}, {"is_active": True})


# --- Restrictions ----------------------------------------------------------------------------------------------


def restrict(person: User, *, kind: str, why: str, words: str, until: datetime | None, by: User) -> Done:
    """Pause or ban them: their sessions and sockets end at once, and what is being written for them stops."""
    kinds, reasons = Restriction.Kind, Restriction.Reason
    before = person.restricted
    if restricting.standing(person).filter(kind=kind, reason=why).exists():
        raise Refused(f"{person} is {'banned' if kind == kinds.BAN else 'paused'} for that already.")
    restricting.restrict(person, kinds(kind), reasons(why), words=words, by=by, until=until)
    is_ban = kind == kinds.BAN
    end = f" until {_day(until)}" if until else ""
    return Done(
        f"{'Banned' if is_ban else 'Paused'}: {reasons(why).label}",
        f"{person} is {'banned' if is_ban else 'paused'}{end}, signed out, and told why when they come back.",
        {"restricted": before},
        {"restricted": person.restricted},
        then=partial(chat.privacy.rest, person),
    )


def let_in(person: User, *, by: User) -> Done:
    """End every restriction that stands. Raises Refused when none does."""
    before = _held(person).restricted
    if not restricting.lift(person, restricting.standing(person), why="Let in again.", by=by):
        raise Refused(f"{person} is not restricted, or no more.")
    return Done("Let in again", f"{person} can use the site again.", {"restricted": before}, {"restricted": ""})


# --- The end of an account -------------------------------------------------------------------------------------


def begin_erasure(person: User, *, by: User) -> Done:
    """Let the account rest, and end when ERASURE_DAYS are over, as if they had asked. In transactions of its own."""
    if User.objects.filter(pk=person.pk, erase_at__isnull=False).exists():
        raise Refused(f"The erasure of {person} has been asked for already.")
    try:
        at = erasing.ask(person, by=f"staff {by.pk}")
    except erasing.IsStaff:
        raise Refused(f"{person} is on the team. Take them off it first.") from None
    words = f"{person} is signed out, and will be erased on {_day(at)} unless they, or you, keep the account."
    return Done("Asked for the erasure", words, {"erase_at": None}, {"erase_at": at})


def keep(person: User) -> Done:
    """Take an erasure back that was asked for. In a transaction of its own."""
    at = User.objects.values_list("erase_at", flat=True).get(pk=person.pk)
    if at is None:
        raise Refused(f"Nobody asked for the erasure of {person}, or it was taken back already.")
    try:
        erasing.keep(person)
    except erasing.TooLate:
        raise Refused(f"{person} is being erased. That cannot be stopped any more.") from None
    return Done("Took the erasure back", f"{person} stays. Nothing was erased.", {"erase_at": at}, {"erase_at": None})


def _held(person: User) -> User:
    """The person's row as it is now, under its lock."""
    return User.objects.select_for_update(no_key=True).get(pk=person.pk)


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"


def _day(moment: datetime | None) -> str:
    return f"{moment:%-d %B %Y}" if moment else "now"
