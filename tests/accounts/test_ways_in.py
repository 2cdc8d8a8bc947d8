"""Google and Apple as a way in, at the doors, with each played by a real HTTP server."""

import json
import time

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from allauth.socialaccount.models import SocialAccount, SocialToken
from django.test import Client
from django.urls import reverse

from accounts import providers
from accounts.models import AgeRefusal, Consent, Mail, User
from tests.config.test_pages import Page
from tests.factories import PASSWORD, UserFactory
from tests.fakes.ways_in import APPLE_KEY, APPLE_PRIVATE_KEY, APPLE_TEAM, CLIENTS, GOOGLE_SECRET, back, way_in

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]

SIGN_UP, CONNECTIONS = "/accounts/3rdparty/signup/", "/accounts/3rdparty/"


@pytest.fixture(params=["google", "apple"])
def them(request, settings):
    """One of the two, on and played here; the other one is off."""
    apps = {
        "google": {"client_id": CLIENTS["google"], "secret": GOOGLE_SECRET},
        "apple": {
            "client_id": CLIENTS["apple"],
            "secret": APPLE_KEY,
            "key": APPLE_TEAM,
            "settings": {"certificate_key": APPLE_PRIVATE_KEY},
        },
    }
    on = {name: {**of_it, "APPS": []} for name, of_it in settings.SOCIALACCOUNT_PROVIDERS.items()}
    on[request.param]["APPS"] = [apps[request.param]]
    settings.SOCIALACCOUNT_PROVIDERS = on
    with way_in(request.param) as fake:
        providers.find(*((fake.url, "") if request.param == "google" else ("", fake.url)))
        yield fake
        providers.find("", "")


@pytest.fixture
def robin(them):
    """A member who signs in by them, and has a password, too."""
    robin = UserFactory(email="robin@gmail.example", username="robin")
    SocialAccount.objects.create(user=robin, provider=them.provider, uid="1001", extra_data={})
    return robin


def begin(client, them, **more):
    """Press the button; what they are asked."""
    answer = client.post(f"/accounts/{them.provider}/login/", more)
    assert answer.status_code == 302
    assert answer["Location"].startswith(them.url)
    return them.reads(answer["Location"])


def come_back(client, them, consent, answer, **options):
    """Bring their answer here; Apple's comes as a form from another site, without the cookies of ours."""
    path, form = back(them, consent, answer)
    if not form:
        return client.get(path, **options)
    without = Client()  # a form from elsewhere: SameSite keeps the session at home
    answer = without.post(path, form)
    for name, morsel in without.cookies.items():
        client.cookies[name] = morsel.value
    if answer.status_code != 302:
        return answer
    return client.get(answer["Location"], **options)


def go(client, them, *, agrees=True, **more):
    """There and back again."""
    consent = begin(client, them, **more)
    return come_back(client, them, consent, them.agrees(consent) if agrees else them.refuses(consent))


def rest(**changes):
    return {
        "username": "robin",
        "birth_day": "14",
        "birth_month": "3",
        "birth_year": "1991",
        "consent": "on",
        **changes,
    }


def is_signed_in(client):
    return client.get("/chat/").status_code == 200


def words(answer):
    return " ".join(Page(answer).text.split())


# --- Becoming a member ---------------------------------------------------------------------------------


def test_a_new_member_is_asked_for_the_rest_before_there_is_an_account(client, them):
    answer = go(client, them, next="/plans/")
    assert answer["Location"] == SIGN_UP
    page = client.get(SIGN_UP)
    assert "robin@gmail.example" in words(page)
    assert 'name="email"' not in page.content.decode()
    assert not User.objects.exists()
    assert not SocialAccount.objects.exists()
    done = client.post(SIGN_UP, rest())
    assert done["Location"] == "/plans/"
    assert is_signed_in(client)
    robin = User.objects.get()
    assert (robin.email, robin.username, str(robin.birth_date)) == ("robin@gmail.example", "robin", "1991-03-14")
    assert not robin.has_usable_password()
    assert EmailAddress.objects.get(user=robin, email=robin.email).verified
    assert Consent.objects.filter(user=robin).count() == 3


def test_of_them_is_kept_who_it_is_and_the_address_and_nothing_else(client, them):
    them.person |= {"picture": "https://x.example/p.jpg", "given_name": "Robin", "family_name": "Hale"}
    go(client, them)
    assert "SECRET" not in json.dumps(dict(client.session))
    assert "Hale" not in json.dumps(dict(client.session))
    client.post(SIGN_UP, rest())
    account = SocialAccount.objects.get()
    assert (account.provider, account.uid, account.extra_data) == (
        them.provider,
        "1001",
        {"email": "robin@gmail.example"},
    )
    assert not SocialToken.objects.exists()
    assert "SECRET" not in json.dumps(dict(client.session))


def test_what_they_are_asked_for_is_the_address_only(client, them):
    assert begin(client, them).scope == {"google": {"openid", "email"}, "apple": {"email"}}[them.provider]


def test_the_address_that_they_proved_cannot_be_exchanged_for_another(client, them):
    go(client, them)
    client.post(SIGN_UP, rest(email="victim@example.com"))
    assert User.objects.get().email == "robin@gmail.example"


@pytest.mark.parametrize(
    "wrong",
    [
        {"username": ""},
        {"username": "admin"},
        {"birth_day": "31", "birth_month": "2"},
        {"consent": ""},
        {"birth_year": ""},
    ],
)
def test_without_the_rest_there_is_no_account(client, them, wrong):
    go(client, them)
    answer = client.post(SIGN_UP, {name: value for name, value in rest(**wrong).items() if value})
    assert answer.status_code == 200
    assert not User.objects.exists()
    assert client.post(SIGN_UP, rest()).status_code == 302


@pytest.mark.parametrize("told", [{"email_verified": False}, {"email_verified": None}, {"email": None}, {"email": "x"}])
def test_an_address_that_they_did_not_prove_is_proven_like_any_other_first(client, them, told):
    them.person |= told
    answer = go(client, them)
    assert answer["Location"] == "/accounts/signup/"
    assert "Sign up with one, then connect" in words(client.get(answer["Location"]))
    assert client.post(SIGN_UP, rest())["Location"] == "/accounts/login/"
    assert not User.objects.exists()


def test_a_username_that_is_taken_is_told_beside_the_field(client, them):
    UserFactory(username="Robin")
    go(client, them)
    assert "That one’s taken. Try " in words(client.post(SIGN_UP, rest()))


def test_who_is_under_age_is_turned_away_and_remembered(client, them):
    go(client, them)
    minor = client.post(SIGN_UP, rest(birth_year="2015"))
    assert minor["Location"] == "/age/"
    assert AgeRefusal.objects.count() == 1
    assert not User.objects.exists()
    again = Client()
    go(again, them)
    assert again.post(SIGN_UP, rest())["Location"] == "/age/"
    assert not User.objects.exists()
    assert go(client, them)["Location"] == "/age/"


def test_nobody_comes_to_the_rest_without_them(client, them):
    assert client.get(SIGN_UP)["Location"] == "/accounts/login/"
    assert client.post(SIGN_UP, rest())["Location"] == "/accounts/login/"
    assert not User.objects.exists()


def test_the_rest_is_done_once(client, them):
    go(client, them)
    client.post(SIGN_UP, rest())
    other = Client()
    assert other.post(SIGN_UP, rest())["Location"] == "/accounts/login/"
    assert client.post(SIGN_UP, rest(username="robin_2"))["Location"] == "/"
    assert User.objects.count() == 1


# --- Who is a member already ---------------------------------------------------------------------------


def test_a_member_comes_in_and_goes_on_where_they_were(client, them, robin):
    assert go(client, them, next="/plans/")["Location"] == "/plans/"
    assert is_signed_in(client)


@pytest.mark.parametrize("url", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_nobody_is_sent_to_another_site(client, them, robin, url):
    assert go(client, them, next=url)["Location"] == "/"


def test_an_address_that_has_an_account_is_not_connected_silently(client, them):
    robin = UserFactory(email="robin@gmail.example")
    answer = go(client, them)
    assert answer["Location"] == "/accounts/login/?next=/account/security/"
    assert "Sign in to it, then connect" in words(client.get(answer["Location"]))
    assert not is_signed_in(client)
    assert not SocialAccount.objects.exists()
    client.force_login(robin)
    assert client.get(SIGN_UP)["Location"] == "/"


def test_the_second_step_is_asked_for_all_the_same(client, them, robin):
    TOTP.activate(robin, generate_totp_secret())
    assert go(client, them)["Location"].startswith("/accounts/2fa/authenticate/")
    assert not is_signed_in(client)


def test_who_was_deactivated_does_not_come_in(client, them, robin):
    User.objects.filter(pk=robin.pk).update(is_active=False)
    assert go(client, them)["Location"] == "/accounts/inactive/"
    assert not is_signed_in(client)


def test_another_person_there_is_another_person_here(client, them, robin):
    them.person |= {"sub": "2002", "email": "other@gmail.example"}
    assert go(client, them)["Location"] == SIGN_UP


# --- What goes wrong ------------------------------------------------------------------------------------


def test_calling_it_off_is_fine(client, them):
    page = client.get(go(client, them, agrees=False)["Location"])
    assert page.status_code == 200
    assert "nothing has changed" in words(page)
    assert Page(page).is_ours()


@pytest.mark.parametrize(
    "broken",
    [
        (500, "oh no"),
        (503, ""),
        (200, "<html>maintenance</html>"),
        (200, "[]"),
        (200, "{}"),
        (200, "null"),
        (200, '{"access_token": "x"}'),
        (200, '{"access_token": "x", "id_token": "not.a.token"}'),
        (200, '{"access_token": "x", "id_token": 7}'),
        (400, '{"error": "invalid_grant"}'),
    ],
)
def test_an_answer_that_is_none_has_a_page_of_ours(client, them, robin, broken):
    consent = begin(client, them)
    answer = them.agrees(consent)
    answer.pop("id_token", None)
    them.instead = [broken]
    page = come_back(client, them, consent, answer)
    assert page.status_code == 401
    assert "That didn’t work" in words(page)
    assert Page(page).is_ours()
    assert not is_signed_in(client)


@pytest.mark.parametrize(
    "claims",
    [{"iss": "https://evil.example"}, {"aud": "somebody-else"}, {"exp": 1}, {"sub": None}, {"sub": ""}, {"sub": 7}],
)
def test_a_token_that_is_not_for_us_lets_nobody_in(client, them, robin, claims):
    them.claims = claims
    assert go(client, them).status_code == 401
    assert not is_signed_in(client)


def test_them_being_away_has_a_page_of_ours(client, them, robin):
    consent = begin(client, them)
    answer = them.agrees(consent)
    providers.find("http://127.0.0.1:9", "http://127.0.0.1:9")
    page = come_back(client, them, consent, answer)
    assert page.status_code == 401
    assert Page(page).is_ours()
    assert not is_signed_in(client)


def test_an_answer_is_good_once_and_for_the_browser_that_asked(client, them, robin):
    consent = begin(client, them)
    answer = them.agrees(consent)
    stranger = Client()
    assert come_back(stranger, them, consent, answer).status_code == 401
    assert not is_signed_in(stranger)
    assert come_back(client, them, consent, answer)["Location"] == "/"
    client.logout()
    assert come_back(client, them, consent, them.agrees(consent)).status_code == 401
    assert not is_signed_in(client)


@pytest.mark.parametrize(
    "query", ["", "?code=x", "?state=x", "?code=x&state=x", "?error=access_denied", "?state=%00&code=%00"]
)
def test_a_callback_that_nobody_asked_for_lets_nobody_in(client, them, query):
    path = "/accounts/google/login/callback/" if them.provider == "google" else "/accounts/apple/login/callback/finish/"
    assert client.get(path + query).status_code == 401


# --- Connecting and disconnecting ------------------------------------------------------------------------


@pytest.fixture
def alice_signed_in(client, alice):
    """A member who just showed who it is."""
    client.force_login(alice)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    return alice


def test_a_member_connects_and_hears_of_it(client, them, alice_signed_in):
    alice = alice_signed_in
    assert go(client, them, process="connect")["Location"] == "/account/security/#connected"
    assert SocialAccount.objects.get(user=alice).uid == "1001"
    page = client.get("/account/security/")
    assert f"{them.provider.capitalize()} is connected." in words(page)
    assert "robin@gmail.example" in words(page)
    mail = Mail.objects.get(template="socialaccount/email/account_connected")
    assert mail.to == alice.email
    assert alice.email != "robin@gmail.example"
    User.objects.get(email=alice.email)


def test_what_signs_somebody_else_in_is_not_taken_from_them(client, them, robin, alice_signed_in):
    go(client, them, process="connect")
    assert SocialAccount.objects.get().user == robin
    assert "signs somebody else in already" in words(client.get("/account/security/"))


def test_connecting_and_disconnecting_want_to_know_who_it_is(client, them, robin):
    client.force_login(robin)
    assert "reauthenticate" in client.post(CONNECTIONS, {"account": robin.socialaccount_set.get().pk})["Location"]
    assert SocialAccount.objects.exists()
    them.person["sub"] = "3003"
    assert "reauthenticate" in go(client, them, process="connect")["Location"]
    assert SocialAccount.objects.count() == 1
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})  # and then it goes on by itself
    assert SocialAccount.objects.filter(user=robin).count() == 2


def test_a_member_disconnects_and_hears_of_it(client, them, alice_signed_in):
    go(client, them, process="connect")
    answer = client.post(CONNECTIONS, {"account": SocialAccount.objects.get().pk})
    assert answer["Location"] == "/account/security/#connected"
    assert not SocialAccount.objects.exists()
    assert Mail.objects.filter(template="socialaccount/email/account_disconnected").exists()


def test_the_only_way_in_stays(client, them):
    go(client, them)
    client.post(SIGN_UP, rest())
    robin, account = User.objects.get(), SocialAccount.objects.get()
    client.post(CONNECTIONS, {"account": account.pk})
    assert "Set a password first" in words(client.get("/account/security/"))
    assert SocialAccount.objects.exists()
    Authenticator.objects.create(user=robin, type=Authenticator.Type.WEBAUTHN, data={})
    session = client.session
    shown = {"method": "mfa", "at": time.time(), "reauthenticated": True}
    session["account_authentication_methods"] = [shown]
    session.save()
    client.post(CONNECTIONS, {"account": account.pk})
    assert not SocialAccount.objects.exists()


@pytest.mark.parametrize("number", ["", "0", "x", "-1", "9" * 30, "١"])
def test_nobody_disconnects_what_is_not_theirs(client, them, robin, alice_signed_in, number):
    assert client.post(CONNECTIONS, {"account": number}).status_code == 404
    assert client.post(CONNECTIONS, {"account": SocialAccount.objects.get().pk}).status_code == 404
    assert SocialAccount.objects.exists()


# --- Doors -----------------------------------------------------------------------------------------------


def test_buttons_are_there_for_who_is_on(client, them):
    other = {"google": "Apple", "apple": "Google"}[them.provider]
    for path in ("/accounts/login/?next=/plans/", "/accounts/signup/?next=/plans/"):
        page = client.get(path)
        assert f"Continue with {them.provider.capitalize()}" in words(page)
        assert f"Continue with {other}" not in words(page)
        assert f"/accounts/{them.provider}/login/?process=login&amp;next=%2Fplans%2F" in page.content.decode()


def test_a_link_asks_before_it_leads_away(client, them):
    page = client.get(f"/accounts/{them.provider}/login/")
    assert page.status_code == 200
    assert Page(page).is_ours()


def test_where_neither_is_on_there_is_no_button_and_no_door(client, alice, settings, django_assert_num_queries):
    off = {name: {**of_it, "APPS": []} for name, of_it in settings.SOCIALACCOUNT_PROVIDERS.items()}
    settings.SOCIALACCOUNT_PROVIDERS = off
    with django_assert_num_queries(0):
        assert "Continue with" not in words(client.get("/accounts/login/"))
    for name in ("google_login", "google_callback", "apple_login", "apple_finish_callback", "google_login_by_token"):
        assert client.get(reverse(name)).status_code == 404
        assert client.post(reverse(name)).status_code == 404
    assert client.post(reverse("apple_callback")).status_code == 404
    client.force_login(alice)
    assert "Connected accounts" not in words(client.get("/account/security/"))
