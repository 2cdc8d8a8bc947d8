"""Reports: what somebody says is wrong, kept with its evidence until it is decided. Doors are where the things are."""

from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from safety.models import Report

HOURS = {  # to decide in; an intimate picture of a real person is to be gone within 48 hours of the notice
    Report.Reason.INTIMATE: 48,
    Report.Reason.SEXUAL_MINOR: 24,
    Report.Reason.MINOR: 48,
    Report.Reason.SELF_HARM: 48,
    Report.Reason.THREAT: 48,
}
OTHERWISE = 7 * 24


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
