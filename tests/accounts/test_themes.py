"""Light or dark goes with the account."""

import pytest

from tests.accounts.test_signin import sign_in
from tests.config.test_pages import Page
from tests.factories import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]


def cookie_after_sign_in(client, theme, before):
    UserFactory(username="alice", theme=theme)
    client.cookies["theme"] = before
    cookie = sign_in(client).cookies.get("theme")
    return cookie and (cookie.value, cookie["max-age"] > 0)


def test_who_signs_in_elsewhere_finds_their_theme(client):
    assert cookie_after_sign_in(client, "dark", "light") == ("dark", True)
    assert Page(client.get("/terms/")).all("html")[0]["data-theme"] == "dark"


def test_who_wants_what_the_device_wants_gets_that(client):
    assert cookie_after_sign_in(client, "system", "light") == ("system", False)


def test_who_never_chose_keeps_what_this_browser_has(client):
    assert cookie_after_sign_in(client, "", "dark") is None
    assert Page(client.get("/terms/")).all("html")[0]["data-theme"] == "dark"


def test_what_was_chosen_as_a_visitor_stays_through_a_sign_up(client):
    client.cookies["theme"] = "dark"
    client.force_login(UserFactory())
    assert Page(client.get("/terms/")).all("html")[0]["data-theme"] == "dark"
