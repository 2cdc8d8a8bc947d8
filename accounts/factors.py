"""Second factors: how their secrets are kept, whether a code is one of them, and what staff must have.

allauth keeps the rows (`Authenticator`) and speaks the protocols; a code counts here once, however many ask at once.
"""

import base64
import time
from datetime import timedelta

import structlog
from allauth.account.internal.flows.login import get_authentication_records, record_authentication
from allauth.core.internal.cryptokit import compare_user_code
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from accounts import codes, emails, events, sessions
from accounts.models import User

log = structlog.get_logger(__name__)

REAL = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)  # recovery codes stand in for one, and are none
STAFF_PROOF = timedelta(hours=12)  # so long a second factor that was shown opens the console
UNREADABLE = "We can’t read this any more. Use a passkey, or write to support."


class FactorAdapter(DefaultMFAAdapter):
    """What allauth asks about second factors."""

    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "cannot_delete_authenticator": "Staff need a second step. Set up another one first, then turn this one off.",
        "incorrect_code": "That’s not the code. Codes change every 30 seconds and work once.",
        "unverified_email": "Confirm your email first: it’s how you get back in if you lose your phone.",
    }

    def encrypt(self, text: str) -> str:
        """What stands in the database: useless without SECRET_KEY."""
        return _boxes().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """What was encrypted, under this key or one before it. Raises ValidationError when its key is gone."""
        try:
            return _boxes().decrypt(encrypted_text.encode()).decode()
        except InvalidToken as error:
            log.error("second_factor_unreadable", remedy="add the key before to SECRET_KEY_FALLBACKS")
            raise ValidationError(UNREADABLE) from error

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        """Staff keep one that is real."""
        if not (authenticator.user.is_staff and settings.STAFF_SECOND_FACTOR):
            return True
        return (
            Authenticator.objects.filter(user=authenticator.user, type__in=REAL).exclude(pk=authenticator.pk).exists()
        )

    def generate_authenticator_name(self, user: User, type: Authenticator.Type) -> str:
        """What a passkey is called until its owner calls it something else."""
        number = Authenticator.objects.filter(user_id=user.pk, type=type).count() + 1
        return "Passkey" if number == 1 else f"Passkey {number}"

    def _get_site_name(self) -> str:
        return settings.SITE_NAME


def _boxes() -> MultiFernet:
    """Closes with the key of today; opens with those before it, too."""
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    hashes = [salted_hmac("accounts.factors", "", secret=key, algorithm="sha256").digest() for key in keys]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(hash)) for hash in hashes])


def reencrypt() -> int:
    """Encrypt every secret under the key of today, so that those before it can go; how many people's."""
    done = 0
    for pk in Authenticator.objects.exclude(type=Authenticator.Type.WEBAUTHN).values_list("pk", flat=True):
        with transaction.atomic():
            row = Authenticator.objects.select_for_update().filter(pk=pk).first()
            if row is None:
                continue
            name = "secret" if row.type == Authenticator.Type.TOTP else "seed"
            row.data[name] = _boxes().rotate(row.data[name].encode()).decode()
            row.save(update_fields=["data"])
            done += 1
    return done


def remove_all(user: User) -> int:
    """Take every second step off an account, sign it out everywhere, and tell its owner; how many rows there were.

    For support, after it made sure who asks: a thief of the password would ask for the same.
    """
    with transaction.atomic():
        removed, _ = Authenticator.objects.filter(user=user).delete()
        if removed:
            sessions.end(user)
            emails.owe("factors_removed", {}, user=user)
    events.note("second_factors_removed", user=user)
    return removed


def matching_step(secret: str, typed: str) -> int | None:
    """The step of the clock whose code this is, among those that are near; None when it is none of theirs."""
    for step in yield_hotp_counters_from_time():
        if compare_user_code(actual=codes.plain(typed), expected=format_hotp_value(hotp_value(secret, step))):
            return step
    return None


def use(user: User, typed: str) -> Authenticator | None:
    """The factor whose code this is: the app's or a recovery code, which is good once; None when it is neither's.

    The app's codes go forward only: one that was used, or is older than one that was, is refused, whatever became of
    the cache. The row is locked first, so of many at once one is let in.
    """
    with transaction.atomic():
        rows = Authenticator.objects.select_for_update().filter(user=user).exclude(type=Authenticator.Type.WEBAUTHN)
        for row in rows.order_by("-type"):  # the app, then recovery codes
            if row.type == Authenticator.Type.TOTP:
                step = matching_step(_secret(row), typed)
                if step is not None and step > row.data.get("step", 0):
                    used_up(row, step)
                    return row
            elif row.wrap().validate_code(codes.plain(typed)):
                return row
    return None


def _secret(row: Authenticator) -> str:
    return FactorAdapter().decrypt(row.data["secret"])


def used_up(row: Authenticator, step: int) -> None:
    """From now on only codes of later steps are right."""
    row.data["step"] = step
    row.save(update_fields=["data"])


def recovery_codes_left(user: User) -> int:
    """How many recovery codes were not used yet."""
    row = Authenticator.objects.filter(user=user, type=Authenticator.Type.RECOVERY_CODES).first()
    return len(row.wrap().get_unused_codes()) if row else 0


def has_one(user: User) -> bool:
    """Whether somebody has a second factor."""
    return Authenticator.objects.filter(user=user, type__in=REAL).exists()


def prove(request: HttpRequest, row: Authenticator) -> None:
    """Note that this session showed a second factor: setting one up is showing it."""
    record_authentication(request, row.user, "mfa", id=row.pk, type=row.type)


def was_shown_for_staff(request: HttpRequest, user: User) -> bool:
    """Whether this session showed one, not too long ago for the console, and the person still has one."""
    return time.time() - shown_at(request, user) < STAFF_PROOF.total_seconds() and has_one(user)


def shown_at(request: HttpRequest, user: User) -> float:
    """When this session showed one last, in seconds since 1970; 0 when it never did."""
    records = get_authentication_records(request, user)
    return max((record["at"] for record in records if record["method"] == "mfa"), default=0.0)
