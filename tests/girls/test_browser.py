"""The catalogue in a real browser: no page load for a filter, none of it lost without JavaScript, and axe."""

import os
import re
import shutil

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from girls import demo
from tests.factories import ConversationFactory, UserFactory

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    """The browser of the system; Playwright downloads none."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    arguments = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking"]
    return {**browser_type_launch_args, "executable_path": path, "args": arguments}


@pytest.fixture(autouse=True)
def _demo(settings):
    settings.AGE_GATE = False
    demo.load()


@pytest.fixture
def address(live_server):
    return live_server.url


@pytest.fixture
def complaints(page):
    """What the browser says on its console: violations of the policy end up here, too."""
    said = []
    page.on("console", lambda message: said.append(message.text) if message.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    return said


def test_filters_change_the_grid_and_the_address_without_a_page_load(page, address, complaints):
    page.goto(address)
    page.evaluate("window.stayed = true")
    page.get_by_role("button", name="Witty").click()
    expect(page).to_have_url(f"{address}/?tag=witty")
    expect(page.locator(".girl")).to_have_count(3)
    page.get_by_label("Search by name or interest").press_sequentially("music")
    expect(page).to_have_url(f"{address}/?tag=witty&q=music")
    expect(page.locator(".girl")).to_have_count(2)
    expect(page.get_by_role("status").filter(has_text="2 characters")).to_have_count(1)
    page.get_by_role("button", name="Filters").click()
    page.get_by_label("Interest", exact=True).select_option("Night owl")
    page.get_by_role("button", name="Show characters").click()
    expect(page.locator(".girl")).to_have_count(1)
    expect(page.get_by_role("button", name="Witty")).to_have_attribute("aria-pressed", "true")
    assert page.evaluate("window.stayed")
    page.go_back()
    expect(page).to_have_url(f"{address}/?tag=witty&q=music")
    expect(page.locator(".girl")).to_have_count(2)
    expect(page.get_by_label("Search by name or interest")).to_have_value("music")
    assert complaints == []


def test_filters_work_without_javascript(browser, address):
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(address)
    page.get_by_role("button", name="Calm").click()
    expect(page.locator(".girl")).to_have_count(2)
    page.get_by_label("Search by name or interest").fill("plants")
    page.get_by_label("Search by name or interest").press("Enter")
    expect(page.locator(".girl")).to_have_count(1)
    expect(page.get_by_role("button", name="Calm")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("link", name=re.compile("Inês")).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Inês 33")


@pytest.mark.parametrize(("width", "scheme"), [(320, "light"), (1280, "dark")])
def test_axe_finds_nothing_and_nothing_is_cut_off(browser, address, client, width, scheme):
    member = UserFactory()
    ConversationFactory(user=member)
    client.force_login(member)
    for cookies in ([], [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": address}]):
        context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
        context.add_cookies(cookies)
        page = context.new_page()
        for path in ("/", "/girls/mara/", "/?q=stoic+beekeeper"):
            page.goto(address + path)
            page.wait_for_load_state("networkidle")
            assert Axe().run(page).violations_count == 0, path
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        context.close()
