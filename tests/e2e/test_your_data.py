"""Your data, as a browser does it: ask for a copy, wait, download and open it; leave, come back, and leave for good."""

import json
import zipfile
from datetime import timedelta

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.db.models.functions import Now
from playwright.sync_api import expect

from accounts.models import User
from staff.models import Erasure
from tests.config.processes import until
from tests.e2e.conftest import PHONE
from tests.e2e.looking import NARROW, faults, sideways
from tests.e2e.talk import conversation_with
from tests.factories import PASSWORD, UserFactory


def somebody():
    """Whose password the server can check: tests have a cheaper hash, which it does not know."""
    user = UserFactory()
    hasher = PBKDF2PasswordHasher()
    user.password = hasher.encode(PASSWORD, hasher.salt())  # as good as its own: it makes no other of it
    user.save(update_fields=["password"])
    return user


@pytest.fixture
def alice(characters):
    return somebody()


@pytest.fixture
def data(new_browser, alice):
    def opened(**options):
        conversation_with("mara", alice, messages=4)
        page = new_browser(alice, **options)
        page.goto("/account/")
        page.get_by_role("link", name="Your data").click()
        return page

    return opened


def to_the_question(page):
    """Up to the question whether one means it."""
    page.get_by_role("link", name="Erase my account").click()
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("heading", name="Erase your account?")).to_be_visible()


def erase(page, user):
    to_the_question(page)
    page.get_by_label("Your username").fill(user.username)
    page.get_by_role("button", name="Erase my account").click()
    expect(page.get_by_role("heading", name="Your account rests")).to_be_visible()


def test_one_asks_waits_downloads_and_opens_it(data, new_browser, alice, tmp_path):
    page = data()
    page.get_by_role("button", name="Prepare my file").click()
    expect(page.get_by_text("Your file is ready")).to_be_visible()  # by itself
    with page.expect_download() as download:
        page.get_by_role("link", name="Download", exact=True).click()
    assert download.value.suggested_filename.startswith("dusk-")
    download.value.save_as(tmp_path / "data.zip")
    with zipfile.ZipFile(tmp_path / "data.zip") as copy:
        copy.extractall(tmp_path)
    account = json.loads((tmp_path / "account.json").read_text())
    assert account["profile"]["email"] == alice.email
    offline = page.context.browser.new_page()
    offline.goto((tmp_path / "index.html").as_uri())
    offline.get_by_role("link", name="conversations/mara.html").click()
    expect(offline.get_by_role("heading", name="Conversation with Mara")).to_be_visible()
    expect(offline.locator("li.ai .who").first).to_contain_text("AI")
    assert faults(offline) == {}
    offline.close()


def test_keeping_it_is_what_a_careless_return_does(data, alice):
    page = data()
    to_the_question(page)
    expect(page.get_by_role("link", name="Keep it")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Download your data")).to_be_visible()
    alice.refresh_from_db()
    assert alice.erase_at is None


def test_one_leaves_and_comes_back(data, new_browser, alice, complaints):
    complaints.expect("status of 401")  # what the other page asks by itself
    elsewhere = new_browser(alice)
    elsewhere.goto("/chat/")
    page = data()
    erase(page, alice)
    elsewhere.reload()
    expect(elsewhere.get_by_role("button", name="Sign in", exact=True)).to_be_visible()
    for path in ("/", "/chat/", "/account/"):
        page.goto(path)
        expect(page.get_by_role("heading", name="Your account rests")).to_be_visible()
    page.get_by_role("button", name="Keep my account").click()
    expect(page.get_by_text("Good to have you back")).to_be_visible()
    page.goto("/chat/")
    expect(page.get_by_role("link", name="Mara").first).to_be_visible()


def test_one_leaves_for_good(data, alice):
    page = data()
    erase(page, alice)
    User.objects.filter(pk=alice.pk).update(erase_at=Now() - timedelta(seconds=1))  # fourteen days go by
    Erasure.objects.filter(person=alice.pk).update(due_at=Now() - timedelta(seconds=5))
    until(lambda: not User.objects.filter(pk=alice.pk).exists(), what="the end of the account")
    page.goto("/account/data/")
    expect(page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()
    page.get_by_label("Email").fill(alice.email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("alert").first).to_be_visible()


def test_without_scripts_it_works_too(new_browser, alice):
    page = new_browser(alice, java_script_enabled=False)
    page.goto("/account/data/")
    page.get_by_role("button", name="Prepare my file").click()
    link = page.get_by_role("link", name="Download", exact=True)
    until(lambda: page.reload() and link.count(), what="a file")
    erase(page, alice)
    page.get_by_role("button", name="Keep my account").click()
    page.wait_for_url("**/account/")


@pytest.mark.parametrize("screen", ["desktop", "phone"])
def test_axe_finds_nothing_on_the_way(new_browser, characters, screen):
    zoe = somebody()
    options = PHONE | {"viewport": {"width": 390, "height": 1600}} if screen == "phone" else {}
    page = new_browser(zoe, **options, reduced_motion="reduce")
    found = {}

    page.goto("/account/data/")
    found |= faults(page, "data")
    page.get_by_role("button", name="Prepare my file").click()
    expect(page.get_by_text("Your file is ready")).to_be_visible()
    found |= faults(page, "ready")
    to_the_question(page)
    found |= faults(page, "question")
    page.get_by_label("Your username").fill("nobody")
    page.get_by_role("button", name="Erase my account").click()
    expect(page.get_by_role("alert")).to_be_visible()
    found |= faults(page, "wrong name")
    page.get_by_label("Your username").fill(zoe.username)
    page.get_by_role("button", name="Erase my account").click()
    expect(page.get_by_role("heading", name="Your account rests")).to_be_visible()
    found |= faults(page, "resting")
    assert found == {}


def test_nothing_scrolls_sideways(new_browser, alice):
    page = new_browser(alice, **NARROW)
    page.goto("/account/data/")
    assert sideways(page) == []
    erase(page, alice)
    assert sideways(page) == []
