"""Permits: a Turnstile check is made ahead of time and buys a few sends, so that sending itself never waits for it."""

import hashlib
import uuid
from datetime import timedelta
from functools import partial

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import BooleanField, ExpressionWrapper, F, Q
from django.db.models.functions import Now

from accounts import ratelimits, turnstile
from accounts.models import Permit, User
from accounts.turnstile import SecurityCheckFailed
from config.lib.prepared import Change, update

LIVE_PERMITS = 3  # of one person in one scope: a few tabs, not a farm
KEEP_TOKENS = timedelta(minutes=10)  # Cloudflare's tokens live for five: none mints twice


@update
def _use(pk: uuid.UUID, user: int, scope: str) -> Change:
    permits = Permit.objects.filter(pk=pk, user=user, scope=scope, uses_left__gt=0, expires_at__gt=Now())
    return permits, {"uses_left": F("uses_left") - 1}


def mint(user: User, token: object, scope: str, *, remote_ip: str | None = None) -> Permit:
    """Turn a Turnstile token into a permit. Uses and seconds depend on premium at this moment.

    Raises TooManyRequests, or SecurityCheckFailed when the token is not good or was used before.
    """
    ratelimits.may_mint_permit(user)
    turnstile.verify(token, action=scope, remote_ip=remote_ip)
    plan = "premium" if user.premium_active else "free"
    try:
        with transaction.atomic():
            # The lock makes "at most three" true for a person whose tabs mint at the same time.
            User.objects.select_for_update(no_key=True).get(pk=user.pk)
            permit = Permit.objects.create(
                user=user,
                scope=scope,
                uses_left=settings.PERMIT_USES[plan],
                expires_at=Now() + timedelta(seconds=settings.PERMIT_SECONDS[plan]),
                token_hash=_hash(str(token)),
                created_at=Now(),
            )
            older = user.permits.filter(scope=scope).exclude(pk=permit.pk)
            kept = older.order_by("-created_at").values_list("pk", flat=True)[: LIVE_PERMITS - 1]
            older.exclude(pk__in=list(kept)).update(uses_left=0)
    except IntegrityError as error:
        raise SecurityCheckFailed("token-used-before") from error
    permit.refresh_from_db(fields=["expires_at", "created_at"])
    return permit


def consume(permit_id: uuid.UUID | None, *, user: User, scope: str) -> None:
    """Take one use. The row count of a single UPDATE decides, so the last use goes to one taker.

    Raises SecurityCheckFailed when the permit is absent, somebody else's, of another scope, expired or used up.
    """
    why = partial(_why_not, permit_id, user.pk, scope)
    refused = SecurityCheckFailed("no-permit", check="permit", why=why)
    if permit_id is None:
        raise refused
    _use.must(refused, permit_id, user.pk, scope)


def _why_not(permit_id: uuid.UUID | None, user: int, scope: str) -> str:
    if permit_id is None:
        return "absent"
    is_over = ExpressionWrapper(Q(expires_at__lte=Now()), BooleanField())
    permit = Permit.objects.filter(pk=permit_id).annotate(is_over=is_over).first()
    if permit is None:
        return "absent"
    if permit.user_id != user:
        return "foreign"
    if permit.scope != scope:
        return "scope"
    return "expired" if permit.is_over else "used-up"


def sweep() -> int:
    """Delete permits that are long over; how many. Until then they remember which tokens were used."""
    return Permit.objects.filter(expires_at__lt=Now() - KEEP_TOKENS).delete()[0]


def _hash(token: str) -> str:
    if not settings.TURNSTILE_SECRET_KEY:
        token = f"{token}:{uuid.uuid4()}"  # the local twin hands out the same token to everybody
    return hashlib.sha256(token.encode()).hexdigest()
