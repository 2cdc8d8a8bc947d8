"""One name: whatever else the site is called leads to SITE_URL, and everything of ours agrees which that is."""

import pytest
import structlog
from django.test import Client

from config.lib import names
from tests.accounts.test_signin import sign_in
from tests.config.processes import manage

pytestmark = pytest.mark.django_db


@pytest.fixture
def _two_names(settings):
    settings.SITE_URL = "https://dusk.example"
    settings.ALLOWED_HOSTS = ["dusk.example", "www.dusk.example", ".old.example", "127.0.0.1"]
    settings.OTHER_NAMES = ["www.dusk.example", ".old.example"]
    settings.CSRF_TRUSTED_ORIGINS = [settings.SITE_URL]


@pytest.mark.parametrize(
    "host",
    [
        *("www.dusk.example", "WWW.Dusk.Example", "www.dusk.example:443", "www.dusk.example:8000", "www.dusk.example."),
        *("old.example", "very.old.example", "dusk.example.", "dusk.example.:443"),
    ],
)
@pytest.mark.usefixtures("_two_names")
def test_another_name_leads_to_the_site_s_own(host):
    answer = Client().get("/accounts/login/?next=/chat/%3Fa=1", headers={"host": host})
    assert (answer.status_code, answer["Location"]) == (308, "https://dusk.example/accounts/login/?next=/chat/%3Fa=1")
    assert Client().get("//evil.example/", headers={"host": host})["Location"].startswith("https://dusk.example/")


@pytest.mark.usefixtures("_two_names")
def test_nothing_is_done_under_another_name(alice):
    browser = Client(headers={"host": "www.dusk.example"})
    assert sign_in(browser).status_code == 308
    assert "sessionid" not in " ".join(browser.cookies)


@pytest.mark.parametrize(
    "host", ["dusk.example", "DUSK.example", "dusk.example:443", "dusk.example:8443", "127.0.0.1:8000"]
)
@pytest.mark.usefixtures("_two_names")
def test_its_own_name_and_a_proxy_s_are_answered(host):
    assert Client().get("/terms/", headers={"host": host}).status_code == 200


@pytest.mark.usefixtures("_two_names")
def test_a_name_that_nobody_gave_it_is_refused():
    assert Client().get("/terms/", headers={"host": "evil.example"}).status_code == 400


@pytest.mark.usefixtures("_two_names")
def test_a_webhook_is_taken_under_any_of_its_names():
    letter = Client().post("/webhooks/stripe/", b"{}", "application/json", headers={"host": "www.dusk.example"})
    assert letter.status_code == 404  # as under its own: nothing is on sale here


def test_a_laptop_is_whatever_it_is_called(settings):
    settings.DEBUG = True
    settings.ALLOWED_HOSTS = ["*"]
    assert Client().get("/terms/", headers={"host": "192.168.1.5:8000"}).status_code == 200


@pytest.mark.parametrize(
    ("url", "is_really"),
    [
        ("https://dusk.example", "https://dusk.example"),
        (" https://Dusk.Example.:443/ ", "https://dusk.example"),
        ("http://dusk.example:80", "http://dusk.example"),
        ("https://dusk.example:80", "https://dusk.example:80"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("http://[0:0:0:0:0:0:0:1]:8000", "http://[::1]:8000"),
        ("https://straße.example", "https://xn--strae-oqa.example"),
    ],
)
def test_an_address_is_read_as_browsers_spell_it(url, is_really):
    assert names.read(url).url == is_really


@pytest.mark.parametrize(
    ("env", "url", "hosts"),
    [
        ({"PORT": "8123"}, "http://127.0.0.1:8123", ["127.0.0.1", ".localhost", "[::1]"]),
        ({"HOST": "::1"}, "http://[::1]:8000", ["[::1]", ".localhost", "127.0.0.1"]),
        ({"HOST": "0.0.0.0", "PORT": "8123"}, "http://127.0.0.1:8123", ["*"]),
        ({"HOST": "192.168.1.5"}, "http://192.168.1.5:8000", ["*"]),
        ({"SITE_URL": "http://[::1]:8000"}, "http://[::1]:8000", ["[::1]", ".localhost", "127.0.0.1"]),
        ({"ALLOWED_HOSTS": "tunnel.example, ::1"}, "http://127.0.0.1:8000", ["127.0.0.1", "tunnel.example", "[::1]"]),
    ],
)
def test_a_laptop_s_settings_agree_where_it_is(env, url, hosts):
    ask = (
        "from django.conf import settings as s; csp = s.CONTENT_SECURITY_POLICY['DIRECTIVES']['connect-src'];"
        "print(s.SITE_URL, s.CSRF_TRUSTED_ORIGINS == [s.SITE_URL], csp[-1], sorted(set(s.ALLOWED_HOSTS)), sep='|')"
    )
    done = manage("shell", "--no-imports", "-c", ask, **{"HOST": "", "PORT": "", "SITE_URL": "", **env})
    assert done.stdout.strip() == f"{url}|True|{url.replace('http', 'ws', 1)}|{sorted(set(hosts))}", done.stderr


@pytest.mark.parametrize("trusted", [False, True])
def test_a_circle_of_redirects_is_named_in_the_log(settings, trusted):
    settings.SITE_URL, settings.ALLOWED_HOSTS = "https://dusk.example", ["dusk.example"]
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if trusted else None
    browser = Client(headers={"host": "dusk.example", "x-forwarded-proto": "https"})
    with structlog.testing.capture_logs() as lines:
        answers = [browser.get("/terms/").status_code for _ in range(2)]
    said = [line for line in lines if line["event"] == "endless_redirect"]
    assert answers == ([200, 200] if trusted else [301, 301])
    assert len(said) == (0 if trusted else 1)
    assert trusted or "TRUSTED_PROXY_COUNT" in said[0]["remedy"]
