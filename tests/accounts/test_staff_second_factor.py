"""The console opens to staff who showed a second factor; without one it shows how to set one up, and nothing else."""

from datetime import timedelta

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.test import Client
from django.utils import timezone

from tests.accounts.test_second_factor import ACTIVATE, CODES, STEP, _a_moment_that_lasts, code, confirm  # noqa: F401 - a fixture
from tests.accounts.test_signin import sign_in
from tests.factories import APP_SECRET, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]

CONSOLE = "/admin/accounts/user/"


@pytest.fixture
def boss():
    return UserFactory(username="boss", administrator=True)


@pytest.fixture
def new_boss():
    return UserFactory(username="boss", is_staff=True, is_superuser=True)


def follow(browser, path=CONSOLE):
    return browser.get(path, follow=True)


def test_without_one_every_page_of_the_console_leads_to_setting_one_up(new_boss):
    sign_in(browser := Client(), "boss@example.com")
    for path in ("/admin/", CONSOLE, f"{CONSOLE}{new_boss.pk}/change/", "/admin/jsi18n/", "/admin/autocomplete/"):
        page = follow(browser, path)
        assert "The console needs a second step" in page.text, path
        assert "Site administration" not in page.text
    assert browser.post(f"{CONSOLE}{new_boss.pk}/delete/", {"post": "yes"}).status_code == 302
    assert type(new_boss).objects.filter(pk=new_boss.pk).exists()


def test_setting_one_up_opens_it(new_boss):
    sign_in(browser := Client(), "boss@example.com")
    confirm(browser)
    secret = browser.get(ACTIVATE).context["form"].secret
    assert browser.post(ACTIVATE, {"code": code(secret)})["Location"] == CODES
    assert browser.get(CONSOLE).status_code == 200


def test_signing_in_asks_for_it_and_comes_back(boss):
    browser = Client()
    assert follow(browser).redirect_chain[-1][0].startswith("/accounts/login/?next=")
    assert sign_in(browser, "boss@example.com", next=CONSOLE)["Location"] == STEP
    assert browser.get(CONSOLE).status_code == 302
    assert browser.post(STEP, {"code": code(APP_SECRET)})["Location"] == CONSOLE
    assert browser.get(CONSOLE).status_code == 200


def test_a_session_that_never_showed_it_is_asked_and_comes_back(new_boss):
    """Signed in before there was a second factor, in another browser than the one that set it up."""
    sign_in(browser := Client(), "boss@example.com")
    sign_in(other := Client(), "boss@example.com")
    confirm(other)
    secret = other.get(ACTIVATE).context["form"].secret
    other.post(ACTIVATE, {"code": code(secret, -1)})
    asked = follow(browser)
    assert asked.redirect_chain[-1][0].startswith("/accounts/2fa/reauthenticate/?next=")
    where = asked.redirect_chain[-1][0]
    assert browser.post(where, {"code": code(secret), "next": CONSOLE})["Location"] == CONSOLE
    assert browser.get(CONSOLE).status_code == 200


def test_after_twelve_hours_it_is_asked_for_again_and_the_member_stays_signed_in(boss):
    (browser := Client()).force_login(boss)
    assert browser.get(CONSOLE).status_code == 200
    with time_machine.travel(timezone.now() + timedelta(hours=12, seconds=1), tick=False):
        assert browser.get(CONSOLE).status_code == 302
        assert browser.get("/account/security/").status_code == 200


def test_a_factor_that_is_removed_elsewhere_closes_it(boss):
    (browser := Client()).force_login(boss)
    Authenticator.objects.all().delete()
    assert "The console needs a second step" in follow(browser).text


def test_staff_cannot_turn_off_their_last_one(boss):
    (browser := Client()).force_login(boss)
    browser.post("/accounts/2fa/reauthenticate/", {"code": code(APP_SECRET)})
    assert "Staff need a second step" in browser.get("/accounts/2fa/totp/deactivate/").text
    assert browser.post("/accounts/2fa/totp/deactivate/").status_code == 200
    passkey = Authenticator.objects.create(user=boss, type="webauthn", data={"name": "Phone", "credential": {}})
    assert browser.post("/accounts/2fa/totp/deactivate/").status_code == 302
    remove = f"/accounts/2fa/webauthn/keys/{passkey.pk}/remove/"
    assert "Staff need a second step" in browser.post(remove, follow=True).text
    assert Authenticator.objects.filter(pk=passkey.pk).exists()


def test_no_password_of_somebody_else_opens_it_without(boss, alice):
    (member := Client()).force_login(alice)
    assert member.get("/admin/", follow=True).status_code == 403


def test_on_a_laptop_it_may_be_off(new_boss, settings):
    settings.STAFF_SECOND_FACTOR = False
    sign_in(browser := Client(), "boss@example.com")
    assert browser.get(CONSOLE).status_code == 200
