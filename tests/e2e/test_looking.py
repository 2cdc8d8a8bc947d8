"""How journeys look at pages: what they find is what people see."""

from playwright.sync_api import expect

from tests.e2e.conftest import PHONE
from tests.e2e.looking import at_rest, faults


def far_away(page):
    """Whatever it asks for now takes a while."""
    line = {"offline": False, "latency": 300, "downloadThroughput": -1, "uploadThroughput": -1}
    browser = page.context.new_cdp_session(page)
    browser.send("Network.enable")
    browser.send("Network.setCacheDisabled", {"cacheDisabled": True})
    browser.send("Network.emulateNetworkConditions", line)


def test_a_page_is_looked_at_when_its_styles_are_there(new_browser):
    page = new_browser(**PHONE | {"viewport": {"width": 390, "height": 2400}})
    page.goto("/terms/")
    far_away(page)
    page.get_by_role("link", name="Sign in").first.click()
    expect(page.get_by_role("heading", name="Welcome back")).to_be_visible()
    assert faults(page) == {}


def test_what_moves_has_come_to_an_end_and_what_turns_for_ever_is_not_waited_for(page):
    page.goto("/terms/")
    moved = page.evaluate_handle(
        """() => {
            const [part, whole] = [document.querySelector("h1"), document.body];
            whole.animate({ opacity: [0.9, 1] }, { duration: 1e3, iterations: Infinity });
            return part.animate({ translate: ["0 0", "40px 0"] }, { duration: 700, fill: "forwards" });
        }"""
    )
    at_rest(page)
    assert moved.evaluate("moved => moved.playState") == "finished"
