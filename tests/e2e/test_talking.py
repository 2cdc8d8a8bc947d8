"""Writing and being answered, in a browser."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from accounts.models import User
from chat.models import Conversation, Reply
from tests.config.processes import until
from tests.e2e.talk import Talk, conversation_with
from tests.factories import UserFactory


def test_the_answer_appears_word_by_word_without_a_reload(talk, she):
    pause, end = she.pause(), she.pause()
    she.says("Look, ", pause, "the kiln ", end, "is open.")
    alice = talk()
    alice.page.evaluate("window.stayed = true")
    alice.send("How was the kiln?")
    expect(alice.reply).to_have_text("Look, ")
    pause.set()
    expect(alice.reply).to_have_text("Look, the kiln ")
    end.set()
    expect(alice.last).to_have_text("Look, the kiln is open.")
    alice.expect_to_show_what_is_recorded()
    assert alice.page.evaluate("window.stayed")


def test_each_send_costs_one(talk):
    alice = talk()
    expect(alice.left).to_have_text("10")
    alice.send("Hello")
    expect(alice.left).to_have_text("9")
    expect(alice.last).to_have_text("Hello there.")
    expect(alice.left).to_have_text("9")


def test_a_hard_refresh_keeps_everything(talk):
    alice = talk()
    alice.send("Hello")
    expect(alice.last).to_have_text("Hello there.")
    before = alice.said()
    alice.page.reload()
    alice.ready().expect_to_show_what_is_recorded()
    assert alice.said() == before
    expect(alice.left).to_have_text("9")


def test_a_message_stands_there_at_once_and_focus_stays_in_the_composer(talk, she):
    she.says(she.pause(), "Yes?")
    alice = talk()
    alice.input.fill("Are you there?")
    at_once = alice.input.evaluate(
        """input => {
            input.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true }));
            return document.querySelector(".message.unsent .bubble")?.textContent;
        }"""
    )
    assert at_once == "Are you there?"
    expect(alice.input).to_be_focused()
    expect(alice.input).to_have_value("")


def test_pressing_twice_sends_once(talk):
    alice = talk()
    alice.input.fill("Only once")
    alice.button.dblclick()
    expect(alice.last).to_have_text("Hello there.")
    assert alice.said()[1:] == ["Only once", "Hello there."]
    expect(alice.left).to_have_text("9")


def test_a_draft_is_kept_for_each_conversation_until_it_is_sent(talk, alice):
    mara = talk()
    ines = Talk(mara.page.context.new_page(), conversation_with("ines", alice)).open()
    drafts = ((mara, "for Mara"), (ines, "for Inês"))
    for tab, words in drafts:
        tab.input.fill(words)
    for tab, words in drafts:
        tab.page.reload()
        expect(tab.ready().input).to_have_value(words)
    mara.button.click()
    expect(mara.last).to_have_text("Hello there.")
    mara.page.reload()
    expect(mara.ready().input).to_have_value("")


def test_a_permit_is_there_before_anything_is_sent(talk):
    alice = talk()
    with alice.page.expect_response("**/chat/permits/"):
        alice.page.reload()
    alice.ready().input.fill("Hello")
    posted = []
    alice.page.on("request", lambda request: request.method == "POST" and posted.append(request.url.split("/")[-2]))
    alice.input.press("Enter")
    expect(alice.last).to_have_text("Hello there.")
    assert posted[0] == "messages"
    assert "permits" not in posted


def test_a_tab_has_one_socket_and_only_listens_there(talk):
    alice = talk()
    sockets, said = [], []

    def watch(socket):
        sockets.append(socket.url)
        socket.on("framesent", lambda words: said.append(json.loads(words)["type"]))

    alice.page.on("websocket", watch)
    alice.page.reload()
    alice.ready().send("Hello")
    expect(alice.last).to_have_text("Hello there.")
    assert len(sockets) == 1
    assert set(said) == {"watch"}


def test_a_message_that_is_too_long_is_kept_and_marked(talk):
    alice = talk()
    counter = alice.page.locator("[data-counter]")
    one_line = alice.input.bounding_box()["height"]
    alice.input.fill("x" * 1_799)
    expect(counter).to_be_hidden()
    alice.input.fill("x" * 1_800)
    expect(counter).to_have_text("200 left")
    alice.input.fill("word " * 400 + "x")
    expect(counter).to_have_text("1 too many")
    expect(alice.input).to_have_attribute("aria-invalid", "true")
    assert one_line * 2 < alice.input.bounding_box()["height"] <= 221
    alice.input.press("Enter")
    expect(alice.unsent).to_have_count(0)
    assert len(alice.input.input_value()) == 2_001
    alice.input.press("Backspace")
    expect(counter).to_have_text("0 left")
    alice.input.press("Enter")
    expect(alice.last).to_have_text("Hello there.")


def test_who_chose_so_sends_with_control_and_enter_only(talk):
    alice = talk(member=UserFactory(enter_sends=False))
    alice.input.fill("One")
    alice.input.press("Enter")
    alice.input.press_sequentially("Two")
    expect(alice.input).to_have_value("One\nTwo")
    alice.input.press("Control+Enter")
    expect(alice.last).to_have_text("Hello there.")
    assert alice.said()[1] == "One\nTwo"


def test_after_three_hours_of_use_she_is_called_an_ai_again(talk):
    alice = talk()
    told = alice.page.locator(".messages .told")
    alice.send("Hello")
    expect(alice.last).to_have_text("Hello there.")
    expect(told).to_have_count(0)
    now = timezone.now()
    since = now - timedelta(hours=3, minutes=1)
    member = User.objects.filter(conversations=alice.conversation)
    member.update(told_at=since, in_use_since=since, used_at=now - timedelta(minutes=2))
    alice.send("Still here")
    expect(told).to_have_text("Mara is an AI character, not a person. Replies are generated and can be wrong.")
    expect(alice.messages).to_have_count(5)
    expect(told).to_have_count(1)


def test_stopping_keeps_what_was_seen(talk, she):
    she.says("Once upon ", "two hills ", she.pause(), "there was more.")
    alice = talk()
    alice.send("A story, please")
    expect(alice.reply).to_have_text("Once upon two hills ")
    alice.page.get_by_role("button", name="Stop the reply").click()
    expect(alice.page.get_by_role("log").get_by_text("You stopped this reply")).to_be_visible()
    expect(alice.last).to_have_text("Once upon two hills")
    she.go_on()
    alice.page.reload()
    alice.ready().expect_to_show_what_is_recorded()
    expect(alice.last).to_have_text("Once upon two hills")


def test_a_reply_that_fails_says_so_costs_nothing_and_can_be_asked_for_again(talk, she):
    she.fails()
    alice = talk()
    alice.send("Hello?")
    expect(alice.page.get_by_text("Mara couldn’t reply just now.", exact=True)).to_be_visible()
    expect(alice.page.get_by_text("This message didn’t use up a free one.")).to_be_visible()
    expect(alice.left).to_have_text("10")
    she.says("Sorry, ", "I was out.")
    alice.page.get_by_role("button", name="Try again").click()
    expect(alice.messages.filter(has_text="Hello?")).to_be_focused()
    expect(alice.last).to_have_text("Sorry, I was out.")
    expect(alice.page.get_by_text("couldn’t reply just now")).to_have_count(0)
    expect(alice.left).to_have_text("9")
    alice.expect_to_show_what_is_recorded()


def test_the_words_of_a_reply_that_breaks_off_stay_and_can_be_asked_for_again(talk, she):
    pause = she.pause()
    she.breaks_off("Once upon a time ", "there was ", pause)
    one = talk()
    two = one.tab()
    one.send("A story, please")
    for tab in (one, two):
        expect(tab.reply).to_have_text("Once upon a time there was")
    pause.set()
    for _ in range(2):
        for tab in (one, two):
            expect(tab.page.get_by_text("Mara’s reply was cut off.", exact=True)).to_be_visible()
            expect(tab.page.get_by_text("This message didn’t use up a free one.")).to_be_visible()
            expect(tab.reply).to_have_text("Once upon a time there was")
            for part in (".caret", ".dots"):
                expect(tab.page.locator(f".reply {part}")).to_be_hidden()
            expect(tab.left).to_have_text("10")
            tab.page.reload()
            tab.ready()
    she.says("Once upon a time ", "all went well.")
    one.page.get_by_role("button", name="Try again").click()
    for tab in (one, two):
        expect(tab.last).to_have_text("Once upon a time all went well.")
        expect(tab.page.get_by_text("cut off")).to_have_count(0)
        expect(tab.left).to_have_text("9")
        tab.expect_to_show_what_is_recorded()


def test_that_a_reply_was_cut_off_is_said(talk, she):
    she.breaks_off("Half of it")
    alice = talk()
    alice.send("Tell me")
    expect(alice.voice()).to_have_text("Mara’s reply was cut off. Try again")
    expect(alice.log).to_have_attribute("aria-busy", "false")


def test_a_failed_security_check_keeps_the_message_until_it_passes(talk, complaints):
    complaints.expect("status of 403")

    def suspicious(route):
        route.continue_(post_data=json.dumps({**route.request.post_data_json, "token": "fail"}))

    alice = talk()
    context = alice.page.context
    context.route("**/chat/permits/", suspicious)
    alice.page.reload()  # to spend no permit from before
    alice.ready().send("Let me in")
    expect(alice.page.get_by_text("We couldn’t check your browser.", exact=True)).to_be_visible()
    expect(alice.unsent.locator(".bubble")).to_have_text("Let me in")
    assert not alice.conversation.messages.filter(sender="user").exists()
    context.unroute("**/chat/permits/")
    alice.page.get_by_role("button", name="Check again").click()
    expect(alice.last).to_have_text("Hello there.")
    alice.expect_to_show_what_is_recorded()


def test_out_of_free_messages_the_composer_locks_and_the_draft_is_kept(talk, complaints):
    complaints.expect("status of 402")
    alice = talk()
    alice.input.fill("Which bakery?")
    Conversation.objects.filter(pk=alice.conversation.pk).update(free_text=0)  # spent, and this tab may not know it yet
    alice.input.press("Enter")
    card = alice.page.get_by_role("heading", name="That was your last free message with Mara")
    for _ in range(2):
        expect(card).to_be_visible()
        expect(alice.input).to_have_value("Which bakery?")
        expect(alice.input).to_be_editable()
        expect(alice.button).to_have_attribute("aria-disabled", "true")
        expect(alice.page.get_by_text("Your draft is kept for you.")).to_be_visible()
        expect(alice.unsent).to_have_count(0)
        alice.page.reload()
        alice.ready()
    assert not alice.conversation.messages.filter(sender="user").exists()


def test_the_last_free_messages_are_announced(talk, alice):
    page = talk()
    Conversation.objects.filter(pk=page.conversation.pk).update(free_text=4)
    page.send("Four")
    expect(page.page.get_by_text("3 free messages left")).to_be_visible()


def test_premium_is_unlimited(talk, alice):
    member = UserFactory(premium=True)
    page = talk(member=member)
    Conversation.objects.filter(pk=page.conversation.pk).update(free_text=0)
    page.page.reload()
    page.ready()
    expect(page.page.get_by_text("Premium, unlimited")).to_be_visible()
    page.send("Hello")
    expect(page.last).to_have_text("Hello there.")
    expect(page.page.locator(".upgrade")).to_be_hidden()


def test_what_is_written_while_she_writes_goes_when_she_has_finished(talk, she):
    pause = she.pause()
    she.says("First ", pause, "things first.")
    alice = talk()
    alice.send("One")
    expect(alice.reply).to_have_text("First ")
    alice.input.fill("Two")
    alice.input.press("Enter")
    expect(alice.page.get_by_text("Sends when Mara has finished")).to_be_visible()
    assert alice.conversation.messages.filter(sender="user").count() == 1
    she.says("And then ", "two.")
    pause.set()
    expect(alice.last).to_have_text("And then two.")
    alice.expect_to_show_what_is_recorded()
    assert alice.said()[1:] == ["One", "First things first.", "Two", "And then two."]


def test_the_button_sends_what_is_written_while_she_writes_and_stops_her_when_nothing_is(talk, she):
    she.says("First ", she.pause(), "things first.")
    alice = talk()
    alice.send("One")
    expect(alice.reply).to_have_text("First ")
    for words in ("Two", "Three"):
        expect(alice.button).to_have_accessible_name("Stop the reply")
        alice.input.fill(words)
        expect(alice.button).to_have_accessible_name("Send")
        alice.button.click()
    expect(alice.page.locator(".unsent.held")).to_have_count(2)
    expect(alice.reply).to_have_text("First ")
    she.says("And then ", "the rest.")
    she.go_on()
    expect(alice.unsent).to_have_count(0)
    until(lambda: not Reply.objects.owed().exists(), what="an end to all replies")
    expect(alice.last).to_have_text("And then the rest.")
    alice.expect_to_show_what_is_recorded()
    assert [text for text in alice.said() if text in {"One", "Two", "Three"}] == ["One", "Two", "Three"]
    assert "First things first." in alice.said()


def test_escape_stops_her_wherever_the_focus_is_and_keeps_what_is_written(talk, she):
    she.says("Once upon ", she.pause(), "a time.")
    alice = talk()
    alice.send("A story")
    expect(alice.reply).to_have_text("Once upon ")
    alice.input.fill("Shorter")
    alice.log.focus()
    alice.page.keyboard.press("Escape")
    expect(alice.voice()).to_have_text("You stopped this reply")
    expect(alice.last).to_have_text("Once upon")
    expect(alice.input).to_have_value("Shorter")


def test_the_last_free_message_is_answered_before_anything_closes(talk, she, alice):
    pause = she.pause()
    she.says("With ", pause, "pleasure.")
    one = talk()
    Conversation.objects.filter(pk=one.conversation.pk).update(free_text=1)
    one.page.reload()
    two = one.ready().tab()
    one.send("The last one")
    card = "That was your last free message with Mara"
    for tab in (one, two):
        expect(tab.reply).to_have_text("With ")
    two.page.reload()  # in the middle
    two.ready()
    for tab in (one, two):
        expect(tab.page.get_by_text("No free messages left")).to_be_visible()
        expect(tab.page.get_by_role("heading", name=card)).to_be_hidden()
    pause.set()
    for tab in (one, two):
        expect(tab.page.get_by_role("heading", name=card)).to_be_visible()
        expect(tab.last).to_have_text("With pleasure.")
        expect(tab.page.get_by_text("Your draft is kept for you.")).to_be_hidden()
        tab.input.press_sequentially("I will be back")
        expect(tab.page.get_by_text("Your draft is kept for you.")).to_be_visible()
        expect(tab.button).to_have_attribute("aria-disabled", "true")
    one.input.press("Enter")
    expect(one.input).to_have_value("I will be back")
    expect(one.unsent).to_have_count(0)


@pytest.mark.parametrize("composing", [{"isComposing": True}, {"keyCode": 229}], ids=["composing", "safari"])
def test_enter_that_ends_a_composition_does_not_send(talk, composing):
    alice = talk()
    alice.input.fill("こんにち")
    key = {"key": "Enter", "bubbles": True, "cancelable": True, **composing}
    alice.input.dispatch_event("keydown", key)
    expect(alice.input).to_have_value("こんにち")
    expect(alice.unsent).to_have_count(0)
    alice.input.press("Enter")
    expect(alice.last).to_have_text("Hello there.")


def test_what_she_says_is_text_whatever_it_looks_like(talk, she):
    pause = she.pause()
    she.says("<img src=x onerror=alert(1)> and *lean", pause, "ing* in <b>close</b>")
    alice = talk()
    alice.send("Say something odd")
    expect(alice.reply).to_have_text("<img src=x onerror=alert(1)> and lean")
    parts = alice.reply.evaluate("place => [...place.childNodes].map(node => node.nodeName)")
    assert parts == ["#text", "EM"]  # text nodes that grow
    pause.set()
    expect(alice.last).to_have_text("<img src=x onerror=alert(1)> and leaning in <b>close</b>")
    expect(alice.last.locator("em")).to_have_text("leaning")
    expect(alice.last.locator("img, b")).to_have_count(0)


def test_a_picture_that_she_names_is_never_fetched(talk, she):
    she.says("![proof](https://evil.example/p.png?said=everything) <img src='https://evil.example/q.png'>")
    alice = talk()
    asked = []
    alice.page.context.on("request", lambda request: asked.append(request.url))
    alice.send("Show me")
    expect(alice.last).to_contain_text("![proof](https://evil.example")
    alice.page.reload()
    alice.ready()
    expect(alice.last).to_contain_text("![proof](https://evil.example")
    alice.page.goto("/chat/")
    expect(alice.row).to_contain_text("![proof]")
    assert asked
    assert [url for url in asked if "evil" in url] == []


def test_a_phone_in_the_same_network_can_send_too(talk):
    """Without https a browser has neither crypto.randomUUID nor a clipboard."""
    alice = talk()
    alice.page.context.add_init_script("delete Crypto.prototype.randomUUID; delete Navigator.prototype.clipboard")
    alice.page.reload()
    alice.ready().send("Hello from the sofa")
    expect(alice.last).to_have_text("Hello there.")
    alice.messages.first.hover()
    expect(alice.page.get_by_role("button", name="Copy")).to_have_count(0)
