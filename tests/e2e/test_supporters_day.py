"""A day of support: finding somebody, helping them while they look on, and letting them go; and a moderator's."""

import re

import pytest
from django.contrib.auth.models import Group
from playwright.sync_api import expect

from accounts import premium
from chat.models import Conversation
from staff import roles
from staff.models import Audit
from tests.e2e.conftest import PHONE
from tests.e2e.looking import NARROW, faults, sideways
from tests.e2e.talk import conversation_with
from tests.factories import UserFactory

WHY = "Ticket 4711: they lost a week to an outage"


@pytest.fixture
def console(new_browser, characters):
    """The browser of somebody of the team who has one of the roles."""
    roles.sync()

    def opened(role, **options):
        somebody = UserFactory(staff=True)
        somebody.groups.add(Group.objects.get(name=role))
        page = new_browser(somebody, **options)
        page.goto("/admin/")
        page.somebody = somebody
        return page

    return opened


def find(page, person):
    """By the address that they wrote from."""
    page.goto("/admin/accounts/user/")
    page.locator("#searchbar").fill(person.email)
    page.locator("#searchbar").press("Enter")
    page.get_by_role("link", name=person.username).click()
    expect(page.get_by_role("heading", name=person.username, level=1)).to_be_visible()


def press(page, link, button=None, **fields):
    """A button of the person's page; the question; a reason; and back."""
    page.get_by_role("link", name=link).first.click()
    for label, value in fields.items():
        page.get_by_label(label.replace("_", " ")).fill(value)
    page.get_by_label("Reason").fill(WHY)
    page.get_by_role("main").get_by_role("button", name=button or link, exact=True).click()


def test_a_member_is_helped_while_they_look_on(console, talk, new_browser, alice):
    member = talk()
    Conversation.objects.filter(pk=member.conversation.pk).update(free_text=4)
    member.page.reload()
    member.ready()
    expect(member.left).to_have_text("4")
    member.page.evaluate("window.stayed = true")

    support = console("support")
    find(support, alice)
    row = support.get_by_role("row", name=re.compile("Mara"))
    expect(row).to_contain_text("4 left")
    support.get_by_role("link", name="Reset free messages").click()
    support.get_by_label("Character").select_option("Mara")
    support.get_by_label("Photos").uncheck()
    support.get_by_label("Reason").fill(WHY)
    support.get_by_role("button", name="Reset free messages").click()
    expect(support.get_by_text("are full again")).to_be_visible()
    expect(row).to_contain_text("10 left")
    expect(member.left).to_have_text("10")

    press(support, "Give premium", Days="30")
    expect(support.get_by_text("30 days more of premium")).to_be_visible()
    expect(support.locator(".person-marks")).to_contain_text("Premium until")
    expect(member.page.get_by_text("Premium, unlimited")).to_be_visible()

    press(support, "Take back")
    expect(support.get_by_text("30 days were taken back")).to_be_visible()
    expect(member.page.get_by_text("Premium, unlimited")).to_be_hidden()
    assert member.page.evaluate("window.stayed")
    reasons = set(Audit.objects.filter(person=alice.pk).values_list("actor", "reason"))
    assert reasons == {(support.somebody.pk, WHY)}


def test_sessions_end_an_account_rests_and_comes_back(console, new_browser, alice):
    phone = new_browser(alice, **PHONE)
    phone.goto("/account/")
    expect(phone).to_have_url(re.compile("/account/$"))

    support = console("support")
    find(support, alice)
    press(support, "Sign out everywhere", "Sign out")
    expect(support.get_by_text("signed out everywhere")).to_be_visible()
    expect(support.get_by_text("Nowhere.")).to_be_visible()
    phone.goto("/account/")
    expect(phone).to_have_url(re.compile("/accounts/login/"))

    press(support, "Deactivate")
    expect(support.locator(".person-marks")).to_have_text("Inactive")
    press(support, "Reactivate")
    expect(support.locator(".person-marks")).to_contain_text("Active")

    press(support, "Start erasure", Their_username="somebody_else")
    expect(support.get_by_role("alert")).to_be_visible()
    support.get_by_label("Their username").fill(alice.username)
    support.get_by_role("button", name="Start erasure").click()
    expect(support.locator(".person-marks")).to_contain_text("Leaves on")
    press(support, "Keep the account")
    expect(support.get_by_text("Nothing was erased")).to_be_visible()
    expect(support.locator(".person-marks")).not_to_contain_text("Leaves on")


def test_what_was_said_is_a_moderators_to_reveal(console, alice, complaints):
    conversation = conversation_with("mara", alice, messages=3)
    where = f"/admin/chat/conversation/{conversation.pk}/"
    moderator = console("moderator")
    moderator.goto(f"{where}change/")
    expect(moderator.get_by_text("Message number 3.")).to_have_count(0)
    moderator.get_by_role("link", name="Reveal").click()
    moderator.get_by_label("Reason").fill("short")
    moderator.get_by_role("button", name="Reveal").click()
    expect(moderator.get_by_role("alert")).to_be_visible()
    moderator.get_by_label("Reason").fill("Report 12: threats in what was said")
    moderator.get_by_role("button", name="Reveal").click()
    expect(moderator.get_by_text("Message number 3.")).to_be_visible()
    assert faults(moderator, preload=False) == {}
    assert Audit.objects.get(key=str(conversation.pk)).reason == "Report 12: threats in what was said"

    complaints.expect("status of 403")
    support = console("support")
    support.goto(f"{where}change/")
    expect(support.get_by_role("link", name="Reveal")).to_have_count(0)
    assert support.goto(f"{where}words/").status == 403


PAGES = {
    "lists": ("/admin/accounts/user/", "/admin/staff/export/", "/admin/staff/erasure/"),
    "person": ("{person}", "{person}change/", "{person}history/"),
    "deeds": ("{person}give-premium/", "{person}reset-quotas/", "{person}erase/"),
}


@pytest.mark.parametrize("pages", PAGES)
@pytest.mark.parametrize("options", [{}, PHONE], ids=["desk", "phone"])
def test_its_pages_are_open_to_everybody_light_and_dark(console, alice, options, pages):
    premium.grant(alice, 30, f"staff:{alice.username}")
    conversation_with("mara", alice, messages=3)
    support = console("support", **options)
    for address in PAGES[pages]:
        support.goto(address.format(person=f"/admin/accounts/user/{alice.pk}/"))
        assert sideways(support) == [], address
        assert faults(support, address, preload=False) == {}


def test_its_pages_fit_on_the_narrowest_screen(console, alice):
    premium.grant(alice, 30, f"staff:{alice.username}")
    conversation_with("mara", alice, messages=3)
    support = console("support", **NARROW)
    for address in (address for pages in PAGES.values() for address in pages):
        support.goto(address.format(person=f"/admin/accounts/user/{alice.pk}/"))
        assert sideways(support) == [], address


def test_a_deed_is_done_by_keyboard_and_without_a_script(console, alice):
    support = console("support", java_script_enabled=False)
    support.goto(f"/admin/accounts/user/{alice.pk}/give-premium/")
    support.get_by_label("Days").focus()
    support.keyboard.press("Tab")
    expect(support.get_by_label("Reason")).to_be_focused()
    support.keyboard.type(WHY)
    support.keyboard.press("Tab")
    support.keyboard.press("Enter")
    expect(support.get_by_text("30 days more of premium")).to_be_visible()
