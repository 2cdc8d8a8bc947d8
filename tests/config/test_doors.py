"""Every door of the site, as its URLs list them: whoever adds one has to say for whom it is."""

import uuid

import pytest
from django.conf import settings as django_settings
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from tests.factories import ConversationFactory, GirlFactory

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]

# Anybody may knock here. What is not named asks who one is.
FOR_EVERYBODY = {
    "", "girls/<slug:slug>/", "girls/<slug:slug>/chat/", "age/", "signin", "reset-password", "media/<path:path>",
    "plans/", "safety/", "terms/", "privacy/", "robots.txt", "manifest.webmanifest", "favicon.ico",
    "apple-touch-icon.png", "webhooks/stripe/", r"^(?:/*)webhooks/+stripe/*$",
    "accounts/signup/", "accounts/login/", "accounts/inactive/", "accounts/confirm-email/",
    r"accounts/^confirm-email/(?P<key>[-:\w]+)/$", "accounts/login/code/confirm/",
    "accounts/password/reset/", "accounts/password/reset/done/", "accounts/password/reset/key/done/",
    r"accounts/^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
}  # fmt: skip
SIGNED_BY_STRIPE = {"webhooks/stripe/", r"^(?:/*)webhooks/+stripe/*$"}  # not by a form of ours


def routes(resolver=None, prefix=""):
    """Each route, as it is written; the console's own are Django's."""
    for entry in (resolver or get_resolver()).url_patterns:
        route = prefix + str(entry.pattern)
        if route.startswith(f"{django_settings.ADMIN_PATH}/"):
            continue
        if isinstance(entry, URLResolver):
            yield from routes(entry, route)
        elif isinstance(entry, URLPattern):
            yield route


@pytest.fixture
def address(alice, mara):
    """An address for a route, about things that exist."""
    known = {
        "<slug:slug>": mara.slug,
        "<uuid:pk>": str(ConversationFactory(user=alice, girl=GirlFactory()).pk),
        "<path:path>": "nothing.webp",
        "<str:product_id>": "prod_demo_30",
        "<str:session_id>": "cs_test_absent",
        r"(?P<key>[-:\w]+)": "spent",
        r"(?P<uidb36>[0-9A-Za-z]+)": "1",
        "(?P<key>.+)": "spent",
    }

    def fill(route):
        for name, value in known.items():
            route = route.replace(name, value)
        return "/" + route.replace("^", "").replace("$", "")

    return fill


def test_a_visitor_comes_in_by_the_public_doors_only(address, settings):
    settings.AGE_GATE = False
    assert set(routes()) >= FOR_EVERYBODY
    for route in set(routes()) - FOR_EVERYBODY:
        for ask in (Client().get, Client().post):
            answer = ask(address(route))
            asks_for_sign_in = answer.status_code == 302 and answer["Location"].startswith("/accounts/login/")
            assert asks_for_sign_in or answer.status_code in {401, 403, 405} or is_only_a_signpost(answer), route


def is_only_a_signpost(answer):
    """It leads to a door that asks, and to a visitor's own page after signing out."""
    return answer.status_code in {301, 302} and answer["Location"] in {"/account/premium/", "/"}


@pytest.mark.parametrize("origin", ["http://testserver", "https://evil.example"], ids=["no token", "another origin"])
def test_nothing_is_done_for_a_form_that_is_not_ours(alice, address, settings, origin):
    settings.AGE_GATE = False
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice)
    headers = {"origin": origin}
    if origin != "http://testserver":  # the token was stolen, the page is still another's
        strict.get("/terms/")
        strict.cookies["csrftoken"] = "a" * 32
        headers["x-csrftoken"] = "a" * 32
    for route in set(routes()) - SIGNED_BY_STRIPE:
        answer = strict.post(address(route), headers=headers)
        assert answer.status_code in {403, 405}, route


def test_what_is_private_is_kept_by_no_cache(client, alice, address, settings):
    settings.DEBUG = True  # for the played checkout
    client.force_login(alice)
    asked = 0
    for route in set(routes()) - FOR_EVERYBODY:
        answer = client.get(address(route))
        if answer.status_code == 200:
            asked += 1
            assert "no-store" in answer["Cache-Control"], route
            assert "private" in answer["Cache-Control"], route
    assert asked >= 6


def test_a_page_that_shows_who_one_is_differs_by_cookie(client, alice, mara):
    client.force_login(alice)
    for path in ("/", "/girls/mara/", "/terms/", "/plans/"):
        answer = client.get(path)
        assert "alice" in answer.content.decode()
        assert "Cookie" in answer["Vary"] or "no-store" in answer.get("Cache-Control", ""), path


def test_the_policy_trusts_nothing_inline_and_nobody_else(client, alice, address, settings):
    settings.AGE_GATE = False
    client.force_login(alice)
    for route in sorted(routes()):
        policy = client.get(address(route)).get("Content-Security-Policy")
        assert policy, route
        rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";") if " " in rule.strip())
        assert "unsafe" not in policy
        assert rules["default-src"] == rules["base-uri"] == rules["frame-ancestors"] == "'none'"
        assert rules["style-src"] == rules["font-src"] == "'self'"
        assert rules["img-src"] == "'self' data:"  # a picture that a model names is never fetched
        scripts = set(rules["script-src"].split())
        assert {source for source in scripts if not source.startswith("'nonce-")} == {"'self'"}


def test_an_id_that_is_none_is_not_there(client, alice):
    client.force_login(alice)
    for wrong in ("5", "[]", "%00", str(uuid.uuid4()).upper() + "x"):
        assert client.get(f"/chat/{wrong}/state/").status_code == 404
