"""Who somebody is: to take away, and the end of it. Their own row is the roof's to end: everything points at it."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.db.models import Q

from accounts import mailbox, sessions
from accounts.models import Mail, User
from config.lib.privacy import ALL, Document, Fate, delete

# Where it says no more than that rows go, they go with the row of the person (CASCADE).
TABLES = {
    "accounts.User": Fate("account.json"),
    "accounts.User_groups": Fate(why="What staff may do; nobody who is on the staff is erased."),
    "accounts.User_user_permissions": Fate(why="The same."),
    "accounts.PremiumGrant": Fate("account.json"),
    "accounts.Consent": Fate("account.json"),
    "accounts.LegalVersion": Fate(
        why="Legal pages are the site’s; they forget who wrote them.", blanks=("written_by", "published_by"), keeps=ALL
    ),
    "accounts.Mail": Fate("account.json", why="When which mail was sent; its words are in their mailbox."),
    "accounts.Restriction": Fate("account.json"),
    "accounts.Permit": Fate(why="Good for minutes, and for this site only."),
    "accounts.AgeRefusal": Fate(
        why="Who said they are under age has no account. A hash of the address under our key, so that they wait.",
        keeps=ALL,
    ),
    "account.EmailAddress": Fate("account.json"),
    "account.EmailConfirmation": Fate(why="A key that proves an address."),
    "mfa.Authenticator": Fate("account.json", why="That there is one, since when; never its secret."),
    "socialaccount.SocialAccount": Fate("account.json"),
    "socialaccount.SocialToken": Fate(why="What Google and Apple let one do there; none is kept."),
    "usersessions.UserSession": Fate("account.json"),
    "sessions.Session": Fate(why="The other half of a device; its key signs in."),
}


def export(user: User) -> Iterator[Document]:
    """Who they are here, what they agreed to, and where they are signed in."""
    found = {
        "profile": {
            **_columns(user, "email", "username", "name", "birth_date", "date_joined", "last_login", "premium_until"),
            "country": str(user.country),
        },
        "preferences": _columns(user, "theme", "enter_sends", "show_mature", "email_notices"),
        "email_addresses": _rows(EmailAddress.objects.filter(user=user), "email", "verified", "primary"),
        "premium": _rows(user.premium_grants.all(), "days", "granted_at", "revoked_at"),
        "restrictions": _rows(
            user.restrictions.order_by("began_at"), "kind", "reason", "words", "began_at", "until", "lifted_at"
        ),
        "consents": _rows(user.consents.order_by("given_at"), "document", "version", "given_at"),
        "second_factors": _rows(Authenticator.objects.filter(user=user), "type", "created_at", "last_used_at"),
        "connected_accounts": _rows(
            SocialAccount.objects.filter(user=user), "provider", "uid", "extra_data", "date_joined", "last_login"
        ),
        "devices": _rows(UserSession.objects.filter(user=user), "user_agent", "ip", "created_at", "last_seen_at"),
        "mails": _rows(user.mails.order_by("created_at"), "subject", "created_at", "sent_at"),
    }
    yield Document("account.json", [json.dumps(found, ensure_ascii=False, indent=2, default=_text)])


def erase(user: User) -> Iterator[None]:
    """Sessions, and mails to an address of theirs, which hang on nobody's row; all else goes with the person's."""
    sessions.end(user)
    yield
    addresses = {user.email, *EmailAddress.objects.filter(user=user).values_list("email", flat=True)}
    mails = Mail.objects.filter(Q(user=user) | Q(address__in=addresses))
    mailbox.forget(mails.values_list("pk", flat=True))
    yield from delete(mails)


def _columns(row: Any, *names: str) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}


def _rows(rows: Iterable[Any], *names: str) -> list[dict[str, Any]]:
    return [_columns(row, *names) for row in rows]


def _text(value: Any) -> str:
    """Times and days as ISO 8601."""
    return str(value.isoformat() if hasattr(value, "isoformat") else value)
