"""Premium: the book of grants, and the date that follows from it."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial

from django.db import transaction
from django.db.models.functions import Now
from django.dispatch import Signal

from accounts.models import PremiumGrant, User

# Sent on commit with `user`. A signal, because accounts may not import whoever shows it (chat tells open tabs).
premium_changed = Signal()

MAX_DAYS = 3660  # of one grant, so of one product, too: ten years


class GrantExists(Exception):
    """This reason already gave premium to somebody else."""


def fold(grants: Iterable[PremiumGrant]) -> datetime | None:
    """When premium ends, given the grants that count: each adds its days to what is left when it is given."""
    end: datetime | None = None
    for grant in sorted(grants, key=lambda grant: grant.granted_at):
        start = grant.granted_at if end is None else max(end, grant.granted_at)
        end = start + timedelta(days=grant.days)
    return end


@transaction.atomic
def grant(user: User, days: int, reason: str, granted_at: datetime | None = None) -> PremiumGrant:
    """Give days of premium, once for each reason; asked again, the first grant is the answer.

    Raises GrantExists when the reason belongs to another person.
    """
    now = _lock(user)
    given, _ = PremiumGrant.objects.get_or_create(
        reason=reason, defaults={"user": user, "days": days, "granted_at": granted_at or now}
    )
    if given.user_id != user.pk:
        raise GrantExists(reason)
    refold(user)
    return given


@transaction.atomic
def revoke(reason: str) -> PremiumGrant:
    """Take back exactly what this reason gave; again is harmless. Raises PremiumGrant.DoesNotExist."""
    return _set_revoked(reason, True)


@transaction.atomic
def restore(reason: str) -> PremiumGrant:
    """Give back what was revoked; again is harmless. Raises PremiumGrant.DoesNotExist."""
    return _set_revoked(reason, False)


@transaction.atomic
def refold(user: User) -> datetime | None:
    """Derive `premium_until` from the book, under the person's lock, and return it."""
    _lock(user)
    user.premium_until = fold(user.premium_grants.filter(revoked_at=None))
    user.save(update_fields=["premium_until"])
    transaction.on_commit(partial(premium_changed.send_robust, sender=User, user=user), robust=True)
    return user.premium_until


def _set_revoked(reason: str, is_revoked: bool) -> PremiumGrant:
    grant = PremiumGrant.objects.select_related("user").get(reason=reason)
    now = _lock(grant.user)
    grant.refresh_from_db(fields=["revoked_at"])
    if (grant.revoked_at is not None) != is_revoked:
        grant.revoked_at = now if is_revoked else None
        grant.save(update_fields=["revoked_at"])
    refold(grant.user)
    return grant


def _lock(user: User) -> datetime:
    """The first lock of every deed on somebody's premium, and the time at the database, which dates the deed.

    Messages and permits may still refer to the row.
    """
    held = User.objects.select_for_update(no_key=True).filter(pk=user.pk)
    now: datetime = held.values_list(Now(), flat=True).get()
    return now
