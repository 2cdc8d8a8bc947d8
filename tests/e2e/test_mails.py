"""Whoever tries Dusk out reads their mails on the machine it runs on."""

import pytest
from playwright.sync_api import expect

from accounts import mailbox
from tests.config.processes import until
from tests.e2e.conftest import PHONE
from tests.e2e.looking import faults, sideways
from tests.factories import UserFactory


@pytest.mark.parametrize("screen", ["desktop", "phone"])
def test_a_code_is_read_on_the_page_of_mails_and_its_links_lead_back(new_browser, screen):
    page = new_browser(**PHONE if screen == "phone" else {}, reduced_motion="reduce")
    member = UserFactory()
    page.goto("/accounts/password/reset/")
    page.get_by_label("Email").fill(member.email)
    page.get_by_role("button", name="Send the code").click()
    until(lambda: any(mail.to == member.email for mail in mailbox.newest()), what="a mail that is kept")
    page.get_by_role("link", name="Your mails are kept here").click()
    expect(page.get_by_role("heading", name="Mails")).to_be_visible()
    assert faults(page) == {}
    assert sideways(page) == []
    code = next(mail.subject for mail in mailbox.newest() if mail.to == member.email).split()[-1]
    page.get_by_role("link", name=code).click()
    look = page.frame_locator("iframe")
    expect(look.get_by_role("heading", name="Your code")).to_be_visible()
    expect(look.get_by_text(code, exact=True)).to_be_visible()
    expect(page.locator(".mail-words")).to_contain_text(code)
    assert faults(page) == {}
    assert sideways(page) == []
    # The site is called something else here than where this browser asks; that the link leads there is enough.
    with page.expect_request(lambda asked: asked.is_navigation_request() and asked.frame == page.main_frame):
        look.get_by_role("link", name="Dusk").click(no_wait_after=True)
