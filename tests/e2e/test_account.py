"""The account's first page and the theme, as a member's browser does them."""

import re

import pytest
from playwright.sync_api import expect

from tests.config.processes import until
from tests.e2e.test_avatar import choose
from tests.factories import UserFactory


@pytest.fixture
def account(new_browser, alice):
    def opened(**options):
        page = new_browser(alice, **options)
        page.goto("/account/")
        return page

    return opened


def told(member, name):
    """What is kept of a member by now."""
    member.refresh_from_db()
    return getattr(member, name)


@pytest.mark.parametrize("javascript", [True, False])
def test_one_says_who_one_is_and_corrects_what_is_taken(account, alice, javascript):
    taken = UserFactory().username
    page = account(java_script_enabled=javascript)
    page.get_by_label("Username").fill(taken.upper())
    page.get_by_label("Name", exact=True).fill("Robin Hale")
    page.get_by_label("Country").select_option(label="Netherlands")
    page.get_by_role("button", name="Save changes").click()
    summary = page.get_by_role("alert").filter(has_text="Please check")
    expect(summary).to_have_text(re.compile("username"))
    expect(page.get_by_label("Username")).to_have_accessible_description(
        re.compile("That one’s taken. Try robin_hale|MEMBER_")
    )
    expect(page.get_by_label("Name", exact=True)).to_have_value("Robin Hale")
    if javascript:
        expect(summary).to_be_focused()
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.get_by_label("Username")).to_be_focused()
    page.get_by_label("Username").fill(f"robin_{alice.pk}")
    page.get_by_role("button", name="Save changes").click()
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    assert (told(alice, "username"), alice.name, alice.country.code) == (f"robin_{alice.pk}", "Robin Hale", "NL")
    page.get_by_label("Name", exact=True).fill("Nobody")
    page.get_by_role("link", name="Discard").click()
    expect(page.get_by_label("Name", exact=True)).to_have_value("Robin Hale")


def test_changes_that_are_saved_while_a_photo_goes_up_wait_for_it(account, alice):
    page = account()
    held = []
    page.route("**/media/disk/**", lambda route: held.append(route))
    choose(page)
    page.get_by_role("dialog", name="Crop your photo").get_by_role("button", name="Use photo").click()
    until(lambda: (page.wait_for_timeout(20), held)[1], what="a photo on its way")
    page.get_by_label("Name", exact=True).fill("Robin")
    page.get_by_role("button", name="Save changes").click()
    expect(page.get_by_text("Saving when the photo is up …")).to_be_visible()
    held[0].continue_()
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    expect(page.get_by_label("Name", exact=True)).to_have_value("Robin")
    assert told(alice, "avatar_id")


def test_a_switch_is_kept_as_it_is_thrown_by_mouse_and_by_keyboard(account, alice):
    page = account()
    enter = page.get_by_role("switch", name="Enter sends the message")
    expect(enter).to_be_checked()
    expect(page.get_by_role("button", name="Save chat preferences")).to_be_hidden()
    enter.click()
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    assert told(alice, "enter_sends") is False
    page.get_by_role("switch", name="News by email").focus()
    page.keyboard.press("Space")
    until(lambda: told(alice, "email_notices") is False, what="the switch to be kept")
    page.reload()
    expect(enter).not_to_be_checked()


def test_without_a_script_the_card_has_a_button(account, alice):
    page = account(java_script_enabled=False)
    page.get_by_role("switch", name="News by email").uncheck()
    page.get_by_role("radio", name="Dark").check()
    page.get_by_role("button", name="Save news and theme").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.get_by_role("switch", name="News by email")).not_to_be_checked()
    assert (told(alice, "theme"), alice.email_notices, alice.enter_sends) == ("dark", False, True)


def test_a_switch_that_cannot_be_kept_goes_back_and_says_so(account, alice, complaints):
    complaints.expect("Failed to load resource")
    page = account()
    enter = page.get_by_role("switch", name="Enter sends the message")
    page.route("**/account/preferences/", lambda route: route.abort())
    enter.click()
    expect(page.get_by_text("That couldn’t be saved. Try again.")).to_be_visible()
    expect(enter).to_be_checked()
    page.unroute("**/account/preferences/")
    enter.click()
    expect(enter).not_to_be_checked()
    until(lambda: told(alice, "enter_sends") is False, what="the switch to be kept")


def test_a_theme_that_is_chosen_in_one_browser_is_that_of_the_other(account, alice, new_browser):
    page, other = account(), new_browser(alice)
    page.get_by_role("radio", name="Dark").check()
    html = page.locator("html")
    expect(html).to_have_attribute("data-theme", "dark")
    until(lambda: told(alice, "theme") == "dark", what="the account to hear of it")
    assert '<html lang="en" data-theme="dark">' in other.goto("/").text()
    until(lambda: other.evaluate("document.cookie.includes('theme=dark')"), what="the cookie to follow")
    other.get_by_role("button", name="Light, dark, or as the device is").click()  # the device is light: its own again
    until(lambda: told(alice, "theme") == "light", what="the account to hear of the other")
    assert '<html lang="en" data-theme="light">' in page.reload().text()
    expect(page.get_by_role("radio", name="Light")).to_be_checked()


def test_a_theme_that_could_not_be_told_is_told_by_the_next_page(account, alice, complaints):
    complaints.expect("Failed to load resource")
    page = account()
    page.route("**/account/preferences/", lambda route: route.abort())
    page.get_by_role("button", name="Light, dark, or as the device is").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert told(alice, "theme") == ""
    page.unroute("**/account/preferences/")
    assert 'data-theme="dark"' in page.goto("/").text()
    until(lambda: told(alice, "theme") == "dark", what="the account to hear of it")
    until(lambda: page.evaluate("!document.cookie.includes('!')"), what="the cookie to be plain again")


def test_the_date_of_birth_says_how_it_is_corrected(account):
    page = account()
    page.get_by_role("button", name="Need to change it?").click()
    expect(page.get_by_role("dialog", name="Change your date of birth")).to_contain_text("We may ask for proof.")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Need to change it?")).to_be_focused()
