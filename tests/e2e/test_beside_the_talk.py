"""What the site does beside the talk: it says once that she is an AI, and leads whoever is paused to the reasons."""

import re

from playwright.sync_api import expect

from accounts import restricting
from accounts.models import Restriction, User
from tests.e2e.looking import faults, sideways


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
