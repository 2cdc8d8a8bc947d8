"""Something is wrong with what she said: it is reported, she is blocked, and that can be taken back."""

from playwright.sync_api import expect

from tests.e2e.looking import faults, sideways


def test_a_message_is_reported_and_she_is_blocked_and_unblocked(talk):
    tab = talk()
    page = tab.page
    tab.last.hover()
    page.get_by_role("link", name="Report", exact=True).click()
    page.get_by_label("It claims to be a person").check()
    page.get_by_role("button", name="Send report").click()
    expect(page.get_by_text("A message of Mara")).to_be_visible()
    expect(page.get_by_text("Waiting")).to_be_visible()
    tab.open()
    page.get_by_role("button", name="Conversation menu").click()
    page.get_by_role("button", name="Block Mara").click()
    expect(page.get_by_role("heading", name="Whom you blocked")).to_be_visible()
    assert faults(page) == {}
    assert sideways(page) == []
    page.goto("/?q=mara")
    expect(page.locator("main a[href='/girls/amara/']")).to_be_visible()
    expect(page.locator("a[href='/girls/mara/']")).to_have_count(0)
    page.goto("/account/reports/")
    page.get_by_role("button", name="Unblock Mara").click()
    expect(page.get_by_text("Nobody.")).to_be_visible()
    tab.open()
    expect(tab.last).to_be_visible()
