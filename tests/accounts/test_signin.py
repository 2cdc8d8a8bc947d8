"""Signing in and out, forgotten passwords, and who is kept out."""

import re

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core import mail
from django.test import Client

from tests.accounts.test_signup import Unaffordable
from tests.factories import PASSWORD, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]

URL = "/accounts/login/"
RESET = "/accounts/password/reset/"


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


class Counted(MD5PasswordHasher):
    """Stands for a hash that costs half a second: how often it was paid for."""

    times = 0

    def encode(self, password, salt):
        Counted.times += 1
        return super().encode(password, salt)


def test_an_unknown_address_takes_as_long_as_a_wrong_password(alice, settings):
    settings.PASSWORD_HASHERS = [f"{__name__}.Counted"]
    UserFactory(username="inactive", inactive=True)
    paid = []
    for email in ("alice@example.com", "nobody@example.com", "inactive@example.com"):
        before = Counted.times
        sign_in(Client(), email, "no")
        paid.append(Counted.times - before)
    assert paid == [1, 1, 1]


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


def test_a_forgotten_password_is_set_anew_by_mail_and_ends_other_sessions(client, alice):
    elsewhere = Client()
    elsewhere.force_login(alice)
    asked = client.post(RESET, {"email": "ALICE@example.com", "cf-turnstile-response": "local"})
    assert asked.status_code == 302
    [message] = mail.outbox
    assert message.to == ["alice@example.com"]
    link = re.search(r"https?://[^/]+(/accounts/password/reset/key/\S+)", message.body)[1]
    form = client.get(link)["Location"]
    assert (
        client.post(form, {"password1": "another quiet evening", "password2": "another quiet evening"}).status_code
        == 302
    )
    assert sign_in(Client(), password="another quiet evening").status_code == 302
    assert sign_in(Client()).status_code == 200
    assert not is_signed_in(elsewhere)
    assert client.get(link).status_code == 200  # used: the form says so, and sets nothing


def test_mails_are_of_the_site_whatever_the_browser_called_it(alice, settings):
    settings.SITE_NAME, settings.SITE_URL = "Nightfall", "https://night.example"
    settings.DEFAULT_FROM_EMAIL = "Nightfall <hello@night.example>"
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    for email in ("alice@example.com", "nobody@example.com"):
        words = {"email": email, "cf-turnstile-response": "local"}
        Client(headers={"host": "127.0.0.1:8321"}).post(RESET, words)
    for message, subject, way in zip(
        mail.outbox,
        ("Choose a new password", "No account with this address"),
        ("password/reset/key/", "signup/"),
        strict=True,
    ):
        assert message.subject == subject
        assert message.body.endswith("\n\nNightfall\nhttps://night.example/")
        assert f"https://night.example/accounts/{way}" in message.body
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


def test_asking_for_a_reset_tells_nothing_about_an_address(alice):
    answers = [
        Client().post(RESET, {"email": email, "cf-turnstile-response": "local"})
        for email in ("alice@example.com", "nobody@example.com")
    ]
    assert len({(answer.status_code, answer["Location"]) for answer in answers}) == 1


def test_a_flood_of_reset_mails_is_stopped_for_that_address(alice, charlie):
    def ask(email):
        return Client().post(RESET, {"email": email, "cf-turnstile-response": "local"})

    answers = [ask("alice@example.com").status_code for _ in range(7)]
    assert answers == [302] * 5 + [429] * 2
    assert len(mail.outbox) == 5
    assert ask("charlie@example.com").status_code == 302
    assert "That was a bit fast" in ask("alice@example.com").content.decode()


def test_without_the_security_check_no_mail_goes_out(client, alice):
    response = client.post(RESET, {"email": "alice@example.com", "cf-turnstile-response": "fail"})
    assert response.context["form"].errors == {"__all__": ["We couldn’t check your browser. Please try again."]}
    assert mail.outbox == []


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
