"""Deleting a chat and bringing it back; what is unread, on every page; days that change while a page is open."""

import re

import pytest
from playwright.sync_api import expect

from chat.models import Conversation
from girls.models import Girl
from tests.config.processes import until
from tests.e2e.conftest import PHONE
from tests.e2e.talk import conversation_with, read_up_to, wait_until_alive
from tests.factories import MessageFactory


def delete(talk):
    talk.page.get_by_role("button", name="Conversation menu").click()
    talk.page.get_by_role("button", name="Delete conversation…").click()
    with talk.page.expect_navigation():
        talk.page.get_by_role("button", name="Delete chat").click()


def test_a_chat_that_was_deleted_by_mistake_comes_back(talk):
    alice = talk(messages=3)
    said = alice.said()
    delete(alice)
    expect(alice.page.get_by_text("Your chat with Mara was deleted.")).to_be_visible()
    expect(alice.row).to_have_count(0)
    alice.page.get_by_role("button", name="Undo").click()
    alice.ready()
    assert alice.said() == said
    alice.page.goto("/chat/")
    expect(alice.row).to_have_count(1)
    expect(alice.page.get_by_text("was deleted")).to_have_count(0)


def test_the_offer_to_undo_goes_by_itself(talk):
    alice = talk()
    alice.page.clock.install()
    delete(alice)
    toast = alice.page.get_by_text("Your chat with Mara was deleted.")
    expect(toast).to_be_visible()
    alice.page.clock.fast_forward(13_000)
    expect(toast).to_have_count(0)


def test_without_a_script_a_chat_is_deleted_and_comes_back(new_browser, alice):
    conversation = conversation_with("mara", alice)
    page = new_browser(alice, java_script_enabled=False)
    page.goto(f"/chat/{conversation.pk}/")
    page.get_by_role("button", name="Conversation menu").click()
    page.get_by_role("button", name="Delete conversation").click()
    expect(page.get_by_text("Your chat with Mara was deleted.")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page).to_have_url(re.compile(f"/chat/{conversation.pk}/$"))


@pytest.mark.parametrize(
    "path", ["/", "/girls/mara/", "/plans/", "/account/premium/", "/safety/", "/accounts/password/change/"]
)
def test_what_is_unread_shows_on_every_page(new_browser, alice, path):
    """An unread chat is there from the start, as its number in the title tells that the page's script has come."""
    read, unread = conversation_with("ines", alice), conversation_with("mara", alice, messages=1)
    read_up_to(unread, 1)
    page = new_browser(alice)
    page.goto(path)
    badge = page.locator("[data-unread-count]").first
    expect(page).to_have_title(re.compile(r"^\(1\) "))
    expect(badge).to_have_text("1 unread")
    MessageFactory(conversation=read, text="Are you there?", hers=True)
    Conversation.objects.filter(pk=read.pk).update(last_seq=2)
    look_again(page)
    expect(badge).to_have_text("2 unread")
    expect(page).to_have_title(re.compile(r"^\(2\) "))
    page.reload()
    expect(page).to_have_title(re.compile(r"^\(2\) "))
    for conversation in (read, unread):
        conversation.refresh_from_db()
        Conversation.objects.filter(pk=conversation.pk).update(last_read_seq=conversation.last_seq)
    look_again(page)
    expect(badge).to_be_hidden()
    expect(page).to_have_title(re.compile(r"^[^(]"))


def look_again(page):
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def test_a_page_that_is_looked_at_hears_of_news_by_itself(new_browser, alice):
    conversation = conversation_with("ines", alice)
    read_up_to(conversation_with("mara", alice, messages=1), 1)
    page = new_browser(alice)
    page.clock.install()
    page.goto("/plans/")
    expect(page).to_have_title(re.compile(r"^\(1\) "))  # its script has come, and counts from here
    Conversation.objects.filter(pk=conversation.pk).update(last_seq=2)
    page.clock.run_for(25_000)
    expect(page.locator("[data-unread-count]").first).to_have_text("2 unread")


def test_the_other_tabs_hear_what_a_tab_of_the_chat_hears(talk, she, alice):
    tab = talk()
    plans = tab.page.context.new_page()
    plans.goto("/plans/")
    badge = plans.locator("[data-unread-count]").first
    expect(badge).to_be_hidden()
    she.says("Hello ", pause := she.pause(), "again.")
    tab.send("Hi")
    expect(tab.reply).to_have_text("Hello ")
    tab.page.evaluate("Object.defineProperty(document, 'hidden', { value: true, configurable: true })")
    pause.set()
    expect(badge).to_have_text("1 unread")
    tab.page.evaluate("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
    expect(badge).to_be_hidden()


def test_a_visitor_asks_for_no_badge(new_browser):
    page = new_browser(adult=True)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto("/plans/")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator("main")).to_be_visible()
    assert not [url for url in asked if url.endswith("/unread/")]


def test_midnight_passes_on_a_page_that_stays_open(talk, new_browser, alice):
    conversation = conversation_with("mara", alice, messages=2)
    page = new_browser(alice, timezone_id="UTC")
    newest = conversation.messages.order_by("-seq").first().created_at
    page.clock.install(time=newest.replace(hour=23, minute=58))
    page.goto(f"/chat/{conversation.pk}/")
    wait_until_alive(page)
    line = page.locator(".messages .day")
    expect(line).to_have_text("Today")
    page.clock.fast_forward(180_000)
    expect(line).to_have_text("Yesterday")
    expect(page.locator(".thread time")).to_have_text("Yesterday")


def test_a_chat_of_another_year_shows_its_year_in_the_list(talk, new_browser, alice):
    conversation = conversation_with("mara", alice)
    page = new_browser(alice, timezone_id="UTC")
    page.goto("/chat/")
    when = conversation.last_message_at.replace(year=2024, month=10, day=22)
    Conversation.objects.filter(pk=conversation.pk).update(last_message_at=when)
    page.reload()
    expect(page.locator(".thread time")).to_have_text("22 Oct 2024")


def test_the_way_down_is_offered_from_far_up(talk):
    alice = talk(messages=45)
    latest = alice.page.get_by_role("button", name="Jump to latest")
    expect(latest).to_be_hidden()
    alice.scroll_up(2_000)
    expect(latest).to_be_visible()
    latest.click()
    expect(latest).to_be_hidden()
    expect(alice.input).to_be_focused()
    until(lambda: alice.below() < 2, what="at the end")  # where it goes smoothly


def test_her_name_leads_to_her_profile(talk):
    alice = talk()
    alice.page.get_by_role("heading", level=1).get_by_role("link", name="Mara").click()
    expect(alice.page).to_have_url(re.compile("/girls/mara/$"))


def test_a_hidden_character_s_chat_goes_on_without_links(talk):
    try:
        alice = talk("vera")
        Girl.objects.filter(slug="vera").update(is_active=False)
        alice.page.reload()
        alice.ready()
        expect(alice.page.locator("a[href='/girls/vera/']")).to_have_count(0)
        expect(alice.page.get_by_text("Vera is not on Dusk at the moment.")).to_be_visible()
        alice.send("Still there?")
        expect(alice.last).to_have_text("Hello there.")
    finally:
        Girl.objects.filter(slug="vera").update(is_active=True)


def test_icons_of_what_is_written_offline_are_there(talk, complaints):
    complaints.expect("ERR_INTERNET_DISCONNECTED|WebSocket connection|Failed to load|ERR_FAILED")
    alice = talk()
    expect(alice.page.locator("#icon-clock")).to_be_attached()
    alice.page.context.route("**/*.svg", lambda route: route.abort())
    alice.page.context.set_offline(True)
    alice.send("From a tunnel")
    clock = alice.unsent.locator("svg.waits")
    expect(clock).to_be_visible()
    drawn = clock.locator("use").evaluate("use => use.getBBox().width")
    assert drawn > 0
    alice.page.context.set_offline(False)
    alice.page.context.unroute("**/*.svg")
    expect(alice.last).to_have_text("Hello there.")


def test_the_device_s_own_theme_can_be_chosen_again(new_browser):
    page = new_browser(adult=True, color_scheme="dark")
    page.goto("/")
    button = page.get_by_role("button", name="Light, dark, or as the device is")
    html = page.locator("html")
    for theme, words in (("light", "The site is light."), ("dark", "The site is dark.")):
        button.click()
        expect(html).to_have_attribute("data-theme", theme)
        expect(page.get_by_text(words)).to_be_visible()
    button.click()
    expect(page.get_by_text("as your device is.", exact=False).last).to_be_visible()
    assert html.get_attribute("data-theme") is None
    assert 'data-theme="' not in page.goto("/").text()[:300]


def test_on_a_phone_the_key_is_labelled_as_it_behaves(talk):
    assert talk().input.get_attribute("enterkeyhint") == "send"
    assert talk(**PHONE).input.get_attribute("enterkeyhint") == "enter"
