"""The demo: eight characters and three accounts, loaded and taken away by `manage.py demo`.

Their photos are drawn by `pictures`, which takes ten seconds once.
"""

import tomllib
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from allauth.account.models import EmailAddress
from django.conf import settings
from django.db import transaction
from django.db.models import ProtectedError
from django.utils import timezone

from accounts import premium
from accounts.models import User
from girls import publishing
from girls.models import Girl
from girls.purposes import MEDIA
from media import files, processing, uploading
from media.models import File, Upload

CHARACTERS = Path(__file__).with_name("characters.toml")
PREMIUM_DAYS = 365
PREMIUM_REASON = "staff:demo-premium"
ACCOUNTS: dict[str, dict[str, Any]] = {
    "member@example.com": {"username": "demo_member", "name": "Robin", "birth_date": date(1994, 5, 17)},
    "premium@example.com": {"username": "demo_premium", "name": "Kim", "birth_date": date(1989, 10, 2)},
    "admin@example.com": {
        "username": "demo_admin",
        "name": "Alex",
        "birth_date": date(1985, 3, 9),
        "is_staff": True,
        "is_superuser": True,
    },
}


@dataclass
class Outcome:
    """What a load or a removal did, as lists of names and addresses."""

    done: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)


def characters() -> list[dict[str, Any]]:
    """The characters as fields of the model, in the order of the page."""
    entries = tomllib.loads(CHARACTERS.read_text(encoding="utf-8"))["character"]
    return [_fields(position, entry) for position, entry in enumerate(entries, start=1)]


@transaction.atomic
def load() -> Outcome:
    """Make what is missing. What is there, edited or not, is left as it is."""
    outcome = Outcome()
    for email, fields in ACCOUNTS.items():
        user = User.objects.filter(email=email).first()
        if user is None:
            user = User.objects.create_user(email, settings.DEMO_PASSWORD, **fields)
            EmailAddress.objects.create(user=user, email=email, primary=True, verified=True)
            if email.startswith("premium@"):
                premium.grant(user, PREMIUM_DAYS, PREMIUM_REASON)
            outcome.done.append(email)
        else:
            outcome.kept.append(email)
    for fields in characters():
        _, made = Girl.objects.get_or_create(slug=fields["slug"], defaults=fields)
        (outcome.done if made else outcome.kept).append(fields["name"])
    return outcome


def remove() -> Outcome:
    """Take away what load() made, and nothing else.

    The accounts go with their conversations. A character with whom somebody else talks cannot go without those
    words: she stays for them, hidden from everybody new. The photos of the others go out of the storage, too.
    """
    girls = {girl.pk: girl for girl in Girl.objects.exclude(demo_art="")}
    on_the_way = Upload.objects.owed().filter(purpose=MEDIA.name, target__girl__in=list(girls))
    for upload in on_the_way:
        uploading.cancel(upload)
        processing.see_to(upload.pk)
    outcome = _remove_rows(list(girls.values()))
    gone = File.objects.filter(state=File.State.GONE, folder__in=[f"girls/{pk}/media" for pk in girls])
    for pk in gone.values_list("pk", flat=True):
        files.remove(pk)
    return outcome


@transaction.atomic
def _remove_rows(girls: list[Girl]) -> Outcome:
    outcome = Outcome()
    for user in User.objects.filter(email__in=ACCOUNTS, username__in=[a["username"] for a in ACCOUNTS.values()]):
        user.delete()
        outcome.done.append(user.email)
    for girl in girls:
        name, pk = girl.name, girl.pk
        try:
            publishing.delete(girl)
            outcome.done.append(name)
        except ProtectedError:
            Girl.objects.filter(pk=pk).update(is_active=False)
            outcome.kept.append(name)
    return outcome


def _fields(position: int, entry: dict[str, Any]) -> dict[str, Any]:
    age_on_the_site = timedelta(days=3 if entry.get("new") else 60)
    return {
        **{key: value for key, value in entry.items() if key != "new"},
        "bio": _unwrap(entry["bio"]),
        "persona_prompt": _unwrap(entry["persona_prompt"]),
        "example_dialogue": entry["example_dialogue"].strip(),
        "demo_art": entry["slug"],
        "position": position,
        "is_active": True,
        "created_at": timezone.now() - age_on_the_site,
    }


def _unwrap(text: str) -> str:
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.strip().split("\n\n"))
