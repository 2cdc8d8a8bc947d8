"""A page stays open while its session changes: in another tab, on another device, or for somebody else."""

from django.contrib.sessions.models import Session
from django.test import Client
from playwright.sync_api import expect

from tests.e2e.talk import Talk
from tests.factories import UserFactory


def sign_in(context, base_url, member):
    """As if in another tab: the cookies are the browser's."""
    client = Client()
    client.force_login(member)
    cookies = [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": base_url}]
    token = {"name": "csrftoken", "value": "k" * 32, "url": base_url}  # a sign-in gives a new one
    context.clear_cookies()
    context.add_cookies([*cookies, token])


def end_session(tab):
    """On the server, and the tab asks what is newer."""
    (cookie,) = (c for c in tab.page.context.cookies() if c["name"] == "sessionid")
    Session.objects.filter(session_key=cookie["value"]).delete()


def look_at(tab):
    tab.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def test_a_session_that_changed_in_another_tab_goes_on_in_this_one(talk, alice, base_url, complaints):
    complaints.expect("status of 40[13]|WebSocket")  # 401 when it asks between the two sessions
    tab = talk()
    tab.page.evaluate("window.stayed = true")
    end_session(tab)
    sign_in(tab.page.context, base_url, alice)
    with tab.page.expect_event("websocket"):
        look_at(tab)
    tab.send("Still me")
    expect(tab.last).to_have_text("Hello there.")
    expect(tab.page.locator("[data-net=signed-out]")).to_be_hidden()
    assert tab.page.evaluate("window.stayed")


def test_the_first_send_after_signing_in_again_elsewhere_takes_the_new_token(talk, alice, base_url, complaints):
    complaints.expect("status of 403")
    tab = talk()
    sign_in(tab.page.context, base_url, alice)
    tab.send("Nobody told this page")
    expect(tab.last).to_have_text("Hello there.")
    tab.expect_to_show_what_is_recorded()


def test_who_is_signed_out_can_sign_in_and_finds_the_draft(talk, alice, base_url, complaints):
    complaints.expect("status of 401|WebSocket")
    tab = talk()
    tab.input.fill("A draft")
    end_session(tab)
    look_at(tab)
    bar = tab.page.locator("[data-net=signed-out]")
    expect(bar).to_be_visible()
    tab.input.press("Enter")
    expect(tab.input).to_have_value("A draft")
    expect(bar.get_by_role("link", name="Sign in")).to_have_attribute(
        "href", f"/accounts/login/?next=/chat/{tab.conversation.pk}/"
    )
    other = tab.page.context.new_page()  # signs in, in another tab
    sign_in(tab.page.context, base_url, alice)
    other.goto("/plans/")
    look_at(tab)
    expect(bar).to_be_hidden()
    tab.input.press("Enter")
    expect(tab.last).to_have_text("Hello there.")


def test_nothing_is_sent_as_somebody_else(talk, alice, base_url, complaints):
    complaints.expect("status of 40|WebSocket")
    bob = UserFactory()
    tab = talk()
    sign_in(tab.page.context, base_url, bob)
    tab.input.fill("For Mara only")
    tab.input.press("Enter")
    expect(tab.page.get_by_text("No chats yet")).to_be_visible()
    assert not tab.conversation.messages.filter(sender="user").exists()
    assert not bob.conversations.exists()


def test_a_tab_hears_of_it_when_somebody_else_signs_in(talk, alice, base_url, complaints):
    complaints.expect("status of 40|WebSocket")
    bob = UserFactory()
    tab = talk()
    other = tab.page.context.new_page()
    sign_in(tab.page.context, base_url, bob)
    other.goto("/plans/")
    expect(tab.page.get_by_text("No chats yet")).to_be_visible()


def test_a_list_left_open_shows_nothing_of_who_signs_in_next(talk, alice, base_url, complaints, new_browser):
    complaints.expect("status of 40|WebSocket")
    bob = UserFactory()
    talk()
    page = new_browser(alice)
    page.goto("/chat/")
    expect(page.locator(".thread")).to_have_count(1)
    other = page.context.new_page()
    sign_in(page.context, base_url, bob)
    other.goto("/plans/")
    expect(page.get_by_text("No chats yet")).to_be_visible()


def test_both_tabs_of_a_browser_show_the_same_after_a_new_session(talk, alice, base_url, complaints):
    complaints.expect("status of 40[13]|WebSocket")  # 401 when a tab asks between the two sessions
    tab = talk()
    second: Talk = tab.tab()
    end_session(tab)
    sign_in(tab.page.context, base_url, alice)
    look_at(tab)
    look_at(second)
    tab.send("Hello")
    for one in (tab, second):
        expect(one.last).to_have_text("Hello there.")
        one.expect_to_show_what_is_recorded()
