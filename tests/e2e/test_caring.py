"""Whoever speaks of harm to themselves sees where people are who help, in every tab, and nothing that is sold."""

import re

from playwright.sync_api import expect

from accounts import restricting
from accounts.models import Restriction, User
from tests.e2e.conftest import PHONE
from tests.e2e.looking import faults, sideways
from tests.e2e.talk import Talk

PLAN = "I'm going to kill myself tonight"
DISTRESS = "I want to die"


def card(page):
    """The newest card."""
    return page.locator("li.care").last


def test_a_plan_holds_her_back_in_every_tab_until_the_member_goes_on(talk, alice, new_browser, she):
    User.objects.filter(pk=alice.pk).update(country="US")
    laptop = talk()
    phone = Talk(new_browser(alice, **PHONE), laptop.conversation).open()
    laptop.send(PLAN)
    for tab in (laptop, phone):
        expect(card(tab.page).get_by_role("link", name="Call 988")).to_have_attribute("href", "tel:988")
        expect(card(tab.page).get_by_role("link", name="911")).to_have_attribute("href", "tel:911")
        expect(tab.page.get_by_role("button", name="I’m OK, go on")).to_be_visible()
        expect(tab.page.get_by_role("link", name=re.compile("See plans|Go unlimited"))).to_have_count(0)
        expect(tab.input).to_be_editable()
    expect(laptop.page.locator("[data-voice]")).to_have_text(re.compile("carry this alone.*Call 988.*911"))
    she.says("I’m here, and I’m glad you are.")
    phone.page.get_by_role("button", name="I’m OK, go on").click()
    for tab in (laptop, phone):
        expect(tab.last).to_have_text("I’m here, and I’m glad you are.")
        expect(tab.page.get_by_role("button", name="I’m OK, go on")).to_be_hidden()


def test_distress_puts_the_card_above_her_reply(talk, she):
    tab = talk()
    she.says("Thank you for telling me.")
    tab.send(DISTRESS)
    expect(tab.last).to_have_text("Thank you for telling me.")
    kinds = tab.page.locator("[data-messages] > li").evaluate_all("all => all.map((li) => li.classList[0])")
    assert kinds[-3:] == ["message", "care", "message"]
    tab.page.reload()
    expect(card(tab.page).get_by_role("link", name="findahelpline.com")).to_be_visible()


def test_it_looks_right_and_axe_finds_nothing(talk, alice):
    User.objects.filter(pk=alice.pk).update(country="US")
    for screen in ({}, PHONE):
        tab = talk(**screen)
        tab.send(PLAN)
        expect(card(tab.page)).to_be_visible()
        expect(tab.page.get_by_role("button", name="I’m OK, go on")).to_be_visible()
        assert faults(tab.page) == {}
        assert sideways(tab.page) == []


def test_without_a_script_the_card_is_there_and_its_button_works(talk, alice, new_browser):
    tab = talk()
    tab.send(PLAN)
    expect(card(tab.page)).to_be_visible()
    plain = new_browser(alice, java_script_enabled=False, **PHONE)
    plain.goto(f"/chat/{tab.conversation.pk}/")
    expect(plain.get_by_role("heading", name="You don’t have to carry this alone")).to_be_visible()
    plain.get_by_role("button", name="I’m OK, go on").click()
    expect(plain.get_by_role("button", name="I’m OK, go on")).to_be_hidden()
    expect(tab.page.get_by_role("button", name="I’m OK, go on")).to_be_hidden()


def test_that_she_is_an_ai_is_told_once_in_all_tabs(talk, alice, she):
    User.objects.filter(pk=alice.pk).update(told_at=None)
    tab = talk()
    other = tab.tab()
    she.says("Hello.")
    tab.send("Hi")
    for each in (tab, other):
        expect(each.last).to_have_text("Hello.")
        expect(each.page.locator("[data-messages] > .told")).to_have_text(re.compile("an AI character, not a person"))


def test_who_is_paused_in_the_middle_of_it_is_led_to_the_reasons(talk, alice, complaints):
    complaints.expect("403")
    tab = talk()
    restricting.restrict(
        alice, Restriction.Kind.PAUSE, Restriction.Reason.OTHER, words="We look at something.", signs_out=False
    )
    expect(tab.page.get_by_role("heading", name="Your account is paused")).to_be_visible()
    expect(tab.page.get_by_text("We look at something.")).to_be_visible()
    assert faults(tab.page) == {}
    assert sideways(tab.page) == []
