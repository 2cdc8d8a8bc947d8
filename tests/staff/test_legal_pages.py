"""Legal pages in the console: a draft, a look at it, and publishing it once."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from accounts import legal
from accounts.models import Consent, LegalVersion
from staff.models import Audit
from tests.factories import UserFactory

LIST, ADD = "/admin/accounts/legalversion/", "/admin/accounts/legalversion/add/"


@pytest.fixture
def desk(db):
    browser = Client()
    browser.force_login(UserFactory(username="boss", administrator=True))
    return browser


def words(response):
    return re.sub(r"\s+", " ", response.content.decode())


def written(desk, **fields):
    """A draft, by the form."""
    given = {"document": "terms", "summary": "We ask you to be kind.", "material": "on", "text": "Be **kind**."}
    answer = desk.post(ADD, {**given, **fields})
    assert answer.status_code == 302, words(answer)
    return LegalVersion.objects.latest("pk")


def to(row, name):
    return reverse(f"admin:accounts_legalversion_{name}", args=[row.pk])


def publish(desk, row):
    answer = desk.post(to(row, "publish"), {"seen": row.stamp})
    legal.forget()  # a test's transaction never commits
    return answer


def test_a_draft_begins_with_what_is_shown(desk):
    assert "Who may use it" in words(desk.get(f"{ADD}?document=terms"))
    assert "What we keep" in words(desk.get(f"{ADD}?document=privacy"))
    publish(desk, written(desk))
    assert "Be **kind**." in words(desk.get(f"{ADD}?document=terms"))
    assert "Who may use it" in words(desk.get(f"{ADD}?document=terms&from=site"))


def test_it_is_looked_at_then_published(desk):
    Consent.objects.create(user=UserFactory(), document="terms", version="2026-11-21")
    row = written(desk)
    page = words(desk.get(to(row, "look")))
    assert "<strong>kind</strong>" in page
    assert "[taken out: " in page
    assert "Publish…" in page
    assert "2 people will be asked" in words(desk.get(to(row, "publish")))
    assert publish(desk, row)["Location"] == LIST
    row.refresh_from_db()
    assert (row.published_by.username, row.written_by.username) == ("boss", "boss")
    assert "<strong>kind</strong>" in words(Client().get("/terms/"))
    line = Audit.objects.filter(did="Published.").get()
    assert line.after == {"version": row.version, "material": True, "summary": row.summary}


def test_what_matters_to_nobody_asks_nobody(desk):
    assert "Nobody will be asked" in words(desk.get(to(written(desk, material=""), "publish")))


def test_what_was_published_is_only_to_be_looked_at(desk):
    row = written(desk)
    publish(desk, row)
    assert 'name="text"' not in words(desk.get(to(row, "change")))
    assert desk.post(to(row, "change"), {"text": "Something else", "seen": row.stamp}).status_code == 403
    assert desk.get(to(row, "delete")).status_code == 403
    assert "published already" in words(desk.get(desk.post(to(row, "publish"), {"seen": row.stamp})["Location"]))
    assert LegalVersion.objects.get().text == "Be **kind**."


def test_two_who_write_the_same_draft_are_told(desk):
    row = written(desk)
    form = {"summary": "a", "text": "Mine.", "seen": row.stamp}
    assert desk.post(to(row, "change"), form).status_code == 302
    assert "Somebody else saved this draft" in words(desk.post(to(row, "change"), {**form, "text": "Theirs."}))
    assert LegalVersion.objects.get().text == "Mine."


def test_what_was_written_on_since_is_not_published(desk):
    row = written(desk)
    desk.post(to(row, "change"), {"summary": "a", "text": "Other.", "seen": row.stamp})
    answer = desk.post(to(row, "publish"), {"seen": row.stamp})
    assert "Somebody wrote on it meanwhile" in words(desk.get(answer["Location"]))
    assert not LegalVersion.objects.published().exists()


def test_a_draft_says_what_changed_and_names_what_is_known(desk):
    given = {"document": "terms", "material": "on", "text": "{{ nobody }}", "summary": ""}
    page = words(desk.post(ADD, given))
    assert "Say what changed" in page
    assert "Nobody knows {{ nobody }}" in page


def test_versions_are_compared(desk):
    publish(desk, written(desk, text="One."))
    row = written(desk, text="Two.")
    first = LegalVersion.objects.published().get()
    assert "One" in words(desk.get(f"{to(row, 'look')}?with={first.version}"))
    assert "What came with this release" in words(desk.get(f"{to(row, 'look')}?with=site"))
    assert desk.get(f"{to(row, 'look')}?with=1999-01-01").status_code == 404


def test_the_console_asks_nobody(desk):
    publish(desk, written(desk))
    assert desk.get(LIST).status_code == 200
    assert desk.get("/account/")["Location"].startswith("/account/agree/")
