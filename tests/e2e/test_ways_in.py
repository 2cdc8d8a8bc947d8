"""Signing up and in by Google and Apple, as a browser does it: their pages, our policy, cookies that stay at home."""

from uuid import uuid4

import pytest
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from playwright.sync_api import expect

from accounts.models import User
from tests.e2e.looking import NARROW, faults, sideways
from tests.factories import PASSWORD, UserFactory


@pytest.fixture(params=["Google", "Apple"])
def them(request, google, apple):
    fake = {"Google": google, "Apple": apple}[request.param]
    word = uuid4().hex[:8]
    fake.person = {"sub": word, "email": f"{word}@mail.example", "email_verified": True}
    return request.param, fake


@pytest.mark.parametrize("options", [{}, {"java_script_enabled": False}, NARROW], ids=["desk", "no script", "phone"])
def test_a_new_member_comes_by_them_and_later_comes_in_by_them(new_browser, them, options):
    name, fake = them
    page = new_browser(adult=True, **options)
    page.goto("/accounts/signup/?next=/plans/")
    page.get_by_role("button", name=f"Continue with {name}").click()
    page.get_by_role("button", name="Agree").click()
    expect(page.get_by_role("heading", name="Almost there")).to_be_visible()
    expect(page.get_by_text(fake.person["email"])).to_be_visible()
    if options is NARROW:
        assert sideways(page) == []
    if options == {}:
        assert faults(page) == {}
    page.get_by_label("Username").fill(fake.person["sub"])
    for part, value in (("Day", "14"), ("Month", "3"), ("Year", "1991")):
        page.get_by_label(part, exact=True).fill(value)
    page.get_by_label("I’m 18 or older").check()
    page.get_by_role("button", name="Create account").click()
    page.wait_for_url("**/plans/")
    assert SocialAccount.objects.get(uid=fake.person["sub"]).user.email == fake.person["email"]
    again = new_browser(adult=True, **options)
    again.goto("/accounts/login/?next=/account/")
    again.get_by_role("button", name=f"Continue with {name}").click()
    again.get_by_role("button", name="Agree").click()
    expect(again.get_by_label("Username")).to_have_value(fake.person["sub"])


def test_who_calls_it_off_reads_that_nothing_happened(new_browser, them):
    name, fake = them
    page = new_browser(adult=True)
    page.goto("/accounts/login/")
    page.get_by_role("button", name=f"Continue with {name}").click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("heading", name="You called it off")).to_be_visible()
    page.get_by_role("link", name="Back to sign-in").click()
    expect(page.get_by_role("heading", name="Welcome back")).to_be_visible()
    assert not User.objects.filter(email=fake.person["email"]).exists()


def test_a_member_connects_and_disconnects(new_browser, them):
    name, _ = them
    alice = UserFactory()
    hashed = PBKDF2PasswordHasher().encode(PASSWORD, "salt", 1000)  # as the server does
    User.objects.filter(pk=alice.pk).update(password=hashed)
    alice.refresh_from_db()
    page = new_browser(alice)
    page.goto("/account/security/")
    page.get_by_role("button", name=f"Connect {name}").click()
    page.get_by_role("button", name="Agree").click()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("status").get_by_text(f"{name} is connected.")).to_be_visible()
    assert faults(page) == {}
    page.get_by_role("button", name=f"Disconnect {name}").click()
    expect(page.get_by_role("status").get_by_text(f"{name} is disconnected.")).to_be_visible()
    assert not SocialAccount.objects.filter(user=alice).exists()
