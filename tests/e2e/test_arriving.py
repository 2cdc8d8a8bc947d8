"""From nothing to a conversation."""

import re

from playwright.sync_api import expect

from accounts.models import User
from chat.models import Conversation
from tests.e2e.conftest import PHONE
from tests.e2e.talk import conversation_with, wait_until_alive
from tests.factories import PASSWORD
from tests.people import code_for


def fill_in(page, **changes):
    said = {"Email": "alice.new@example.com", "Username": "alice.new", "Password": PASSWORD}
    said |= {"Day": "14", "Month": "3", "Year": "1991"} | changes
    for label, value in said.items():
        page.get_by_label(label, exact=True).fill(value)


def become_a_member(page, email):
    """Send the form, and type the code that comes."""
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("heading", name="Check your email")).to_be_visible()
    page.get_by_label("Code").fill(code_for(email))
    page.get_by_role("button", name="Create account").click()


def test_a_visitor_signs_up_and_is_answered_word_by_word(page, she):
    page.goto("/")
    expect(page.get_by_role("heading", name="Are you 18 or older?")).to_be_visible()
    expect(page.locator(".girl")).to_have_count(0)
    page.get_by_role("button", name="I’m 18 or older").click()
    expect(page.get_by_role("heading", name="Good company, at any hour.")).to_be_visible()
    page.get_by_role("link", name=re.compile("Mara")).click()
    page.get_by_role("main").get_by_role("button", name="Message Mara").click()

    fill_in(page, Month="13", Username="admin")
    page.get_by_label("I’m 18 or older").check()
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("alert")).to_contain_text("Please check username and day of birth.")
    expect(page.get_by_text("Enter a real date: day, month, year.")).to_be_visible()
    expect(page.get_by_label("Username")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Email")).to_have_value("alice.new@example.com")
    expect(page.get_by_label("Month", exact=True)).to_have_value("13")

    fill_in(page)
    become_a_member(page, "alice.new@example.com")
    expect(page.get_by_role("heading", name="Say hi to Mara")).to_be_visible()
    expect(page.get_by_text("Mara is an AI character, not a person.").first).to_be_visible()

    wait_until_alive(page)
    pause = she.pause()
    she.says("Good evening ", pause, "and welcome.")
    page.get_by_label("Message Mara").fill("Hello Mara")
    page.get_by_label("Message Mara").press("Enter")
    expect(page.locator(".reply [data-text]")).to_have_text("Good evening ")
    pause.set()
    expect(page.locator(".message[data-id] .bubble").last).to_have_text("Good evening and welcome.")
    expect(page.get_by_text("9 of 10 free messages left")).to_be_visible()


def test_somebody_under_age_is_turned_away_kindly_and_remembered(page):
    page.goto("/accounts/signup/")
    fill_in(page, Year="2015", Email="young@example.com", Username="young.one")
    page.get_by_label("I’m 18 or older").check()
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("heading", name="Dusk is for adults")).to_be_visible()
    assert not User.objects.filter(username="young.one").exists()
    page.goto("/girls/mara/")
    expect(page.get_by_role("button")).to_have_count(0)
    expect(page.get_by_text("Mara")).to_have_count(0)


def test_signing_in_comes_back_to_the_page_one_wanted(page):
    page.goto("/chat/")
    page.get_by_label("Email").fill("member@example.com")
    page.get_by_label("Password", exact=True).fill("demo-password")
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(re.compile("/chat/$"))
    expect(page.get_by_role("heading", name="Chats", level=1)).to_be_visible()


def test_a_wrong_password_does_not_say_which_half_is_wrong(page):
    page.goto("/signin")
    page.get_by_label("Email").fill("member@example.com")
    page.get_by_label("Password", exact=True).fill("not the password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label("Email")).to_have_value("member@example.com")
    words = page.get_by_role("alert").inner_text()
    page.get_by_label("Email").fill("nobody@example.com")
    page.get_by_label("Password", exact=True).fill("not the password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_have_text(words)


CONVERSATION = re.compile(r"/chat/[0-9a-f-]{36}/$")  # and no starter: a reload does not bring it back


def press_first_starter(page):
    """On Mara's profile; its words."""
    starter = page.locator("main .starters button").first
    words = starter.inner_text()
    starter.click()
    return words


def expect_sent(page, words):
    expect(page.locator(".message[data-id] .bubble").nth(1)).to_have_text(words)
    expect(page.locator(".message[data-id] .bubble").nth(2)).to_have_text("Hello there.")
    expect(page.get_by_label("Message Mara")).to_have_value("")
    expect(page).to_have_url(CONVERSATION)
    page.reload()
    wait_until_alive(page)
    expect(page.locator(".message[data-id]")).to_have_count(3)


def test_a_starter_on_the_profile_is_sent(new_browser, alice):
    page = new_browser(alice)
    page.goto("/girls/mara/")
    expect_sent(page, press_first_starter(page))


def test_a_starter_survives_signing_up(new_browser):
    page = new_browser(adult=True, **PHONE)
    page.goto("/girls/mara/")
    words = press_first_starter(page)
    fill_in(page, Email="starter@example.com", Username="starter")
    page.get_by_label("I’m 18 or older").check()
    become_a_member(page, "starter@example.com")
    expect_sent(page, words)


def test_a_starter_survives_signing_in(new_browser):
    Conversation.objects.filter(user__email="member@example.com").delete()
    page = new_browser(adult=True)
    page.goto("/girls/mara/")
    words = press_first_starter(page)
    page.get_by_role("main").get_by_role("link", name="Sign in").click()
    page.get_by_label("Email").fill("member@example.com")
    page.get_by_label("Password", exact=True).fill("demo-password")
    page.get_by_role("button", name="Sign in").click()
    expect_sent(page, words)


def test_a_starter_that_cannot_be_sent_is_something_to_begin_with(new_browser, alice):
    conversation_with("mara", alice, used_up=True)
    page = new_browser(alice)
    page.goto("/girls/mara/")
    words = press_first_starter(page)
    expect(page.get_by_label("Message Mara")).to_have_value(words)
    expect(page).to_have_url(CONVERSATION)


def test_without_javascript_one_can_browse_search_sign_up_and_sign_in_and_read(new_browser):
    page = new_browser(adult=True, java_script_enabled=False)
    page.get_by_role("button", name="Calm").click()
    expect(page.locator(".girl")).to_have_count(2)
    page.get_by_label("Search by name or interest").fill("plants")
    page.get_by_label("Search by name or interest").press("Enter")
    expect(page.locator(".girl")).to_have_count(1)
    expect(page.get_by_role("button", name="Calm")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("link", name=re.compile("Inês")).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Inês 33")
    page.get_by_role("main").get_by_role("button", name="Message Inês").click()
    fill_in(page, Email="plain@example.com", Username="plain.page")
    page.get_by_label("I’m 18 or older").check()
    become_a_member(page, "plain@example.com")
    expect(page.get_by_role("log")).to_contain_text("Inês here, watering can in one hand.")
    page.get_by_role("button", name="Your menu").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("banner").get_by_role("link", name="Sign in")).to_be_visible()
    page.goto("/girls/ines/")
    page.get_by_role("banner").get_by_role("link", name="Sign in").click()
    page.get_by_label("Email").fill("plain@example.com")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Your menu")).to_be_visible()
    page.goto("/girls/ines/")
    page.get_by_role("main").get_by_role("button", name="Message Inês").click()
    expect(page.get_by_role("log")).to_contain_text("Inês here, watering can in one hand.")
    expect(page.get_by_label("Message Inês")).to_be_hidden()


def test_without_javascript_a_phone_has_list_and_conversation(new_browser, alice):
    page = new_browser(alice, java_script_enabled=False, **PHONE)
    page.goto("/girls/ines/")
    page.get_by_role("region", name="Message Inês").get_by_role("button").tap()
    page.get_by_role("link", name="All chats").click()
    page.get_by_role("link", name=re.compile("Inês here")).click()
    expect(page.get_by_role("log")).to_contain_text("Inês here, watering can in one hand.")
