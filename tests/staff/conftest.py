"""A member who left something everywhere, and a storage of the test's own."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.test import Client

from accounts.models import Mail
from media import storage
from staff import erasing
from staff.models import Erasure, Export
from tests.factories import PASSWORD


@pytest.fixture(autouse=True)
def _as_on_a_laptop(settings):
    settings.DEBUG = True
    settings.SITE_URL = "http://testserver"
    settings.TURNSTILE_SITE_KEY = settings.TURNSTILE_SECRET_KEY = ""
    settings.STRIPE_SECRET_KEY = settings.STRIPE_API_BASE = ""


@pytest.fixture(autouse=True)
def disk(settings, tmp_path):
    """This disk, empty, for each test."""
    settings.MEDIA_ROOT = tmp_path / "media"
    storage.store.cache_clear()
    yield tmp_path / "media"
    storage.store.cache_clear()


def sign_in(user):
    """A browser in which this person has just signed in."""
    member = Client()
    said = member.post(
        "/accounts/login/", {"login": user.email, "password": PASSWORD, "cf-turnstile-response": "a-token"}
    )
    assert (said.status_code, said["Location"]) == (302, "/")
    return member


@pytest.fixture
def member(alice):
    return sign_in(alice)


def files_in(disk, folder="exports"):
    return sorted(path.name for path in (disk / folder).rglob("*") if path.is_file())


def mails():
    return list(Mail.objects.order_by("created_at").values_list("template", flat=True))


def days_go_by(days):
    """For the rows, as the database's clock sees it."""
    for row in Erasure.objects.exclude(due_at=None):
        Erasure.objects.filter(pk=row.pk).update(due_at=row.due_at - timedelta(days=days))
    for row in Export.objects.all():
        due = row.due_at and row.due_at - timedelta(days=days)
        Export.objects.filter(pk=row.pk).update(due_at=due, asked_at=row.asked_at - timedelta(days=days))


def erase(user):
    """All of it, at once."""
    erasing.ask(user, by="support", after=timedelta(0))
    for pk in Erasure.objects.due().values_list("pk", flat=True):
        erasing.see_to(pk)


def its_time():
    """Whatever waits for later is due now."""
    for model in (Erasure, Export):
        model.objects.owed().update(due_at=Now())
