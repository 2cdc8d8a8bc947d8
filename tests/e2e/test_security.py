"""What keeps an account safe, as people meet it: an app, a passkey, recovery codes, the other browser that is out."""

import re
import time

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.conf import global_settings
from playwright.sync_api import expect

from tests.e2e.conftest import PHONE
from tests.e2e.talk import conversation_with, wait_until_alive
from tests.factories import PASSWORD

PAGE = "/account/security/"


@pytest.fixture(autouse=True)
def _passwords_that_the_server_knows(settings, _cheap_passwords):
    """These people type theirs, and the server hashes it as it does everywhere."""
    settings.PASSWORD_HASHERS = global_settings.PASSWORD_HASHERS


def code(secret, steps=0):
    return format_hotp_value(hotp_value(secret.replace(" ", ""), int(time.time()) // 30 + steps))


def sign_in(page, member, url="/accounts/login/"):
    page.goto(url)
    page.get_by_label("Email").fill(member.email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def confirm(page):
    """Show once more who one is, where that is asked."""
    expect(page.get_by_role("heading", name="Confirm it’s you")).to_be_visible()
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()


def set_up_app(page):
    """Through the page; the secret, and the recovery codes that come with it."""
    page.goto(PAGE)
    page.get_by_role("link", name="Set up").click()
    confirm(page)
    secret = page.locator("#secret").inner_text()
    page.get_by_label("Code from the app").fill(code(secret))
    page.get_by_role("button", name="Turn it on").click()
    codes = page.locator("#codes li")
    expect(codes).to_have_count(10)
    return secret, codes.all_inner_texts()


@pytest.mark.parametrize("screen", [{}, PHONE], ids=["desktop", "phone"])
def test_an_app_is_set_up_and_asked_for(new_browser, alice, screen):
    page = new_browser(alice, **screen)
    secret, _ = set_up_app(page)
    page.get_by_role("link", name="Done").click()
    expect(page.get_by_text("On", exact=True)).to_be_visible()
    other = new_browser(**screen)
    sign_in(other, alice, f"/accounts/login/?next={PAGE}")
    expect(other.get_by_role("heading", name="Your second step")).to_be_visible()
    other.get_by_label("Code").fill("000000")
    other.get_by_role("button", name="Sign in", exact=True).click()
    expect(other.get_by_text("That’s not the code.")).to_be_visible()
    other.get_by_label("Code").fill(code(secret, 1))  # the one before is used up
    other.get_by_role("button", name="Sign in", exact=True).click()
    expect(other.get_by_role("heading", name="Where you’re signed in")).to_be_visible()
    expect(other.get_by_text("This device")).to_have_count(1)


def test_a_recovery_code_stands_in_for_a_lost_phone(new_browser, alice):
    page = new_browser(alice)
    _, codes = set_up_app(page)
    other = new_browser()
    sign_in(other, alice, f"/accounts/login/?next={PAGE}")
    other.get_by_label("Code").fill(codes[3])
    other.get_by_role("button", name="Sign in", exact=True).click()
    expect(other.get_by_text("9 of 10 left")).to_be_visible()


@pytest.fixture
def named_url(base_url):
    """The same site by a name: browsers bind passkeys to one."""
    return base_url.replace("127.0.0.1", "localhost")


@pytest.fixture
def authenticator():
    """Puts a device into a page's browser that keeps passkeys and knows its owner's finger."""

    def plug_into(page):
        devtools = page.context.new_cdp_session(page)
        devtools.send("WebAuthn.enable")
        options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
        options |= {"isUserVerified": True, "automaticPresenceSimulation": True}
        devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        return devtools

    return plug_into


def test_a_passkey_is_made_and_signs_in_and_shows_who_one_is(new_browser, alice, named_url, authenticator):
    page = new_browser()
    authenticator(page)
    sign_in(page, alice, f"{named_url}/accounts/login/?next={PAGE}")
    page.get_by_role("link", name="Add passkey").click()
    confirm(page)
    page.get_by_label("Name").fill("My laptop")
    page.get_by_role("button", name="Add passkey").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    page.get_by_role("link", name="Done").click()
    expect(page.get_by_text("1 passkey, not used yet")).to_be_visible()
    page.get_by_role("link", name="Rename My laptop").click()
    page.get_by_label("Name").fill("The old laptop")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("strong").filter(has_text="The old laptop")).to_be_visible()

    page.get_by_role("button", name="Sign out", exact=True).last.click()
    expect(page.get_by_role("link", name="Sign in").first).to_be_visible()
    page.goto(f"{named_url}/accounts/login/?next={PAGE}")
    page.get_by_role("button", name=re.compile("passkey")).click()
    page.wait_for_url(lambda url: "/accounts/" not in url)  # at once: it is both steps in one
    page.goto(f"{named_url}{PAGE}")
    expect(page.get_by_text("1 passkey, used today")).to_be_visible()

    page.get_by_role("link", name="View the recovery codes").click()
    page.get_by_role("link", name=re.compile("passkey|security key")).click()
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.locator("#codes li")).to_have_count(10)

    page.goto(f"{named_url}{PAGE}")
    page.get_by_role("link", name="Remove The old laptop").click()
    page.get_by_role("button", name="Remove passkey").click()
    expect(page.get_by_text("Off", exact=True)).to_be_visible()


def test_a_passkey_is_the_second_step_after_a_password(new_browser, alice, named_url, authenticator):
    page = new_browser()
    authenticator(page)
    sign_in(page, alice, f"{named_url}/accounts/login/?next={PAGE}")
    page.get_by_role("link", name="Add passkey").click()
    confirm(page)
    page.get_by_role("button", name="Add passkey").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    page.get_by_role("button", name="Sign out", exact=True).last.click()
    expect(page.get_by_role("link", name="Sign in").first).to_be_visible()
    sign_in(page, alice, f"{named_url}/accounts/login/?next={PAGE}")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", name="Where you’re signed in")).to_be_visible()


def test_at_a_bare_address_the_page_says_where_passkeys_work(new_browser, alice, base_url):
    page = new_browser(alice)
    page.goto(PAGE)
    expect(page.get_by_role("link", name=f"{base_url.replace('127.0.0.1', 'localhost')}{PAGE}")).to_be_visible()
    expect(page.get_by_role("link", name="Add passkey")).to_have_count(0)


@pytest.fixture
def other_browser(new_browser, alice, complaints):
    """A conversation that is open somewhere else, and hears."""
    complaints.expect("status of 401|WebSocket")
    other = new_browser()
    sign_in(other, alice, f"/accounts/login/?next={PAGE}")
    expect(other.get_by_text("This device")).to_be_visible()
    conversation = conversation_with("mara", alice)
    other.goto(f"/chat/{conversation.pk}/")
    wait_until_alive(other)
    return other


def test_a_device_that_is_signed_out_hears_at_once(new_browser, alice, other_browser):
    page = new_browser(alice)
    page.goto(PAGE)
    page.get_by_role("button", name=re.compile("^Sign out .*on")).click()
    expect(page.get_by_text("That device is signed out.")).to_be_visible()
    expect(other_browser.locator("[data-net=signed-out]")).to_be_visible()  # by its socket: it asks every 25 s
    other_browser.goto(PAGE)
    expect(other_browser.get_by_role("button", name="Sign in", exact=True)).to_be_visible()


def test_signing_out_everywhere_else_leaves_this_one(new_browser, alice, other_browser):
    page = new_browser(alice)
    page.goto(PAGE)
    page.get_by_role("button", name="Sign out everywhere else").click()
    expect(page.get_by_text("You’re signed out everywhere else.")).to_be_visible()
    expect(other_browser.locator("[data-net=signed-out]")).to_be_visible()  # by its socket: it asks every 25 s
    page.reload()
    expect(page.get_by_role("button", name="Sign out everywhere else")).to_have_count(0)


def test_a_new_password_ends_the_other_browser_and_not_this_one(new_browser, alice, other_browser):
    page = new_browser(alice)
    page.goto(PAGE)
    page.get_by_role("link", name="Change the password").click()
    page.get_by_label("Current password").fill(PASSWORD)
    for label in ("New password", "New password, once more"):
        page.get_by_label(label, exact=True).fill("another long quiet evening")
    page.get_by_role("button", name="Save password").click()
    expect(page.get_by_role("heading", name="Where you’re signed in")).to_be_visible()
    expect(other_browser.locator("[data-net=signed-out]")).to_be_visible()  # by its socket: it asks every 25 s
