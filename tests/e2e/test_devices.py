"""The same product by keyboard alone and on a phone."""

import re

from playwright.sync_api import expect

from girls.models import Girl
from tests.e2e.conftest import PHONE
from tests.e2e.talk import conversation_with, wait_until_alive


def tab_to(page, name, *, presses=80):
    """Press Tab until the focus is on what is called so. In a page that is not whole there is less to go to."""
    page.wait_for_load_state("load")
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
    Girl.objects.filter(demo_art="").update(is_active=False)  # those whom other journeys left stand before Vera
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
    wait_until_alive(page)
    she.says("Once upon ", "one winter ", she.pause(), "day.")
    page.keyboard.type("Tell me")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("everything")
    page.keyboard.press("Enter")
    expect(page.locator(".message.user .bubble").last).to_have_text("Tell me\neverything", use_inner_text=True)
    expect(page.locator(".reply [data-text]")).to_have_text("Once upon one winter ")
    page.keyboard.press("Escape")
    expect(page.get_by_role("log").get_by_text("You stopped this reply")).to_be_visible()
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


def test_deleting_asks_first_and_keeping_is_the_default(talk, alice):
    conversation_with("ines", alice)
    tab = talk()
    page = tab.page
    keep = page.get_by_role("button", name="Keep it")

    def ask():
        page.get_by_role("button", name="Conversation menu").focus()
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Delete conversation…").focus()
        page.keyboard.press("Enter")
        expect(keep).to_be_focused()

    ask()
    page.keyboard.press("Escape")
    expect(keep).to_be_hidden()
    expect(page.get_by_role("button", name="Conversation menu")).to_be_focused()
    assert tab.conversation.messages.exists()
    ask()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/chat/#thread-"))
    expect(tab.row).to_have_count(0)
    expect(page.locator(".thread")).to_have_count(1)
    expect(page.locator(".thread a")).to_be_focused()
    assert page.request.get(f"/chat/{tab.conversation.pk}/").status == 404


def test_a_menu_takes_the_focus_once_and_never_back_from_who_was_quicker(talk, alice):
    conversation_with("ines", alice)
    page = talk().page
    opened = """async quick => {
      const menu = document.getElementById("chat-menu");
      const heard = new Promise(done => menu.addEventListener("toggle", () => setTimeout(done), { once: true }));
      document.querySelector("[popovertarget=chat-menu]").click();
      if (quick) menu.querySelector("[data-dialog]").focus();
      await heard;
      const at = document.activeElement;
      menu.hidePopover();
      return at === menu.querySelector(".menu-item") ? "first" : at.dataset.dialog;
    }"""
    assert page.evaluate(opened, False) == "first"
    assert page.evaluate(opened, True) == "chat-delete"


def test_tab_goes_through_a_conversation_in_the_order_in_which_it_is_read(talk, alice):
    conversation_with("ines", alice)
    tab = talk()
    tab.input.fill("Something")
    tab.page.get_by_role("link", name="Skip to content").focus()
    parts = [".skip-link", ".bar", ".threads", ".talk-head", ".log", ".write", ".panel"]
    visited = [".skip-link"]
    while visited[-1] != ".panel":
        tab.page.keyboard.press("Tab")
        part = tab.page.evaluate("parts => parts.find(part => document.activeElement.closest(part))", parts)
        assert part, "the focus left the page before it came to the profile"
        if part != visited[-1]:
            visited.append(part)
    assert visited == parts


def test_in_forced_colours_everything_keeps_an_edge(talk):
    tab = talk(forced_colors="active")
    tab.send("Hello")
    expect(tab.last).to_have_text("Hello there.")
    assert tab.page.evaluate("matchMedia('(forced-colors: active)').matches")
    for selector in (".bubble", ".button:not(.primary)", ".composer", ".send"):
        edges = tab.page.locator(f"{selector} >> visible=true").evaluate_all(
            "all => all.map(part => getComputedStyle(part).borderTopStyle)"
        )
        assert edges
        assert "none" not in edges, selector
    tab.page.goto("/")
    edges = tab.page.locator(".chip, .girl").evaluate_all("all => all.map(e => getComputedStyle(e).borderTopStyle)")
    assert "none" not in edges


def test_wider_text_spacing_cuts_nothing_off(talk):
    """As WCAG 1.4.12 widens it; through the CSSOM, as extensions do, past the policy."""
    tab = talk(viewport={"width": 390, "height": 844})
    tab.input.fill("Something that takes a line or two on a screen as narrow as this one")
    spacing = "* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important }"
    paragraphs = "p { margin-bottom: 2em !important }"
    for path in ("", "/", "/girls/mara/", "/accounts/logout/"):
        if path:
            tab.page.goto(path)
        tab.page.evaluate(
            """css => {
                const sheet = new CSSStyleSheet();
                sheet.replaceSync(css);
                document.adoptedStyleSheets.push(sheet);
            }""",
            spacing + paragraphs,
        )
        cut = tab.page.locator(".bubble, .button, .chip, .note, .told, .write p, h1, h2").evaluate_all(
            """all => all.filter(e => e.checkVisibility() && getComputedStyle(e).overflow !== "visible"
                && (e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 1)).map(e => e.outerHTML)"""
        )
        assert [part for part in cut if "visually-hidden" not in part] == []
        assert tab.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def test_a_phone_zooms_into_no_field_and_leaves_room_for_its_keyboard(talk):
    tab = talk(**PHONE)
    assert tab.input.evaluate("input => parseFloat(getComputedStyle(input).fontSize)") >= 16
    viewport = tab.page.locator("meta[name=viewport]").get_attribute("content")
    assert "interactive-widget=resizes-content" in viewport
    assert "user-scalable" not in viewport
    before = tab.input.bounding_box()
    tab.page.evaluate("document.documentElement.style.setProperty('--kb', '300px')")  # as an iPhone's covers the page
    after = tab.input.bounding_box()
    assert before["y"] - after["y"] > 290
