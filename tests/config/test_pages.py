"""Every page: one look, one frame, nothing inline, and the words that must be on it."""

import gzip
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from allauth.mfa.models import Authenticator
from django.conf import settings as django_settings
from django.core.exceptions import BadRequest, SuspiciousOperation
from django.db import OperationalError, connection
from django.http import Http404, HttpResponse
from django.test import Client, RequestFactory
from django.urls import get_resolver, reverse

from accounts import agegate
from config import errors
from tests.accounts.test_second_factor import set_up_app
from tests.factories import PASSWORD, UserFactory
from tests.people import CODE, NEW_PASSWORD, PROVE, RESET_CODE, SIGN_UP, code_for, come_in, details, reset_asked

STATIC = Path(django_settings.BASE_DIR) / "static"
TEMPLATES = Path(django_settings.BASE_DIR) / "templates"

LEGAL = ["/safety/", "/terms/", "/privacy/"]
FOR_VISITORS = [
    "account_login",
    "account_signup",
    "account_reset_password",
    "account_password_reset_completed",
    "account_inactive",
]
ON_THE_WAY = [  # of who signs up, forgot the password, or is to prove an address: elsewhere in the tests
    "account_signup_code",
    "account_email_verification_sent",
    "account_confirm_password_reset_code",
    "account_complete_password_reset",
]
FOR_MEMBERS = ["account_logout", "account_change_password", "account_email", "account_reauthenticate"]
SECOND_STEPS = [
    *("account_security", "mfa_activate_totp", "mfa_deactivate_totp", "mfa_reauthenticate", "mfa_add_webauthn"),
    *("mfa_view_recovery_codes", "mfa_generate_recovery_codes"),
]
ELSEWHERE = ["mfa_index", "mfa_list_webauthn"]  # our one page has what these showed
OF_ONE_PASSKEY = ["mfa_remove_webauthn", "mfa_edit_webauthn", "mfa_reauthenticate_webauthn"]
NO_PAGE = ["mfa_login_webauthn", "mfa_download_recovery_codes", "mfa_authenticate"]  # JSON; text; on the way in


class Page(HTMLParser):
    """What a page is made of, as far as these promises go."""

    def __init__(self, response):
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(response.content.decode())

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]

    def is_ours(self):
        """Our style sheets, one h1, a way past the bar, a main part, nothing inline."""
        assert any("css/base." in (link.get("href") or "") for link in self.all("link"))
        assert len(self.all("h1")) == 1
        assert len(self.all("main")) == 1
        assert any(link.get("href") == "#main" for link in self.all("a"))
        assert all(script.get("src") for script in self.all("script"))
        assert not self.all("style")
        assert not [name for _, attrs in self.tags for name in attrs if name == "style" or name.startswith("on")]
        return True


@pytest.fixture
def scripted(settings):
    settings.LLM_PROVIDERS = [{"name": "primary", "base_url": ""}]


@pytest.mark.parametrize("path", LEGAL)
def test_legal_pages_are_open_to_everybody_and_ask_the_database_nothing(
    client, path, settings, db, django_assert_num_queries
):
    settings.AGE_GATE = True
    client.get(path)  # tables are asked once in a while, by whoever comes first
    with django_assert_num_queries(0):
        response = client.get(path)
    assert response.status_code == 200
    assert Page(response).is_ours()


@pytest.mark.parametrize("name", FOR_VISITORS)
def test_every_page_of_signing_in_is_in_our_look(client, db, name):
    response = client.get(reverse(name))
    assert response.status_code == 200
    assert Page(response).is_ours()


@pytest.mark.parametrize("name", FOR_MEMBERS)
def test_every_page_of_an_account_is_in_our_look(client, alice, name):
    client.force_login(alice)
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    response = client.get(reverse(name))
    assert response.status_code == 200
    assert Page(response).is_ours()


@pytest.mark.parametrize("name", SECOND_STEPS)
def test_every_page_of_second_steps_is_in_our_look(client, alice, name):
    client.force_login(alice)
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    if name not in ("mfa_activate_totp", "mfa_add_webauthn"):
        set_up_app(client, steps=0)
    response = client.get(reverse(name))
    assert response.status_code == 200
    assert Page(response).is_ours()


def test_the_pages_of_a_passkey_are_in_our_look(client, alice):
    client.force_login(alice)
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    passkey = Authenticator.objects.create(user=alice, type="webauthn", data={"name": "<b>Phone</b>", "credential": {}})
    for name in ("mfa_remove_webauthn", "mfa_edit_webauthn"):
        page = client.get(reverse(name, args=[passkey.pk]))
        assert Page(page).is_ours()
        assert "&lt;b&gt;Phone" in page.text
    assert "&lt;b&gt;Phone" in client.get(reverse("account_security")).text


def test_no_page_of_second_steps_that_is_served_was_forgotten():
    """A new allauth may bring new pages: each must be looked at and named here."""
    served = {name for name in get_resolver("allauth.mfa.urls").reverse_dict if isinstance(name, str)}
    assert served | {"account_security"} == {*SECOND_STEPS, *ELSEWHERE, *OF_ONE_PASSKEY, *NO_PAGE}


@pytest.mark.parametrize("name", ["payments:plans", "payments:account"])
def test_every_page_of_premium_is_in_our_look(client, alice, settings, name):
    settings.DEBUG = True  # for the played checkout
    client.force_login(alice)
    response = client.get(reverse(name))
    assert response.status_code == 200
    assert Page(response).is_ours()


def test_every_page_on_the_way_to_a_code_is_in_our_look(client, alice, settings):
    settings.DEBUG = True  # nobody asks Cloudflare
    UserFactory(username="kim", proven=False)
    forgetful = reset_asked()
    assert Page(forgetful.get(RESET_CODE)).is_ours()
    forgetful.post(RESET_CODE, {"code": code_for("alice@example.com")})
    assert Page(forgetful.get(NEW_PASSWORD)).is_ours()
    (new := Client()).post(SIGN_UP, details())
    assert Page(new.get(CODE)).is_ours()
    come_in(unproven := Client(), "kim@example.com", code="")
    assert Page(unproven.get(PROVE)).is_ours()


@pytest.mark.parametrize("name", ON_THE_WAY)
def test_whoever_is_not_on_the_way_begins_at_its_beginning(client, db, name):
    answer = client.get(reverse(name))
    assert answer.status_code == 302
    assert Page(client.get(answer["Location"])).is_ours()


def test_no_page_of_allauth_that_is_served_was_forgotten(client):
    """A new allauth may bring new pages: each must be looked at and named here."""
    from allauth.account.urls import urlpatterns

    by_code = {"account_confirm_login_code"}  # drawn from our elements; answers only in the middle of a sign-in
    assert {url.name for url in urlpatterns} | {"account_signup_code"} == {
        *FOR_VISITORS,
        *FOR_MEMBERS,
        *ON_THE_WAY,
        *by_code,
        "account_set_password",
    }


def test_the_foot_of_a_page_says_for_whom_it_is_and_where_help_is(client, db):
    page = Page(client.get("/terms/"))
    assert "may not be suitable for some minors" in page.text
    assert set(LEGAL) <= {link.get("href") for link in page.all("a")}


def test_a_scripted_model_is_labelled_as_a_demo(client, scripted):
    assert "Demo: replies come from a scripted model" in Page(client.get("/terms/")).text


def test_a_real_model_is_not_called_a_demo(client, settings):
    settings.LLM_PROVIDERS = [{"name": "primary", "base_url": "http://127.0.0.1:11434"}]
    assert "Demo:" not in Page(client.get("/terms/")).text


@pytest.mark.parametrize(
    ("cookie", "attribute"), [("dark", "dark"), ("light", "light"), ("system", None), ('"><x', None)]
)
def test_the_chosen_theme_comes_with_the_page(client, cookie, attribute):
    client.cookies["theme"] = cookie
    assert Page(client.get("/terms/")).all("html")[0].get("data-theme") == attribute


def test_the_way_to_chats_is_shown_to_members_only(client, alice):
    assert "/chat/" not in [link.get("href") for link in Page(client.get("/terms/")).all("a")]
    client.force_login(alice)
    assert "/chat/" in [link.get("href") for link in Page(client.get("/terms/")).all("a")]


@pytest.mark.parametrize("path", ["/plans/", "/account/"])
def test_nobody_is_led_to_a_page_that_is_not_there(client, alice, path):
    client.force_login(alice)
    page = Page(client.get("/terms/"))
    led = path in [link.get("href") for link in page.all("a")]
    assert led == (client.get(path).status_code != 404)


def test_logging_out_is_a_form_that_needs_no_script(client, alice):
    client.force_login(alice)
    forms = Page(client.get("/terms/")).all("form")
    assert {"method": "post", "action": reverse("account_logout")} in forms


def test_an_absent_page_is_ours_for_people(client, db):
    response = client.get("/no/such/page")
    assert response.status_code == 404
    assert Page(response).is_ours()


def test_an_absent_thing_is_json_for_scripts(client, db):
    response = client.get("/no/such/page", headers={"accept": "application/json"})
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "not_found"


def test_a_form_left_open_too_long_is_refused_in_plain_words():
    response = Client(enforce_csrf_checks=True).post("/accounts/login/", {"login": "a", "password": "b"})
    assert response.status_code == 403
    page = Page(response)
    assert page.is_ours()
    assert "This page is out of date" in page.text


@pytest.mark.parametrize(
    ("view", "status"), [(errors.bad_request, 400), (errors.permission_denied, 403), (errors.server_error, 500)]
)
def test_every_refusal_has_a_page_and_a_code(view, status):
    request = RequestFactory().get("/")
    assert view(request).status_code == status
    request = RequestFactory().get("/", headers={"accept": "application/json"})
    answer = view(request)
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/json"


def test_the_page_for_our_own_faults_asks_nothing(django_assert_num_queries, db):
    with django_assert_num_queries(0):
        response = errors.server_error(RequestFactory().get("/"))
    assert "That was us, not you" in response.content.decode()


@pytest.mark.parametrize("where", ["the page", "the session"])
def test_a_database_that_is_away_is_a_page_that_says_so(client, db, where):
    client.raise_request_exception = False

    def away(execute, sql, params, many, context):
        if where == "the session" or "girls_girl" in sql:
            raise OperationalError("the server closed the connection")
        return execute(sql, params, many, context)

    client.cookies["sessionid"] = "a-session-of-old"
    said = HttpResponse()
    said.set_signed_cookie(agegate.COOKIE, agegate.ADULT, salt=agegate.SALT)
    client.cookies.update(said.cookies)
    with connection.execute_wrapper(away):
        page = client.get("/")
        answer = client.get("/", headers={"accept": "application/json"})
    assert page.status_code == answer.status_code == 503
    assert "Back in a moment" in page.content.decode()
    assert answer.json()["error"]["code"] == "unavailable"
    assert answer["Retry-After"]


def breaking(client, how):
    """Visit the landing page while something breaks below it."""

    def break_it(execute, sql, params, many, context):
        raise how

    client.raise_request_exception = False
    said = HttpResponse()
    said.set_signed_cookie(agegate.COOKIE, agegate.ADULT, salt=agegate.SALT)
    client.cookies.update(said.cookies)
    with connection.execute_wrapper(break_it):
        return client.get("/")


@pytest.mark.parametrize("debug", [True, False])
@pytest.mark.parametrize(
    ("how", "status", "words"),
    [
        (ZeroDivisionError("a secret"), 500, "Something went wrong"),
        (OperationalError("a secret"), 503, "Back in a moment"),
        (BadRequest("a secret"), 400, "That didn’t make sense"),
        (SuspiciousOperation("a secret"), 400, "That didn’t make sense"),
        (Http404("a secret"), 404, "There’s nothing here"),
    ],
)
def test_what_breaks_is_our_page_on_a_laptop_too(client, db, settings, debug, how, status, words):
    settings.DEBUG = debug
    settings.SITE_NAME = "Nightfall"
    client.cookies["theme"] = "dark"
    response = breaking(client, how)
    page = Page(response)
    assert response.status_code == status
    assert words in page.text
    assert "Nightfall" in page.text
    assert "a secret" not in page.text
    assert page.all("html")[0].get("data-theme") == "dark"


@pytest.mark.parametrize("path", ["/no/such/page", "/static/no-such.css", "/girls/nobody/"])
def test_an_absent_page_is_ours_on_a_laptop_too(client, alice, settings, path):
    settings.DEBUG = True
    client.force_login(alice)
    response = client.get(path)
    assert response.status_code == 404
    assert Page(response).is_ours()


@pytest.mark.parametrize("path", ["/plans/prod_30/checkout/", "/webhooks/stripe/"])
def test_an_address_for_forms_says_so_when_it_is_opened(client, db, path):
    response = client.get(path)
    assert (response.status_code, response["Allow"]) == (405, "POST")
    assert Page(response).is_ours()
    assert "That isn’t a page" in Page(response).text
    answer = client.get(path, headers={"accept": "application/json"})
    assert (answer.status_code, answer["Allow"]) == (405, "POST")
    assert answer.json()["error"]["code"] == "method_not_allowed"


def test_one_word_for_leaving(client, alice):
    client.force_login(alice)
    pages = [client.get(path) for path in ("/terms/", "/accounts/logout/", "/account/premium/")]
    words = " ".join(Page(page).text for page in [*pages, client.post("/accounts/logout/", follow=True)])
    assert "Sign out" in words
    assert "You’re signed out." in words
    assert not re.search(r"log(ged)? (out|in)\b", words, re.I)


def test_no_page_has_a_second_banner(client, alice):
    """A header within the page's bar would be one."""
    client.force_login(alice)
    assert len(Page(client.get("/terms/")).all("header")) == 1


def is_compressed(response):
    return response.get("Content-Encoding") == "gzip"


@pytest.mark.parametrize("path", ["/terms/", "/plans/?next=/chat/", "/accounts/login/?next=/chat/", "/no/such/page"])
def test_pages_for_visitors_are_compressed(client, db, settings, path):
    settings.DEBUG = True  # for the played checkout
    response = client.get(path, headers={"accept-encoding": "gzip, br"})
    assert is_compressed(response)
    assert "Accept-Encoding" in response["Vary"]
    plain = client.get(path)
    assert not is_compressed(plain)
    assert abs(len(gzip.decompress(response.content)) - len(plain.content)) < 100
    assert len(response.content) < len(plain.content) / 2


def test_a_member_s_page_is_compressed_unless_somebody_s_words_may_stand_on_it(client, alice, settings):
    settings.DEBUG = True  # for the played checkout
    client.force_login(alice)
    taken = {"headers": {"accept-encoding": "gzip"}}
    assert is_compressed(client.get("/", **taken))
    assert is_compressed(client.get("/chat/", **taken))
    assert not is_compressed(client.get("/?q=alice@example", **taken))
    assert not is_compressed(client.get("/plans/?next=/alice@example", **taken))
    assert not is_compressed(client.post("/accounts/password/change/", {"oldpassword": "alice@example"}, **taken))
    assert not is_compressed(client.get("/chat/threads/", **taken))  # JSON


@pytest.mark.parametrize("path", ["/words-of-others", "/girls/words-of-others/", "/words-of-others/chat/?a=b"])
def test_a_member_s_page_mirrors_no_address(client, alice, path):
    client.force_login(alice)
    response = client.get(path)
    assert response.status_code == 404
    assert "words-of-others" not in response.content.decode()


def meta(response):
    return {tag.get("name") or tag.get("property"): tag.get("content") for tag in Page(response).all("meta")}


@pytest.mark.parametrize("path", ["/", "/girls/mara/", "/plans/", "/terms/", "/accounts/signup/"])
def test_a_shared_link_says_what_it_leads_to_by_the_site_s_own_address(client, mara, settings, path):
    settings.SITE_NAME, settings.SITE_URL = "Nightfall", "https://night.example"
    settings.AGE_GATE, settings.DEBUG = False, True
    said = meta(client.get(path))
    assert 50 <= len(said["description"]) <= 165 or path == "/girls/mara/"
    assert said["og:description"] == said["description"]
    assert said["og:site_name"] == "Nightfall"
    assert said["og:url"] == f"https://night.example{path}"
    assert said["og:image"].startswith("https://night.example/static/img/card")
    assert said["og:title"]


def test_pages_of_members_have_a_description_too(client, alice):
    client.force_login(alice)
    assert meta(client.get("/chat/"))["description"]


def test_browsers_and_robots_find_what_they_ask_for(client, settings):
    settings.SITE_NAME, settings.AGE_GATE = "Nightfall", True
    robots = client.get("/robots.txt")
    assert robots["Content-Type"] == "text/plain; charset=utf-8"
    assert "Disallow: /accounts/" in robots.text
    assert settings.ADMIN_PATH not in robots.text
    manifest = client.get("/manifest.webmanifest")
    assert manifest["Content-Type"] == "application/manifest+json"
    assert manifest.json()["name"] == "Nightfall"
    files = [icon["src"] for icon in manifest.json()["icons"]]
    files += [client.get(path)["Location"] for path in ("/favicon.ico", "/apple-touch-icon.png")]
    for file in files:
        name = re.sub(r"\.[0-9a-f]{12}(?=\.\w+$)", "", file.removeprefix("/static/"))
        assert (STATIC / name).is_file(), file
    links = {link["rel"]: link["href"] for link in Page(client.get("/terms/")).all("link")}
    assert links["manifest"] == "/manifest.webmanifest"
    assert "touch-icon" in links["apple-touch-icon"]


def test_without_keys_the_security_check_is_a_hidden_field(client, db, settings):
    settings.TURNSTILE_SITE_KEY = ""
    tokens = [
        field
        for field in Page(client.get("/accounts/login/")).all("input")
        if field.get("name") == "cf-turnstile-response"
    ]
    assert [(field["type"], field["value"]) for field in tokens] == [("hidden", "local")]


@pytest.mark.parametrize(
    ("name", "action"),
    [("account_login", "login"), ("account_signup", "signup"), ("account_reset_password", "reset_password")],
)
def test_with_keys_the_widget_is_asked_for_under_the_page_s_nonce(client, db, settings, name, action):
    settings.TURNSTILE_SITE_KEY = "site-key"
    response = client.get(reverse(name))
    page = Page(response)
    (widget,) = [attrs for attrs in page.all("div") if attrs.get("class") == "turnstile"]
    assert (widget["data-sitekey"], widget["data-action"]) == ("site-key", action)
    (script,) = [attrs for attrs in page.all("script") if "turnstile" in (attrs["src"] or "")]
    assert f"'nonce-{script['nonce']}'" in response["Content-Security-Policy"]


def test_a_page_without_scripts_of_its_own_opens_no_nonce(client):
    assert "'nonce-" not in client.get("/terms/")["Content-Security-Policy"]


def test_every_icon_that_is_asked_for_is_in_the_sprite():
    drawn = set(re.findall(r'<symbol id="([\w-]+)"', (STATIC / "img/sprite.svg").read_text()))
    asked = {
        name
        for template in TEMPLATES.rglob("*.html")
        for name in re.findall(r'{% icon "([\w-]+)"', template.read_text())
    }
    assert asked
    assert asked <= drawn


@pytest.mark.parametrize("path", ["/", "/chat/", "/plans/", "/account/premium/", "/accounts/password/change/"])
def test_the_style_sheets_stay_within_their_budget(client, alice, settings, path):
    """16 KB for a page, as the browser fetches them."""
    settings.DEBUG = True  # for the played checkout
    client.force_login(alice)
    links = [link for link in Page(client.get(path)).all("link") if link.get("rel") == "stylesheet"]
    sheets = [re.sub(r"\.[0-9a-f]{12}\.css$", ".css", link["href"].removeprefix("/static/")) for link in links]
    assert len(sheets) > 1
    assert sum(len(gzip.compress((STATIC / sheet).read_bytes())) for sheet in sheets) < 16 * 1024


def test_fonts_stay_within_their_budget():
    """42 KB for the two that an English page needs."""
    fonts = [STATIC / "fonts" / f"{name}-latin.woff2" for name in ("figtree", "newsreader")]
    assert sum(font.stat().st_size for font in fonts) <= 42 * 1024
