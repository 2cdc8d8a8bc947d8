"""What members reported, and what was reported of them."""

import json
from collections.abc import Iterator
from typing import Any

from config.lib.privacy import ALL, Document, Fate
from safety.models import Report, Signal

TABLES = {
    "safety.Signal": Fate(why="A guess of ours about their age, of which no word is kept."),
    "safety.Report": Fate(
        "reports.json",
        why="What was decided stays; who reported, who was meant and every word of theirs goes.",
        blanks=("by", "member", "taken_by", "closed_by", "words", "evidence"),
        keeps=ALL,
    ),
}


def export(user: Any) -> Iterator[Document]:
    """What they reported, and what became of it."""
    found = [
        {
            "what": report.what,
            "about": report.about,
            "reason": report.reason,
            "words": report.words,
            "state": report.state,
            "outcome": report.outcome,
            "statement": report.statement,
            "reported_at": report.created_at.isoformat(),
            "closed_at": report.closed_at and report.closed_at.isoformat(),
        }
        for report in Report.objects.filter(by=user).order_by("created_at")
    ]
    yield Document("reports.json", [json.dumps(found, ensure_ascii=False, indent=2)])


def erase(user: Any) -> Iterator[None]:
    """Their signals; and of reports all that is of them."""
    Signal.objects.filter(user=user).delete()
    Report.objects.filter(by=user).update(by=None, words="", evidence=[])
    Report.objects.filter(member=user).update(member=None, evidence=[])
    Report.objects.filter(taken_by=user).update(taken_by=None)
    Report.objects.filter(closed_by=user).update(closed_by=None)
    yield
