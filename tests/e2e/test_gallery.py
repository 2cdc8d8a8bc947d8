"""Looking at pictures: by keyboard and by finger, with and without scripts, before, with and after premium."""

import re
import uuid
from datetime import timedelta

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.utils import timezone
from playwright.sync_api import expect

from chat.models import Message
from girls.gallery import PAGE
from girls.models import Like, Media
from tests.e2e.conftest import PHONE
from tests.e2e.looking import NARROW, faults, see_premium_end, sideways
from tests.e2e.pictures import put_up, take_away
from tests.e2e.test_premium import choose, heading, press
from tests.factories import PASSWORD, GirlFactory, UserFactory


@pytest.fixture
def lia(characters):
    """A character with six pictures, the third for premium, and two posts."""
    girl = GirlFactory(name="Lia", slug=f"lia-{uuid.uuid4().hex[:8]}")
    for number in range(1, 7):
        put_up(girl, number, premium_only=number == 3)
    for number in (1, 2):
        put_up(girl, 10 + number, post=True, location="Alfama, Lisbon")
    yield girl
    take_away(girl)


@pytest.fixture
def new_browser(lia, new_browser):
    """Closed before the pictures go."""
    return new_browser


def gallery(girl):
    return f"/girls/{girl.slug}/gallery/"


def tile(page, name):
    return page.get_by_role("link", name=name, exact=True)


def dialog(page):
    return page.get_by_role("dialog", name="Photos of Lia")


def counter(page):
    return dialog(page).get_by_role("status")


def expect_open(page):
    """It has grown out of its tile: from now on it hears the keyboard."""
    expect(dialog(page).get_by_role("button", name="Close")).to_be_focused()


def open_tile(page, name):
    tile(page, name).click()
    expect_open(page)


def test_by_keyboard_one_looks_through_a_gallery_and_is_back_where_one_was(new_browser, lia):
    page = new_browser(adult=True)
    page.goto(gallery(lia))
    tile(page, "Picture 1").focus()
    page.keyboard.press("Enter")
    expect(counter(page)).to_have_text("1 of 6")
    expect(dialog(page).get_by_role("button", name="Close")).to_be_focused()
    expect(dialog(page).locator(".pswp__img[src$=full]").first).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog(page)).to_have_count(0)
    expect(tile(page, "Picture 1")).to_be_focused()

    page.keyboard.press("Enter")
    expect_open(page)
    for place in (2, 4, 5):  # the third is locked
        page.keyboard.press("ArrowRight")
        expect(counter(page)).to_have_text(f"{place} of 6")
    expect(dialog(page).get_by_text("Picture 5")).to_be_visible()
    expect(dialog(page).get_by_text("AI-generated photo")).to_be_visible()
    for _ in range(8):  # the focus stays inside, or is the browser's own
        page.keyboard.press("Tab")
        assert page.evaluate(
            "document.activeElement.closest('[role=dialog]') || document.activeElement.matches('body')"
        )
    page.keyboard.press("Escape")
    expect(tile(page, "Picture 5")).to_be_focused()  # where one is by then
    expect(tile(page, "Picture 5")).to_be_in_viewport()


def test_what_is_loaded_later_is_like_what_was_there(new_browser, lia):
    for number in range(20, 20 + PAGE):
        put_up(lia, number)
    page = new_browser(adult=True)
    page.goto(gallery(lia))
    expect(page.locator("#items > li")).to_have_count(PAGE)
    more = page.get_by_role("link", name="Load more")
    more.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#items > li")).to_have_count(PAGE + 6)
    expect(more).to_have_count(0)
    expect(tile(page, f"Picture {20 + PAGE - 6}")).to_be_focused()  # the first that came
    page.keyboard.press("Enter")
    expect(counter(page)).to_have_text(f"{PAGE + 1} of {PAGE + 6}")

    page.goto(gallery(lia))
    open_tile(page, f"Picture {20 + PAGE - 7}")
    expect(page.locator("#items > li")).to_have_count(PAGE + 6)  # the next ones come before one is at the end
    page.keyboard.press("ArrowRight")
    expect(counter(page)).to_have_text(f"{PAGE + 1} of {PAGE + 6}")
    expect(dialog(page).locator(f"img[alt='Picture {20 + PAGE - 6}']").first).to_be_visible()


def test_with_a_finger_one_swipes(new_browser, lia):
    page = new_browser(adult=True, **PHONE)
    page.goto(gallery(lia))
    tile(page, "Picture 1").tap()
    expect(counter(page)).to_have_text("1 of 6")
    expect(dialog(page).locator(".pswp__img[src$=full]").first).to_be_visible()
    expect_open(page)
    touch = page.context.new_cdp_session(page)
    for type_, points in (
        ("touchStart", [{"x": 320, "y": 400}]),
        *(("touchMove", [{"x": x, "y": 400}]) for x in range(300, 40, -20)),
        ("touchEnd", []),
    ):
        touch.send("Input.dispatchTouchEvent", {"type": type_, "touchPoints": points})
    expect(counter(page)).to_have_text("2 of 6")


def like_is_kept(page, liked):
    """Until the server has answered a press that came to this."""
    return page.expect_response(
        lambda answer: "/like/" in answer.url and answer.request.post_data == f"liked={int(liked)}"
    )


def test_a_like_shows_at_once_everywhere_and_is_taken_back_when_it_fails(new_browser, alice, lia, complaints):
    complaints.expect("status of 503")
    page = new_browser(alice)
    page.goto(gallery(lia))
    liked = Media.objects.get(girl=lia, text="Picture 2")
    buttons = page.locator(f"[data-like='{liked.pk}']")
    with like_is_kept(page, True):
        buttons.click()
    expect(buttons).to_have_attribute("aria-pressed", "true")
    expect(buttons).to_have_accessible_name(re.compile(r"Like,\s+1\s+like$"))
    open_tile(page, "Picture 2")
    expect(dialog(page).get_by_role("button", name="Like")).to_have_attribute("aria-pressed", "true")
    with like_is_kept(page, False), like_is_kept(page, True):  # one after the other, and the last one counts
        dialog(page).get_by_role("button", name="Like").dblclick()
    expect(buttons).to_have_text([re.compile("1"), re.compile("1")])
    assert Like.objects.filter(media=liked).count() == 1

    page.route("**/like/**", lambda route: route.fulfill(status=503, body="away"))
    dialog(page).get_by_role("button", name="Like").click()
    expect(page.get_by_text("That didn’t work. Try again.")).to_be_visible()
    for button in buttons.all():
        expect(button).to_have_attribute("aria-pressed", "true")


def test_a_visitor_who_likes_signs_in_and_is_back_at_the_item_liked(new_browser, alice, lia):
    hashed = PBKDF2PasswordHasher().encode(PASSWORD, "salt", 1000)  # as the server does
    type(alice).objects.filter(pk=alice.pk).update(password=hashed)
    page = new_browser(adult=True)
    page.goto(gallery(lia))
    page.get_by_role("button", name="Sign in to like photos").nth(3).click()
    expect(page.get_by_text("Sign in to like photos.")).to_be_visible()
    page.get_by_label("Email").fill(alice.email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    liked = Media.objects.get(girl=lia, text="Picture 5")
    expect(page).to_have_url(re.compile(f"{gallery(lia)}#item-{liked.pk}$"))
    expect(page.locator(f"[data-like='{liked.pk}']")).to_have_attribute("aria-pressed", "true")


def test_asking_about_a_photo_begins_a_message(new_browser, alice, lia):
    page = new_browser(alice)
    page.goto(gallery(lia))
    open_tile(page, "Picture 2")
    dialog(page).get_by_role("button", name="Ask about this").click()
    expect(page.get_by_label("Message Lia")).to_have_value("About your photo “Picture 2”: ")
    expect(page.get_by_label("Message Lia")).to_be_focused()
    assert not Message.objects.filter(conversation__girl=lia, sender="user").exists()
    page.get_by_label("Message Lia").fill("Which glaze is it?")
    page.reload()
    expect(page.get_by_label("Message Lia")).to_have_value("Which glaze is it?")


# --- Locked ----------------------------------------------------------------------------------------------


def locked(page):
    return page.get_by_role("img", name="Premium photo, locked")


def test_bought_in_another_tab_it_opens_and_refunded_it_closes(new_browser, alice, lia):
    page = new_browser(alice)
    page.goto(gallery(lia))
    page.evaluate("window.stayed = true")
    expect(locked(page)).to_have_count(1)
    expect(page.get_by_role("link", name="Unlock")).to_have_attribute("href", re.compile(r"^/plans/\?next=%2Fgirls"))
    open_tile(page, "Picture 2")

    other = page.context.new_page()
    other.goto("/plans/")
    choose(other, "Get 7 days")
    press(other, "Pay $9.99")
    expect(heading(other, "Premium is on")).to_be_visible()
    expect(tile(page, "Picture 3")).to_be_attached()
    expect(locked(page)).to_have_count(0)
    expect(dialog(page)).to_be_visible()  # what was open stays so
    page.keyboard.press("ArrowRight")
    expect(counter(page)).to_have_text("3 of 6")  # and what opened is in its place
    expect(dialog(page).locator("img[alt='Picture 3']").first).to_be_visible()

    other.get_by_role("link", name="Play a refund").click()
    press(other, "Refund $9.99")
    expect(locked(page)).to_have_count(1)
    expect(dialog(page)).to_have_count(0)  # it showed what closed
    expect(tile(page, "Picture 3")).to_have_count(0)
    assert page.evaluate("window.stayed")


def test_when_time_is_up_it_closes_by_itself(new_browser, lia):
    member = UserFactory(premium=True)
    page = new_browser(member)

    def look():
        page.goto(gallery(lia))
        open_tile(page, "Picture 3")

    expect(dialog(page)).to_have_count(0, timeout=see_premium_end(member, look))
    expect(locked(page)).to_have_count(1)


def test_when_time_is_up_it_closes_without_the_socket_too(new_browser, lia, complaints):
    complaints.expect("WebSocket")
    member = UserFactory(premium=True)
    page = new_browser(member)
    page.route_web_socket("**/ws/", lambda socket: socket.close())

    def look():
        page.goto(gallery(lia))
        expect(tile(page, "Picture 3")).to_be_visible()

    expect(locked(page)).to_have_count(1, timeout=see_premium_end(member, look))


def test_a_tab_that_was_away_shows_how_it_is_when_one_comes_back(new_browser, alice, lia):
    page = new_browser(alice)
    page.goto(gallery(lia))
    expect(locked(page)).to_have_count(1)
    page.goto("/terms/")
    type(alice).objects.filter(pk=alice.pk).update(premium_until=timezone.now() + timedelta(days=1))
    page.go_back()
    expect(tile(page, "Picture 3")).to_be_visible()
    page.goto("/terms/")
    type(alice).objects.filter(pk=alice.pk).update(premium_until=None)
    page.go_back()
    expect(locked(page)).to_have_count(1)


def test_the_photos_beside_a_conversation_open_and_close_with_premium(talk, lia):
    alice = talk(lia.slug)
    beside = alice.page.get_by_role("region", name="Photos").get_by_role("img")
    expect(beside).to_have_count(6)
    expect(locked(alice.page)).to_have_count(1)
    other = alice.page.context.new_page()
    other.goto("/plans/")
    choose(other, "Get 7 days")
    press(other, "Pay $9.99")
    expect(locked(alice.page)).to_have_count(0)
    expect(beside).to_have_count(6)


# --- Everywhere ------------------------------------------------------------------------------------------


def test_without_scripts_one_sees_all_and_likes(new_browser, alice, lia):
    for number in range(20, 20 + PAGE):
        put_up(lia, number)
    page = new_browser(alice, java_script_enabled=False)
    page.goto(gallery(lia))
    page.get_by_role("link", name="Load more").click()
    page.wait_for_url(re.compile(r"\?page=2$"))  # and until it is whole: nothing moves under the pointer any more
    last = Media.objects.get(girl=lia, text=f"Picture {20 + PAGE - 1}")
    page.locator(f"[data-like='{last.pk}']").click()
    expect(page).to_have_url(re.compile(rf"\?page=2#item-{last.pk}$"))
    expect(page.locator(f"[data-like='{last.pk}']")).to_have_attribute("aria-pressed", "true")
    page.goto(f"/girls/{lia.slug}/posts/")
    assert re.match(r"\d+ \w+ \d{4}$", page.locator("time").first.inner_text())


@pytest.mark.parametrize("screen", ["desktop", "phone"])
def test_axe_finds_nothing_on_pages_with_pictures(new_browser, alice, lia, screen):
    phone = PHONE | {"viewport": {"width": 390, "height": 2400}}
    page = new_browser(alice, reduced_motion="reduce", **(phone if screen == "phone" else {}))
    found = {}
    for path in (gallery(lia), f"/girls/{lia.slug}/posts/", "/feed/"):
        page.goto(path)
        page.wait_for_load_state("networkidle")
        found |= faults(page, path, preload=False)
    page.goto(gallery(lia))
    open_tile(page, "Picture 2")
    found |= faults(page, "lightbox", preload=False)
    assert found == {}


def test_nothing_scrolls_sideways(new_browser, alice, lia):
    page = new_browser(alice, **NARROW)
    for path in (gallery(lia), f"/girls/{lia.slug}/posts/", "/feed/"):
        page.goto(path)
        assert sideways(page) == [], path
