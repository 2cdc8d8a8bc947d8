"""What holds on every page: nothing for axe to find, no sideways scrolling, small and steady."""

import gzip
import time
from pathlib import Path
from uuid import uuid4

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.db import transaction
from playwright.sync_api import expect
from rjsmin import jsmin

from accounts.models import User
from accounts.sessions import SessionStore
from chat import caring
from chat.models import Conversation, Reply
from safety.classifying import PLAN, Finding, Kind
from tests.e2e.conftest import PHONE
from tests.e2e.looking import NARROW, faults, sideways
from tests.e2e.talk import conversation_with
from tests.e2e.test_arriving import fill_in
from tests.factories import PASSWORD, FactorFactory, ReplyFactory, UserFactory
from tests.people import code_for

GATE, LANDING, NOBODY, PROFILE = "/", "/", "/?q=stoic+beekeeper", "/girls/mara/"
EMPTY = (f"{PROFILE}gallery/", f"{PROFILE}posts/", "/feed/")
ENTRANCE = ("/accounts/login/", "/accounts/signup/", "/accounts/password/reset/", "/accounts/password/reset/done/")
OF_AN_ACCOUNT = (
    *("/account/", "/account/premium/", "/account/security/", "/account/data/"),
    *("/account/reports/", "/report/character/mara/"),
    *("/accounts/password/change/", "/accounts/email/", "/accounts/logout/", "/accounts/reauthenticate/"),
)
BEFORE_ONE = ("/accounts/inactive/", "/accounts/3rdparty/login/cancelled/", "/accounts/google/login/")
PLAIN = ("/safety/", "/terms/", "/privacy/", "/nothing-is-here/")


@pytest.fixture
def states(characters):
    """A member for each state of a conversation that looks different: (name, member, conversation)."""

    def begin(name, *, messages=6, premium=False, **fields):
        member = UserFactory(premium=premium)
        conversation_with("ines", member)
        return name, member, conversation_with("mara", member, messages=messages, **fields)

    failed = begin("failed", messages=6)
    ReplyFactory(conversation=failed[2], state=Reply.State.FAILED)
    held = begin("held", messages=4)
    with transaction.atomic():
        caring.care(Conversation.objects.locked(held[2].pk), Finding(Kind.SUICIDE, PLAN, "a plan"), country="US")
    return [
        begin("new", messages=0),
        begin("low", free_text=3),
        begin("out", used_up=True),
        begin("premium", premium=True),
        failed,
        held,
    ]


@pytest.fixture
def open_pages(new_browser, states, complaints):
    """Each kind of page, one after the other, in a browser like this: (name, page)."""
    complaints.expect("status of 404")

    def each(**options):
        visitor = new_browser(**options)
        visitor.goto(GATE)
        yield "age gate", visitor
        with visitor.expect_navigation():
            visitor.get_by_role("button", name="I’m 18 or older").click()
        for path in (LANDING, NOBODY, PROFILE, *EMPTY, *ENTRANCE, *PLAIN):
            visitor.goto(path)
            yield path, visitor
        visitor.goto("/accounts/signup/")
        visitor.get_by_label("Email").fill("taken@")
        visitor.locator("form[action='/accounts/signup/']").evaluate("form => form.noValidate = true")
        visitor.get_by_role("button", name="Create account").click()
        expect(visitor.get_by_role("alert")).to_be_visible()
        yield "sign-up with errors", visitor
        yield from on_the_way_to_a_code(new_browser(**options))
        for name, member, conversation in states:
            page = new_browser(member, **options)
            page.goto(f"/chat/{conversation.pk}/")
            expect(page.locator(".log.ready")).to_be_attached()
            yield f"conversation, {name}", page
        for path in ("/", PROFILE, "/chat/"):
            page.goto(path)
            expect(page.locator(".latest .skeleton:visible")).to_have_count(0)
            yield f"{path} for a member", page
        page.goto(PROFILE)
        page.get_by_role("button", name="Your menu").click()
        expect(page.get_by_role("button", name="Sign out")).to_be_visible()
        yield "the account menu", page
        newcomer = new_browser(UserFactory(), **options)
        newcomer.goto("/chat/")
        yield "no chats yet", newcomer

    return each


@pytest.fixture
def open_account(new_browser, characters):
    """Each page of an account, and those before one that no form leads to: (name, page)."""

    def each(**options):
        visitor = new_browser(adult=True, **options)
        for path in BEFORE_ONE:
            visitor.goto(path)
            yield path, visitor
        page = new_browser(UserFactory(), **options)
        for path in OF_AN_ACCOUNT:
            page.goto(path)
            yield path, page
        page.goto("/account/")
        page.get_by_label("Username").fill("admin")
        page.get_by_role("button", name="Save changes").click()
        expect(page.get_by_text("That one’s reserved.")).to_be_visible()
        yield "a profile with errors", page

    return each


def of_second_steps(new_browser, **options):
    """Every page of the account's security, before and after there is a second step; both showed who they are."""
    before, after = UserFactory(), UserFactory()
    FactorFactory(user=after)
    passkey = Authenticator.objects.create(user=after, type="webauthn", data={"name": "Phone", "credential": {}})
    RecoveryCodes.activate(after)
    one = f"webauthn/keys/{passkey.pk}"
    for member, steps in (
        (before, ("totp/activate/", "webauthn/add/")),
        (after, ("totp/deactivate/", "recovery-codes/", "recovery-codes/generate/", f"{one}/edit/", f"{one}/remove/")),
    ):
        page = new_browser(member, **options)
        page.goto("/accounts/2fa/recovery-codes/generate/")
        yield "confirm it’s you", page
        show_who_one_is(page, member)
        for path in ("/account/security/", "/accounts/email/", *(f"/accounts/2fa/{step}" for step in steps)):
            page.goto(path)
            expect(page.get_by_role("heading", name="Confirm it’s you")).to_have_count(0)
            yield path, page


def show_who_one_is(page, member):
    """As after the password was typed once more: the server knows no password of a factory."""
    (cookie,) = (c for c in page.context.cookies() if c["name"] == "sessionid")
    session = SessionStore(cookie["value"])
    session["account_authentication_methods_user"] = str(member.pk)
    session["account_authentication_methods"] = [{"method": "password", "at": time.time(), "reauthenticated": True}]
    session.save()


def on_the_way_to_a_code(page):
    """The pages of who forgot the password, and of who signs up."""
    member, word = UserFactory(), uuid4().hex[:8]
    page.goto("/accounts/password/reset/")
    page.get_by_label("Email").fill(member.email)
    page.get_by_role("button", name="Send the code").click()
    expect(page.get_by_label("Code")).to_be_visible()
    yield "the code of a reset", page
    page.get_by_label("Code").fill(code_for(member.email))
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("heading", name="Choose a new password")).to_be_visible()
    yield "a new password", page
    unproven = UserFactory(proven=False)
    hashed = PBKDF2PasswordHasher().encode(PASSWORD, "salt", 1000)  # the server knows no cheap ones
    User.objects.filter(pk=unproven.pk).update(password=hashed)
    page.goto("/accounts/login/")
    page.get_by_label("Email").fill(unproven.email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Is this address yours?")).to_be_visible()
    yield "an address to be proven", page
    page.goto("/accounts/signup/")
    fill_in(page, Email=f"{word}@example.com", Username=word)
    page.get_by_label("I’m 18 or older").check()
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_label("Code")).to_be_visible()
    yield "the code of a sign-up", page
    page.get_by_label("Code").fill("12")
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("alert")).to_be_visible()
    yield "a wrong code", page


@pytest.mark.parametrize("screen", ["desktop", "phone"])
def test_axe_finds_nothing(open_pages, screen):
    # As tall as what it shows: a bar at the foot of a phone covers half a button only until one scrolls.
    options = PHONE | {"viewport": {"width": 390, "height": 2400}} if screen == "phone" else {}
    assert violations(open_pages(**options, reduced_motion="reduce")) == {}


@pytest.mark.parametrize("screen", ["desktop", "phone"])
def test_axe_finds_nothing_in_an_account(open_account, screen):
    options = PHONE | {"viewport": {"width": 390, "height": 2400}} if screen == "phone" else {}
    assert violations(open_account(**options, reduced_motion="reduce")) == {}


@pytest.mark.parametrize("screen", ["desktop", "phone"])
def test_axe_finds_nothing_on_second_steps(new_browser, screen):
    options = PHONE | {"viewport": {"width": 390, "height": 2400}} if screen == "phone" else {}
    assert violations(of_second_steps(new_browser, **options, reduced_motion="reduce")) == {}


def test_second_steps_do_not_scroll_sideways_at_320_pixels(new_browser):
    assert {name: wide for name, page in of_second_steps(new_browser, **NARROW) if (wide := sideways(page))} == {}


def test_nothing_in_an_account_scrolls_sideways_at_320_pixels(open_account):
    assert {name: wide for name, page in open_account(**NARROW) if (wide := sideways(page))} == {}


def violations(pages):
    """What axe finds on each of these, light and dark."""
    return {what: where for name, page in pages for what, where in faults(page, name).items()}


def test_nothing_scrolls_sideways_at_320_pixels(open_pages):
    assert {name: wide for name, page in open_pages(**NARROW) if (wide := sideways(page))} == {}


def test_at_400_percent_one_can_still_read_and_write(talk):
    alice = talk(viewport={"width": 320, "height": 200})
    assert sideways(alice.page) == []
    assert alice.log.bounding_box()["height"] >= 128
    alice.input.scroll_into_view_if_needed()
    expect(alice.input).to_be_in_viewport(ratio=0.9)
    alice.send("Still here")
    expect(alice.last).to_have_text("Hello there.")


def weight(page, ending):
    """Kilobytes on the wire of all that the page fetched whose name ends so, scripts as a build leaves them."""
    names = page.evaluate("[...new Set(performance.getEntriesByType('resource').map((entry) => entry.name))]")
    bodies = [page.request.get(name).body() for name in names if name.endswith(ending)]
    if ending == ".js":
        bodies = [jsmin(body) for body in bodies]
    return sum(len(gzip.compress(body)) for body in bodies) / 1024


def test_pages_stay_within_their_weight(new_browser, alice, capsys):
    conversation = conversation_with("mara", alice, messages=60)
    figures = []
    for name, path, who, most in (("landing", "/", None, 12), ("chat", f"/chat/{conversation.pk}/", alice, 15)):
        page = new_browser(who, adult=who is None)
        page.add_init_script(path=Path(__file__).with_name("vitals.js"))
        html = len(gzip.compress(page.goto(path).body())) / 1024
        page.wait_for_load_state("networkidle")
        css, js = weight(page, ".css"), weight(page, ".js")
        shifted = page.evaluate("vitals.cls")
        vitals = page.evaluate("`LCP ${Math.round(vitals.lcp)} ms, CLS ${vitals.cls.toFixed(4)}`")
        figures.append(f"{name}: HTML {html:.1f} KB, CSS {css:.1f} KB, JS {js:.1f} KB, {vitals}")
        assert html <= most
        assert css <= 16
        assert shifted <= 0.02 or page.evaluate(
            "vitals.late"
        )  # of a page that was as slow as that, nothing is promised
        assert name != "landing" or js <= 22
    with capsys.disabled():
        print("", *figures, sep="\n")  # noqa: T201
