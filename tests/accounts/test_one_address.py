"""An address is one fact: whoever has it now signs in with it and gets its mail, and nobody else ever did."""

import re

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.core.management import call_command
from django.test import Client

from accounts.models import User
from tests.accounts.test_admin import form_of, page
from tests.accounts.test_signin import is_signed_in
from tests.factories import PASSWORD, UserFactory
from tests.mails import delivered
from tests.people import NEW_PASSWORD, RESET_CODE, SIGN_UP, come_in, details, reset_asked, sign_up, signed_up

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]


def ask_for_reset(email):
    """The browser that asked and the code in the mail that came; None when there was none in it."""
    mail.outbox.clear()
    browser = reset_asked(email)
    mails = delivered()
    if not mails or (code := re.search(r"^\d{6}$", mails[-1].body, re.M)) is None:
        return None
    assert mails[-1].to == [User.objects.get(email=email).email]
    return browser, code[0]


def lets_in(asked, password="another quiet evening"):
    browser, code = asked
    if browser.post(RESET_CODE, {"code": code}).get("Location") != NEW_PASSWORD:
        return False
    new = {"password1": password, "password2": password}
    return browser.post(NEW_PASSWORD, new).get("Location") == "/accounts/password/reset/done/"


@pytest.fixture
def robin():
    """A member who signed up at the door with a mistyped address: a stranger's."""
    return signed_up(email="stranger@mail.com")


@pytest.fixture
def boss():
    browser = Client()
    browser.force_login(UserFactory(administrator=True))
    return browser


def correct(boss, user, email):
    assert boss.post(page(user), form_of(user, email=email)).status_code == 302
    user.refresh_from_db()


def test_a_corrected_address_is_good_for_nothing_any_more(boss, robin):
    pending = ask_for_reset("stranger@mail.com")
    correct(boss, robin, "robin@mail.com")
    come_in(stranger := Client(), "stranger@mail.com")
    assert not is_signed_in(stranger)
    assert ask_for_reset("stranger@mail.com") is None
    assert not lets_in(pending)
    come_in(owner := Client(), "robin@mail.com")
    assert is_signed_in(owner)
    assert lets_in(ask_for_reset("robin@mail.com"))
    assert [(str(a.email), a.primary) for a in robin.emailaddress_set.all()] == [("robin@mail.com", True)]


def test_the_member_cannot_get_the_former_address_back_by_themselves(boss, robin):
    come_in(browser := Client(), "stranger@mail.com")
    correct(boss, robin, "robin@mail.com")
    for action in ("action_primary", "action_send", "action_add"):
        browser.post("/accounts/email/", {action: "", "email": "stranger@mail.com"})
    robin.refresh_from_db()
    assert robin.email == "robin@mail.com"
    assert ask_for_reset("stranger@mail.com") is None


def test_somebody_else_may_have_the_former_address(boss, robin):
    correct(boss, robin, "robin@mail.com")
    assert signed_up(email="stranger@mail.com", username="stranger").email == "stranger@mail.com"


def test_two_that_swap_their_addresses_have_swapped_everything(boss, robin):
    kim = signed_up(email="kim@mail.com", username="kim", password1="a third quiet evening")
    asked = [ask_for_reset(email) for email in ("stranger@mail.com", "kim@mail.com")]
    for user, email in ((robin, "between@mail.com"), (kim, "stranger@mail.com"), (robin, "kim@mail.com")):
        correct(boss, user, email)
    for email, password, who in (
        ("kim@mail.com", PASSWORD, robin),
        ("stranger@mail.com", "a third quiet evening", kim),
    ):
        come_in(browser := Client(), email, password)
        assert browser.get("/").wsgi_request.user == who
    for email, password in (("kim@mail.com", "a third quiet evening"), ("stranger@mail.com", PASSWORD)):
        come_in(browser := Client(), email, password)
        assert not is_signed_in(browser)
    assert not any(map(lets_in, asked))


def test_an_address_that_is_written_in_other_letters_is_the_same_one(boss, robin):
    asked = ask_for_reset("stranger@mail.com")
    correct(boss, robin, " STRANGER@mail.com")
    assert robin.email == "stranger@mail.com"
    assert lets_in(asked)


def test_a_proven_address_stays_proven_whatever_else_is_saved(robin):
    robin.emailaddress_set.update(verified=True)
    EmailAddress.objects.create(user=robin, email="next@mail.com")  # to be proven, some day
    robin.set_password("another quiet evening")
    robin.save()
    assert {str(a.email): a.verified for a in robin.emailaddress_set.all()} == {
        "stranger@mail.com": True,
        "next@mail.com": False,
    }
    robin.emailaddress_set.get(email="next@mail.com").set_as_primary()  # as allauth does, when it is
    robin.refresh_from_db()
    assert robin.email == "next@mail.com"
    assert [str(a.email) for a in robin.emailaddress_set.all()] == ["next@mail.com"]


def test_however_the_address_was_changed_the_former_one_does_not_come_in(robin):
    User.objects.filter(pk=robin.pk).update(email="ROBIN@mail.com")
    robin.refresh_from_db()
    assert robin.email == "robin@mail.com"
    come_in(stranger := Client(), "stranger@mail.com")
    assert not is_signed_in(stranger)
    assert ask_for_reset("stranger@mail.com") is None


def test_people_move_to_another_database_with_the_address_they_have(boss, robin, tmp_path):
    correct(boss, robin, "robin@mail.com")
    people = tmp_path / "people.json"
    call_command("dumpdata", "accounts.User", "account.EmailAddress", output=str(people))
    User.objects.all().delete()
    call_command("loaddata", str(people), verbosity=0)
    come_in(owner := Client(), "robin@mail.com")
    assert is_signed_in(owner)
    come_in(stranger := Client(), "stranger@mail.com")
    assert not is_signed_in(stranger)


def test_an_administrator_made_by_a_command_signs_in(monkeypatch):
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    call_command("createsuperuser", interactive=False, email=" Boss@Mail.COM ", username="the_boss", verbosity=0)
    assert User.objects.get().email == "boss@mail.com"
    come_in(browser := Client(), "BOSS@mail.com")
    assert is_signed_in(browser)


@pytest.mark.parametrize(
    "typed",
    [
        "Robin@Mail.com",
        " robin@mail.com\u00a0",  # pasted, with a space that does not break
        "\u202arobin@mail.com\u202c",  # pasted out of a phone's contacts
        "robin@\u200bmail.com",
        "\ufeffrobin@mail.com\r\n",
        "ｒｏｂｉｎ＠ｍａｉｌ．ｃｏｍ",
    ],
)
def test_an_address_is_taken_as_it_was_meant(typed):
    robin = signed_up(email=typed)
    assert robin.email == "robin@mail.com"
    come_in(browser := Client(), typed)
    assert is_signed_in(browser)
    assert ask_for_reset(typed)
    sign_up(email=typed, username="again")
    assert User.objects.get() == robin


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("robin@bücher.example", "robin@xn--bcher-kva.example"),
        ("robin@BU\u0308CHER.example", "robin@xn--bcher-kva.example"),  # as macOS types it
        ("robin@xn--bcher-kva.example", "robin@xn--bcher-kva.example"),
        ("robin@straße.example", "robin@xn--strae-oqa.example"),  # not strasse.example, which is somebody else's
        ("robin@例え。テスト", "robin@xn--r8jz45g.xn--zckzah"),
    ],
)
def test_a_domain_in_another_script_is_one_domain(typed, kept):
    assert signed_up(email=typed).email == kept
    assert ask_for_reset(typed)
    assert delivered()[0].to == [kept]


@pytest.mark.parametrize("typed", ["r\u043ebin@mail.com", "ro@bin@mail.com", "robin@\u2100.com", "robin", "@", "a@b"])
def test_what_is_no_address_is_refused(typed):
    assert Client().post(SIGN_UP, details(email=typed)).context["form"].errors["email"]
    assert not User.objects.exists()
