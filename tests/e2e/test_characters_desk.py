"""An editor's day: write a character, try her, show her, go on from her, meet a colleague, retire her."""

import json
import re

import pytest
from django.contrib.auth.models import Group
from playwright.sync_api import Page, expect

from girls.models import Girl
from tests.e2e.conftest import PHONE
from tests.e2e.looking import NARROW, faults, sideways
from tests.factories import UserFactory

LIST = "/admin/girls/girl/"
SLUGS = ("edda", "edda-copy")


@pytest.fixture(autouse=True)
def _nobody_is_left(characters):
    Girl.objects.filter(slug__in=SLUGS).delete()
    yield
    for girl in Girl.objects.filter(slug__in=SLUGS):
        girl.conversations.all().delete()
        girl.delete()


@pytest.fixture
def edda(_nobody_is_left):
    """A character whom no other journey looks at."""
    return Girl.objects.create(
        name="Edda",
        slug="edda",
        age=34,
        tagline="Keeper of a lighthouse",
        bio="She counts ships.",
        greeting="The lamp is lit.",
        persona_prompt="You are Edda. You speak slowly.",
        is_active=True,
    )


def person(name, role="editor"):
    user = UserFactory(staff=True, username=name)
    user.groups.add(Group.objects.get(name=role))
    return user


@pytest.fixture
def editor(new_browser):
    """An editor's browser, at a page of the console."""
    made = []

    def opened(path=LIST, **options) -> Page:
        made.append(person(f"editor_{len(made)}_{UserFactory.build().username}"))
        page = new_browser(made[-1], reduced_motion="reduce", **options)
        page.goto(path)
        return page

    return opened


def row(page, name):
    return page.locator("#result_list tbody tr", has_text=name)


def choose(page, name, deed):
    page.get_by_role("button", name=f"What to do with {name}", exact=True).click()
    page.get_by_role("button", name=deed, exact=True).click()


def test_the_editors_day(editor, new_browser, alice, she):
    page = editor()
    page.get_by_role("link", name="Add character").click()
    # Writes her.
    page.get_by_label("Name").fill("Edda")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Slug")).to_have_value("edda")
    for label, words in {
        "Age": "34",
        "Tagline": "Keeper of a lighthouse",
        "Tags": "Calm, Sea",
        "Bio": "She counts ships.",
        "Greeting": "The lamp is lit.",
        "Persona prompt": "You are Edda. You speak slowly.",
    }.items():
        page.get_by_label(label, exact=False).first.fill(words)
    expect(page.locator("[data-length-of=id_persona_prompt]")).to_have_text("31 of 8,000 characters, about 8 tokens.")

    # Tries her before she is saved: word by word, and with what was asked.
    pause = she.pause()
    she.says("Ships ", pause, "pass.")
    page.get_by_label("Say something to her").fill("What do you see?")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".try-turn.ai").last).to_have_text("Edda: Ships ")
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    pause.set()
    expect(page.locator(".try-turn.ai").last).to_have_text("Edda: Ships pass.")
    expect(page.locator("[data-fact=in]")).to_have_text("11")
    expect(page.locator("[data-fact=cost]")).to_have_text("no price set")
    page.get_by_text("Exactly what was sent").click()
    asked = json.loads(page.locator("[data-body]").inner_text())
    assert "You speak slowly." in asked["messages"][0]["content"]
    assert asked["messages"][-1] == {"role": "user", "content": "What do you see?"}
    assert not Girl.objects.filter(slug="edda").exists()
    assert faults(page, preload=False) == {}

    # Saves her, and shows her.
    page.get_by_role("button", name="Save", exact=True).click()
    expect(row(page, "Edda")).to_contain_text("Hidden")
    choose(page, "Edda", "Make live")
    expect(row(page, "Edda")).to_contain_text("Live")
    member = new_browser(alice)
    member.goto("/girls/edda/")
    expect(member.get_by_role("heading", name="Edda", level=1)).to_be_visible()

    # Goes on from her.
    choose(page, "Edda", "Duplicate")
    expect(page.get_by_role("heading", name="Edda (copy)")).to_be_visible()
    expect(page.get_by_label("Tagline")).to_have_value("Keeper of a lighthouse")

    # A member talks with her, then she retires.
    member.get_by_role("button", name=re.compile("Message Edda")).first.click()
    expect(member.locator("html[data-alive]")).to_be_attached()
    box = member.get_by_role("textbox", name="Message Edda")
    box.fill("Good evening")
    she.says("Good evening.")
    box.press("Enter")
    expect(member.get_by_role("log")).to_contain_text("Good evening.")
    page.goto(LIST)
    choose(page, "Edda", "Retire")
    expect(row(page, "Edda").filter(has_not_text="copy")).to_contain_text("Retired")
    box.fill("Are you still there?")
    box.press("Enter")
    expect(member.get_by_text("Edda has retired.").first).to_be_visible()
    expect(box).to_be_hidden()
    expect(member.get_by_role("log")).to_contain_text("Are you still there?")  # their words are not lost
    member.reload()
    expect(member.get_by_role("log")).to_contain_text("Good evening")
    expect(box).to_be_hidden()
    assert member.goto("/girls/edda/").status == 404


@pytest.fixture(autouse=True)
def _refusals(complaints):
    complaints.expect("status of (404|410)")


def test_a_colleague_who_was_quicker_is_seen(editor, edda):
    where = f"{LIST}{edda.pk}/persona/"
    mine, theirs = editor(where), editor(where)
    theirs.get_by_label("Persona prompt").fill("You are Edda. You whisper.")
    theirs.get_by_role("button", name="Save and keep editing").click()
    expect(theirs.locator(".messagelist")).to_contain_text("changed successfully")
    mine.get_by_label("Persona prompt").fill("You are Edda. You speak slowly, of ships.")
    mine.get_by_role("button", name="Save", exact=True).click()
    conflict = mine.locator(".conflict")
    expect(conflict).to_contain_text("while you were writing")
    expect(conflict).to_contain_text("whisper")
    expect(mine.get_by_label("Persona prompt")).to_have_value("You are Edda. You speak slowly, of ships.")
    assert faults(mine, preload=False) == {}
    edda.refresh_from_db()
    assert edda.persona_prompt == "You are Edda. You whisper."
    # Enter in a field is a save like any other: it never means "anyway".
    mine.get_by_label("Voice id").press("Enter")
    expect(conflict).to_contain_text("while you were writing")
    edda.refresh_from_db()
    assert edda.persona_prompt == "You are Edda. You whisper."
    conflict.get_by_role("button", name="Save mine anyway").click()
    expect(row(mine, "Edda")).to_be_visible()
    edda.refresh_from_db()
    assert edda.persona_prompt == "You are Edda. You speak slowly, of ships."


def test_words_are_compared_and_brought_back(editor, edda):
    edda.persona_prompt = "You are Edda. You speak quickly."
    edda.save()
    page = editor(f"{LIST}{edda.pk}/persona/")
    page.get_by_role("link", name="Versions").click()
    assert faults(page, preload=False) == {}
    page.get_by_role("button", name="Compare the two that are chosen").click()
    expect(page.locator("ins")).to_contain_text("quickly")
    expect(page.locator("del")).to_contain_text("slowly")
    assert faults(page, preload=False) == {}
    page.get_by_role("link", name=re.compile("Bring back version")).click()
    page.get_by_role("button", name="Bring it back").click()
    expect(page.locator(".messagelist")).to_contain_text("is back")
    expect(page.locator("tbody tr")).to_have_count(3)
    edda.refresh_from_db()
    assert edda.persona_prompt == "You are Edda. You speak slowly."


def test_an_answer_is_stopped_and_a_host_that_fails_is_said(editor, edda, she):
    page = editor(f"{LIST}{edda.pk}/persona/")
    box = page.get_by_label("Say something to her")
    she.says("Ships ", she.pause(), "pass.")
    box.fill("What do you see?")
    box.press("Enter")
    expect(page.locator(".try-turn.ai").last).to_have_text("Edda: Ships ")
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name="Send")).to_be_visible()
    expect(page.locator(".try-turn.ai").last).to_have_text("Edda: Ships ")
    she.fails()
    box.fill("And now?")
    box.press("Enter")
    expect(page.locator("[data-error]")).to_contain_text("refused the key")
    expect(box).to_have_value("And now?")  # to be sent again
    page.get_by_role("button", name="Start over").click()
    expect(page.locator(".try-turn")).to_have_count(0)
    expect(page.locator("[data-error]")).to_be_hidden()


@pytest.mark.parametrize("options", [{}, PHONE, NARROW], ids=["desk", "phone", "narrow"])
def test_every_page_about_her_is_open_to_everybody(editor, edda, options):
    page = editor(**options)
    for path in ("", f"{edda.pk}/change/", f"{edda.pk}/persona/", f"{edda.pk}/versions/", "add/"):
        page.goto(f"{LIST}{path}")
        assert faults(page, path, preload=False) == {}
        assert sideways(page) == [], path


def test_the_menu_of_a_row_works_by_keyboard(editor, edda):
    page = editor(f"{LIST}?q=edda")
    row(page, "Edda").get_by_role("button").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Edit")).to_be_focused()
    assert faults(page, preload=False) == {}
    for _ in range(2):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(row(page, "Edda")).to_contain_text("Hidden")
