"""Somebody in danger finds people: with a browser that runs no script, in the country that they are in."""

from playwright.sync_api import expect

from tests.e2e.conftest import PHONE
from tests.e2e.looking import faults, sideways


def test_another_country_is_chosen_without_a_script(new_browser):
    page = new_browser(java_script_enabled=False, locale="en-GB", **PHONE)
    page.goto("/safety/")
    expect(page.get_by_role("heading", name="People who help: United Kingdom")).to_be_visible()
    expect(page.get_by_role("link", name="116 123")).to_have_attribute("href", "tel:116123")
    page.get_by_label("Another country").select_option("NZ")
    page.get_by_role("button", name="Show its lines").click()
    expect(page.get_by_role("heading", name="People who help: New Zealand")).to_be_visible()
    expect(page.get_by_role("link", name="1737").first).to_have_attribute("href", "tel:1737")


def test_the_lines_are_readable_everywhere(new_browser):
    for screen in ({}, PHONE):
        page = new_browser(locale="en-US", **screen)
        page.goto("/safety/")
        expect(page.get_by_role("heading", name="People who help: United States")).to_be_visible()
        assert faults(page) == {}
        assert sideways(page) == []
