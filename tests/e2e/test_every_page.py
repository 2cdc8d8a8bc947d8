"""What holds on every page: nothing for axe to find, no sideways scrolling, small and steady."""

import gzip
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from chat.models import Reply
from tests.e2e.conftest import PHONE
from tests.e2e.talk import conversation_with
from tests.factories import ReplyFactory, UserFactory

STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
GATE, LANDING, NOBODY, PROFILE = "/", "/", "/?q=stoic+beekeeper", "/girls/mara/"
ENTRANCE = ("/accounts/login/", "/accounts/signup/", "/accounts/password/reset/", "/accounts/password/reset/done/")
PLAIN = ("/safety/", "/terms/", "/privacy/", "/nothing-is-here/")
NARROW = {"viewport": {"width": 320, "height": 640}, "is_mobile": True, "has_touch": True}


@pytest.fixture
def states(characters):
    """A member for each state of a conversation that looks different: (name, member, conversation)."""

    def begin(name, *, messages=6, premium=False, **fields):
        member = UserFactory(premium=premium)
        conversation_with("ines", member)
        return name, member, conversation_with("mara", member, messages=messages, **fields)

    failed = begin("failed", messages=6)
    ReplyFactory(conversation=failed[2], state=Reply.State.FAILED)
    return [
        begin("new", messages=0),
        begin("low", free_text=3),
        begin("out", used_up=True),
        begin("premium", premium=True),
        failed,
    ]


@pytest.fixture
def open_pages(new_browser, states, complaints):
    """Each kind of page, one after the other, in a browser like this: (name, page)."""
    complaints.expect("status of 404")

    def each(**options):
        visitor = new_browser(**options)
        visitor.goto(GATE)
        yield "age gate", visitor
        with visitor.expect_navigation():
            visitor.get_by_role("button", name="I’m 18 or older").click()
        for path in (LANDING, NOBODY, PROFILE, *ENTRANCE, *PLAIN):
            visitor.goto(path)
            yield path, visitor
        visitor.goto("/accounts/signup/")
        visitor.get_by_label("Email").fill("taken@")
        visitor.locator("form[action='/accounts/signup/']").evaluate("form => form.noValidate = true")
        visitor.get_by_role("button", name="Create account").click()
        expect(visitor.get_by_role("alert")).to_be_visible()
        yield "sign-up with errors", visitor
        for name, member, conversation in states:
            page = new_browser(member, **options)
            page.goto(f"/chat/{conversation.pk}/")
            expect(page.locator(".log.ready")).to_be_attached()
            yield f"conversation, {name}", page
        for path in ("/", PROFILE, "/chat/", "/accounts/password/change/", "/accounts/email/", "/accounts/logout/"):
            page.goto(path)
            expect(page.locator(".latest .skeleton:visible")).to_have_count(0)
            yield f"{path} for a member", page
        page.goto(PROFILE)
        page.get_by_role("button", name="Your menu").click()
        expect(page.get_by_role("button", name="Sign out")).to_be_visible()
        yield "the account menu", page
        newcomer = new_browser(UserFactory(), **options)
        newcomer.goto("/chat/")
        yield "no chats yet", newcomer

    return each


def sideways(page):
    """What makes a page wider than its window."""
    return page.evaluate(
        """() => document.documentElement.scrollWidth <= innerWidth ? [] : [...document.body.querySelectorAll("*")]
            .filter((part) => part.getBoundingClientRect().right > innerWidth + 1)
            .map((part) => part.outerHTML.slice(0, 120))"""
    )


@pytest.mark.parametrize("screen", ["desktop", "phone"])
def test_axe_finds_nothing(open_pages, screen):
    # As tall as what it shows: a bar at the foot of a phone covers half a button only until one scrolls.
    options = PHONE | {"viewport": {"width": 390, "height": 2400}} if screen == "phone" else {}
    found = {}
    for name, page in open_pages(**options, reduced_motion="reduce"):
        for scheme, rules in (("light", STANDARDS), ("dark", ["color-contrast"])):  # darkness changes only colours
            page.emulate_media(color_scheme=scheme)
            for rule in Axe().run(page, options={"runOnly": rules}).response["violations"]:
                found[name, scheme, rule["id"]] = [node["html"] for node in rule["nodes"]]
    assert found == {}


def test_nothing_scrolls_sideways_at_320_pixels(open_pages):
    assert {name: wide for name, page in open_pages(**NARROW) if (wide := sideways(page))} == {}


def test_at_400_percent_one_can_still_read_and_write(talk):
    alice = talk(viewport={"width": 320, "height": 200})
    assert sideways(alice.page) == []
    assert alice.log.bounding_box()["height"] >= 128
    alice.input.scroll_into_view_if_needed()
    expect(alice.input).to_be_in_viewport(ratio=0.9)
    alice.send("Still here")
    expect(alice.last).to_have_text("Hello there.")


def weight(page, ending):
    """Kilobytes on the wire of all that the page fetched whose name ends so."""
    names = page.evaluate("[...new Set(performance.getEntriesByType('resource').map((entry) => entry.name))]")
    bodies = [page.request.get(name).body() for name in names if name.endswith(ending)]
    return sum(len(gzip.compress(body)) for body in bodies) / 1024


def test_pages_stay_within_their_weight(new_browser, alice, capsys):
    conversation = conversation_with("mara", alice, messages=60)
    figures = []
    for name, path, who, most in (("landing", "/", None, 12), ("chat", f"/chat/{conversation.pk}/", alice, 15)):
        page = new_browser(who, adult=who is None)
        page.add_init_script(path=Path(__file__).with_name("vitals.js"))
        html = len(gzip.compress(page.goto(path).body())) / 1024
        page.wait_for_load_state("networkidle")
        css, js = weight(page, ".css"), weight(page, ".js")
        shifted = page.evaluate("vitals.cls")
        vitals = page.evaluate("`LCP ${Math.round(vitals.lcp)} ms, CLS ${vitals.cls.toFixed(4)}`")
        figures.append(f"{name}: HTML {html:.1f} KB, CSS {css:.1f} KB, JS {js:.1f} KB, {vitals}")
        assert html <= most
        assert css <= 16
        assert shifted <= 0.02
        assert name != "landing" or js <= 22
    with capsys.disabled():
        print("", *figures, sep="\n")  # noqa: T201
