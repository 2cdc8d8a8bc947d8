"""Every door of the site, as its URLs list them: whoever adds one has to say for whom it is."""

import uuid

import pytest
from django.conf import settings as django_settings
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from tests.factories import ConversationFactory, GirlFactory, MediaFactory

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]

# Anybody may knock here. What is not named asks who one is.
FOR_EVERYBODY = {
    "", "girls/<slug:slug>/", "girls/<slug:slug>/gallery/", "girls/<slug:slug>/posts/",
    "girls/<slug:slug>/media/<int:pk>/like/", "girls/<slug:slug>/chat/", "feed/", "age/", "signin", "reset-password",
    "media/<uuid:pk>/<slug:variant>", "media/girls/<path:name>", "media/disk/<str:token>", "media/signed/<str:token>",
    "plans/", "safety/", "terms/", "privacy/", "terms/<str:version>/", "privacy/<str:version>/",
    "robots.txt", "manifest.webmanifest", "favicon.ico", "apple-touch-icon.png",
    "webhooks/stripe/", r"^(?:/*)webhooks/+stripe/*$",
    "accounts/signup/", "accounts/signup/code/", "accounts/login/", "accounts/inactive/", "accounts/confirm-email/",
    "accounts/login/code/confirm/", "accounts/password/reset/", "accounts/password/reset/confirm/",
    "accounts/password/reset/complete/", "accounts/password/reset/done/", "accounts/password/reset/key/<path:key>",
    "accounts/3rdparty/signup/", "accounts/3rdparty/login/cancelled/", "accounts/3rdparty/login/error/",
    "accounts/google/login/", "accounts/google/login/callback/", "accounts/google/login/token/",
    "accounts/apple/login/", "accounts/apple/login/callback/", "accounts/apple/login/callback/finish/",
    "accounts/social/<path:rest>", "accounts/social/login/cancelled/", "accounts/social/login/error/",
    "accounts/social/signup/", "accounts/social/connections/",
}  # fmt: skip
ON_A_LAPTOP = {"mail/", "mail/<uuid:key>/", "mail/<uuid:key>/look/"}  # not there otherwise
# By a form of somebody else's: Stripe signs it; Apple's leads on to a door that wants a state of this browser's.
FROM_ELSEWHERE = {"webhooks/stripe/", r"^(?:/*)webhooks/+stripe/*$", "accounts/apple/login/callback/"}


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
        "<int:pk>": str(MediaFactory(girl=mara).pk),
        "<uuid:pk>": str(ConversationFactory(user=alice, girl=GirlFactory()).pk),
        "<uuid:message>": str(uuid.uuid4()),
        "<path:name>": "nothing.webp",
        "<path:rest>": "signup/",
        "<slug:variant>": "full",
        "<str:product_id>": "prod_demo_30",
        "<str:session_id>": "cs_test_absent",
        "<path:key>": "1-spent/",
        "<str:version>": "2026-11-21",
    }

    def fill(route):
        for name, value in known.items():
            route = route.replace(name, value)
        return "/" + route.replace("^", "").replace("$", "")

    return fill


def test_a_visitor_comes_in_by_the_public_doors_only(address, settings):
    settings.AGE_GATE = False
    assert set(routes()) >= FOR_EVERYBODY
    for route in sorted(set(routes()) - FOR_EVERYBODY):
        for ask in (Client().get, Client().post):
            answer = ask(address(route))
            asks_for_sign_in = answer.status_code == 302 and answer["Location"].startswith("/accounts/login/")
            is_refused = answer.status_code in {401, 403, 405} | ({404} if route in ON_A_LAPTOP else set())
            assert asks_for_sign_in or is_refused or is_only_a_signpost(answer), route


def is_only_a_signpost(answer):
    """It leads to a visitor’s own page, or to one that asks who one is."""
    return answer.status_code in {301, 302} and answer["Location"] in {"/", "/account/security/"}


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
    for route in sorted(set(routes()) - FROM_ELSEWHERE):
        answer = strict.post(address(route), headers=headers)
        assert answer.status_code in {403, 405} | ({404} if route in ON_A_LAPTOP else set()), route


def test_what_is_private_is_kept_by_no_cache(client, alice, address, settings):
    settings.DEBUG = True  # for the played checkout
    client.force_login(alice)
    asked = 0
    for route in sorted(set(routes()) - FOR_EVERYBODY):
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
