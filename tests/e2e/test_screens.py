"""How the conversation looks: in every size of window the place to write is seen, and nothing is cut off or jumps."""

import re

import pytest
from playwright.sync_api import expect

from chat.models import Conversation
from girls.models import Girl
from tests.e2e.conftest import PHONE
from tests.e2e.talk import Talk, conversation_with
from tests.factories import GirlFactory, MessageFactory, UserFactory

TOUCH = {"is_mobile": True, "has_touch": True}
ON_ITS_SIDE = {"viewport": {"width": 844, "height": 390}, **TOUCH}
SIZES = {
    "phone": PHONE,
    "phone with its keyboard": PHONE | {"viewport": {"width": 390, "height": 400}},
    "phone on its side": ON_ITS_SIDE,
    "small phone on its side": ON_ITS_SIDE | {"viewport": {"width": 667, "height": 375}},
    "laptop at 200 %": {"viewport": {"width": 640, "height": 400}},
    "laptop at 400 %": {"viewport": {"width": 320, "height": 200}},
    "tablet with its keyboard": {"viewport": {"width": 1024, "height": 400}, **TOUCH},
    "desktop": {},
}
ALONE = [name for name in SIZES if name not in {"tablet with its keyboard", "desktop"}]
LONG = "I have a pot of coffee, a difficult crossword and no patience for openings, so let us skip the weather. " * 3

HEIGHTS = "all => all.map(row => row.querySelector('.bubble').offsetHeight)"
NEXT_FRAME = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done())))"
# How long the shortest line of a paragraph is, of the longest: no word stands alone.
SHORTEST_LINE = """words => {
    const all = document.createRange();
    all.selectNode(words.firstChild);
    const lines = [...all.getClientRects()].map(line => line.width);
    return Math.min(...lines) / Math.max(...lines);
}"""


# Of each bubble: how many pixels it is wider than its widest paragraph, and how many lines it has.
EMPTY = """all => all.map(bubble => {
    const spans = new Map();
    const tops = new Set();
    const walk = document.createTreeWalker(bubble, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
        const words = document.createRange();
        words.selectNode(walk.currentNode);
        const block = walk.currentNode.parentElement.closest("p, .bubble");
        const span = spans.get(block) ?? spans.set(block, []).get(block);
        for (const { left, right, top } of words.getClientRects()) span.push(left, right), tops.add(Math.round(top));
    }
    const widest = Math.max(...[...spans.values()].map(span => Math.max(...span) - Math.min(...span)));
    const style = getComputedStyle(bubble);
    const around = parseFloat(style.paddingLeft) + parseFloat(style.paddingRight) + 2;
    return [bubble.getBoundingClientRect().width - around - widest, tops.size];
})"""


def box(place):
    """Where it stands in the window: left, top, right, bottom."""
    x, y, width, height = place.bounding_box().values()
    return x, y, x + width, y + height


@pytest.mark.parametrize("size", SIZES)
def test_the_place_to_write_is_seen_however_long_the_list_of_chats_is(new_browser, size):
    member = UserFactory()
    for _ in range(12):
        conversation_with(GirlFactory(unpublished=True).slug, member)
    conversation = conversation_with("mara", member, messages=20)
    tab = Talk(new_browser(member, **SIZES[size]), conversation)
    height = tab.page.viewport_size["height"]
    for left in (10, 3, 0):
        Conversation.objects.filter(pk=conversation.pk).update(free_text=left)
        tab.open()
        assert tab.page.evaluate("scrollY") == 0
        assert box(tab.page.locator("form.composer"))[3] <= height, left
        if height >= 375:
            assert tab.page.evaluate("document.documentElement.scrollHeight") == height, left
            assert box(tab.page.locator(".foot").first)[3] <= height, left
            assert tab.log.bounding_box()["height"] >= 128, left
        assert tab.below() < 2


@pytest.mark.parametrize("size", ALONE)
def test_a_phone_on_its_side_and_a_zoomed_page_show_list_and_conversation_one_at_a_time(new_browser, alice, size):
    conversation_with("ines", alice)
    conversation = conversation_with("mara", alice)
    tab = Talk(new_browser(alice, **SIZES[size]), conversation).open()
    expect(tab.page.locator(".threads")).to_be_hidden()
    tab.page.get_by_role("link", name="All chats").click()
    expect(tab.page.locator(".thread")).to_have_count(2)
    expect(tab.page.locator(".nobody")).to_be_hidden()
    expect(tab.page.locator("html[data-alive]")).to_be_attached()
    tab.page.get_by_role("button", name="Search chats").click()
    expect(tab.page.get_by_role("searchbox", name="Search chats")).to_be_focused()
    tab.row.click()
    tab.ready().send("Hello")
    expect(tab.last).to_have_text("Hello there.")
    expect(tab.last).to_be_in_viewport(ratio=0.9)


def test_on_a_phone_on_its_side_a_long_message_leaves_the_button_in_view(talk):
    tab = talk(**ON_ITS_SIDE)
    tab.input.fill("A line.\n" * 30)
    expect(tab.button).to_be_in_viewport(ratio=1)
    expect(tab.input).to_be_in_viewport(ratio=1)
    assert tab.log.bounding_box()["height"] >= 128


@pytest.mark.parametrize("width", [390, 844, 1280])
def test_her_portrait_is_whole_or_left_out_at_every_height(new_browser, alice, width):
    page = new_browser(alice)
    shown = set()
    for girl in Girl.objects.exclude(demo_art=""):
        page.set_viewport_size({"width": width, "height": 900})
        tab = Talk(page, conversation_with(girl.slug, alice)).open()
        portrait = page.locator(".hello img")
        for height in range(340, 1000, 44):
            page.set_viewport_size({"width": width, "height": height})
            if not portrait.is_visible():
                continue
            shown.add(height)
            left, top, right, bottom = box(portrait)
            assert top >= box(tab.log)[1], (girl.slug, height)
            assert bottom <= box(page.locator(".hello p"))[1]
            assert abs((bottom - top) * 3 / 4 - (right - left)) <= 1
            assert bottom - top >= 72
        assert max(shown) > 900  # where there is room it stands there
    assert min(shown) > 400


@pytest.mark.parametrize("screen", [{}, PHONE])
def test_every_character_greets_with_her_portrait_on_desk_and_phone(new_browser, alice, screen):
    page = new_browser(alice, **screen)
    for girl in Girl.objects.exclude(demo_art=""):
        Talk(page, conversation_with(girl.slug, alice)).open()
        expect(page.locator(".hello img")).to_be_in_viewport(ratio=1)
        expect(page.get_by_role("heading", name=f"Say hi to {girl.name}")).to_be_in_viewport(ratio=1)
        words = page.locator(".hello p")
        expect(words).to_contain_text(f"{girl.age}, {girl.work} in {girl.lives_in}.")
        assert words.evaluate(SHORTEST_LINE) > 0.6, girl.name


@pytest.mark.parametrize("screen", [{}, PHONE])
def test_a_starter_that_is_tapped_is_sent_once_and_what_was_being_written_stays(talk, screen):
    tab = talk(**screen)
    tab.input.fill("Half a thou")
    starter = tab.page.locator(".hello button").first
    words = starter.inner_text()
    starter.click()
    expect(tab.last).to_have_text("Hello there.")
    expect(tab.page.locator(".hello")).to_be_hidden()
    expect(tab.input).to_have_value("Half a thou")
    if screen:
        expect(tab.input).not_to_be_focused()  # nobody asked for the keyboard
    else:
        expect(tab.input).to_be_focused()
    for _ in range(2):
        assert tab.said()[1:] == [words, "Hello there."]
        expect(tab.left).to_have_text("9")
        tab.page.reload()
        tab.ready()


@pytest.mark.parametrize("width", [1920, 1280, 1100, 900, 390])
def test_what_one_writes_on_stays_at_its_place_whatever_is_left(talk, width):
    tab = talk(viewport={"width": width, "height": 800})
    composer = tab.page.locator("form.composer")
    places = set()
    for left in (10, 9, 4, 3, 1, 0):
        Conversation.objects.filter(pk=tab.conversation.pk).update(free_text=left)
        tab.page.reload()
        tab.ready()
        places.add(box(composer))
    assert len(places) == 1


def test_nothing_jumps_while_a_free_message_is_spent(talk):
    tab = talk()
    tab.page.evaluate(
        """() => {
            tops = new Set();
            const composer = document.querySelector("form.composer");
            const look = () => {
                tops.add(composer.getBoundingClientRect().top);
                requestAnimationFrame(look);
            };
            look();
        }"""
    )
    for left in (9, 8):
        tab.send("Hello")
        expect(tab.left).to_have_text(str(left))
        expect(tab.page.locator(".reply, .unsent")).to_have_count(0)
        expect(tab.last).to_have_text("Hello there.")
    assert len(tab.page.evaluate("[...tops]")) == 1


def test_on_a_wide_screen_lines_stay_as_short_as_one_can_read(talk):
    tab = talk(viewport={"width": 1920, "height": 1080})
    tab.send("Hello")
    expect(tab.last).to_have_text("Hello there.")
    left, _, right, _ = box(tab.page.locator("form.composer"))
    assert 800 <= right - left <= 880
    mine = box(tab.messages.nth(1).locator(".bubble"))
    hers = box(tab.messages.first)
    assert abs(mine[2] - right) <= 20  # a scrollbar
    assert abs(hers[0] - left) <= 20


@pytest.mark.parametrize("width", [1920, 1280, 700, 390])
def test_tools_stand_beside_the_bubble_and_move_nothing(talk, width):
    tab = talk(viewport={"width": width, "height": 800})
    for text, hers in ((LONG, True), (LONG, False), ("Yes.", True), ("No.", False)):
        MessageFactory(conversation=tab.conversation, text=text, hers=hers)
    tab.page.reload()
    tab.ready()
    tools = tab.page.locator("[data-tools]")
    for row in tab.messages.all():
        bubble = row.locator(".bubble")
        bubble.scroll_into_view_if_needed()
        before = bubble.bounding_box()
        bubble.hover()
        expect(row.locator("[data-tools]")).to_be_visible()
        assert bubble.bounding_box() == before
        left, top, right, bottom = box(tools)
        gap = before["x"] - right if "user" in row.get_attribute("class") else left - before["x"] - before["width"]
        assert 0 <= gap <= 16
        assert before["y"] <= top <= bottom <= before["y"] + before["height"] + 2
        assert 0 <= left <= right <= width


@pytest.mark.parametrize("width", [1280, 390])
def test_bubbles_are_as_wide_as_their_longest_line(talk, she, width):
    tab = talk(viewport={"width": width, "height": 800})
    texts = [" ".join(LONG.split()[:words]) for words in range(2, 60, 3)]
    texts += [
        f"{LONG}\n\n*{LONG}*\n\nShort.",
        "هذا كلام طويل بعض الشيء لكي يملأ أكثر من سطر واحد. " * 4,
        "w" * 300,
        "👋",
    ]
    for number, text in enumerate(texts):
        MessageFactory(conversation=tab.conversation, text=text, hers=number % 2 == 0)
    tab.page.reload()
    tab.ready()

    def most():
        """Pixels that the emptiest bubble is wider than its words, and how many bubbles of several lines there are."""
        spare = tab.messages.locator(".bubble").evaluate_all(EMPTY)
        assert len(spare) == tab.messages.count()
        return max(width for width, _ in spare), sum(lines > 1 for _, lines in spare)

    heights = tab.messages.evaluate_all(HEIGHTS)
    assert most()[0] <= 2
    assert most()[1] > 15
    she.says(LONG, she.pause(), LONG)
    tab.send(LONG)
    expect(tab.reply).to_have_text(LONG.strip())
    assert tab.page.locator(".reply .bubble").evaluate("bubble => bubble.style.maxWidth") == ""
    she.go_on()
    expect(tab.page.locator(".reply")).to_have_count(0)
    expect(tab.messages).to_have_count(len(heights) + 2)
    assert most()[0] <= 2
    tab.page.set_viewport_size({"width": 700, "height": 800})
    tab.page.evaluate(NEXT_FRAME)
    assert most()[0] <= 2
    tab.page.set_viewport_size({"width": width, "height": 800})
    tab.page.evaluate(NEXT_FRAME)
    assert most()[0] <= 2
    tab.messages.locator(".bubble").evaluate_all("all => all.forEach(bubble => bubble.style.maxWidth = '')")
    assert tab.messages.evaluate_all(HEIGHTS)[: len(heights)] == heights  # no line breaks because of it


def test_who_has_scrolled_up_can_jump_to_the_latest_without_news(new_browser, alice):
    tab = Talk(new_browser(alice), conversation_with("mara", alice, messages=40)).open()
    jump = tab.page.get_by_role("button", name="Jump to latest")
    expect(jump).to_be_hidden()
    tab.scroll_up(250)
    expect(jump).to_be_visible()
    jump.click()
    expect(jump).to_be_hidden()
    expect(tab.input).to_be_focused()
    expect(tab.messages.last).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize("screen", [{}, PHONE, ON_ITS_SIDE])
def test_name_and_picture_above_the_conversation_lead_to_her_profile(talk, screen):
    tab = talk(**screen)
    tab.page.locator(".talk-head").get_by_role("link", name="Mara", exact=True).click()
    expect(tab.page).to_have_url(re.compile("/girls/mara/$"))
    tab.page.go_back()
    tab.ready().page.locator(".talk-head a > img").click()
    expect(tab.page).to_have_url(re.compile("/girls/mara/$"))


def test_light_and_dark_lead_back_to_what_the_device_is(new_browser, alice):
    page = new_browser(alice, color_scheme="dark")
    page.goto("/")
    background = "getComputedStyle(document.documentElement).backgroundColor"
    dark = page.evaluate(background)
    button = page.locator("[data-theme-toggle]")
    for said, is_dark in (("The site is light.", False), ("The site is dark.", True), ("as your device is", True)):
        button.click()
        expect(page.locator(".toast").filter(has_text=said)).to_be_visible()
        page.reload()
        assert (page.evaluate(background) == dark) == is_dark
    page.emulate_media(color_scheme="light")
    assert page.evaluate(background) != dark


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_conversation_is_printed_from_its_first_to_its_last_message(new_browser, alice, scheme):
    page = new_browser(alice, color_scheme=scheme)
    tab = Talk(page, conversation_with("mara", alice, messages=49)).open()
    expect(tab.messages).to_have_count(50)
    printed = page.pdf(format="A4")
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) >= 3
    page.emulate_media(media="print")
    length = page.evaluate("document.documentElement.scrollHeight")
    seen = tab.messages.locator(".bubble").evaluate_all(
        """all => all.map(bubble => {
            const { top, bottom } = bubble.getBoundingClientRect();
            return [top + scrollY, bottom + scrollY, getComputedStyle(bubble).color];
        })"""
    )
    tops = [top for top, _, _ in seen]
    assert tops == sorted(tops)
    assert tops[0] >= 0
    assert seen[-1][1] <= length
    assert tab.log.evaluate("log => log.scrollHeight === log.clientHeight")  # it cuts nothing off
    assert {colour for _, _, colour in seen} == {"rgb(46, 27, 37)"}  # dark on paper, also in the dark
    for part in (".write", ".threads", ".panel", ".bar", ".talk-head button"):
        expect(page.locator(part).first).to_be_hidden()
    expect(page.get_by_role("heading", name="Mara", level=1)).to_be_visible()
