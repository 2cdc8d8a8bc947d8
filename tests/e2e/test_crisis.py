"""Somebody speaks of harm to themselves: help on the page before anything else, in every tab, without scripts too."""

import pytest
from playwright.sync_api import expect

from chat.models import Conversation
from tests.e2e.conftest import PHONE
from tests.e2e.talk import Talk, conversation_with

DISTRESS = "I want to die"
PLAN = "I'm going to kill myself tonight"
GO_ON = "I’m OK, go on"


@pytest.fixture
def talk(new_browser, alice):
    """Of a member in the United Kingdom, who has one free message left."""
    alice.country = "GB"
    alice.save(update_fields=["country"])
    conversation = conversation_with("mara", alice, messages=2, free_text=1)
    return Talk(new_browser(alice), conversation).open()


def test_first_the_card_above_her_reply_then_in_place_of_it_until_one_goes_on(talk, she):
    page, cards, go_on = talk.page, talk.page.locator(".care"), talk.page.get_by_role("button", name=GO_ON)
    other = talk.tab()
    she.says("I’m glad you said it.")
    talk.send(DISTRESS)
    expect(talk.last).to_have_text("I’m glad you said it.")
    expect(cards).to_have_count(1)
    order = page.locator("[data-messages] > [data-id]").evaluate_all(
        "all => all.slice(-3).map((row) => row.classList[0])"
    )
    assert order == ["message", "care", "message"]
    expect(go_on).to_be_hidden()

    talk.send(PLAN)
    for tab in (talk, other):
        expect(tab.page.locator(".care")).to_have_count(2)
        expect(tab.page.get_by_role("button", name=GO_ON)).to_be_visible()
        expect(tab.voice()).to_contain_text("You don’t have to carry this alone.")
        expect(tab.voice()).to_contain_text("Call 116 123. In immediate danger, call 999.")
    card = cards.last
    expect(card.get_by_role("link", name="Call 116 123")).to_have_attribute("href", "tel:116123")
    expect(card.get_by_role("link", name="Text SHOUT to 85258")).to_have_attribute("href", "sms:85258?body=SHOUT")
    expect(card.get_by_role("link", name="999")).to_have_attribute("href", "tel:999")
    assert min(way.bounding_box()["height"] for way in card.locator(".way").all()) >= 44
    assert max(way.bounding_box()["height"] for way in card.locator(".way").all()) < 120
    talk.send("are you there?")
    expect(talk.last).to_have_text("are you there?")
    expect(talk.page.locator(".reply")).to_have_count(0)

    she.says("Here I am again.")
    go_on.click()
    expect(talk.last).to_have_text("Here I am again.")
    expect(other.last).to_have_text("Here I am again.")
    for tab in (talk, other):
        expect(tab.page.get_by_role("button", name=GO_ON)).to_be_hidden()
    expect(page.locator(".toast")).to_have_count(0)
    assert Conversation.objects.get(pk=talk.conversation.pk).free_text == 1


def test_nothing_is_sold_beside_a_card(talk):
    page = talk.page
    offers = page.locator("[data-talk] a[href*='plans'], .panel-photos a[href*='plans'], .foot .quota, [data-free]")
    expect(offers.filter(visible=True)).not_to_have_count(0)
    talk.send(PLAN)
    expect(page.locator(".care")).to_be_visible()
    expect(offers.filter(visible=True)).to_have_count(0)
    page.reload()
    talk.ready()
    expect(page.locator(".care")).to_be_visible()
    expect(offers.filter(visible=True)).to_have_count(0)


@pytest.mark.parametrize("options", [{}, PHONE], ids=["desktop", "phone"])
def test_without_javascript_the_card_is_there_and_one_can_go_on(new_browser, talk, alice, options):
    talk.send(PLAN)
    expect(talk.page.locator(".care")).to_be_visible()
    page = new_browser(alice, java_script_enabled=False, **options)
    page.goto(f"/chat/{talk.conversation.pk}/")
    card = page.locator(".care")
    expect(card.get_by_role("heading")).to_have_text("You don’t have to carry this alone")
    expect(card.get_by_role("link", name="Call 116 123")).to_have_attribute("href", "tel:116123")
    with page.expect_navigation():
        page.get_by_role("button", name=GO_ON).click()
    expect(page.get_by_role("button", name=GO_ON)).to_be_hidden()
    expect(card).to_be_visible()
    expect(talk.last).to_have_text("Hello there.")
    expect(talk.page.get_by_role("button", name=GO_ON)).to_be_hidden()
