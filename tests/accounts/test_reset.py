"""Forgotten passwords: a code by mail, then a new password; and what that does not open."""

import re
from datetime import timedelta

import pytest
import time_machine
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import sessions
from accounts.models import Mail
from tests.accounts.test_signin import is_signed_in, sign_in
from tests.factories import UserFactory
from tests.mails import delivered
from tests.people import NEW_PASSWORD, RESET, RESET_CODE, SIGN_IN, SIGN_UP, code_for, reset_asked
from tests.racing import race

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]

NEW = "another quiet evening"
BOTH = {"password1": NEW, "password2": NEW}
DONE = "/accounts/password/reset/done/"


def wrong(code):
    return "000000" if code != "000000" else "111111"


def test_a_code_opens_the_form_of_a_new_password_and_ends_every_session(alice):
    elsewhere = Client()
    elsewhere.force_login(alice)
    browser = reset_asked("ALICE@example.com")
    [message] = delivered()
    assert message.to == ["alice@example.com"]
    assert browser.post(RESET_CODE, {"code": code_for("alice@example.com")})["Location"] == NEW_PASSWORD
    assert browser.get(NEW_PASSWORD).status_code == 200
    assert browser.post(NEW_PASSWORD, BOTH)["Location"] == DONE
    assert browser.get(DONE).status_code == 200
    assert not is_signed_in(browser)
    assert not is_signed_in(elsewhere)
    assert sign_in(Client()).status_code == 200
    assert sign_in(Client(), password=NEW).status_code == 302


def test_the_sockets_of_every_session_are_told(alice, django_capture_on_commit_callbacks):
    heard = []

    def listen(user, key, but, **_):
        heard.append((user, key))

    sessions.sessions_ended.connect(listen)
    browser = reset_asked()
    browser.post(RESET_CODE, {"code": code_for("alice@example.com")})
    with django_capture_on_commit_callbacks(execute=True):
        browser.post(NEW_PASSWORD, BOTH)
    sessions.sessions_ended.disconnect(listen)
    assert heard == [(alice, None)]


def test_the_rules_for_passwords_hold(alice):
    browser = reset_asked()
    browser.post(RESET_CODE, {"code": code_for("alice@example.com")})
    assert browser.post(NEW_PASSWORD, {"password1": "password", "password2": "password"}).status_code == 200
    assert browser.post(NEW_PASSWORD, {"password1": NEW, "password2": f"{NEW}!"}).status_code == 200
    assert sign_in(Client()).status_code == 302


def test_the_form_of_a_new_password_opens_to_nobody_without_the_code(alice):
    browser = reset_asked()
    assert browser.get(NEW_PASSWORD)["Location"] == RESET_CODE
    assert browser.post(NEW_PASSWORD, BOTH)["Location"] == RESET_CODE
    assert Client().post(NEW_PASSWORD, BOTH)["Location"] == RESET
    assert sign_in(Client()).status_code == 302


def test_a_code_is_of_no_use_in_another_browser_or_for_another_person(alice, charlie):
    reset_asked()
    code = code_for("alice@example.com")
    assert Client().post(RESET_CODE, {"code": code})["Location"] == RESET
    others = reset_asked("charlie@example.com")
    assert others.post(RESET_CODE, {"code": code}).status_code == 200 or code == code_for("charlie@example.com")


def test_a_code_is_good_once(alice):
    browser = reset_asked()
    code = code_for("alice@example.com")
    browser.post(RESET_CODE, {"code": code})
    browser.post(NEW_PASSWORD, BOTH)
    assert browser.post(RESET_CODE, {"code": code})["Location"] == RESET
    assert (
        browser.post(NEW_PASSWORD, {"password1": "a third evening", "password2": "a third evening"}).status_code == 302
    )
    assert sign_in(Client(), password=NEW).status_code == 302


def test_the_fourth_try_is_refused_though_it_is_right(alice):
    browser = reset_asked()
    code = code_for("alice@example.com")
    assert [browser.post(RESET_CODE, {"code": wrong(code)}).status_code for _ in range(2)] == [200, 200]
    assert browser.post(RESET_CODE, {"code": wrong(code)})["Location"] == RESET
    assert browser.post(RESET_CODE, {"code": code})["Location"] == RESET
    assert "one try too many" in browser.get(RESET).content.decode()


@pytest.mark.django_db(transaction=True)
def test_forty_wrong_codes_at_once_are_three_guesses(alice):
    browser = reset_asked()
    code, key = code_for("alice@example.com"), browser.cookies["sessionid"].value

    def guess(number):
        tab = Client()
        tab.cookies["sessionid"] = key
        return tab.post(RESET_CODE, {"code": wrong(code)})

    answers = race(guess, 40)
    told = [
        int(left[1])
        for each in answers
        if each.status_code == 200 and (left := re.search(r"You have (\d) tr", each.content.decode()))
    ]
    assert len(told) <= 2  # the third says that it was the last
    assert {each["Location"] for each in answers if each.status_code == 302} <= {RESET}
    assert browser.post(RESET_CODE, {"code": code}).get("Location") == RESET


def test_a_code_is_good_for_ten_minutes(alice):
    browser = reset_asked()
    with time_machine.travel(timezone.now() + timedelta(seconds=601)):
        assert browser.post(RESET_CODE, {"code": code_for("alice@example.com")})["Location"] == RESET


def test_a_reset_does_not_skip_the_second_factor(alice):
    TOTP.activate(alice, generate_totp_secret())
    browser = reset_asked()
    browser.post(RESET_CODE, {"code": code_for("alice@example.com")})
    browser.post(NEW_PASSWORD, BOTH)
    assert not is_signed_in(browser)
    assert sign_in(browser, password=NEW)["Location"] == "/accounts/2fa/authenticate/"
    assert not is_signed_in(browser)


def test_whoever_reads_the_mail_has_proven_the_address():
    UserFactory(username="kim", proven=False)
    browser = reset_asked("kim@example.com")
    browser.post(RESET_CODE, {"code": code_for("kim@example.com")})
    browser.post(NEW_PASSWORD, BOTH)
    assert sign_in(browser, "kim@example.com", NEW)["Location"] == "/"


def test_known_unknown_and_deactivated_addresses_are_answered_alike(alice):
    UserFactory(username="gone", inactive=True)

    def way(email):
        browser = Client()
        with CaptureQueriesContext(connection) as queries:
            answers = [browser.post(RESET, {"email": email, "cf-turnstile-response": "local"})]
        answers += [browser.get(RESET_CODE), browser.post(RESET_CODE, {"code": "1"})]
        code = code_for(email) or ""
        answers += [browser.post(RESET_CODE, {"code": wrong(code)}) for _ in range(3)]
        answers += [browser.get(RESET), browser.get(NEW_PASSWORD)]
        seen = [(each.status_code, each.get("Location"), plain(each, email)) for each in answers]
        return seen, [query["sql"].split()[:1] for query in queries]

    def plain(answer, email):
        text = answer.content.decode().replace(email, "ADDRESS")
        return re.sub(r'(csrfmiddlewaretoken" value|nonce)="[^"]*"', "", text)

    known, unknown, gone = map(way, ("alice@example.com", "nobody@example.com", "gone@example.com"))
    assert known == unknown == gone
    assert [bool(code_for(f"{name}@example.com")) for name in ("alice", "nobody", "gone")] == [True, False, False]


def test_somebody_who_is_deactivated_meanwhile_gets_no_further(alice):
    browser = reset_asked()
    browser.post(RESET_CODE, {"code": code_for("alice@example.com")})
    alice.is_active = False
    alice.save()
    assert browser.post(NEW_PASSWORD, BOTH)["Location"] == RESET
    alice.refresh_from_db()
    assert not alice.check_password(NEW)


def test_a_password_that_was_changed_meanwhile_ends_every_reset_that_had_begun(alice):
    slow, quick = reset_asked(), Client()
    slow.post(RESET_CODE, {"code": code_for("alice@example.com")})
    reset_asked(client=quick)
    quick.post(RESET_CODE, {"code": code_for("alice@example.com")})
    quick.post(NEW_PASSWORD, BOTH)
    again = "a third quiet evening"
    assert slow.post(NEW_PASSWORD, {"password1": again, "password2": again})["Location"] == RESET
    assert sign_in(Client(), password=NEW).status_code == 302


@pytest.mark.usefixtures("early_in_the_hour")
def test_a_flood_of_mails_is_stopped_for_that_address(alice, charlie):
    def ask(email):
        return Client().post(RESET, {"email": email, "cf-turnstile-response": "local"})

    answers = [ask("alice@example.com").status_code for _ in range(7)]
    assert answers == [302] * 5 + [429] * 2
    assert len(delivered()) == 5
    assert ask("charlie@example.com").status_code == 302
    assert "That was a bit fast" in ask("alice@example.com").content.decode()


def test_an_address_gets_twenty_codes_a_day(alice, settings):
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "a day"}}
    answers = []
    for n in range(22):
        with time_machine.travel(timezone.now() + timedelta(minutes=20 * n)):
            words = {"email": "alice@example.com", "cf-turnstile-response": "local"}
            answers.append(Client().post(RESET, words).status_code)
    assert answers == [302] * 20 + [429] * 2


def test_without_the_security_check_no_mail_goes_out(client, alice):
    response = client.post(RESET, {"email": "alice@example.com", "cf-turnstile-response": "fail"})
    assert response.context["form"].errors == {"__all__": ["We couldn’t check your browser. Please try again."]}
    assert not Mail.objects.exists()


def test_links_of_old_mails_lead_to_where_one_asks_for_a_code(client):
    assert client.get(f"{RESET}key/1-abc-def/")["Location"] == RESET
    assert client.get("/accounts/confirm-email/MQ:abc/").status_code == 404


def test_nothing_is_lost_on_the_way_back(client, alice):
    asked = client.post(f"{RESET}?next=/chat/", {"email": alice.email, "cf-turnstile-response": "local"})
    assert asked["Location"] == f"{RESET_CODE}?next=%2Fchat%2F"


def test_who_has_no_account_reads_so_in_the_mail(client):
    reset_asked("nobody@example.com")
    [message] = delivered()
    assert SIGN_UP in message.body
    assert message.subject == "No account with this address"
    assert SIGN_IN not in message.body
