"""The page of what keeps an account safe: passwords, devices that are signed in, and who must show who they are."""

from datetime import timedelta
from importlib import import_module
from urllib.parse import urlencode

import pytest
from allauth.usersessions.models import UserSession
from django.apps import apps
from django.contrib.sessions.models import Session
from django.db.models import F
from django.test import Client

from accounts import tasks
from accounts.models import Mail
from tests.accounts.test_second_factor import PAGE, STEP, confirm, set_up_app
from tests.accounts.test_signin import is_signed_in, sign_in
from tests.factories import PASSWORD

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]

FIREFOX = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:143.0) Gecko/20100101 Firefox/143.0"
PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.5 Mobile/15E148 Safari/604.1"
)
NEW = "another long quiet evening"


def browser(user_agent=FIREFOX):
    browser = Client(headers={"user-agent": user_agent})
    sign_in(browser)
    return browser


def places(client):
    return [(place.device.name, place.is_here) for place in client.get(PAGE).context["places"]]


# --- Devices ----------------------------------------------------------------------------------------------------


def test_devices_are_named_as_their_owners_call_them(alice):
    here, _ = browser(), browser(PHONE)
    assert places(here) == [("Firefox on macOS", True), ("Safari on iPhone", False)]
    page = here.get(PAGE).text
    assert "This device" in page
    assert "127.0.0.1" not in page.partition("Where you’re signed in")[2].partition("Password and email")[0]


@pytest.mark.parametrize(
    "said", ["", "x" * 5000, "\x01\x7f", "Mozilla/5.0 ()", "<script>alert(1)</script>/1.0", "Firefox" * 600, "ü∂ƒ"]
)
def test_what_calls_itself_anything_is_a_browser(alice, said):
    browser(said.encode("utf-8", "ignore").decode("latin-1"))
    (_, is_here), (name, _) = places(browser())
    assert is_here
    assert 0 < len(name) < 100


def test_one_device_is_signed_out_and_the_others_are_not(alice):
    here, phone, other = browser(), browser(PHONE), browser("")
    row = UserSession.objects.get(user_agent=PHONE)
    assert here.post(f"{PAGE}sessions/{row.pk}/end/")["Location"] == PAGE
    assert [is_signed_in(each) for each in (here, phone, other)] == [True, False, True]
    assert here.post(f"{PAGE}sessions/{row.pk}/end/").status_code == 404


def test_nobody_ends_a_session_of_somebody_else(alice, charlie):
    here = browser()
    (stranger := Client()).force_login(charlie)
    row = UserSession.objects.get(user=alice)
    assert stranger.post(f"{PAGE}sessions/{row.pk}/end/").status_code == 404
    assert stranger.post(f"{PAGE}sessions/{row.pk + 1000}/end/").status_code == 404
    stranger.post(f"{PAGE}sessions/end/")
    assert is_signed_in(here)


def test_all_others_are_signed_out_at_once(alice):
    here, phone = browser(), browser(PHONE)
    (old := Client()).force_login(alice)
    here.post(f"{PAGE}sessions/end/")
    assert [is_signed_in(each) for each in (here, phone, old)] == [True, False, False]
    assert Mail.objects.get(user=alice).template == "sessions_ended"
    assert places(here) == [("Firefox on macOS", True)]


def test_a_session_that_lets_nobody_in_is_not_listed(alice):
    here, _ = browser(), browser(PHONE)
    alice.set_password(NEW)  # as staff or a command do it
    alice.save()
    assert not is_signed_in(here)
    sign_in(here, password=NEW)
    assert places(here) == [("Firefox on macOS", True)]


def test_looking_asks_and_writes_nothing(alice, django_assert_max_num_queries):
    here, _ = browser(), browser(PHONE)
    here.get(PAGE)
    with django_assert_max_num_queries(7) as asked:  # session, person, unread, factors, devices, address, ways in
        here.get(PAGE)
    assert not [each["sql"] for each in asked if not each["sql"].startswith("SELECT")]


def test_when_a_device_was_used_is_noted_with_the_one_write_a_day(alice):
    here, phone = browser(), browser(PHONE)
    UserSession.objects.update(last_seen_at=F("last_seen_at") - timedelta(days=3))
    assert "3 days ago" in here.get(PAGE).text
    phone.get("/terms/")
    assert "3 days ago" in here.get(PAGE).text
    Session.objects.update(expire_date=F("expire_date") - timedelta(days=3))
    phone.get("/terms/")
    assert "Today" in here.get(PAGE).text


def test_a_session_from_before_devices_were_listed_is_listed_when_it_is_used(alice):
    phone = browser(PHONE)
    UserSession.objects.all().delete()
    Session.objects.update(expire_date=F("expire_date") - timedelta(days=1))
    phone.get("/terms/")
    assert places(browser()) == [("Firefox on macOS", True), ("Safari on iPhone", False)]


def test_the_migration_lists_those_that_are_there(alice, charlie):
    browser(PHONE)
    (Client()).force_login(charlie)
    Client().get("/accounts/login/")
    UserSession.objects.all().delete()
    import_module("accounts.migrations.0010_sessions_have_rows").write_rows(apps, None)
    assert set(UserSession.objects.values_list("user_id", "user_agent")) == {(alice.pk, ""), (charlie.pk, "")}
    assert places(browser()) == [("Firefox on macOS", True), ("A browser", False)]


def test_rows_whose_session_is_gone_are_swept(alice):
    here, _ = browser(), browser(PHONE)
    Session.objects.exclude(session_key=here.session.session_key).delete()
    tasks.sweep_sessions()
    assert UserSession.objects.get().session_key == here.session.session_key


def test_the_cookie_of_who_signed_out_is_dead(alice):
    here = browser()
    cookie = here.cookies["sessionid"].value
    here.post("/accounts/logout/")
    (thief := Client()).cookies["sessionid"] = cookie
    assert not is_signed_in(thief)


# --- Passwords --------------------------------------------------------------------------------------------------


def change_password(client, current=PASSWORD, new=NEW):
    return client.post("/accounts/password/change/", {"oldpassword": current, "password1": new, "password2": new})


def test_a_new_password_signs_out_everywhere_else_and_not_here(alice):
    here, phone = browser(), browser(PHONE)
    before = here.cookies["sessionid"].value
    assert change_password(here)["Location"] == PAGE
    assert here.cookies["sessionid"].value != before
    assert [is_signed_in(each) for each in (here, phone)] == [True, False]
    assert not Session.objects.filter(session_key=before).exists()
    assert places(here) == [("Firefox on macOS", True)]
    assert is_signed_in(here)
    assert Mail.objects.filter(user=alice, template__contains="password_changed").count() == 1


def test_the_current_password_is_asked_for(alice):
    here, phone = browser(), browser(PHONE)
    assert change_password(here, current="a guess").status_code == 200
    assert is_signed_in(phone)


def test_who_has_no_password_sets_one(alice):
    here = browser()
    alice.set_unusable_password()
    alice.save()
    here.force_login(alice)
    assert "None yet" in here.get(PAGE).text
    assert here.get("/accounts/password/change/")["Location"] == "/accounts/password/set/"
    assert here.post("/accounts/password/set/", {"password1": NEW, "password2": NEW})["Location"] == PAGE
    assert is_signed_in(here)
    assert sign_in(Client(), password=NEW).status_code == 302


# --- Who shows once more who they are -----------------------------------------------------------------------------

GUARDED = (
    "/accounts/2fa/totp/activate/",
    "/accounts/2fa/webauthn/add/",
    "/accounts/2fa/recovery-codes/generate/",
)


@pytest.mark.parametrize("path", GUARDED)
def test_what_matters_asks_who_one_is_and_comes_back(alice, path):
    here = browser()
    assert here.get(path)["Location"] == f"/accounts/reauthenticate/?{urlencode({'next': path})}"
    assert here.post("/accounts/reauthenticate/", {"password": "wrong", "next": path}).status_code == 200
    assert here.post("/accounts/reauthenticate/", {"password": PASSWORD, "next": path})["Location"] == path
    assert here.get(path).status_code == 200


def test_a_password_whose_hash_is_made_anew_signs_nobody_out_who_types_it(alice, settings):
    here = browser()
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.ScryptPasswordHasher", *settings.PASSWORD_HASHERS]
    here.post("/accounts/reauthenticate/", {"password": PASSWORD})
    alice.refresh_from_db()
    assert alice.password.startswith("scrypt$")
    assert is_signed_in(here)


@pytest.mark.parametrize(
    "path", ["/accounts/2fa/recovery-codes/", "/accounts/2fa/recovery-codes/download/", *GUARDED[2:]]
)
def test_recovery_codes_are_shown_to_nobody_who_found_the_page_open(alice, path):
    owner = browser()
    secret = set_up_app(owner, steps=0)
    assert owner.get(path).status_code == 200
    (found := Client()).force_login(alice)
    assert found.get(path)["Location"].startswith("/accounts/reauthenticate/")
    assert secret


def test_a_page_of_secrets_is_kept_by_nobody(alice):
    here = browser()
    set_up_app(here, steps=0)
    confirm(here)
    for path in (
        PAGE,
        "/accounts/2fa/recovery-codes/",
        "/accounts/2fa/recovery-codes/download/",
        "/accounts/2fa/webauthn/add/",
    ):
        assert "no-store" in here.get(path)["Cache-Control"], path


@pytest.mark.django_db(transaction=True)
def test_each_change_of_a_second_step_is_told_by_mail(alice):
    here = browser()
    set_up_app(here, steps=0)
    codes = here.get("/accounts/2fa/recovery-codes/").context["unused_codes"]
    sign_in(other := Client())
    other.post(STEP, {"code": codes[0]})
    here.post("/accounts/2fa/recovery-codes/generate/")
    here.post("/accounts/2fa/totp/deactivate/")
    told = list(Mail.objects.order_by("created_at").values_list("template", flat=True))
    assert [template.rpartition("/")[2] for template in told] == [
        *("totp_activated", "recovery_code_used", "recovery_codes_generated", "totp_deactivated"),
    ]
    assert set(Mail.objects.values_list("address", flat=True)) <= {alice.email, ""}
