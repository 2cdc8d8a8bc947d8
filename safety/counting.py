"""What was found and done, in numbers: by day and country, without text and without a person."""

from datetime import date

from django.db.models import F
from django.utils import timezone

from safety.models import Count


def count(action: Count.Action, kind: str, *, level: int = 0, country: str = "", n: int = 1) -> None:
    """Add to one number of today (UTC). Inside a transaction it counts with it, or not at all."""
    day: date = timezone.now().date()
    cell = {"day": day, "country": country.upper()[:2], "kind": str(kind), "level": level, "action": action}
    if not Count.objects.filter(**cell).update(n=F("n") + n):
        Count.objects.bulk_create([Count(**cell, n=0)], ignore_conflicts=True)
        Count.objects.filter(**cell).update(n=F("n") + n)
