"""Any part that a browser may lack can be missing or fail, and one can still write; what cannot work says so."""

import pytest
from playwright.sync_api import expect

MISSING = {
    "storage": "Object.defineProperty(window, 'localStorage', { value: null });"
    "Object.defineProperty(window, 'sessionStorage', { value: null })",
    "storage that is forbidden": "for (const name of ['localStorage', 'sessionStorage'])"
    " Object.defineProperty(window, name, { get() { throw new DOMException('no', 'SecurityError') } })",
    "storage that is full": "Storage.prototype.setItem = () => { throw new DOMException('', 'QuotaExceededError') }",
    "storage that throws": "for (const name of ['getItem', 'setItem', 'removeItem'])"
    " Storage.prototype[name] = () => { throw new Error('broken') }",
    "timeouts": "delete AbortSignal.timeout; delete window.AbortController",
    "random ids": "delete Crypto.prototype.randomUUID",
    "crypto": "Object.defineProperty(window, 'crypto', { value: undefined })",
    "observers": "delete window.ResizeObserver; delete window.IntersectionObserver",
    "media queries": "delete window.matchMedia",
    "styles": "delete CSS.supports",
    "all of CSS": "delete window.CSS",
    "channels and locks": "delete window.BroadcastChannel; delete Navigator.prototype.locks",
    "a viewport": "Object.defineProperty(window, 'visualViewport', { value: undefined })",
    "the end of scrolling": "delete window.onscrollend; delete Element.prototype.onscrollend",
    "newer ways to write": "delete Element.prototype.replaceChildren; delete HTMLDialogElement.prototype.showModal",
    "newer arrays": "delete Array.prototype.at; delete Array.prototype.findLast; delete Array.prototype.findLastIndex;"
    "delete Object.hasOwn; delete String.prototype.at; delete window.structuredClone",
    "relative times": "delete Intl.RelativeTimeFormat",
    "times in words": "Intl.DateTimeFormat = class { constructor() { throw new RangeError('locale') } }",
    "Intl": "delete window.Intl",
    "popovers": "delete HTMLElement.prototype.hidePopover; delete HTMLElement.prototype.showPopover;"
    "delete HTMLElement.prototype.togglePopover; delete HTMLElement.prototype.popover",
    "sockets": "delete window.WebSocket",
    "sockets that are forbidden": "window.WebSocket = class { constructor() { throw new Error('no') } }",
    "a network that is known": "Object.defineProperty(Navigator.prototype, 'onLine', { get: () => undefined })",
    "notifications": "delete window.Notification",
    "frames": "delete window.requestAnimationFrame; delete window.cancelAnimationFrame",
    "inert, view transitions": "delete HTMLElement.prototype.inert; delete Document.prototype.startViewTransition",
}


@pytest.mark.parametrize("what", MISSING)
def test_without_it_one_writes_and_is_answered(talk, what):
    alice = talk()
    alice.page.context.add_init_script(MISSING[what])
    alice.page.reload()
    alice.ready().send("Hello")
    expect(alice.last).to_have_text("Hello there.")
    expect(alice.page.locator("[data-dead]")).to_be_hidden()
    alice.expect_to_show_what_is_recorded()


@pytest.mark.parametrize("door", ["**/js/chat/main*.js", "**/js/chat/state*.js"])
@pytest.mark.parametrize("trouble", ["cannot be read", "does not come"])
def test_a_page_whose_script_does_not_start_says_so(talk, complaints, door, trouble):
    complaints.expect(".")
    alice = talk()

    def meddle(route):
        if trouble == "does not come":
            return route.abort()
        return route.fulfill(content_type="text/javascript", body="this is no script of this decade")

    alice.page.context.route(door, meddle)
    alice.page.reload()
    expect(alice.page.get_by_text("Writing here didn’t start.")).to_be_visible()
    expect(alice.messages.first).to_be_visible()
