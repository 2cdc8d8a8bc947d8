"""Signing up, at the door."""

import re
import threading
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.hashers import MD5PasswordHasher
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import AgeRefusal, Mail, User
from tests.factories import PASSWORD, UserFactory
from tests.people import CODE, SIGN_UP, code_for, details, sign_up, signed_up
from tests.racing import needs_postgres, race

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]

URL = SIGN_UP
BACK = f"{URL}?next=%2Fchat%2F"
TODAY = "2026-11-20T12:00:00Z"


def born(day):
    year, month, day = day.split("-")
    return {"birth_year": year, "birth_month": month, "birth_day": day}


def test_an_adult_signs_up_and_goes_on_where_they_were(client):
    asked = client.post(URL, details(next="/chat/"))
    assert (asked.status_code, asked["Location"]) == (302, CODE)
    assert not User.objects.exists()
    response = client.post(CODE, {"code": code_for("robin@mail.com")})
    assert (response.status_code, response["Location"]) == (302, "/chat/")
    robin = User.objects.get()
    assert (robin.email, robin.username, str(robin.birth_date)) == ("robin@mail.com", "Robin_1", "1991-03-14")
    assert robin.check_password(PASSWORD)
    assert client.get("/chat/").wsgi_request.user == robin


def test_consents_are_kept_with_version_and_time(client):
    sign_up(client)
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
    assert signed_up(client, username=username).username == username


def test_an_address_has_one_account_in_any_case(client):
    UserFactory(email="robin@mail.com")
    assert sign_up(client, email="ROBIN@mail.com").context["form"].errors["code"]
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
    assert client.post(URL, details(**born("2008-11-20")))["Location"] == CODE


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
            assert Client().post(URL, details(**born("2008-11-21")))["Location"] == CODE


def test_whoever_was_born_on_29_february_waits_for_the_first_of_march(client):
    with time_machine.travel("2026-02-28T12:00:00Z", tick=False):
        assert client.post(URL, details(**born("2008-02-29")))["Location"] == "/age/"
    with time_machine.travel("2026-03-01T12:00:00Z", tick=False):
        assert Client().post(URL, details(**born("2008-02-29")))["Location"] == CODE


def test_nothing_but_the_form_can_be_set(client):
    more = {"is_staff": "on", "is_superuser": "on", "is_active": "", "premium_until": "2090-01-01", "name": "Boss"}
    robin = signed_up(client, **more)
    assert (robin.is_staff, robin.is_superuser, robin.is_active) == (False, False, True)
    assert robin.premium_until is None
    assert robin.name == ""


@pytest.mark.parametrize("url", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"])
def test_a_new_member_is_not_sent_to_another_site(client, url):
    assert sign_up(client, next=url)["Location"] == "/"
    assert User.objects.exists()


class Counted(MD5PasswordHasher):
    """Stands for a hash that costs half a second: how often it was paid for."""

    times = 0

    def encode(self, password, salt):
        Counted.times += 1
        return super().encode(password, salt)


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
    assert sign_up(client, **{"cf-turnstile-response": cloudflare.token("signup")}).status_code == 302
    assert User.objects.exists()
    assert cloudflare.questions[-1]["remoteip"] == "127.0.0.1"


def test_get_changes_nothing_and_members_need_no_form(client, alice):
    assert client.get(URL, details()).status_code == 200
    assert User.objects.count() == 1
    client.force_login(alice)
    assert client.get(f"{URL}?next=/chat/")["Location"] == "/chat/"


@pytest.mark.usefixtures("early_in_the_hour")
def test_a_flood_of_sign_ups_from_one_place_is_stopped():
    answers = [Client().post(URL, details(email=f"r{n}@mail.com", username=f"robin{n}")).status_code for n in range(22)]
    assert answers[:20] == [302] * 20
    assert answers[20:] == [429] * 2
    assert Mail.objects.count() == 20


def test_a_form_from_another_site_is_refused():
    strict = Client(enforce_csrf_checks=True)
    assert strict.post(URL, details()).status_code == 403
    assert not User.objects.exists()


@needs_postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("same", ["username", "email"])
def test_of_many_parallel_sign_ups_with_one_name_one_wins_and_the_others_read_why(same):
    def confirm(number):
        name = "RoBiN"[:number] + "robin"[number:] if same == "username" else f"robin{number}"
        email = "robin@mail.com" if same == "email" else f"r{number}@mail.com"
        browser = Client()
        browser.post(URL, details(username=name, email=email))
        code = browser.session["sign_up"]["code"]  # in one inbox they cannot be told apart
        barrier.wait()
        return browser.post(CODE, {"code": code})

    barrier = threading.Barrier(5)
    responses = race(confirm, 5)
    assert sorted(response.status_code for response in responses) == [200, 200, 200, 200, 302]
    for response in responses:
        if response.status_code == 200:
            assert same in response.context["form"].errors
            assert response.context["form"]["birth_year"].value() == "1991"
    assert User.objects.count() == 1
    assert User.objects.get().consents.count() == 3
    assert User.objects.get().emailaddress_set.get().verified


@needs_postgres
@pytest.mark.django_db(transaction=True)
def test_a_code_that_is_sent_twice_at_once_makes_one_member(client):
    client.post(URL, details(next="/chat/"))
    code, key = code_for("robin@mail.com"), client.session.session_key

    def confirm(number):
        tab = Client()
        tab.cookies["sessionid"] = key
        return tab.post(CODE, {"code": code})

    led = [(response.status_code, response["Location"]) for response in race(confirm, 3)]
    # Who comes when the others are through finds this sign-up over; nobody is refused while it is going on.
    assert (302, "/chat/") in led
    assert set(led) <= {(302, "/chat/"), (302, URL)}
    assert User.objects.count() == 1


class TestTheCode:
    """Somebody filled in the form, and is asked for the code."""

    @pytest.fixture(autouse=True)
    def _asked(self, client, settings):
        settings.REDIS_URL = ""  # whose clock does not travel
        assert client.post(URL, details(next="/chat/"))["Location"] == CODE

    def code(self):
        return code_for("robin@mail.com")

    def wrong(self):
        return "000000" if self.code() != "000000" else "111111"

    def is_member(self):
        return User.objects.filter(email="robin@mail.com").exists()

    def test_nobody_has_an_account_before_it_is_typed(self, client):
        page = client.get(CODE)
        assert 'autocomplete="one-time-code"' in page.content.decode()
        assert "robin@mail.com" in page.content.decode()
        assert self.code() not in page.content.decode()
        assert not self.is_member()
        assert client.get("/chat/").status_code == 302

    def test_makes_a_member_whose_address_is_proven(self, client):
        assert client.post(CODE, {"code": f" {self.code()[:3]}-{self.code()[3:]} "})["Location"] == "/chat/"
        robin = User.objects.get()
        assert [(str(a.email), a.verified, a.primary) for a in robin.emailaddress_set.all()] == [
            ("robin@mail.com", True, True)
        ]
        assert client.get("/chat/").status_code == 200
        assert "sign_up" not in client.session

    def test_is_good_once(self, client):
        key = client.session.session_key
        code = self.code()
        client.post(CODE, {"code": code})
        again = Client()
        again.cookies["sessionid"] = key
        assert again.post(CODE, {"code": code})["Location"] == URL
        assert User.objects.count() == 1

    def test_is_of_no_use_in_another_browser(self, client):
        stranger = Client()
        assert stranger.post(CODE, {"code": self.code()})["Location"] == URL
        stranger.post(URL, details(email="stranger@mail.com", username="stranger"))
        assert stranger.post(CODE, {"code": self.code()}).context["form"].errors["code"]
        assert not User.objects.exists()

    def test_is_over_after_three_wrong_ones(self, client):
        said = [client.post(CODE, {"code": self.wrong()}) for _ in range(2)]
        assert ["2 tries left" in said[0].content.decode(), "1 try left" in said[1].content.decode()] == [True, True]
        assert client.post(CODE, {"code": self.wrong()})["Location"] == BACK
        assert client.post(CODE, {"code": self.code()})["Location"] == BACK
        assert not self.is_member()
        assert "one try too many" in client.get(URL).content.decode()

    def test_another_one_gives_no_more_tries(self, client):
        for _ in range(2):
            client.post(CODE, {"code": self.wrong()})
        former = self.code()
        with time_machine.travel(timezone.now() + timedelta(seconds=31)):
            assert resend(client).status_code == 302
            assert self.code() != former
            assert client.post(CODE, {"code": former})["Location"] == BACK  # the third
            assert client.post(CODE, {"code": self.code()})["Location"] == BACK
        assert not self.is_member()

    def test_is_good_for_ten_minutes(self, client):
        code = self.code()
        with time_machine.travel(timezone.now() + timedelta(seconds=601)):
            assert client.post(CODE, {"code": code})["Location"] == BACK
            form = client.get(URL)
            assert "That code is over" in form.content.decode()
            assert form.context["form"]["username"].value() == "Robin_1"
        assert not self.is_member()

    def test_still_works_just_before_that(self, client):
        with time_machine.travel(timezone.now() + timedelta(seconds=590)):
            assert client.post(CODE, {"code": self.code()})["Location"] == "/chat/"

    def test_comes_again_at_most_every_half_minute(self, client):
        too_soon = resend(client)
        assert (too_soon.status_code, "That was a bit fast" in too_soon.content.decode()) == (429, True)
        assert 1 <= int(too_soon["Retry-After"]) <= 31
        assert Mail.objects.count() == 1

    def test_comes_again_five_times(self, client):
        for n in range(1, 7):
            with time_machine.travel(timezone.now() + timedelta(seconds=31 * n)):
                answer = resend(client)
                assert answer.status_code == (302 if n <= 5 else 429)
        assert Mail.objects.count() == 6

    def test_is_not_sent_again_to_scripts(self, client):
        with time_machine.travel(timezone.now() + timedelta(seconds=31)):
            answer = client.post(CODE, {"action": "resend", "cf-turnstile-response": "fail"})
        assert "We couldn’t check your browser" in answer.content.decode()
        assert Mail.objects.count() == 1

    def test_the_address_can_be_corrected_and_all_but_the_password_is_there(self, client):
        form = client.get(URL).context["form"]
        typed = {name: form[name].value() for name in form.fields}
        assert typed == {
            "email": "robin@mail.com",
            "username": "Robin_1",
            "shown": "terms:2026-11-21 privacy:2026-11-21 adult:2026-11-21",
            "password1": None,
            "birth_day": "14",
            "birth_month": "03",
            "birth_year": "1991",
            "consent": True,
        }
        former = self.code()
        assert f'href="{BACK}"' in client.get(CODE).content.decode()
        client.post(BACK, details(email="robin@example.com"))
        assert client.post(CODE, {"code": former}).context["form"].errors["code"]
        assert client.post(CODE, {"code": code_for("robin@example.com")})["Location"] == "/chat/"
        assert User.objects.get().email == "robin@example.com"

    def test_nothing_typed_is_remembered_for_longer_than_an_hour(self, client):
        assert client.session.get_expiry_age() <= 3600
        with time_machine.travel(timezone.now() + timedelta(seconds=3601)):
            assert client.get(CODE)["Location"] == URL
            assert client.get(URL).context["form"]["email"].value() is None

    def test_a_new_member_stays_signed_in_as_long_as_any(self, client):
        client.post(CODE, {"code": self.code()})
        assert client.session.get_expiry_age() == 14 * 24 * 3600

    def test_whoever_signs_in_instead_stays_as_long_as_any(self, client, alice):
        client.post("/accounts/login/", {"login": alice.email, "password": PASSWORD, "cf-turnstile-response": "local"})
        assert client.session.get_expiry_age() == 14 * 24 * 3600
        assert client.get(CODE)["Location"] == "/"

    def test_the_password_is_nowhere_in_clear(self, client):
        assert PASSWORD not in str(dict(client.session))

    def test_with_a_name_that_somebody_else_got_meanwhile_one_chooses_another(self, client):
        UserFactory(username="ROBIN_1")
        form = client.post(CODE, {"code": self.code()})
        assert "That one’s taken. Try " in form.context["form"].errors["username"][0]
        assert form.context["form"]["email"].value() == "robin@mail.com"
        assert 'name="next" value="/chat/"' in form.content.decode()
        offered = form.context["form"].errors["username"][0].removeprefix("That one’s taken. Try ").rstrip(".")
        assert sign_up(client, username=offered, next="/chat/")["Location"] == "/chat/"

    def test_an_address_that_got_an_account_meanwhile_is_said_to_its_owner(self, client):
        UserFactory(email="robin@mail.com")
        form = client.post(CODE, {"code": self.code()})
        assert "There is an account with this email already" in form.context["form"].errors["email"][0]
        assert User.objects.count() == 1


def resend(client):
    return client.post(CODE, {"action": "resend", "cf-turnstile-response": "local"})


def test_an_address_that_has_an_account_is_answered_like_any_other(settings):
    """Page by page, all but the mail is the same."""
    settings.REDIS_URL = ""  # whose clock does not travel
    UserFactory(email="known@mail.com")

    def way(email):
        browser = Client()
        answers = [browser.post(URL, details(email=email, username=f"a_{email[:2]}"))]
        answers += [browser.get(CODE), browser.post(CODE, {"code": "no"})]
        with time_machine.travel(timezone.now() + timedelta(seconds=31)):
            answers += [resend(browser), browser.get(CODE)]
        for _ in range(3):
            sent = code_for(email)
            answers.append(browser.post(CODE, {"code": "000000" if sent != "000000" else "111111"}))
        answers.append(browser.get(URL))
        return [(each.status_code, each.get("Location"), plain(each, email)) for each in answers]

    def plain(answer, email):
        text = answer.content.decode().replace(email, "ADDRESS").replace(f"a_{email[:2]}", "NAME")
        return re.sub(r'(csrfmiddlewaretoken" value|nonce|data-wait)="[^"]*"', "", text)

    assert way("known@mail.com") == way("other@mail.com")
    mails = {mail.address: mail for mail in Mail.objects.all()}
    assert mails["known@mail.com"].subject == "You already have an account"
    assert "/accounts/login/" in mails["known@mail.com"].body
    assert "/accounts/password/reset/" in mails["known@mail.com"].body
    assert code_for("known@mail.com") is None
    assert User.objects.count() == 1


def test_no_code_is_right_for_an_address_that_has_an_account(client):
    UserFactory(email="robin@mail.com")
    client.post(URL, details())
    for typed in ("", " ", "0", "None"):
        assert client.post(CODE, {"code": typed}).context["form"].errors["code"]
    assert client.session["sign_up"]["code"] == ""


def test_a_sign_up_costs_the_same_for_whoever_has_an_account():
    UserFactory(email="known@mail.com")
    asked = []
    for email in ("known@mail.com", "other@mail.com"):
        with CaptureQueriesContext(connection) as queries:
            Client().post(URL, details(email=email, username="somebody"))
        asked.append([re.sub(r"'[^']*'|%s|\d+", "?", query["sql"]) for query in queries])
    assert [query.split(" ")[:4] for query in asked[0]] == [query.split(" ")[:4] for query in asked[1]]


def test_a_password_is_hashed_for_whoever_has_an_account_too(settings):
    UserFactory(email="known@mail.com")
    settings.PASSWORD_HASHERS = [f"{__name__}.Counted"]
    paid = []
    for email in ("known@mail.com", "other@mail.com"):
        before = Counted.times
        Client().post(URL, details(email=email, username="somebody"))
        paid.append(Counted.times - before)
    assert paid == [1, 1]


@pytest.mark.usefixtures("early_in_the_hour")
def test_one_address_is_not_flooded_and_nobody_else_is_kept_out():
    def ask(email, ip):
        browser = Client(REMOTE_ADDR=ip)
        return browser.post(URL, details(email=email)).status_code

    assert [ask("robin@mail.com", "192.0.2.1") for _ in range(6)] == [302] * 5 + [429]
    assert ask("robin@mail.com", "192.0.2.2") == 302
    assert ask("kim@mail.com", "192.0.2.1") == 302
    assert {ask("robin@mail.com", f"198.51.100.{n}") for n in range(14)} == {302}
    assert ask("robin@mail.com", "203.0.113.1") == 429  # twenty a day, from anywhere


@pytest.mark.usefixtures("early_in_the_hour")
def test_a_household_with_ipv6_is_one():
    answers = [
        Client(REMOTE_ADDR=f"2001:db8::{n}").post(URL, details(email="robin@mail.com")).status_code for n in range(6)
    ]
    assert answers == [302] * 5 + [429]
    assert Client(REMOTE_ADDR="2001:db8:0:1::1").post(URL, details(email="robin@mail.com")).status_code == 302


@pytest.mark.usefixtures("early_in_the_hour")
def test_too_many_sign_ups_say_how_long_to_wait_and_keep_what_was_typed(client):
    for _ in range(5):
        client.post(URL, details())
    late = client.post(URL, details())
    assert (late.status_code, int(late["Retry-After"]) > 60) == (429, True)
    assert "That was a bit fast. Wait " in late.content.decode()
    assert late.context["form"]["username"].value() == "Robin_1"


def test_sign_up_goes_on_without_redis(client, settings):
    settings.REDIS_URL = "redis://127.0.0.1:9/0"  # nobody listens there
    assert signed_up(client).username == "Robin_1"


def test_somebody_who_says_meanwhile_that_they_are_under_age_does_not_become_a_member(client):
    client.post(URL, details())
    client.post("/age/", {"answer": "minor"})
    assert client.post(CODE, {"code": code_for("robin@mail.com")})["Location"] == "/age/"
    assert not User.objects.exists()


def test_without_a_sign_up_there_is_no_code_to_type(client):
    for answer in (client.get(CODE), client.post(CODE, {"code": "123456"}), resend(client)):
        assert (answer.status_code, answer["Location"]) == (302, URL)
