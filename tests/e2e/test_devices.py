"""The same product by keyboard alone and on a phone."""

import re

from playwright.sync_api import expect

from tests.e2e.conftest import PHONE
from tests.e2e.talk import conversation_with


def tab_to(page, name, *, presses=40):
    """Press Tab until the focus is on what is called so."""
    for _ in range(presses):
        page.keyboard.press("Tab")
        focused = page.evaluate(
            """() => {
                const here = document.activeElement;
                const label = here.labels?.[0]?.innerText ?? here.getAttribute("aria-label") ?? here.innerText ?? "";
                return label.replaceAll(/\\s+/g, " ").trim();
            }"""
        )
        if re.search(name, focused):
            assert page.evaluate("document.activeElement.matches(':focus-visible')")
            return
    raise AssertionError(f"Tab never came to {name}")


def test_everything_works_by_keyboard_alone(page, she):
    page.goto("/")
    tab_to(page, "I’m 18 or older")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Good company, at any hour.")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    tab_to(page, "^Sign in")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Welcome back")).to_be_visible()
    tab_to(page, "^Email")
    page.keyboard.type("premium@example.com")
    tab_to(page, "^Password")
    page.keyboard.type("demo-password")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Explore", level=1)).to_be_visible()
    tab_to(page, "^Vera")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Vera")
    tab_to(page, "^Message Vera")
    page.keyboard.press("Enter")
    expect(page.locator("#chat-text")).to_be_focused()
    she.says("It is ", "a long ", she.pause(), "story.")
    page.keyboard.type("Tell me")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("everything")
    page.keyboard.press("Enter")
    expect(page.locator(".message.user .bubble").last).to_have_text("Tell me\neverything", use_inner_text=True)
    expect(page.locator(".reply [data-text]")).to_have_text("It is a long ")
    page.keyboard.press("Escape")
    expect(page.get_by_text("You stopped this reply")).to_be_visible()
    expect(page.locator("#chat-text")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    tab_to(page, "^Message Vera")  # nothing holds the focus on the way


def test_messages_and_their_actions_are_reached_by_keyboard(talk):
    tab = talk()
    tab.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab.log.focus()
    tab.page.keyboard.press("ArrowUp")
    expect(tab.messages.last).to_be_focused()
    tab.page.keyboard.press("Tab")
    expect(tab.page.get_by_role("button", name="Copy")).to_be_focused()
    tab.page.keyboard.press("Enter")
    expect(tab.page.get_by_text("Copied")).to_be_visible()
    assert tab.page.evaluate("navigator.clipboard.readText()") == tab.last.inner_text()


def test_on_a_phone_list_and_conversation_are_separate_pages_and_back_works(new_browser, alice):
    conversation_with("ines", alice)
    conversation = conversation_with("mara", alice)
    page = new_browser(alice, **PHONE)
    page.goto("/chat/")
    sections = page.get_by_role("navigation", name="Sections")
    expect(sections).to_be_visible()
    expect(page.get_by_role("log")).to_have_count(0)
    page.locator(f"[data-thread='{conversation.pk}']").tap()
    expect(page).to_have_url(re.compile(str(conversation.pk)))
    expect(page.get_by_role("heading", name="Mara", level=1)).to_be_focused()  # the keyboard stays away
    expect(page.locator(".thread").first).to_be_hidden()
    expect(sections).to_have_count(0)
    page.go_back()
    expect(page).to_have_url(re.compile("/chat/$"))
    expect(page.locator(".thread")).to_have_count(2)
    page.go_forward()
    expect(page.get_by_role("log")).to_be_visible()
    page.get_by_role("link", name="All chats").tap()
    expect(page).to_have_url(re.compile("/chat/$"))


def test_on_a_phone_enter_is_a_new_line_and_the_button_sends(talk):
    alice = talk(**PHONE)
    alice.input.fill("One")
    alice.input.press("Enter")
    alice.input.press_sequentially("Two")
    expect(alice.input).to_have_value("One\nTwo")
    alice.button.tap()
    expect(alice.last).to_have_text("Hello there.")
    assert alice.said()[1] == "One\nTwo"
