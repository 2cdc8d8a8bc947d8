"""Signing up, at the door."""

import pytest
import time_machine
from django.contrib.auth.hashers import MD5PasswordHasher
from django.test import Client

from accounts.models import AgeRefusal, User
from tests.factories import PASSWORD, UserFactory
from tests.racing import needs_postgres, race

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]

URL = "/accounts/signup/"
TODAY = "2026-11-20T12:00:00Z"


def details(**changes):
    return {
        "email": "Robin@Mail.com",
        "username": "Robin_1",
        "password1": PASSWORD,
        "birth_day": "14",
        "birth_month": "03",
        "birth_year": "1991",
        "consent": "on",
        "cf-turnstile-response": "local",
        **changes,
    }


def born(day):
    year, month, day = day.split("-")
    return {"birth_year": year, "birth_month": month, "birth_day": day}


def test_an_adult_signs_up_and_goes_on_where_they_were(client):
    response = client.post(URL, details(next="/chat/"))
    assert response.status_code == 302
    assert response["Location"] == "/chat/"
    robin = User.objects.get()
    assert (robin.email, robin.username, str(robin.birth_date)) == ("robin@mail.com", "Robin_1", "1991-03-14")
    assert robin.check_password(PASSWORD)
    assert client.get("/chat/").wsgi_request.user == robin


def test_consents_are_kept_with_version_and_time(client):
    client.post(URL, details())
    consents = User.objects.get().consents.all()
    assert {consent.document for consent in consents} == {"terms", "privacy", "adult"}
    assert all(consent.version and consent.given_at for consent in consents)


@pytest.mark.parametrize(
    "missing", ["email", "username", "password1", "birth_day", "birth_month", "birth_year", "consent"]
)
def test_every_part_of_the_form_is_needed(client, missing):
    response = client.post(URL, details(**{missing: ""}))
    assert response.status_code == 200
    assert response.context["form"].errors[missing]
    assert not User.objects.exists()


@pytest.mark.parametrize(
    "username",
    [
        "ab",
        "a" * 31,
        ".robin",
        "robin.",
        "ro bin",
        "rob-in",
        "r\u043ebin",  # a Cyrillic o
        "robin\u200b",
        "ro\x00bin",
        "<b>robin</b>",
        "admin",
        "Ad.min_",
        "SUPPORT",
        "api",
        "ALICE",
    ],
)
def test_names_that_are_taken_reserved_or_misleading_are_refused(client, alice, username):
    response = client.post(URL, details(username=username))
    assert response.status_code == 200
    assert response.context["form"].errors["username"]
    assert User.objects.get() == alice


@pytest.mark.parametrize("username", ["rob", "r" * 30, "ro.b_in", "_robin_", "007"])
def test_plain_names_are_welcome(client, username):
    assert client.post(URL, details(username=username)).status_code == 302
    assert User.objects.get().username == username


def test_an_address_has_one_account_in_any_case(client):
    UserFactory(email="robin@mail.com")
    response = client.post(URL, details(email="ROBIN@mail.com"))
    assert response.context["form"].errors["email"]
    assert User.objects.count() == 1


@pytest.mark.parametrize("password", ["short", "password123", "robin@mail.com"])
def test_guessable_passwords_are_refused(client, password):
    assert client.post(URL, details(password1=password)).context["form"].errors["password1"]
    assert not User.objects.exists()


@pytest.mark.parametrize("day", ["1991-02-30", "1991-13-01", "1899-01-01", "2090-01-01", "99999999999999999999-1-1"])
def test_a_birth_date_is_a_real_date(client, day):
    response = client.post(URL, details(**born(day)))
    assert response.context["form"].errors["birth_day"] == ["Enter a real date: day, month, year."]
    assert not User.objects.exists()
    assert not AgeRefusal.objects.exists()


@pytest.mark.parametrize("year", ["x", "19 91", "1.5", "NaN", "\x00"])
def test_a_birth_date_is_made_of_numbers(client, year):
    assert client.post(URL, details(birth_year=year)).context["form"].errors["birth_year"]


@time_machine.travel(TODAY, tick=False)
def test_somebody_who_turns_eighteen_today_is_welcome(client):
    assert client.post(URL, details(**born("2008-11-20"))).status_code == 302
    assert User.objects.exists()


class TestTooYoung:
    """One day short of eighteen."""

    @pytest.fixture(autouse=True)
    def _refused(self, client):
        with time_machine.travel(TODAY, tick=False):
            response = client.post(URL, details(**born("2008-11-21")))
            assert (response.status_code, response["Location"]) == (302, "/age/")
            yield

    def test_is_told_so_kindly(self, client):
        page = client.get("/age/")
        assert page.status_code == 200
        assert "agegate_minor.html" in [template.name for template in page.templates]
        assert not User.objects.exists()

    def test_meets_no_character_in_that_browser(self, client, mara):
        for url in ("/", "/girls/mara/"):
            page = client.get(url)
            assert "agegate_minor.html" in [template.name for template in page.templates]
            assert b"Mara" not in page.content

    def test_finds_the_form_closed_in_that_browser(self, client):
        for response in (client.get(URL), client.post(URL, details(email="other@mail.com"))):
            assert (response.status_code, response["Location"]) == (302, "/age/")
        assert not User.objects.exists()

    def test_cannot_say_otherwise_at_the_gate(self, client, mara):
        client.post("/age/", {"answer": "adult", "next": "/"})
        assert b"Mara" not in client.get("/").content

    def test_is_known_by_the_address_in_another_browser_with_another_date(self):
        response = Client().post(URL, details(email="robin@MAIL.com"))
        assert (response.status_code, response["Location"]) == (302, "/age/")
        assert not User.objects.exists()

    def test_leaves_no_address_behind(self):
        refusal = AgeRefusal.objects.get()
        assert "robin" not in "".join(str(value) for value in vars(refusal).values())

    def test_stays_known_when_the_secret_key_changes(self, settings):
        settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
        settings.SECRET_KEY = "another" * 10
        assert Client().post(URL, details())["Location"] == "/age/"

    def test_is_welcome_on_the_birthday(self):
        with time_machine.travel("2026-11-21T12:00:00Z", tick=False):
            Client().post(URL, details(**born("2008-11-21")))
        assert User.objects.get().email == "robin@mail.com"


def test_whoever_was_born_on_29_february_waits_for_the_first_of_march(client):
    with time_machine.travel("2026-02-28T12:00:00Z", tick=False):
        client.post(URL, details(**born("2008-02-29")))
        assert not User.objects.exists()
    with time_machine.travel("2026-03-01T12:00:00Z", tick=False):
        Client().post(URL, details(**born("2008-02-29")))
        assert User.objects.exists()


def test_nothing_but_the_form_can_be_set(client):
    more = {"is_staff": "on", "is_superuser": "on", "is_active": "", "premium_until": "2090-01-01", "name": "Boss"}
    client.post(URL, details(**more))
    robin = User.objects.get()
    assert (robin.is_staff, robin.is_superuser, robin.is_active) == (False, False, True)
    assert robin.premium_until is None
    assert robin.name == ""


@pytest.mark.parametrize("url", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"])
def test_a_new_member_is_not_sent_to_another_site(client, url):
    assert client.post(URL, details(next=url))["Location"] == "/"
    assert User.objects.exists()


class Unaffordable(MD5PasswordHasher):
    """Stands for a hash that costs half a second of our time."""

    def encode(self, password, salt):
        raise AssertionError("a password was hashed")


@pytest.mark.parametrize("token", ["fail", "", "x" * 2049, "töken"])
def test_without_the_security_check_nothing_happens_and_nothing_is_told(client, settings, token):
    UserFactory(email="robin@mail.com", username="robin_1")
    settings.PASSWORD_HASHERS = [f"{__name__}.Unaffordable"]
    response = client.post(URL, details(**{"cf-turnstile-response": token}))
    assert response.status_code == 200
    assert response.context["form"].errors == {"__all__": ["We couldn’t check your browser. Please try again."]}
    assert User.objects.count() == 1


def test_with_keys_a_token_of_cloudflare_is_needed(client, cloudflare):
    assert client.post(URL, details()).status_code == 200
    assert not User.objects.exists()
    assert client.post(URL, details(**{"cf-turnstile-response": cloudflare.token("signup")})).status_code == 302
    assert User.objects.exists()
    assert cloudflare.questions[-1]["remoteip"] == "127.0.0.1"


def test_get_changes_nothing_and_members_need_no_form(client, alice):
    assert client.get(URL, details()).status_code == 200
    assert User.objects.count() == 1
    client.force_login(alice)
    assert client.get(f"{URL}?next=/chat/")["Location"] == "/chat/"


def test_a_flood_of_sign_ups_from_one_place_is_stopped():
    answers = [Client().post(URL, details(email=f"r{n}@mail.com", username=f"robin{n}")).status_code for n in range(22)]
    assert answers[:20] == [302] * 20
    assert answers[20:] == [429] * 2
    assert User.objects.count() == 20


def test_a_form_from_another_site_is_refused():
    strict = Client(enforce_csrf_checks=True)
    assert strict.post(URL, details()).status_code == 403
    assert not User.objects.exists()


@needs_postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("same", ["username", "email"])
def test_of_many_parallel_sign_ups_with_one_name_one_wins_and_the_others_read_why(same):
    def sign_up(number):
        name = "RoBiN"[:number] + "robin"[number:] if same == "username" else f"robin{number}"
        email = "robin@mail.com" if same == "email" else f"r{number}@mail.com"
        return Client().post(URL, details(username=name, email=email))

    responses = race(sign_up, 5)
    assert sorted(response.status_code for response in responses) == [200, 200, 200, 200, 302]
    for response in responses:
        if response.status_code == 200:
            assert same in response.context["form"].errors
    assert User.objects.count() == 1
    assert User.objects.get().consents.count() == 3
