"""One account in several tabs and browsers, some of them away for a while: all end with what is recorded."""

import pytest
from playwright.sync_api import expect

from tests.e2e.talk import Talk, conversation_with

AWAY = "ERR_INTERNET_DISCONNECTED|WebSocket connection"


@pytest.fixture
def two(talk, alice, new_browser):
    """Alice's laptop and her phone, in the same conversation."""
    laptop = talk()
    return laptop, Talk(new_browser(alice), laptop.conversation).open()


def test_what_one_browser_sends_the_other_shows_with_the_answer_as_it_is_written(two, she):
    laptop, other = two
    pause = she.pause()
    she.says("Hello ", pause, "you two.")
    laptop.send("Do you see this?")
    for tab in two:
        expect(tab.reply).to_have_text("Hello ")
    pause.set()
    for tab in two:
        expect(tab.last).to_have_text("Hello you two.")
        tab.expect_to_show_what_is_recorded()
    assert laptop.said() == other.said()


def test_a_browser_that_goes_offline_in_the_middle_of_a_reply_ends_like_the_other(two, she, complaints):
    complaints.expect(AWAY)
    laptop, other = two
    pause = she.pause()
    she.says("It began ", pause, "with a crack in the glaze.")
    laptop.send("Tell me the story")
    expect(other.reply).to_have_text("It began ")
    other.page.context.set_offline(True)
    expect(other.page.get_by_text("You’re offline. Reconnecting…").first).to_be_visible()
    pause.set()
    expect(laptop.last).to_have_text("It began with a crack in the glaze.")
    she.says("That is another story.")
    laptop.send("And then?")
    expect(laptop.last).to_have_text("That is another story.")
    other.page.context.set_offline(False)
    expect(other.last).to_have_text("That is another story.")
    for tab in two:
        tab.expect_to_show_what_is_recorded()
    assert laptop.said() == other.said()


def test_a_browser_that_is_away_for_a_minute_ends_like_the_other(talk, new_browser, alice, she, complaints):
    complaints.expect(AWAY)
    laptop = talk()
    page = new_browser(alice)
    page.clock.install()  # its minute passes faster than ours
    other = Talk(page, laptop.conversation).open()
    pause = she.pause()
    she.says("It began ", pause, "with a crack in the glaze.")
    laptop.send("Tell me the story")
    expect(other.reply).to_have_text("It began ")
    page.context.set_offline(True)
    expect(page.get_by_text("You’re offline. Reconnecting…").first).to_be_visible()
    pause.set()
    expect(laptop.last).to_have_text("It began with a crack in the glaze.")
    laptop.send("And then?")
    expect(laptop.messages).to_have_count(5)
    page.clock.run_for(60_000)
    expect(other.messages).to_have_count(2)
    page.context.set_offline(False)
    page.clock.run_for(2_000)
    expect(other.messages).to_have_count(5)
    for tab in (laptop, other):
        tab.expect_to_show_what_is_recorded()
    assert laptop.said() == other.said()


def test_without_a_socket_a_tab_asks_and_ends_like_any_other(talk, she, complaints):
    complaints.expect("WebSocket")
    she.says("Slow, ", "but whole.")
    alice = talk()
    alice.page.route_web_socket("**/ws/", lambda socket: socket.close(code=1011))
    alice.page.reload()
    alice.ready().send("Do you hear me?")
    expect(alice.last).to_have_text("Slow, but whole.")
    alice.expect_to_show_what_is_recorded()
    expect(alice.page.get_by_text("You’re offline. Reconnecting…").first).to_be_hidden()


def test_a_tab_opened_in_the_middle_of_a_reply_shows_what_is_written_and_goes_on(talk, she):
    pause = she.pause()
    she.says("So far ", pause, "so good.")
    first = talk()
    first.send("How is it going?")
    expect(first.reply).to_have_text("So far ")
    second = first.tab()
    expect(second.reply).to_have_text("So far ")
    pause.set()
    for tab in (first, second):
        expect(tab.last).to_have_text("So far so good.")
        tab.expect_to_show_what_is_recorded()


def test_what_is_written_offline_goes_once_when_the_network_is_back(talk, complaints):
    complaints.expect(AWAY)
    alice = talk()
    alice.page.context.set_offline(True)
    expect(alice.page.get_by_text("You’re offline. Reconnecting…").first).to_be_visible()
    alice.send("Sent from a tunnel")
    expect(alice.page.get_by_text("Sends when you’re back online")).to_be_visible()
    alice.page.context.set_offline(False)
    expect(alice.last).to_have_text("Hello there.")
    alice.expect_to_show_what_is_recorded()
    assert alice.said()[1:] == ["Sent from a tunnel", "Hello there."]


def test_a_send_whose_answer_is_lost_makes_one_message(talk, complaints):
    complaints.expect("ERR_FAILED|ERR_CONNECTION")
    alice = talk()
    lost = []

    def lose(route):
        lost.append(route.fetch().status)  # it arrived; its answer does not
        route.abort()

    alice.page.route("**/messages/", lose, times=1)
    alice.send("Once")
    expect(alice.last).to_have_text("Hello there.")
    alice.expect_to_show_what_is_recorded()
    assert lost == [201]
    assert alice.conversation.messages.filter(sender="user").count() == 1
    expect(alice.left).to_have_text("9")


def test_stopping_in_one_tab_stops_in_the_other(talk, she):
    she.says("On and ", she.pause(), "on.")
    first = talk()
    first.send("Go on")
    second = first.tab()
    expect(second.reply).to_have_text("On and ")
    second.page.get_by_role("button", name="Stop the reply").click()
    for tab in (first, second):
        expect(tab.page.get_by_role("log").get_by_text("You stopped this reply")).to_be_visible()
        expect(tab.last).to_have_text("On and")


def test_signing_out_ends_the_conversation_in_the_other_tab_and_leaves_nothing_behind(talk, complaints):
    complaints.expect("WebSocket|status of 40[13]")
    first = talk()
    first.input.fill("A secret")
    second = first.tab()
    second.page.get_by_role("button", name="Your menu").click()
    second.page.get_by_role("button", name="Sign out").click()
    expect(first.page.get_by_text("You’re signed out.").first).to_be_visible()
    assert second.page.evaluate("Object.keys(localStorage).filter(key => key.startsWith('dusk:draft'))") == []
    first.page.reload()
    expect(first.page.get_by_role("heading", name="Welcome back")).to_be_visible()


def test_the_thread_list_shows_what_she_said_and_a_dot_until_it_is_read(talk, she, alice):
    conversation_with("ines", alice)
    pause = she.pause()
    she.says("The kettle ", pause, "is on.")
    tab = talk()
    tab.send("Tea?")
    expect(tab.reply).to_have_text("The kettle ")
    tab.page.goto("/chat/")
    expect(tab.row).to_contain_text("Typing…")
    pause.set()
    expect(tab.row).to_contain_text("The kettle is on.")
    expect(tab.row.get_by_text("Unread")).to_be_attached()
    expect(tab.row.locator(".dot")).to_be_visible()
    expect(tab.page).to_have_title("(1) Chats · Dusk")
    tab.row.click()
    tab.ready()
    expect(tab.row.locator(".dot")).to_be_hidden()
    expect(tab.page.locator(".thread").first).to_contain_text("The kettle is on.")
    tab.page.goto("/chat/")
    expect(tab.row.locator(".dot")).to_be_hidden()


def test_the_answer_clears_the_dot_in_every_tab(talk, she, alice):
    elsewhere = talk("ines")
    tab = talk()
    tab.send("Hello")
    expect(tab.last).to_have_text("Hello there.")
    row = elsewhere.page.locator(f"[data-thread='{tab.conversation.pk}']")
    expect(row).to_contain_text("Hello there.")
    expect(row.locator(".dot")).to_be_hidden()


def test_a_draft_in_one_tab_outlives_what_another_sends(talk):
    one = talk()
    two = one.tab()
    one.input.fill("A long draft of mine")
    two.input.fill("Something else")
    two.button.click()
    expect(two.last).to_have_text("Hello there.")
    for _ in range(2):
        expect(one.input).to_have_value("A long draft of mine")
        expect(two.input).to_have_value("")
        for tab in (one, two):
            tab.page.reload()
            tab.ready()


def test_drafts_of_two_tabs_do_not_wipe_each_other(talk):
    one = talk()
    two = one.tab()
    one.input.fill("From one")
    two.input.fill("From two")
    for tab, words in ((one, "From one"), (two, "From two")):
        tab.page.reload()
        expect(tab.ready().input).to_have_value(words)
    two.input.fill("")
    one.page.reload()
    expect(one.ready().input).to_have_value("From one")


def test_what_one_tab_sends_is_not_offered_again_in_another(talk):
    one = talk()
    one.input.fill("Only once")
    two = one.tab()
    expect(two.input).to_have_value("Only once")
    one.button.click()
    expect(one.last).to_have_text("Hello there.")
    for _ in range(2):
        expect(two.input).to_have_value("")
        two.page.reload()
        two.ready()
    expect(one.tab().input).to_have_value("")


def test_a_draft_outlives_the_tab_it_was_written_in(talk):
    one = talk()
    one.input.fill("For tomorrow")
    two = one.tab()
    two.input.fill("Something else")
    two.button.click()
    expect(two.last).to_have_text("Hello there.")
    expect(one.last).to_have_text("Hello there.")
    one.page.close()
    expect(two.tab().input).to_have_value("For tomorrow")
