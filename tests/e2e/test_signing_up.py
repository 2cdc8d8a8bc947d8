"""From a form to a member by a code, and back in by another when the password is forgotten."""

import re
import time
from uuid import uuid4

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone
from playwright.sync_api import expect

from accounts.models import User
from accounts.sessions import SessionStore
from tests.e2e.test_arriving import fill_in
from tests.factories import PASSWORD, UserFactory
from tests.people import code_for

NEW = "another quiet evening"


@pytest.fixture
def who():
    """Somebody new: their username, and their address."""
    word = f"robin_{uuid4().hex[:8]}"
    return word, f"{word}@example.com"


def begin(page, name, email, *, at="/accounts/signup/"):
    page.goto(at)
    fill_in(page, Email=email, Username=name)
    page.get_by_label("I’m 18 or older").check()
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("heading", name="Check your email")).to_be_visible()


def type_code(page, code, button="Create account"):
    page.get_by_label("Code").fill(code)
    page.get_by_role("button", name=button).click()


def other_than(code):
    return "000000" if code != "000000" else "111111"


def make_older(page, seconds):
    """As if so much time had passed since the code was sent."""
    key = next(cookie["value"] for cookie in page.context.cookies() if cookie["name"] == "sessionid")
    store = SessionStore(key)
    store["sign_up"] = {**store["sign_up"], "code_at": time.time() - seconds}
    row = Session.objects.filter(session_key=key, expire_date__gt=timezone.now())
    assert row.update(session_data=store.encode(dict(store.items()))) == 1


def test_a_code_makes_a_member_and_leads_to_where_one_was_going(page, who):
    begin(page, *who, at="/accounts/signup/?next=/plans/")
    expect(page.get_by_text(who[1])).to_be_visible()
    field = page.get_by_label("Code")
    expect(field).to_have_attribute("autocomplete", "one-time-code")
    expect(field).to_have_attribute("inputmode", "numeric")
    code = code_for(who[1])
    type_code(page, f"{code[:3]} {code[3:]}")
    expect(page).to_have_url(re.compile("/plans/$"))
    assert User.objects.get(email=who[1]).emailaddress_set.get().verified


def test_wrong_codes_say_how_many_are_left_and_end_kindly(page, who):
    begin(page, *who)
    wrong = other_than(code_for(who[1]))
    type_code(page, wrong)
    expect(page.get_by_text("That’s not the code. You have 2 tries left.")).to_be_visible()
    expect(page.get_by_label("Code")).to_have_attribute("aria-invalid", "true")
    type_code(page, wrong)
    expect(page.get_by_text("You have 1 try left.")).to_be_visible()
    type_code(page, wrong)
    expect(page.get_by_text("That was one try too many")).to_be_visible()
    expect(page.get_by_label("Username")).to_have_value(who[0])
    expect(page.get_by_label("Password", exact=True)).to_have_value("")
    assert not User.objects.filter(username=who[0]).exists()


def test_a_mistyped_address_is_corrected_and_nothing_but_the_password_typed_again(page, who):
    begin(page, who[0], f"wrong.{who[1]}")
    page.get_by_role("link", name="Change the address").click()
    expect(page.get_by_label("Email")).to_have_value(f"wrong.{who[1]}")
    expect(page.get_by_label("I’m 18 or older")).to_be_checked()
    page.get_by_label("Email").fill(who[1])
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_text(who[1], exact=True)).to_be_visible()
    type_code(page, code_for(who[1]))
    expect(page.get_by_role("button", name="Your menu")).to_be_visible()
    assert User.objects.get(username=who[0]).email == who[1]


def test_another_code_comes_after_half_a_minute(page, who, complaints):
    begin(page, *who)
    button = page.get_by_role("button", name="Send another code")
    expect(button).to_be_disabled()
    expect(button).to_have_text(re.compile(r"\(in \d+ s\)"))
    complaints.expect("status of 429")
    # As for somebody without scripts; in one go, since the script looks again each second.
    button.evaluate("button => { button.disabled = false; button.click() }")
    expect(page.get_by_text("That was a bit fast. Wait")).to_be_visible()


def test_a_code_that_is_over_asks_for_the_password_once_more(page, who):
    begin(page, *who)
    make_older(page, 601)
    type_code(page, code_for(who[1]))
    expect(page.get_by_text("That code is over")).to_be_visible()
    expect(page.get_by_label("Email")).to_have_value(who[1])
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("heading", name="Check your email")).to_be_visible()
    type_code(page, code_for(who[1]))
    expect(page.get_by_role("button", name="Your menu")).to_be_visible()


def test_it_works_without_scripts(new_browser, who):
    page = new_browser(java_script_enabled=False)
    begin(page, *who)
    type_code(page, code_for(who[1]))
    expect(page.get_by_role("button", name="Your menu")).to_be_visible()
    assert User.objects.filter(username=who[0]).exists()


def test_whoever_has_an_account_sees_the_same_and_is_told_by_mail(page, who):
    UserFactory(email=who[1])
    begin(page, f"{who[0]}_2", who[1])
    assert code_for(who[1]) is None
    type_code(page, "123456")
    expect(page.get_by_text("That’s not the code. You have 2 tries left.")).to_be_visible()


def test_a_forgotten_password_is_replaced_by_a_code_and_other_browsers_are_out(new_browser):
    robin = UserFactory()
    elsewhere = new_browser(robin)
    elsewhere.goto("/account/")
    page = new_browser()
    page.goto("/accounts/login/")
    page.get_by_role("link", name="Forgot it?").click()
    page.get_by_label("Email").fill(robin.email)
    page.get_by_role("button", name="Send the code").click()
    expect(page.get_by_role("heading", name="Check your email")).to_be_visible()
    type_code(page, code_for(robin.email), button="Go on")
    page.get_by_label("New password", exact=True).fill(NEW)
    page.get_by_label("New password, once more").fill(NEW)
    page.get_by_role("button", name="Save password").click()
    expect(page.get_by_role("heading", name="Your password is changed")).to_be_visible()
    page.get_by_role("link", name="Sign in").click()
    page.get_by_label("Email").fill(robin.email)
    page.get_by_label("Password", exact=True).fill(NEW)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Your menu")).to_be_visible()
    elsewhere.goto("/account/")
    expect(elsewhere.get_by_role("heading", name="Welcome back")).to_be_visible()
