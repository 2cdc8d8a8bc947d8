"""Becoming a member: who may, under which name, what they agreed to, and that the address is theirs.

There is no account before its address is proven. Until then everything that somebody typed waits in their own session
(`begin`), where nobody else finds it and nothing has to be cleared away: an address that is not theirs is not taken
from whom it belongs to. Whoever types the code from the mail is a member (`confirm`).

Whether an address has an account already is told to nobody but its owner: the page and the time it takes are the same,
and the mail says so, in place of a code.
"""

import math
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Self

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.sessions.backends.base import SessionBase
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts import codes, emails, events, legal, ratelimits, spelling
from accounts.models import AgeRefusal, Consent, User

KEY = "sign_up"  # in the session
KEPT_SECONDS = 3600  # that a form is remembered for, so that a mistyped address costs no second filling in


class AlreadyTaken(Exception):
    """Somebody else got this username or e-mail address in the meantime; `field` says which."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


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


@dataclass(frozen=True)
class Pending:
    """Somebody who is about to become a member, as their session remembers them."""

    email: str
    username: str
    birth_date: str
    password: str  # its hash
    next_url: str = ""
    consents: dict[str, str] = field(default_factory=legal.shown)
    consented_at: str = field(default_factory=lambda: timezone.now().isoformat())
    at: float = field(default_factory=time.time)
    code: str = ""  # none is right: the address has an account, or the process is over
    code_at: float = 0.0

    @classmethod
    def of(cls, session: SessionBase) -> Self | None:
        """The one of a session, for as long as a form is remembered."""
        kept = session.get(KEY)
        if not kept or time.time() - kept["at"] > KEPT_SECONDS:
            return None
        try:
            return cls(**kept)
        except TypeError:  # remembered by another version of this site
            return None

    @property
    def is_waiting(self) -> bool:
        """Whether a code that was sent may still be typed."""
        return time.time() - self.code_at <= codes.SECONDS

    @property
    def seconds_to_resend(self) -> int:
        """How long until another code may be asked for."""
        return max(0, math.ceil(self.code_at + ratelimits.RESEND_SECONDS - time.time()))

    @property
    def process(self) -> str:
        """The name under which its guesses are counted."""
        return codes.process(KEY, {"at": self.at, "email": self.email})


def begin(
    session: SessionBase,
    *,
    email: str,
    username: str,
    password: str,
    birth_date: date,
    consents: dict[str, str],
    next_url: str,
    network: str,
) -> None:
    """Remember in the session who wants to become a member, and send a code to the address.

    Raises TooManyRequests. `network` is where the request comes from, `consents` what the form was shown for.
    """
    ratelimits.may_sign_up(email, network)
    hashed = make_password(spelling.password(password))  # takes long, for an address that is known, too
    pending = Pending(
        email=email,
        username=username,
        birth_date=birth_date.isoformat(),
        password=hashed,
        next_url=next_url,
        consents=consents,
    )
    ratelimits.sent_a_code(pending.process)
    session.set_expiry(KEPT_SECONDS)  # nobody who gives up stays written down for longer
    _send(session, pending)
    events.note("sign_up_begun", account=email)


def resend(session: SessionBase, pending: Pending, *, network: str) -> None:
    """Send another code, which is the one that is good from now on. There are no new guesses with it.

    Raises TooManyRequests.
    """
    ratelimits.may_resend(pending.process, pending.email, network)
    _send(session, pending)


def stop(session: SessionBase, pending: Pending) -> None:
    """No code is good any more; what was typed stays remembered."""
    session[KEY] = asdict(replace(pending, code="", code_at=0.0))


def forget(session: SessionBase) -> None:
    """Let the session be as if nobody had begun: whoever signs in with it stays as long as any member."""
    if session.pop(KEY, None) is not None:
        session.set_expiry(None)


def confirm(pending: Pending) -> User:
    """Make the member, whose code was right: with consents and proven address, or not at all.

    The same sign-up, confirmed twice at once, is one member. Raises AlreadyTaken.
    """
    user = User(
        email=pending.email,
        username=pending.username,
        password=pending.password,
        birth_date=date.fromisoformat(pending.birth_date),
    )
    try:
        sign_up(user, consents=pending.consents, consented_at=datetime.fromisoformat(pending.consented_at))
    except AlreadyTaken:
        # Each hash has a salt of its own: whoever has this one was made of this sign-up, a moment ago.
        twin = User.objects.filter(email=pending.email, password=pending.password).first()
        if twin is None:
            raise
        return twin
    events.note("signed_up", user=user)
    return user


def sign_up(
    user: User, *, consents: dict[str, str] | None = None, consented_at: datetime | None = None, proven: bool = True
) -> None:
    """Write down a new member, the consents that were given, and that the address is proven: all of it, or none.

    Raises AlreadyTaken when another sign-up was faster; the form looked before, the constraint has the last word.
    """
    given = {"given_at": consented_at} if consented_at else {}
    try:
        with transaction.atomic():
            user.save()
            Consent.objects.bulk_create(
                Consent(user=user, document=document, version=version, **given)
                for document, version in (consents or legal.shown()).items()
            )
            if proven:
                prove(user)
    except IntegrityError as error:
        name_is_taken = User.objects.filter(username__iexact=user.username).exists()
        raise AlreadyTaken("username" if name_is_taken else "email") from error


def prove(user: User) -> None:
    """Write down that whoever has this account reads the mail of its address. A proof of anybody's before is over."""
    with transaction.atomic():
        EmailAddress.objects.filter(email=user.email).exclude(user=user).delete()
        EmailAddress.objects.filter(user=user, primary=True).exclude(email=user.email).update(primary=False)
        EmailAddress.objects.update_or_create(user=user, email=user.email, defaults={"verified": True, "primary": True})


def _send(session: SessionBase, pending: Pending) -> None:
    """Owe the mail: a code, or to whom has an account already that they do. Either way it is the same work."""
    code, known = codes.make(), User.objects.filter(email=pending.email).exists()
    template, context = ("already_a_member", {}) if known else ("sign_up_code", {"code": code})
    emails.owe(template, context, address=pending.email, good_for=timedelta(seconds=codes.SECONDS))
    session[KEY] = asdict(replace(pending, code="" if known else code, code_at=time.time()))
