"""Texts of all scripts in a real browser: direction, emphasis while she writes, translation, marks that pile up."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import expect

from accounts.models import User
from girls.models import Girl
from tests.e2e.conftest import PHONE
from tests.e2e.talk import Talk, conversation_with, read_up_to
from tests.factories import MessageFactory

CORPUS = json.loads((Path(__file__).parents[1] / "corpus" / "scripts.json").read_text())
RIGHT_TO_LEFT = [line["text"] for line in CORPUS if line["dir"] == "rtl"]
LEFT_TO_RIGHT = [line["text"] for line in CORPUS if line["script"] in {"Latin", "Chinese", "Thai", "Devanagari"}][:20]
DIRECTIONS = "all => all.map(p => getComputedStyle(p).direction)"


@pytest.fixture
def talk(new_browser, alice: User) -> Talk:
    return Talk(new_browser(alice), conversation_with("mara", alice))


def test_each_paragraph_has_the_direction_of_its_own_script(talk):
    texts = [text.replace("\n\n", "\n") for text in (*RIGHT_TO_LEFT, *LEFT_TO_RIGHT)][-46:]
    wanted = ["rtl" if text in RIGHT_TO_LEFT else "ltr" for text in texts]
    for number, text in enumerate(texts):
        MessageFactory(conversation=talk.conversation, text=text, hers=number % 2 > 0)
    read_up_to(talk.conversation, len(texts) + 1)
    talk.open()
    shown = talk.messages.locator(".bubble p").evaluate_all(DIRECTIONS)
    assert shown[-len(texts) :] == wanted
    # The side of a bubble says who speaks, whatever its direction.
    for side, of in (("left", "ai"), ("right", "user")):
        edges = talk.page.locator(f".message.{of}[data-id] .bubble").evaluate_all(
            f"all => all.map(b => Math.round(b.getBoundingClientRect().{side}))"
        )
        assert len(set(edges)) == 1, (of, edges)


def test_what_one_writes_and_what_she_writes_has_its_direction_at_once(talk, she):
    pause = she.pause()
    she.says("*تبتسم* أهلا", pause, " بك.")
    talk.open()
    talk.input.fill("مرحبا، كيف حالك؟")
    assert talk.input.evaluate("e => getComputedStyle(e).direction") == "rtl"
    talk.button.click()
    expect(talk.reply).to_have_text("تبتسم أهلا")
    assert talk.reply.evaluate("e => getComputedStyle(e).direction") == "rtl"
    assert talk.row.locator("[data-name]").evaluate("e => getComputedStyle(e).direction") == "ltr"
    pause.set()
    expect(talk.last).to_have_text("تبتسم أهلا بك.")


def test_emphasis_is_drawn_while_she_writes_as_it_will_stand_there(talk, she):
    pauses = [she.pause() for _ in range(4)]
    she.says("*笑", pauses[0], "了笑。*你好呀，**真", pauses[1], "的**", pauses[2], "。\n\n*Noor", pauses[3], " sits.*")
    talk.open()
    talk.send("2*3*4 and *so*")
    expect(talk.reply.locator("em")).to_have_text("笑")
    pauses[0].set()
    expect(talk.reply.locator("strong")).to_have_text("真")
    assert "*" not in talk.reply.inner_text()
    pauses[1].set()
    expect(talk.reply.locator("strong")).to_have_text("真的")
    pauses[2].set()
    expect(talk.reply.locator("em")).to_have_text(["笑了笑。", "Noor"])
    pauses[3].set()
    expect(talk.last.locator("em")).to_have_text(["笑了笑。", "Noor sits."])
    expect(talk.page.locator(".message.user .bubble")).to_have_text("2*3*4 and so")


def test_a_browser_that_translates_while_she_writes_stops_nothing(talk, she):
    pauses = [she.pause() for _ in range(3)]
    she.says("Hello ", pauses[0], "there, *friend", pauses[1], "* and", pauses[2], " me.")
    talk.open()
    talk.send("Hi")
    # As Chrome's does it: each text node goes, and words in <font> stand in its place.
    translate = """place => {
        const walk = document.createTreeWalker(place, NodeFilter.SHOW_TEXT), nodes = [];
        while (walk.nextNode()) nodes.push(walk.currentNode);
        for (const node of nodes) {
            const font = document.createElement("font");
            font.textContent = node.data.toUpperCase();
            node.replaceWith(font);
        }
    }"""
    for pause, text in zip(pauses, ["Hello", "Hello there, friend", "Hello there, friend and"], strict=True):
        expect(talk.reply).to_have_text(text)
        talk.reply.evaluate(translate)
        pause.set()
    expect(talk.last).to_have_text("Hello there, friend and me.")


def test_what_nobody_would_see_is_not_sent(talk):
    talk.open()
    for blank in ("\u2800", "\u3164 \u3164", "\ufe0f", "\u200b\u2060"):
        talk.input.fill(blank)
        expect(talk.button).to_have_attribute("aria-disabled", "true")
        talk.input.press("Enter")
    expect(talk.unsent).to_have_count(0)
    assert talk.conversation.messages.count() == 1


def test_spaces_and_lines_stay_as_they_were_written(talk):
    talk.open()
    talk.send("a    b\n    indented")
    bubble = talk.page.locator(".message.user[data-id] .bubble")
    expect(bubble).to_be_visible()
    assert bubble.inner_text() == "a    b\n    indented"


def test_marks_that_pile_up_stay_in_their_bubble_and_long_names_wrap(new_browser, alice):
    Girl.objects.filter(slug="mara").update(name="W" * 60)
    try:
        conversation = conversation_with("mara", alice)
        MessageFactory(conversation=conversation, text="Z" + "\u0351" * 50 + "a" + "\u0334" * 50, hers=True)
        MessageFactory(conversation=conversation, text="Above and below", hers=True)
        page = new_browser(alice, **PHONE | {"viewport": {"width": 320, "height": 640}})
        talk = Talk(page, conversation).open()
        assert talk.messages.nth(1).locator(".bubble").evaluate("b => getComputedStyle(b).overflowY") == "clip"
        for path in (f"/chat/{conversation.pk}/", "/chat/", "/girls/mara/", "/"):
            page.goto(path)
            assert page.evaluate("document.documentElement.scrollWidth") <= 320, path
    finally:
        Girl.objects.filter(slug="mara").update(name="Mara")


def test_the_list_is_searched_as_people_mean_it(new_browser, alice):
    Girl.objects.filter(slug="mara").update(name="Søren’s Łucja")
    try:
        conversation = conversation_with("mara", alice)
        page = new_browser(alice)
        talk = Talk(page, conversation).open()
        page.get_by_role("searchbox", name="Search chats").fill("soren's lucja")
        expect(talk.row).to_be_visible()
        page.get_by_role("searchbox", name="Search chats").fill("zzz")
        expect(talk.row).to_be_hidden()
    finally:
        Girl.objects.filter(slug="mara").update(name="Mara")
