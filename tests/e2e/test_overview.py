"""The overview in a browser: charts without a script, tables by keyboard, light, dark, on a phone."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from girls.models import Girl
from payments.models import Purchase
from staff import rollups
from staff.models import DailyGirl, DailyPlan, Day
from tests.e2e.conftest import PHONE
from tests.e2e.looking import NARROW, faults, sideways
from tests.factories import UserFactory
from tests.staff.days import at, bought


@pytest.fixture
def console(new_browser, characters):
    """An administrator's browser, at a site that has been there for a while.

    The server counts whenever it likes, and keeps what is so: days that are over are final, and sales are purchases.
    """
    today = rollups.today()
    mara = Girl.objects.get(slug="mara")
    buyer = UserFactory()
    for n in range(40):
        day = today - timedelta(days=n)
        Day.objects.update_or_create(day=day, defaults={"messages": 100 * n, "accounts": n, "is_final": n > 0})
        DailyGirl.objects.update_or_create(
            day=day, girl=mara.pk, defaults={"messages": 100 * n, "replies_done": 50 * n}
        )
        bought(at(day, 0), user=buyer)
    rollups.count_sales(today - timedelta(days=40), today)

    def opened(**options):
        page = new_browser(UserFactory(administrator=True), **options)
        page.goto("/admin/")
        expect(page.get_by_role("heading", name="Overview")).to_be_visible()
        return page

    yield opened
    Purchase.objects.filter(user=buyer).delete()
    for model in (Day, DailyGirl, DailyPlan):
        model.objects.all().delete()


@pytest.mark.parametrize("options", [{}, PHONE], ids=["desk", "phone"])
def test_it_is_open_to_everybody_light_and_dark(console, options):
    page = console(**options)
    for table in page.get_by_text("View as table").all():
        table.click()
    assert faults(page) == {}
    assert sideways(page) == []


def test_it_fits_on_the_narrowest_screen(console):
    page = console(**NARROW)
    assert sideways(page) == []


def test_charts_are_told_in_words_and_need_no_script(console):
    page = console(java_script_enabled=False)
    chart = page.get_by_role("img", name=re.compile(r"messages in 30 days, .* in the 30 before\. Most on"))
    expect(chart).to_be_visible()
    expect(chart.locator("path.line")).to_have_count(1)
    # Other journeys may have sold other plans.
    expect(page.get_by_role("img", name=re.compile(r"\d of 30 days, .*since"))).to_be_visible()
    page.get_by_role("link", name="90 days").click()
    expect(page.get_by_role("link", name="90 days")).to_have_attribute("aria-current", "page")
    expect(page.get_by_role("img", name=re.compile("messages in 90 days"))).to_be_visible()


def test_a_line_is_as_wide_as_its_box_and_is_drawn_in_the_colours_of_the_theme(console):
    page = console(color_scheme="dark")
    box = page.locator(".plot-box").first.bounding_box()
    line = page.locator("path.line").bounding_box()
    assert line["width"] == pytest.approx(box["width"], abs=12)
    assert line["height"] > box["height"] / 4
    colours = page.evaluate(
        "() => ['light', 'dark'].map((theme) => { document.documentElement.dataset.theme = theme;"
        " return getComputedStyle(document.querySelector('path.line')).stroke; })"
    )
    assert len(set(colours)) == 2


def test_the_table_behind_a_chart_opens_and_scrolls_by_keyboard(console):
    page = console()
    summary = page.get_by_text("View as table").first
    summary.focus()
    page.keyboard.press("Enter")
    table = page.get_by_role("region", name="Messages per day, as a table")
    expect(table).to_be_visible()
    expect(table.get_by_role("row")).to_have_count(31)
    page.keyboard.press("Tab")
    expect(table).to_be_focused()
    page.keyboard.press("End")
    page.wait_for_function("() => document.activeElement.scrollTop > 0")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Space")
    expect(table).to_be_hidden()
