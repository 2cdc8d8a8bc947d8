"""Reading a long conversation: the reader's place is the reader's."""

import re
from datetime import UTC, datetime

from playwright.sync_api import expect

from chat.models import Conversation
from tests.config.processes import until
from tests.e2e.talk import Talk, conversation_with, read_up_to

IN_VIEW = """
    (log) => {
        const top = log.getBoundingClientRect().top + 60;
        const row = [...log.querySelectorAll("[data-id]")].find((row) => row.getBoundingClientRect().bottom > top);
        return [row.dataset.id, Math.round(row.getBoundingClientRect().top)];
    }
"""

# `still`: when the scrolling that comes has come to rest.
SCROLLED = """
    (log) => { still = new Promise((end) => log.addEventListener("scrollend", () => end(), { once: true })); }
"""
# `heard`: what a screen reader had been told when the dots came.
HEARD_WITH_DOTS = """() => {
    heard = null;
    new MutationObserver(() => {
        if (heard === null && document.querySelector(".reply .dots")) {
            heard = document.querySelector("[data-voice]").textContent;
        }
    }).observe(document.body, { subtree: true, childList: true });
}"""


def test_older_messages_come_on_the_way_up_and_what_is_read_stays_where_it_is(new_browser, alice):
    conversation = conversation_with("mara", alice, messages=120)
    tab = Talk(new_browser(alice), conversation).open()
    expect(tab.messages).to_have_count(50)
    assert tab.below() < 2
    row, place = tab.log.evaluate(f"log => {{ log.scrollTop = 300; return ({IN_VIEW})(log); }}")
    expect(tab.messages).to_have_count(100)
    there = tab.page.locator(f"[data-id='{row}']").evaluate("row => Math.round(row.getBoundingClientRect().top)")
    assert abs(there - place) <= 1
    tab.log.evaluate("log => log.scrollTop = 0")
    tab.expect_to_show_what_is_recorded()
    expect(tab.page.get_by_text("Mara is an AI character, not a person.").first).to_be_attached()


def test_new_words_do_not_move_somebody_who_reads_above(new_browser, alice, she):
    conversation = conversation_with("mara", alice, messages=40)
    tab = Talk(new_browser(alice), conversation).open()
    pause, end = she.pause(), she.pause()
    she.says("One line.\n" * 5, pause, "Another line.\n" * 5, end, "The end.")
    tab.send("A list, please")
    expect(tab.reply).to_contain_text("One line.")
    tab.log.evaluate(SCROLLED)
    tab.scroll_up(500)
    tab.page.evaluate("() => still")
    until(lambda: tab.below() > 300, what="some way up")
    place = tab.log.evaluate(IN_VIEW)
    pause.set()
    expect(tab.reply).to_contain_text("Another line.")
    expect(tab.pill).to_be_visible()
    end.set()
    expect(tab.last).to_contain_text("The end.")
    assert tab.log.evaluate(IN_VIEW) == place
    conversation.refresh_from_db()
    assert conversation.last_read_seq < conversation.last_seq  # not seen, so not read
    tab.pill.click()
    expect(tab.pill).to_be_hidden()
    expect(tab.input).to_be_focused()
    until(lambda: tab.below() < 2, what="at the end")
    expect(tab.row.locator(".dot")).to_be_hidden()


def test_a_conversation_opens_at_the_first_unread_message(new_browser, alice):
    conversation = conversation_with("mara", alice, messages=45)
    read_up_to(conversation, 10)
    tab = Talk(new_browser(alice), conversation).open()
    expect(tab.page.get_by_text("Unread", exact=True).and_(tab.page.locator(".line span"))).to_be_in_viewport()
    expect(tab.pill).to_be_visible()


def test_opening_a_conversation_takes_no_row_down(new_browser, alice):
    page = new_browser(alice)
    page.add_init_script(
        """taken = [];
        new MutationObserver((records) => {
            for (const { removedNodes } of records) taken.push(...[...removedNodes].map((node) => node.nodeName));
        }).observe(document, { childList: true, subtree: true });"""
    )
    tab = Talk(page, conversation_with("mara", alice, messages=60)).open()
    expect(tab.messages).to_have_count(50)
    assert "LI" not in page.evaluate("taken")
    assert "P" not in page.evaluate("taken")  # nor the words in it


def test_times_are_the_viewers(new_browser, alice):
    conversation = conversation_with("mara", alice, messages=3)
    when = datetime(2025, 3, 14, 20, 30, tzinfo=UTC)
    conversation.messages.update(created_at=when)
    conversation.last_message_at = when
    conversation.save(update_fields=["last_message_at"])
    for zone, clock, day in (("America/New_York", "16:30", "14 March 2025"), ("Asia/Tokyo", "05:30", "15 March 2025")):
        tab = Talk(new_browser(alice, timezone_id=zone), conversation).open()
        expect(tab.messages.last.locator("time")).to_have_text(clock)
        expect(tab.messages.last.locator("time")).to_have_attribute("datetime", "2025-03-14T20:30:00Z")
        expect(tab.page.locator(".line.day")).to_have_text([day])
        expect(tab.row.locator("time")).to_have_text(day.replace("March", "Mar"))


def test_a_screen_reader_hears_the_answer_once_when_it_is_whole(talk, she):
    pause = she.pause()
    she.says("Half was told ", pause, "and the rest.")
    tab = talk()
    tab.send("Tell me")
    expect(tab.reply).to_have_text("Half was told ")
    expect(tab.log).to_have_attribute("aria-busy", "true")
    expect(tab.log).to_have_attribute("aria-live", "off")
    expect(tab.voice()).not_to_contain_text("Half was told")
    pause.set()
    expect(tab.voice()).to_have_text("Mara: Half was told and the rest.")
    expect(tab.log).to_have_attribute("aria-busy", "false")


def test_a_screen_reader_hears_that_she_types_only_when_it_takes_a_while(talk, she):
    pause = she.pause()
    she.says(pause, "Now.")
    tab = talk()
    tab.page.evaluate(HEARD_WITH_DOTS)
    tab.send("Take your time")
    expect(tab.page.locator(".reply .dots")).to_be_visible()
    assert tab.page.evaluate("heard") == ""
    expect(tab.voice()).to_have_text("Mara is typing")
    expect(tab.log).to_have_attribute("aria-busy", "false")
    pause.set()
    expect(tab.voice()).to_have_text("Mara: Now.")


def test_a_screen_reader_hears_where_a_long_answer_is(talk, she):
    she.says("Once there was a kiln. " + "It burned and burned. " * 30)
    tab = talk()
    tab.send("A story, please")
    expect(tab.voice()).to_have_text("Mara: Once there was a kiln. Full reply in the conversation")


def test_a_screen_reader_hears_what_goes_wrong(talk, she, complaints):
    complaints.expect("status of 4|ERR_INTERNET_DISCONNECTED|WebSocket connection")
    refuse = {"status": 400, "json": {"error": {"code": "bad_request", "message": "No."}}}
    tab = talk()
    tab.page.route("**/messages/", lambda route: route.fulfill(**refuse))
    tab.send("Lost")
    expect(tab.voice()).to_have_text("Message not sent. Retry or delete.")
    expect(tab.unsent).to_contain_text("Not sent.")
    tab.page.get_by_role("button", name="Delete", exact=True).click()
    expect(tab.unsent).to_have_count(0)
    expect(tab.log).to_be_focused()
    tab.send("Found")
    expect(tab.unsent).to_contain_text("Not sent.")
    tab.page.unroute("**/messages/")
    tab.page.get_by_role("button", name="Retry").click()
    expect(tab.voice()).to_have_text("Mara: Hello there.")
    tab.expect_to_show_what_is_recorded()
    she.fails()
    tab.send("Hello?")
    expect(tab.voice()).to_have_text("Mara couldn’t reply just now. Try again")
    tab.page.context.set_offline(True)
    expect(tab.voice()).to_have_text("You’re offline. Reconnecting…")


def test_each_message_begins_with_who_said_it_and_when(talk):
    tab = talk()
    tab.send("Hello")
    expect(tab.last).to_have_text("Hello there.")
    who = tab.messages.locator("[data-who]")
    expect(who).to_have_text([re.compile(rf"^{name}, \d\d:\d\d: $") for name in ("Mara", "You", "Mara")])
    expect(tab.page.get_by_role("log", name="Messages with Mara").locator("ol > li")).to_have_count(4)  # and the day


def test_what_one_sends_brings_the_end_back_into_view(new_browser, alice):
    tab = Talk(new_browser(alice), conversation_with("mara", alice, messages=40)).open()
    tab.log.focus()
    tab.log.evaluate(SCROLLED)
    tab.page.keyboard.press("PageUp")
    tab.page.evaluate("() => still")  # it scrolls smoothly; what one does next comes after it
    until(lambda: tab.below() > 100, what="some way up")
    tab.send("Back to now")
    until(lambda: tab.below() < 2, what="at the end")
    expect(tab.last).to_have_text("Hello there.")
    until(lambda: tab.below() < 2, what="at the end still")
    expect(tab.pill).to_be_hidden()


def test_nothing_is_read_in_a_tab_that_nobody_looks_at(talk, she):
    pause = she.pause()
    she.says("You left, ", pause, "so I waited.")
    tab = talk()
    tab.page.add_init_script("Object.defineProperty(Document.prototype, 'hidden', { get: () => Boolean(window.away) })")
    tab.page.reload()
    tab.ready()

    def look(here):
        tab.page.evaluate("here => { away = !here; document.dispatchEvent(new Event('visibilitychange')); }", here)

    tab.send("Back in a minute")
    expect(tab.reply).to_have_text("You left, ")
    look(False)
    pause.set()
    expect(tab.last).to_have_text("You left, so I waited.")
    expect(tab.page).to_have_title("(1) Mara · Dusk")
    tab.conversation.refresh_from_db()
    assert tab.conversation.last_read_seq < tab.conversation.last_seq
    look(True)
    expect(tab.page).to_have_title("Mara · Dusk")
    until(lambda: not Conversation.objects.unread().filter(pk=tab.conversation.pk), what="that it was read")


def test_what_was_said_is_found_and_shown_where_it_stands(new_browser, alice):
    conversation = conversation_with("mara", alice, messages=120)
    conversation_with("ines", alice)
    page = new_browser(alice)
    page.goto("/chat/")
    page.get_by_role("searchbox", name="Search chats").fill("number 7.")
    found = page.get_by_role("region", name="Found in messages").get_by_role("link")
    expect(found).to_contain_text("Message number 7.")
    expect(page.get_by_text("No chat fits that.")).to_be_hidden()
    found.click()
    tab = Talk(page, conversation).ready()
    message = tab.messages.filter(has_text="Message number 7.")
    expect(message).to_be_in_viewport()
    expect(message).to_be_focused()
    page.go_back()
    page.get_by_role("searchbox", name="Search chats").fill("never said")
    expect(page.get_by_text("No chat fits that.")).to_be_visible()


def test_addresses_are_links_and_what_looks_like_one_is_text(talk, she):
    she.says("See https://example.com/a?b=c&d=e, ", "or javascript:alert(1).")
    tab = talk()
    tab.send("Mine is https://example.org/me")
    expect(tab.last.get_by_role("link")).to_have_attribute("href", "https://example.com/a?b=c&d=e")
    for _ in range(2):  # as it came, and as the server draws it
        links = tab.log.get_by_role("link").evaluate_all("all => all.map(a => [a.textContent, a.rel, a.target])")
        rel = "noopener nofollow ugc"
        assert links == [[url, rel, "_blank"] for url in ("https://example.org/me", "https://example.com/a?b=c&d=e")]
        tab.page.reload()
        tab.ready()


def test_a_single_emoji_is_large(talk, she):
    she.says("👋🏽")
    tab = talk()
    tab.send("❤️")
    expect(tab.last).to_have_text("👋🏽")
    for _ in range(2):
        sizes = tab.messages.locator(".bubble").evaluate_all(
            "all => all.map(b => parseFloat(getComputedStyle(b).fontSize))"
        )
        assert sizes[1] == sizes[2] > 2 * sizes[0]
        grounds = tab.messages.locator(".bubble").evaluate_all(
            "all => all.map(b => getComputedStyle(b).backgroundColor)"
        )
        assert grounds[1] == grounds[2] == "rgba(0, 0, 0, 0)" != grounds[0]
        tab.page.reload()
        tab.ready()
