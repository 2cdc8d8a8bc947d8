"""Signing in and out, and who is kept out."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.accounts.test_signup import Counted, Unaffordable
from tests.factories import PASSWORD, UserFactory
from tests.mails import delivered
from tests.people import PROVE, RESET, SIGN_IN, code_for

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]

URL = SIGN_IN


def sign_in(client, email="alice@example.com", password=PASSWORD, **more):
    return client.post(URL, {"login": email, "password": password, "cf-turnstile-response": "local", **more})


def is_signed_in(client):
    return client.get("/chat/").status_code != 302


@pytest.mark.parametrize("email", ["alice@example.com", "ALICE@Example.COM", " alice@example.com "])
def test_an_address_signs_in_in_any_case(client, alice, email):
    assert sign_in(client, email)["Location"] == "/"
    assert is_signed_in(client)


def test_a_username_does_not_sign_in(client, alice):
    assert sign_in(client, "alice").status_code == 200
    assert not is_signed_in(client)


def test_the_session_id_changes_at_the_door(client, alice):
    session = client.session
    session["theme"] = "dark"
    session.save()
    client.cookies["sessionid"] = session.session_key
    sign_in(client)
    assert client.cookies["sessionid"].value != session.session_key


def test_what_is_private_asks_for_sign_in_and_comes_back(client, alice):
    asked = client.get("/chat/")
    assert asked["Location"] == "/accounts/login/?next=/chat/"
    assert 'name="next" value="/chat/"' in client.get(asked["Location"]).content.decode()
    assert sign_in(client, next="/chat/")["Location"] == "/chat/"


@pytest.mark.parametrize(
    "url", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", "http:evil.example"]
)
def test_nobody_is_sent_to_another_site(client, alice, url):
    assert sign_in(client, next=url)["Location"] == "/"


def test_the_short_addresses_lead_to_the_forms_and_keep_where_one_was(client):
    assert client.get("/signin?next=/chat/")["Location"] == "/accounts/login/?next=/chat/"
    assert client.get("/reset-password?next=/chat/")["Location"] == "/accounts/password/reset/?next=/chat/"


def test_a_wrong_password_and_an_unknown_address_look_the_same(alice):
    def words(response):
        assert response.status_code == 200
        text = re.sub(
            r'(csrfmiddlewaretoken|csrf-token|nonce)"? (value|content)?="?[^"]*"', "", response.content.decode()
        )
        return re.sub(r"(alice|nobody)@example.com", "", text)

    wrong, unknown = sign_in(Client(), password="no"), sign_in(Client(), "nobody@example.com", "no")
    assert wrong.context["form"].errors == unknown.context["form"].errors
    assert words(wrong) == words(unknown)


def test_an_unknown_address_takes_as_long_as_a_wrong_password(alice, settings):
    settings.PASSWORD_HASHERS = [f"{Counted.__module__}.Counted"]
    UserFactory(username="inactive", inactive=True)
    paid = []
    for email in ("alice@example.com", "nobody@example.com", "inactive@example.com"):
        before = Counted.times
        sign_in(Client(), email, "no")
        paid.append(Counted.times - before)
    assert paid == [1, 1, 1]


def test_an_unknown_address_asks_the_database_as_much_as_a_wrong_password(alice):
    UserFactory(username="inactive", inactive=True)
    asked = []
    for email in ("alice@example.com", "nobody@example.com", "inactive@example.com"):
        with CaptureQueriesContext(connection) as queries:
            sign_in(Client(), email, "no")
        asked.append([query["sql"].split()[:2] for query in queries])
    assert asked[0] == asked[1] == asked[2]


def test_after_five_wrong_passwords_that_address_is_locked_and_others_are_not(alice, charlie):
    for _ in range(6):
        assert sign_in(Client(), password="wrong").status_code == 200
    locked = Client()
    assert "Too many tries" in str(sign_in(locked, "Alice@example.com").context["form"].errors)
    assert not is_signed_in(locked)
    assert sign_in(Client(), "charlie@example.com").status_code == 302


def test_without_the_security_check_no_password_is_looked_at(client, alice, settings):
    settings.PASSWORD_HASHERS = [f"{Unaffordable.__module__}.Unaffordable"]
    response = sign_in(client, **{"cf-turnstile-response": "fail"})
    assert response.context["form"].errors == {"__all__": ["We couldn’t check your browser. Please try again."]}
    assert not is_signed_in(client)


def test_with_keys_a_token_made_for_another_form_does_not_sign_in(client, alice, cloudflare):
    assert sign_in(client, **{"cf-turnstile-response": cloudflare.token("signup")}).status_code == 200
    assert sign_in(client, **{"cf-turnstile-response": cloudflare.token("login")}).status_code == 302


def test_signing_out_ends_the_session_everywhere_it_was_copied(client, alice):
    client.force_login(alice)
    copy = Client()
    copy.cookies["sessionid"] = client.cookies["sessionid"].value
    assert is_signed_in(copy)
    assert client.get("/accounts/logout/").status_code == 200  # asks, and does nothing
    assert is_signed_in(copy)
    client.post("/accounts/logout/")
    assert not is_signed_in(copy)


def test_a_deactivated_member_cannot_sign_in(client):
    UserFactory(username="gone", inactive=True)
    assert sign_in(client, "gone@example.com")["Location"] == "/accounts/inactive/"
    assert client.get("/accounts/inactive/").status_code == 200
    assert not is_signed_in(client)


def test_a_deactivated_member_is_out_at_the_next_request(client, alice):
    client.force_login(alice)
    assert is_signed_in(client)
    alice.is_active = False
    alice.save()
    assert not is_signed_in(client)


def test_mails_are_of_the_site_whatever_the_browser_called_it(alice, settings):
    settings.SITE_NAME, settings.SITE_URL = "Nightfall", "https://night.example"
    settings.DEFAULT_FROM_EMAIL = "Nightfall <hello@night.example>"
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    for email in ("alice@example.com", "nobody@example.com"):
        words = {"email": email, "cf-turnstile-response": "local"}
        Client(headers={"host": "127.0.0.1:8321"}).post(RESET, words)
    for message, subject, way in zip(
        delivered(),
        ("Your code is ", "No account with this address"),
        ("", "accounts/signup/"),
        strict=True,
    ):
        assert message.subject.startswith(subject)
        assert message.body.endswith("\n\nNightfall\nhttps://night.example/")
        assert f"https://night.example/{way}" in message.body
        assert "127.0.0.1" not in message.body
        assert "\n\n\n" not in message.body


def test_what_is_wrong_with_a_form_is_a_sentence(client, alice):
    def summary(url, **fields):
        html = client.post(url, {"cf-turnstile-response": "local", **fields}).content.decode()
        return " ".join(re.sub(r"<[^>]+>", "", re.search(r'role="alert".*?</div>\s*</div>', html, re.S)[0]).split())

    everything = (
        "Please check email, username, password, day of birth, month of birth, year of birth and the box at the end."
    )
    assert summary("/accounts/signup/").endswith(everything)
    assert summary(URL).endswith("Please check email and password.")
    assert summary(RESET).endswith("Please check email.")


def test_a_changed_password_ends_other_sessions_and_not_this_one(client, alice):
    elsewhere = Client()
    for browser in (client, elsewhere):
        sign_in(browser)
    new = {"oldpassword": PASSWORD, "password1": "another quiet evening", "password2": "another quiet evening"}
    assert client.post("/accounts/password/change/", new).status_code == 302
    assert is_signed_in(client)
    assert not is_signed_in(elsewhere)
    assert sign_in(Client()).status_code == 200
    assert sign_in(Client(), password="another quiet evening").status_code == 302


def test_a_wrong_old_password_changes_nothing(client, alice):
    client.force_login(alice)
    new = {"oldpassword": "guess", "password1": "another quiet evening", "password2": "another quiet evening"}
    assert client.post("/accounts/password/change/", new).status_code == 200
    assert sign_in(Client()).status_code == 302


def test_signing_in_and_its_limit_go_on_without_redis(alice, charlie, settings):
    settings.CACHES = {
        "default": {
            "BACKEND": "config.lib.cache.ForgivingRedisCache",
            "LOCATION": "redis://127.0.0.1:9",  # nobody listens there
            "KEY_PREFIX": settings.CACHES["default"]["KEY_PREFIX"],
        }
    }
    for _ in range(6):
        assert sign_in(Client(), password="wrong").status_code == 200
    assert sign_in(Client()).status_code == 200
    assert sign_in(Client(), "charlie@example.com").status_code == 302


def test_nobody_adds_or_takes_an_address_that_is_not_proven_theirs(client, alice, charlie):
    client.force_login(alice)
    for address in ("charlie@example.com", "nobody@example.com"):
        for action in ("action_add", "action_primary", "action_remove"):
            response = client.post("/accounts/email/", {action: "", "email": address})
            assert response.status_code in (200, 302)
    alice.refresh_from_db()
    assert alice.email == "alice@example.com"
    assert [str(address.email) for address in alice.emailaddress_set.all()] == ["alice@example.com"]


class TestAnAddressThatIsNotProven:
    """Whom staff or a command made, and who was a member before there were codes, proves it while signing in."""

    @pytest.fixture(autouse=True)
    def _made_by_staff(self):
        self.kim = UserFactory(username="kim", proven=False)

    def test_is_proven_by_a_code_which_leads_where_one_was_going(self, client):
        assert sign_in(client, "kim@example.com", next="/chat/")["Location"] == PROVE
        assert not is_signed_in(client)
        page = client.get(PROVE).content.decode()
        assert "kim@example.com" in page
        assert 'autocomplete="one-time-code"' in page
        assert client.post(PROVE, {"code": code_for("kim@example.com")})["Location"] == "/chat/"
        assert is_signed_in(client)
        assert sign_in(again := Client(), "kim@example.com")["Location"] == "/"
        assert is_signed_in(again)

    def test_takes_three_wrong_codes_and_then_begins_anew(self, client):
        sign_in(client, "kim@example.com")
        code = code_for("kim@example.com")
        wrong = "000000" if code != "000000" else "111111"
        assert client.post(PROVE, {"code": "12"}).status_code == 200  # a slip
        assert [client.post(PROVE, {"code": wrong}).status_code for _ in range(2)] == [200, 200]
        assert client.post(PROVE, {"code": wrong})["Location"] == URL
        assert client.post(PROVE, {"code": code})["Location"] == URL
        assert not is_signed_in(client)

    def test_gets_another_code(self, client, settings):
        settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "here"}}
        sign_in(client, "kim@example.com")
        former = code_for("kim@example.com")
        with time_machine.travel(timezone.now() + timedelta(seconds=31)):
            assert client.post(PROVE, {"action": "resend", "cf-turnstile-response": "fail"}).status_code == 200
            assert code_for("kim@example.com") == former
            again = client.post(PROVE, {"action": "resend", "cf-turnstile-response": "local"})
            assert (again.status_code, again["Location"]) == (302, PROVE)
            assert client.post(PROVE, {"code": former}).status_code == 200
            assert client.post(PROVE, {"code": code_for("kim@example.com")})["Location"] == "/"

    def test_that_was_corrected_meanwhile_does_not_come_back(self, client):
        sign_in(client, "kim@example.com")
        code = code_for("kim@example.com")
        self.kim.email = "kim@mail.com"
        self.kim.save()
        assert client.post(PROVE, {"code": code}).status_code == 302
        assert not is_signed_in(client)
        self.kim.refresh_from_db()
        assert self.kim.email == "kim@mail.com"

    def test_is_of_no_use_in_another_browser(self, client):
        sign_in(client, "kim@example.com")
        assert Client().post(PROVE, {"code": code_for("kim@example.com")})["Location"] == URL

    def test_is_good_for_ten_minutes(self, client):
        sign_in(client, "kim@example.com")
        with time_machine.travel(timezone.now() + timedelta(seconds=601)):
            assert client.post(PROVE, {"code": code_for("kim@example.com")})["Location"] == URL
        assert not is_signed_in(client)

    def test_whoever_has_no_code_signs_in_as_somebody_else(self, client, alice):
        sign_in(client, "kim@example.com")
        assert client.get(URL)["Location"] == PROVE
        assert client.post("/accounts/logout/", {"next": URL})["Location"] == URL
        assert sign_in(client)["Location"] == "/"


def test_a_passkey_is_offered_where_browsers_can(client):
    html = client.get(f"{URL}?next=/chat/").content.decode()
    form = re.search(r'<form[^>]*data-passkey="sign-in".*?</form>', html, re.S)[0]
    assert "hidden" in form.split(">")[0]
    assert 'name="next" value="/chat/"' in form
    options = client.get("/accounts/2fa/webauthn/login/", headers={"accept": "application/json"}).json()
    assert options["request_options"]["publicKey"]["userVerification"] == "required"
    made_up = client.post("/accounts/2fa/webauthn/login/", {"credential": "{}"})
    assert (made_up.status_code, made_up["Location"]) == (302, URL)
    assert not is_signed_in(client)
