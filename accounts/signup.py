"""Becoming a member: who may, under which name, and what they agreed to."""

from collections.abc import Iterator
from datetime import date

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts import spelling
from accounts.models import AgeRefusal, Consent, User

# What the one checkbox of the form stands for. A new version of a page is a new date here.
CONSENTS = {"terms": "2026-11-21", "privacy": "2026-11-21", "adult": "2026-11-21"}

# Names that could pass for the house. Compared without dots, underscores and case: `Ad.min` is `admin`.
RESERVED_USERNAMES = frozenset(
    """
    about abuse account accounts admin administrator age ai anonymous api billing bot chat contact dusk editor feed
    girls healthz help info legal login logout mail media metrics moderator noreply official owner payment payments
    plans postmaster premium privacy readyz register root safety security service settings signin signup staff
    static status superuser support system team terms webhooks webmaster www
    """.split()  # noqa: SIM905 - a page of words reads better without quotes
)


class AlreadyTaken(Exception):
    """Somebody else got this username or e-mail address a moment before; `field` says which."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


def is_reserved(username: str) -> bool:
    """Whether a name is kept from members."""
    return username.lower().replace(".", "").replace("_", "") in RESERVED_USERNAMES


def birthday_of_adulthood(birth_date: date) -> date:
    """The day on which somebody is old enough. Born on 29 February: the first of March."""
    year = birth_date.year + settings.MINIMUM_AGE
    try:
        return birth_date.replace(year=year)
    except ValueError:
        return date(year, 3, 1)


def is_old_enough(birth_date: date) -> bool:
    """Whether somebody born on this day is an adult today."""
    return birthday_of_adulthood(birth_date) <= timezone.localdate()


def refuse(email: str, birth_date: date) -> None:
    """Remember that this address belongs to somebody under age, until the birthday they gave. The first date stays."""
    AgeRefusal.objects.get_or_create(
        email_hash=next(email_hashes(email)), defaults={"until": birthday_of_adulthood(birth_date)}
    )


def was_refused(email: str) -> bool:
    """Whether this address was given with a date that is still under age today."""
    today = timezone.localdate()
    return AgeRefusal.objects.filter(email_hash__in=list(email_hashes(email)), until__gt=today).exists()


def email_hashes(email: str) -> Iterator[str]:
    """The hash under today's secret key, then under the former ones, so that a rotated key forgets nobody."""
    for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        yield salted_hmac("accounts.AgeRefusal", spelling.address(email), secret=secret, algorithm="sha256").hexdigest()


def sign_up(user: User) -> None:
    """Write down a new member and the consents that the form asked for: all of it, or none.

    Raises AlreadyTaken when another sign-up was faster; the form looked before, the constraint has the last word.
    """
    try:
        with transaction.atomic():
            user.save()
            Consent.objects.bulk_create(
                Consent(user=user, document=document, version=version) for document, version in CONSENTS.items()
            )
    except IntegrityError as error:
        name_is_taken = User.objects.filter(username__iexact=user.username).exists()
        raise AlreadyTaken("username" if name_is_taken else "email") from error
