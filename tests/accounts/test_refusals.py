"""Why a security check failed stands in the log and in the metrics, and nothing of what was sent."""

import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from tests.chat.conftest import Hands
from tests.factories import ConversationFactory, PermitFactory

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]


def count(check, reason):
    return REGISTRY.get_sample_value("dusk_security_checks_failed_total", {"check": check, "reason": reason}) or 0


@pytest.fixture
def noted():
    """How often each was counted since, and what was logged."""
    with capture_logs() as lines:
        yield lambda: [(line["check"], line["reason"]) for line in lines if line["event"] == "security_check_failed"]
    assert not any("secret-token" in str(line) for line in lines)


@pytest.mark.parametrize(
    ("verdict", "reason"),
    [
        ({"success": False, "error-codes": ["timeout-or-duplicate"]}, "timeout-or-duplicate"),
        ({"success": False, "error-codes": ["invalid-input-secret"]}, "invalid-input-secret"),
        ({"success": False, "error-codes": ["secret-token-" + "x" * 10_000]}, "refused"),
        ({"success": False, "error-codes": [{"a": 1}, 7]}, "refused"),
        ({"action": "signup"}, "action"),
        ({"hostname": "evil.example"}, "hostname"),
    ],
)
def test_what_turnstile_says_is_counted(cloudflare, settings, noted, verdict, reason):
    settings.ALLOWED_HOSTS = ["*"]
    before = count("turnstile", reason)
    token = cloudflare.token(**{"action": "login", **verdict})
    Client().post("/accounts/login/", {"login": "a@b.example", "password": "x", "cf-turnstile-response": token})
    assert count("turnstile", reason) == before + 1
    assert noted() == [("turnstile", reason)]


@pytest.mark.parametrize(("status", "body"), [(500, "{}"), (200, "not JSON"), (200, "[]"), (404, "")])
def test_a_turnstile_that_makes_no_sense_is_unavailable(cloudflare, settings, noted, status, body):
    settings.ALLOWED_HOSTS = ["*"]
    cloudflare.instead = [(status, body)] * 2
    Client().post(
        "/accounts/login/", {"login": "a@b.example", "password": "x", "cf-turnstile-response": "secret-token"}
    )
    assert noted() == [("turnstile", "unavailable")]


@pytest.mark.parametrize("reason", ["absent", "foreign", "scope", "expired", "used-up"])
def test_why_a_permit_was_not_good_is_counted(alice, charlie, client, settings, noted, reason):
    settings.DEBUG = True
    client.force_login(alice)
    permit = PermitFactory(user=charlie if reason == "foreign" else alice, uses_left=0 if reason == "used-up" else 5)
    if reason == "scope":
        type(permit).objects.filter(pk=permit.pk).update(scope="another")
    if reason == "expired":
        type(permit).objects.filter(pk=permit.pk).update(expires_at=timezone.now() - timedelta(seconds=5))
    if reason == "absent":
        permit.pk = uuid.uuid4()
    before = count("permit", reason)
    answer = Hands(client, ConversationFactory(user=alice), permit).send()
    assert answer.status_code == 403
    assert count("permit", reason) == before + 1
    assert noted() == [("permit", reason)]


@pytest.mark.parametrize(
    ("headers", "cookie", "reason"),
    [
        ({"origin": "https://secret-token.example"}, "c" * 32, "origin"),
        ({}, "", "no-cookie"),
        ({}, "c" * 32, "no-token"),
        ({"x-csrftoken": "secret-token"}, "c" * 32, "token"),
        ({"x-csrftoken": "d" * 32}, "c" * 32, "token"),
    ],
)
def test_why_a_form_was_not_ours_is_counted(noted, headers, cookie, reason):
    browser = Client(enforce_csrf_checks=True, headers=headers)
    if cookie:
        browser.cookies["csrftoken"] = cookie
    before = count("csrf", reason)
    assert browser.post("/age/", {"answer": "adult"}).status_code == 403
    assert count("csrf", reason) == before + 1
    assert noted() == [("csrf", reason)]
