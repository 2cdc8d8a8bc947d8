"""Reports: what somebody says is wrong, kept with its evidence until it is decided. Doors are where the things are."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from safety.models import Report, Signal

HOURS = {  # to decide in; an intimate picture of a real person is to be gone within 48 hours of the notice
    Report.Reason.INTIMATE: 48,
    Report.Reason.SEXUAL_MINOR: 24,
    Report.Reason.MINOR: 48,
    Report.Reason.SELF_HARM: 48,
    Report.Reason.THREAT: 48,
}
OTHERWISE = 7 * 24
MONTH, SIGNS = timedelta(days=30), 3  # so many weak signs within that are looked at


class AlreadyDecided(Exception):
    """Somebody else decided it meanwhile."""


def report(
    *, by: Any, what: Report.What, target: str, reason: Report.Reason, words: str = "", **fields: Any
) -> tuple[Report, bool]:
    """Keep a report, and whether it is new: who reports the same thing again, before it is decided, has the one.

    `by` is None for the site itself. `fields`: about, girl, media, member, evidence.
    """
    mine = {"by": by} if by is not None else {"is_by_site": True, "reason": reason}
    known = Report.objects.exclude(state=Report.State.CLOSED).filter(target=target, **mine)
    now = timezone.now()
    made = Report(
        **{**fields, **mine, "what": what, "target": target, "reason": reason, "words": words.strip()},
        created_at=now,
        due_at=now + timedelta(hours=HOURS.get(reason, OTHERWISE)),
    )
    try:
        with transaction.atomic():
            if found := known.first():
                return found, False
            made.save(force_insert=True)
            return made, True
    except IntegrityError:  # in another tab, in this moment
        return known.get(), False


def take(pk: UUID, *, by: Any) -> Report:
    """Take a report in hand, in the caller's transaction, from whoever had it before. Raises AlreadyDecided."""
    found = _open(pk)
    found.state, found.taken_by, found.taken_at = Report.State.ACTING, by, timezone.now()
    found.save(update_fields=["state", "taken_by", "taken_at"])
    return found


def close(pk: UUID, *, outcome: Report.Outcome, statement: str, by: Any) -> Report:
    """Decide a report, once, with the reasons in words for whoever made it. Raises AlreadyDecided."""
    found = _open(pk)
    found.state, found.outcome, found.statement = Report.State.CLOSED, outcome, statement.strip()
    found.closed_by, found.closed_at = by, timezone.now()
    found.save(update_fields=["state", "outcome", "statement", "closed_by", "closed_at"])
    return found


def _open(pk: UUID) -> Report:
    found = Report.objects.select_for_update(of=("self",)).get(pk=pk)
    if found.state == Report.State.CLOSED:
        raise AlreadyDecided
    return found


def sweep() -> int:
    """Forget the evidence of what was decided REPORT_EVIDENCE_DAYS ago, of how many reports; and signs of long ago."""
    Signal.objects.filter(at__lt=timezone.now() - MONTH).delete()
    since = timezone.now() - timedelta(days=settings.REPORT_EVIDENCE_DAYS)
    old = Report.objects.filter(state=Report.State.CLOSED, closed_at__lt=since).exclude(evidence=[])
    return old.update(evidence=[])


def weak_sign(user: Any, kind: str) -> bool:
    """Keep that there was one; whether it is the third within a month, so that somebody has to look."""
    since = timezone.now() - MONTH
    Signal.objects.create(user=user, kind=kind)
    return Signal.objects.filter(user=user, kind=kind, at__gt=since).count() >= SIGNS
