"""Terms change: the team publishes in one browser, a member is asked in another, agrees, and goes on from there.

On a server of its own: another would remember for a minute what is gone by then, and ask the people of other journeys.
"""

import pytest
from playwright.sync_api import expect

from accounts import legal
from accounts.models import LegalVersion
from tests.config.processes import Dusk
from tests.e2e.conftest import PHONE, of_these_tests
from tests.e2e.looking import faults, sideways
from tests.e2e.talk import conversation_with, wait_until_alive
from tests.e2e.test_sessions import sign_in
from tests.factories import UserFactory


@pytest.fixture
def site(tmp_path, characters):
    with Dusk(tmp_path, **of_these_tests()) as server:
        yield server
    LegalVersion._base_manager.all().delete()  # which the model itself would refuse


def signed_in(new_browser, site, member, **options):
    page = new_browser(**options)
    sign_in(page.context, site.url, member)
    return page


def publish(desk, site):
    """New terms, from the list to the last question."""
    desk.goto(f"{site.url}/admin/accounts/legalversion/")
    desk.get_by_role("link", name="New terms").click()
    expect(desk.get_by_label("Text")).to_have_value(legal.shipped("terms")[-1].text)
    desk.get_by_label("What changed").fill("We ask you to be kind.")
    desk.get_by_label("Ask everybody again").check()
    desk.get_by_label("Text").fill("Be **kind**.\n\n## Be brief\n\nPlease.\n\n| a | b |\n|---|---|\n| 1 | 2 |")
    assert faults(desk, preload=False) == {}
    desk.get_by_role("button", name="Save", exact=True).click()
    expect(desk.get_by_role("heading", name="Preview")).to_be_visible()
    assert faults(desk, preload=False) == {}
    assert sideways(desk) == []
    desk.get_by_role("link", name="Publish…").click()
    expect(desk.get_by_text("will be asked to agree")).to_be_visible()
    desk.get_by_role("button", name="Publish").click()
    expect(desk.get_by_text("is published.")).to_be_visible()


def test_a_member_is_asked_and_nothing_that_was_typed_is_lost(site, new_browser, alice, complaints):
    complaints.expect("403|4401|WebSocket")  # the answer that leads to the question
    conversation = conversation_with("mara", alice)
    page = signed_in(new_browser, site, alice)
    page.goto(f"{site.url}/chat/{conversation.pk}/")
    wait_until_alive(page)
    publish(signed_in(new_browser, site, UserFactory(administrator=True)), site)
    page.locator("#chat-text").fill("Hello after all")
    page.locator("[data-send]").click()
    expect(page.get_by_role("heading", name="Our terms have changed")).to_be_visible()
    expect(page.get_by_text("We ask you to be kind.")).to_be_visible()
    assert faults(page) == {}
    page.get_by_role("link", name="Terms of").click()
    expect(page.get_by_role("heading", name="Be brief")).to_be_visible()
    assert faults(page) == {}
    page.go_back()
    page.get_by_role("button", name="I agree").click()
    expect(page).to_have_url(f"{site.url}/chat/{conversation.pk}/")
    expect(page.locator(".message[data-id]").get_by_text("Hello after all")).to_be_visible()


def test_without_a_script_on_a_phone(site, new_browser, alice):
    publish(signed_in(new_browser, site, UserFactory(administrator=True)), site)
    page = signed_in(new_browser, site, alice, java_script_enabled=False, **PHONE)
    page.goto(f"{site.url}/plans/")
    page.get_by_role("button", name="I agree").click()
    expect(page).to_have_url(f"{site.url}/plans/")
