"""The catalogue in a real browser: no page load for a filter."""

from playwright.sync_api import expect


def test_filters_change_the_grid_and_the_address_without_a_page_load(new_browser, base_url):
    page = new_browser(adult=True)
    page.evaluate("window.stayed = true")
    page.get_by_role("button", name="Witty").click()
    expect(page).to_have_url(f"{base_url}/?tag=witty")
    expect(page.locator(".girl")).to_have_count(3)
    page.get_by_label("Search by name or interest").press_sequentially("music")
    expect(page).to_have_url(f"{base_url}/?tag=witty&q=music")
    expect(page.locator(".girl")).to_have_count(2)
    expect(page.get_by_role("status").filter(has_text="2 characters")).to_have_count(1)
    page.get_by_role("button", name="Filters").click()
    page.get_by_label("Interest", exact=True).select_option("Night owl")
    page.get_by_role("button", name="Show characters").click()
    expect(page.locator(".girl")).to_have_count(1)
    expect(page.get_by_role("button", name="Witty")).to_have_attribute("aria-pressed", "true")
    assert page.evaluate("window.stayed")
    page.go_back()
    expect(page).to_have_url(f"{base_url}/?tag=witty&q=music")
    expect(page.locator(".girl")).to_have_count(2)
    expect(page.get_by_label("Search by name or interest")).to_have_value("music")


def test_the_latest_conversations_stand_above_the_catalogue(talk, base_url):
    alice = talk()
    alice.page.goto("/")
    latest = alice.page.get_by_role("region", name="Continue talking").get_by_role("link")
    expect(latest).to_contain_text("Hi, I’m Mara.")
    latest.click()
    expect(alice.page).to_have_url(f"{base_url}/chat/{alice.conversation.pk}/")


def test_the_theme_that_was_chosen_is_there_from_the_first_byte_of_the_next_page(new_browser):
    page = new_browser(adult=True, color_scheme="light")
    page.get_by_role("button", name="Light, dark, or as the device is").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert '<html lang="en" data-theme="dark">' in page.goto("/girls/mara/").text()
