"""Running out, paying, and coming back to the same words; and what open tabs show when premium comes and goes."""

import re
from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

from accounts.models import User
from chat.models import Conversation
from tests.e2e.looking import NARROW, faults, see_premium_end, sideways
from tests.e2e.talk import conversation_with
from tests.e2e.test_arriving import become_a_member, fill_in
from tests.factories import UserFactory

DRAFT = "Which bakery was it?"
UNLIMITED = "Premium, unlimited"
CARD = "That was your last free message with Mara"


@pytest.fixture
def out(talk, complaints):
    """Alice wrote one message more than is free: the composer is locked, and her words are still in it."""
    complaints.expect("status of 402")
    alice = talk()
    alice.input.fill(DRAFT)
    Conversation.objects.filter(pk=alice.conversation.pk).update(free_text=0)  # spent, and this tab may not know it yet
    alice.input.press("Enter")
    expect_locked(alice)
    alice.page.evaluate("window.stayed = true")
    return alice


def expect_locked(talk):
    expect(talk.page.get_by_role("heading", name=CARD)).to_be_visible()
    expect(talk.button).to_have_attribute("aria-disabled", "true")
    expect(talk.input).to_have_value(DRAFT)


def expect_unlocked(talk):
    expect(talk.page.get_by_text(UNLIMITED)).to_be_visible()
    expect(talk.page.get_by_role("heading", name=CARD)).to_be_hidden()
    expect(talk.button).to_have_attribute("aria-disabled", "false")
    expect(talk.input).to_have_value(DRAFT)


def choose(page, plan="Get 30 days"):
    """On the plans page: choose, say where one lives, agree, and go to the checkout."""
    page.get_by_role("link", name=plan).click()
    expect(page.get_by_label("Where do you live?")).to_be_focused()
    expect(page.get_by_label("Start my premium right away")).to_be_hidden()
    page.get_by_label("Where do you live?").select_option("Portugal")
    page.get_by_label("Start my premium right away").check()
    page.get_by_role("button", name="Go to payment").click()
    expect(page.get_by_text("Demo checkout. No money moves.")).to_be_visible()


def press(page, name):
    page.get_by_role("button", name=name, exact=True).click()


def heading(page, name):
    return page.get_by_role("heading", name=name, level=1)


def test_out_of_messages_one_pays_and_comes_back_to_send_the_same_words(out):
    page = out.page
    page.get_by_role("link", name="See plans").and_(page.locator(":visible")).click()
    expect(heading(page, "Pay once. Talk as long as you like.")).to_be_visible()
    choose(page)
    press(page, "Pay $29.99")
    expect(heading(page, "Premium is on")).to_be_focused()
    page.get_by_role("link", name="Back to your chat").click()
    expect(page).to_have_url(re.compile(f"/chat/{out.conversation.pk}/$"))
    expect_unlocked(out.ready())
    out.button.click()
    expect(out.last).to_have_text("Hello there.")
    out.expect_to_show_what_is_recorded()
    assert out.said()[-2] == DRAFT


def test_an_open_tab_unlocks_when_premium_comes_and_locks_when_it_is_taken_back(out):
    other = out.page.context.new_page()
    other.goto("/plans/")
    choose(other, "Get 7 days")
    press(other, "Pay $9.99")
    expect(heading(other, "Premium is on")).to_be_visible()
    expect_unlocked(out)
    expect(out.page.get_by_text("Premium is on. Write as much as you like.")).to_be_visible()

    other.get_by_role("link", name="Play a refund").click()
    press(other, "Refund $9.99")
    expect(other.get_by_role("heading", name="You’re on the free plan")).to_be_visible()
    expect(other.get_by_text("Refunded")).to_be_visible()
    expect_locked(out)
    expect(out.page.get_by_text("Premium has ended.")).to_be_visible()
    assert out.page.evaluate("window.stayed")


def test_an_open_tab_locks_when_time_is_up(talk):
    member = UserFactory(premium=True)
    page = talk(member=member)
    Conversation.objects.filter(pk=page.conversation.pk).update(free_text=0)

    def look():
        page.page.reload()
        page.ready().input.fill(DRAFT)
        page.page.evaluate("window.stayed = true")
        expect_unlocked(page)

    most = see_premium_end(member, look)
    expect(page.page.get_by_role("heading", name=CARD)).to_be_visible(timeout=most)
    expect_locked(page)
    assert page.page.evaluate("window.stayed")


def test_after_a_declined_card_another_one_may_pay(new_browser, alice):
    page = new_browser(alice)
    page.goto("/plans/")
    choose(page)
    press(page, "Decline")
    expect(page.get_by_role("alert")).to_contain_text("The card was declined.")
    expect(page.get_by_role("alert")).to_be_focused()
    press(page, "Pay $29.99")
    expect(heading(page, "Premium is on")).to_be_visible()
    page.goto("/account/premium/")
    expect(page.get_by_role("heading", name="Premium is on")).to_be_visible()
    expect(page.get_by_text("30 days left")).to_be_visible()
    expect(page.get_by_role("listitem").filter(has_text="30 days premium")).to_have_count(1)


def test_a_checkout_that_is_left_leads_back_to_the_plans_and_costs_nothing(new_browser, alice):
    page = new_browser(alice)
    page.goto("/plans/?next=/chat/")
    choose(page)
    page.get_by_role("link", name="Back to Dusk").click()
    expect(page).to_have_url(re.compile(r"/plans/\?next=%2Fchat%2F$"))
    assert not User.objects.get(pk=alice.pk).premium_active


@pytest.mark.parametrize(
    ("says", "shows", "then"),
    [("The money arrives", "Premium is on", "Back to your chat"), ("It doesn’t", "didn’t go through", "Try again")],
)
def test_a_payment_that_takes_a_while_is_shown_as_soon_as_it_is_decided(new_browser, alice, says, shows, then):
    page = new_browser(alice)
    page.goto("/plans/?next=/chat/")
    choose(page)
    press(page, "Pay later")
    expect(heading(page, "Your payment is on its way")).to_be_focused()
    bank = page.context.new_page()
    bank.goto(page.get_by_role("link", name="Let the bank decide").get_attribute("href"))
    press(bank, says)
    expect(heading(page, re.compile(shows))).to_be_focused()
    expect(page.get_by_role("link", name=then)).to_be_visible()


def test_a_visitor_signs_up_for_the_plan_they_chose(page, complaints):
    page.goto("/plans/?next=/girls/mara/")
    page.get_by_role("link", name="Get 90 days").click()
    fill_in(page, Email="buyer@example.com", Username="buyer")
    page.get_by_label("I’m 18 or older").check()
    become_a_member(page, "buyer@example.com")
    expect(page.get_by_label("Where do you live?")).to_be_focused()
    page.get_by_label("Where do you live?").select_option("United States of America")
    expect(page.get_by_label("Start my premium right away")).to_be_hidden()
    press(page, "Go to payment")
    expect(page.get_by_role("heading", name="90 days premium")).to_be_visible()
    press(page, "Pay $69.99")
    page.get_by_role("link", name="Back to where you were").click()
    expect(page).to_have_url(re.compile("/girls/mara/$"))
    page.goto("/plans/")
    press(page, "Add 7 days, until " + page.locator("button time").first.inner_text())  # asked once, and never again
    expect(page.get_by_role("heading", name="7 days premium")).to_be_visible()


def test_plans_are_bought_by_keyboard_and_only_after_agreeing(new_browser, alice, complaints):
    complaints.expect("status of 400")
    page = new_browser(alice)
    page.goto("/plans/")
    page.get_by_role("link", name="Get 7 days").focus()
    page.keyboard.press("Enter")
    country, box = page.get_by_label("Where do you live?"), page.get_by_label("Start my premium right away")
    expect(country).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Choose your country")).to_be_visible()
    expect(country).to_be_focused()
    page.keyboard.type("Portu")
    page.keyboard.press("Tab")
    expect(box).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Tick this to have premium at once.")).to_be_in_viewport()
    expect(box).to_be_focused()
    expect(country).to_have_value("PT")
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("7 days premium")).to_be_visible()


def test_who_has_premium_sees_what_buying_more_would_give(new_browser):
    member = UserFactory(premium_until=datetime(2126, 12, 20, 12, tzinfo=UTC))
    page = new_browser(member)
    page.goto("/plans/")
    expect(page.get_by_text("Premium is on until 20 December 2126")).to_be_visible()
    expect(page.get_by_role("link", name="Add 30 days, until 19 January 2127")).to_be_visible()


def test_days_are_those_of_the_viewer(new_browser):
    member = UserFactory(premium_until=datetime(2126, 12, 20, 23, 30, tzinfo=UTC))
    page = new_browser(member, timezone_id="Pacific/Auckland")
    page.goto("/account/premium/")
    expect(page.get_by_text("Until 21 December 2126")).to_be_visible()


@pytest.fixture
def states(new_browser, complaints):
    """Each page of paying, one after the other, in a browser like this: (name, page)."""

    complaints.expect("status of 400")

    def each(**options):
        member = UserFactory(name="Robin")
        conversation = conversation_with("mara", member)
        visitor = new_browser(**options)
        visitor.goto("/plans/")
        yield "plans, visitor", visitor
        page = new_browser(member, **options)
        page.goto("/account/premium/")
        yield "account, free", page
        page.goto(f"/plans/?next=/chat/{conversation.pk}/")
        yield "plans", page
        page.get_by_role("link", name="Get 7 days").click()
        page.get_by_label("Where do you live?").select_option("Portugal")
        yield "a plan", page
        press(page, "Go to payment")
        expect(page.get_by_text("Tick this to have premium at once.")).to_be_visible()
        yield "a plan, not agreed", page
        page.goto(f"/plans/?next=/chat/{conversation.pk}/")
        choose(page)
        yield "checkout", page
        press(page, "Decline")
        expect(page.get_by_role("alert")).to_contain_text("The card was declined.")
        yield "checkout, declined", page
        session = page.url.rstrip("/").rpartition("/")[2]
        success = f"/checkout/success/?session_id={session}"
        page.goto(success)
        yield "not paid", page
        page.goto(f"/checkout/scripted/{session}/")
        press(page, "Pay later")
        expect(heading(page, "Your payment is on its way")).to_be_visible()
        yield "on its way", page
        page.goto(f"/checkout/scripted/{session}/")
        yield "checkout, pending", page
        press(page, "The money arrives")
        expect(heading(page, "Premium is on")).to_be_visible()
        yield "paid", page
        page.goto("/account/premium/")
        yield "account, premium", page
        page.goto("/plans/")
        yield "plans, premium", page
        page.goto(f"/checkout/scripted/{session}/")
        yield "checkout, paid", page
        press(page, "Refund $29.99")
        expect(page.get_by_text("Refunded")).to_be_visible()
        yield "account, refunded", page

    return each


@pytest.mark.parametrize("screen", ["desktop", "narrow"])
def test_axe_finds_nothing_where_one_pays(states, screen):
    options = NARROW | {"viewport": {"width": 320, "height": 2400}} if screen == "narrow" else {}
    found = {}
    for name, page in states(**options, reduced_motion="reduce"):
        found |= faults(page, name)
        if wide := sideways(page):
            found[name, "sideways"] = wide
    assert found == {}
