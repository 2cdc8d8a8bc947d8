"""The console in a browser: each of its pages for axe, at a desk and on a phone, light and dark; keys, menus."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from girls.models import Girl
from safety.models import Report
from staff.navigation import GROUPS
from tests.e2e.conftest import PHONE
from tests.e2e.looking import NARROW, faults, sideways
from tests.factories import ConversationFactory, PremiumGrantFactory, UserFactory
from tests.staff.days import bought

SIZES = {"desk": (1280, 800), "phone": (390, 844)}
LISTS = [page.url_name for _, pages in GROUPS for page in pages]
OTHERS = (
    *("search", "nothing found", "no such page", "add a character", "add a person", "add a role", "add premium"),
    *("a character", "her persona", "her gallery", "her history", "delete her", "delete several"),
    *(
        "a person",
        "the page of a person",
        "a purchase",
        "the totals",
        "a role",
        "a form with errors",
        "an empty list",
        "a form closed",
        "a report",
        "a report decided",
    ),
)


@pytest.fixture
def boss(characters):
    return UserFactory(administrator=True, username=f"boss{timezone.now():%H%M%S%f}", theme="")


@pytest.fixture
def console(new_browser, boss):
    """The console in an administrator's browser, where nothing moves."""

    def open_page(path="/admin/", **options) -> Page:
        page = new_browser(boss, reduced_motion="reduce", **options)
        page.goto(path)
        return page

    return open_page


def addresses(name):
    """Where that page is, with what it needs to be there."""
    mara = Girl.objects.get(slug="mara")
    if name in LISTS:
        return reverse(f"admin:{name}")
    at = "/admin/girls/girl/"
    match name:
        case "search" | "nothing found":
            return "/admin/search/?q=" + ("mara" if name == "search" else "zzzz")
        case "no such page":
            return "/admin/nothing-is-here/"
        case "add a character" | "a form with errors":
            return f"{at}add/"
        case "add a person":
            return "/admin/accounts/user/add/"
        case "add a role":
            return "/admin/auth/group/add/"
        case "the totals":
            return "/admin/payments/purchase/totals/"
        case "add premium":
            return "/admin/accounts/premiumgrant/add/"
        case "a character":
            return f"{at}{mara.pk}/change/"
        case "her persona" | "her gallery" | "her history":
            return f"{at}{mara.pk}/{name[4:]}/"
        case "delete her" | "delete several":
            return f"{at}{mara.pk}/delete/"
        case "an empty list":
            return f"{at}?q=stoic+beekeeper"
        case "a role":
            return reverse("admin:auth_group_change", args=[group().pk])
    if "report" in name:
        said = [{"seq": 1, "sender": "user", "text": "Hello", "at": timezone.now().isoformat(), "reported": True}]
        due = {"due_at": timezone.now() + timedelta(hours=3), "evidence": said, "member": UserFactory()}
        made = Report.objects.create(what="member", target=f"member:{uuid4()}", about="Member", reason="minor", **due)
        return f"/admin/safety/report/{made.pk}/{'decide' if 'decided' in name else 'change'}/"
    person = UserFactory(premium=True)
    PremiumGrantFactory(user=person)
    order = bought(timezone.now() - timedelta(days=1), user=person)
    if name == "a purchase":
        return reverse("admin:payments_purchase_change", args=[order.pk])
    if name == "a form closed":
        return reverse("admin:chat_conversation_change", args=[ConversationFactory(user=person).pk])
    return reverse("admin:person" if "page" in name else "admin:accounts_user_change", args=[person.pk])


def group():
    return Group.objects.get_or_create(name="Looked at")[0]


def go(page, name):
    page.goto(addresses(name))
    if name == "a form with errors":
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_role("alert")).to_be_visible()
    if name == "delete several":
        page.goto("/admin/girls/girl/")
        page.locator(".action-select").first.check()
        page.get_by_label("Action:", exact=False).first.select_option("delete_selected")
        with page.expect_navigation():
            page.get_by_role("button", name="Run").click()
    expect(page.locator("h1")).to_be_visible()


@pytest.mark.parametrize("name", [*LISTS, *OTHERS])
def test_axe_finds_nothing_and_nothing_scrolls_sideways(console, complaints, name):
    if name == "no such page":
        complaints.expect("status of 404")
    page = console("/admin/search/")
    go(page, name)
    found = {}
    for size, (width, height) in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        found |= faults(page, size, preload=False)
    assert found == {}
    page.set_viewport_size({"width": 320, "height": 640})
    assert sideways(page) == []


# --- Keys, menus, themes --------------------------------------------------------------------------------------------


def test_by_keyboard_from_the_start_page_to_a_saved_character(console):
    page = console("/admin/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("/")
    search = page.get_by_role("searchbox", name="Search everything")
    expect(search).to_be_focused()
    page.keyboard.type("inês/")  # and there it is a letter
    expect(search).to_have_value("inês/")
    page.keyboard.press("Backspace")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    found = page.get_by_role("link", name=re.compile("Inês"))
    found.focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Inês")
    page.get_by_label("Lives in").focus()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("Porto")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text="was changed successfully")).to_be_visible()
    assert Girl.objects.get(slug="ines").lives_in == "Porto"


def test_a_filter_opens_and_closes_by_key_and_narrows_the_list(console):
    page = console("/admin/payments/purchase/")
    menu = page.locator("details.filter-menu").first
    menu.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(menu).to_have_attribute("open", "")
    page.keyboard.press("Escape")
    expect(menu).not_to_have_attribute("open", "")
    expect(menu.locator("summary")).to_be_focused()
    menu.locator("summary").click()
    page.get_by_role("heading", level=1).click()
    expect(menu).not_to_have_attribute("open", "")
    menu.locator("summary").click()
    with page.expect_navigation():
        menu.get_by_role("link").nth(1).click()
    expect(page.get_by_role("link", name="Clear filters")).to_be_visible()
    with page.expect_navigation():
        page.get_by_role("link", name="Clear filters").click()
    expect(page.get_by_role("link", name="Clear filters")).to_have_count(0)


def test_an_error_stands_beside_its_field_and_in_the_summary_that_leads_there(console):
    page = console("/admin/girls/girl/add/")
    go(page, "a form with errors")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("Nothing was saved.")
    alert.get_by_role("link", name="Tagline").click()
    tagline = page.locator("#id_tagline")
    expect(tagline).to_be_focused()
    expect(tagline).to_have_attribute("aria-invalid", "true")
    expect(page.locator(f"#{tagline.get_attribute('aria-describedby').split()[-1]}")).to_be_visible()


def test_the_theme_is_the_one_of_the_site_and_follows_to_it(console, boss):
    page = console("/admin/search/", color_scheme="light")
    html = page.locator("html")
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        page.get_by_role("button", name="Light, dark, or as the device is").click()
    expect(html).to_have_attribute("data-theme", "dark")
    page.goto("/account/")
    expect(html).to_have_attribute("data-theme", "dark")
    boss.refresh_from_db()
    assert boss.theme == "dark"
    page.goto("/admin/search/")
    expect(html).to_have_attribute("data-theme", "dark")


def test_on_a_phone_the_menu_opens_leads_on_and_closes(console):
    page = console("/admin/search/", **PHONE)
    menu = page.locator("details[data-side]")
    button = menu.locator("summary")
    people = page.get_by_role("navigation", name="Console").get_by_role("link", name="People", exact=True)
    expect(people).to_be_hidden()
    button.focus()
    page.keyboard.press("Enter")
    expect(people).to_be_visible()
    page.keyboard.press("Escape")
    expect(people).to_be_hidden()
    expect(button).to_be_focused()
    button.tap()
    with page.expect_navigation():
        people.tap()
    expect(page.get_by_role("heading", level=1)).to_have_text("People")
    expect(people).to_be_hidden()


@pytest.mark.parametrize("options", [{}, NARROW], ids=["desk", "phone"])
def test_without_a_script_one_gets_everywhere_and_saves(console, options):
    page = console("/admin/", java_script_enabled=False, **options)
    if options:
        page.locator("details[data-side] summary").click()
    people = page.get_by_role("navigation", name="Console").get_by_role("link", name="Characters", exact=True)
    people.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Characters")
    page.locator("#searchbar").fill("Yuna")  # those whom other journeys left stand before her, on a page of their own
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("q=Yuna"))
    page.get_by_role("link", name=re.compile("Yuna")).first.focus()
    page.keyboard.press("Enter")
    page.get_by_label("Speaks").fill("English, Japanese")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("status").filter(has_text="was changed successfully")).to_be_visible()
    assert Girl.objects.get(slug="yuna").speaks == "English, Japanese"


def test_what_is_chosen_is_counted_and_marked(console):
    page = console("/admin/girls/girl/")
    boxes = page.locator(".action-select")
    boxes.nth(0).check()
    boxes.nth(1).check()
    expect(page.locator(".action-counter")).to_have_text(re.compile("^2 of "))
    expect(page.locator("#result_list tr.selected")).to_have_count(2)


def test_a_person_is_chosen_by_typing(console):
    UserFactory(username="very_rare_name")
    page = console("/admin/accounts/premiumgrant/add/")
    page.get_by_role("combobox", name="User").click()
    page.keyboard.type("very_rare")
    page.get_by_role("option", name="very_rare_name").click()
    expect(page.get_by_role("combobox", name=re.compile("^User.*very_rare_name"))).to_be_visible()
