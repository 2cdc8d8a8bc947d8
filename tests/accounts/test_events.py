"""Whoever watches sees who came in, who did not and who is tried; and nothing that would let somebody in."""

import json
import re

import pytest
from django.test import Client
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from tests.accounts.test_signin import sign_in
from tests.factories import PASSWORD, UserFactory
from tests.mails import delivered
from tests.people import RESET, RESET_CODE, code_for, reset_asked, sign_up

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]

NEW = "another quiet evening"
SECRETS = (PASSWORD, NEW, "wrong-password", "alice@example.com", "nobody@example.com", "robin@mail.com")


def count(event):
    return REGISTRY.get_sample_value("dusk_sign_in_events_total", {"event": event}) or 0


@pytest.fixture
def seen():
    """The events since the last time that was asked: in the log, and counted as often."""
    with capture_logs() as lines:

        def look():
            found = [line for line in lines if line.get("event") != "request_finished"]
            text = json.dumps(lines, default=str).lower()
            assert not any(secret.lower() in text for secret in SECRETS)
            lines.clear()
            return found

        yield look


def test_coming_in_and_going_out(alice, seen):
    before = count("signed_in"), count("signed_out")
    sign_in(browser := Client())
    browser.post("/accounts/logout/")
    assert [(e["event"], e["user_id"], e["log_level"]) for e in seen()] == [
        ("signed_in", alice.pk, "info"),
        ("signed_out", alice.pk, "info"),
    ]
    assert (count("signed_in"), count("signed_out")) == (before[0] + 1, before[1] + 1)


def test_a_new_member_came_in(seen):
    sign_up()
    assert [event["event"] for event in seen()] == ["sign_up_begun", "signed_up", "signed_in"]


def test_codes_that_are_guessed(alice, seen):
    browser = reset_asked()
    code = code_for("alice@example.com")
    seen()
    for _ in range(3):
        browser.post(RESET_CODE, {"code": "000000" if code != "000000" else "111111"})
    events = seen()
    assert [(event["event"], event["log_level"]) for event in events] == [("code_wrong", "warning")] * 3
    assert len({event["account"] for event in events}) == 1
    assert code not in json.dumps(events, default=str)


def test_who_did_not_come_in_and_is_tried_too_often(alice, seen):
    before = count("sign_in_failed"), count("sign_in_locked")
    for _ in range(6):
        sign_in(Client(), "Alice@Example.com", "wrong-password")
    sign_in(Client(), "nobody@example.com", "wrong-password")
    events = seen()
    assert [event["event"] for event in events] == ["sign_in_failed"] * 5 + ["sign_in_locked", "sign_in_failed"]
    assert {event["log_level"] for event in events} == {"warning"}
    assert len({event["account"] for event in events[:6]}) == 1
    assert events[6]["account"] != events[0]["account"]
    assert (count("sign_in_failed"), count("sign_in_locked")) == (before[0] + 6, before[1] + 1)


def test_somebody_who_was_deactivated(seen):
    gone = UserFactory(username="gone", inactive=True)
    sign_in(Client(), "gone@example.com")
    assert [(event["event"], event["user_id"]) for event in seen()] == [("sign_in_inactive", gone.pk)]


def test_another_password(alice, seen):
    sign_in(browser := Client())
    browser.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW})
    assert [event["event"] for event in seen()] == ["signed_in", "password_set"]


@pytest.mark.parametrize("host", ["dusk.example:666", "127.0.0.1:8000", "dusk.example"])
@pytest.mark.parametrize("email", ["alice@example.com", "nobody@example.com"])
def test_mails_lead_to_the_site_whatever_name_it_was_asked_by(alice, settings, seen, host, email):
    settings.SITE_URL, settings.ALLOWED_HOSTS = "https://dusk.example", ["dusk.example", "127.0.0.1"]
    Client(headers={"host": host}).post(RESET, {"email": email, "cf-turnstile-response": "local"})
    (message,) = delivered()
    assert "https://dusk.example/" in message.body
    assert {link.removeprefix("https://dusk.example")[:1] for link in re.findall(r"\S+://\S+", message.body)} <= {
        "",
        "/",
    }
    assert ":666" not in message.body
    assert "127.0.0.1" not in message.body
    seen()
