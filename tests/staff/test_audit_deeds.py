"""What the team does past the forms of the console leaves its line, too: at the shell, with uploads, at the door."""

import getpass
import io

import pytest
from allauth.mfa.models import Authenticator
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from accounts.models import User
from girls import purposes
from girls.models import Media
from media.models import Upload
from staff import audit
from staff.models import Audit
from tests.accounts.test_second_factor import STEP, _a_moment_that_lasts, code  # noqa: F401 - a fixture
from tests.factories import APP_SECRET, FactorFactory, FileFactory, GirlFactory, UserFactory
from tests.staff.conftest import sign_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded]

UA = "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"


def lines():
    return list(Audit.objects.order_by("pk").values_list("actor_name", "did", "person"))


# --- The shell --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "did"),
    [
        (("grant_premium", "alice@example.com", "30"), "Gave premium: 30 days"),
        (("remove_factors", "alice@example.com"), "Took every second step away"),
        (("erase_user", "alice", "--yes"), "Asked for the erasure of the account"),
        (("export_user", "alice", "FOLDER"), "Wrote a copy of their data into a file"),
        (("reset_quotas", "--user", "alice", "--to", "3", "--yes"), "Reset free messages"),
    ],
)
def test_a_command_leaves_one_line_and_whose_shell_it_was(alice, tmp_path, words, did):
    FactorFactory(user=alice)
    GirlFactory().conversations.create(user=alice, free_text=1)
    call_command(*(str(tmp_path) if word == "FOLDER" else word for word in words), stdout=io.StringIO())
    assert lines() == [("shell", did, alice.pk)]
    line = Audit.objects.get()
    assert (line.actor, line.address, line.device) == (None, None, getpass.getuser())
    assert "SECRET" not in f"{line.before} {line.after}".upper()


@pytest.mark.parametrize(
    "words",
    [
        ("grant_premium", "alice@example.com", "0"),
        ("remove_factors", "alice@example.com"),  # there are none
        ("erase_user", "boss", "--yes"),
        ("export_user", "alice", "/nowhere/at/all"),
    ],
)
def test_a_command_that_did_nothing_leaves_none(alice, words):
    UserFactory(username="boss", administrator=True)
    with pytest.raises(CommandError):
        call_command(*words, stdout=io.StringIO())
    assert lines() == []


def test_of_whom_the_shell_erased_the_line_knows_no_name(alice):
    call_command("erase_user", "alice", "--now", "--yes", stdout=io.StringIO())
    assert not User.objects.filter(pk=alice.pk).exists()
    line = Audit.objects.get()
    assert (line.did, line.name) == ("Asked for the erasure of the account at once", f"of person {alice.pk}")


def test_secrets_are_never_values(alice):
    line = audit.record(None, alice, "Changed", before={"password": "a"}, after={"secret": "b", "name": "Alice"})
    assert (line.before, line.after) == (None, {"name": "Alice"})


# --- Uploads ----------------------------------------------------------------------------------------------------


def test_an_upload_of_the_team_is_a_deed_of_whoever_put_it_up():
    ed, mara = UserFactory(role="editor", username="ed"), GirlFactory(name="Mara")
    upload = Upload.objects.create(
        owner=ed, purpose="girl_media", kind="image", max_bytes=1, name="sea.jpg",
        target={"girl": mara.pk, "surface": Media.Surface.GALLERY},
    )  # fmt: skip
    purposes.claim_media(upload, FileFactory(owner=ed))
    assert lines() == [("ed", "Gallery: added “sea.jpg”.", None)]
    assert (Audit.objects.get().table, Audit.objects.get().key) == ("girls.Girl", str(mara.pk))


# --- The door ---------------------------------------------------------------------------------------------------


def test_coming_into_the_console_leaves_one_line_for_each_session():
    sam = UserFactory(role="support", username="sam")
    browsers = [Client(REMOTE_ADDR="203.0.113.7", headers={"User-Agent": UA}) for _ in range(2)]
    for browser in browsers:
        signed_in = {"login": sam.email, "password": "a long quiet evening", "cf-turnstile-response": "a-token"}
        browser.post("/accounts/login/", signed_in)
    browsers[0].post(STEP, {"code": code(APP_SECRET)})
    assert lines() == []
    for path in ("/admin/", "/admin/accounts/user/", "/admin/"):
        assert browsers[0].get(path).status_code == 200
    assert lines() == [("sam", "Entered the console", sam.pk)]
    line = Audit.objects.get()
    assert (line.address, line.device) == ("203.0.113.7", "Firefox on Linux")
    browsers[1].post(STEP, {"code": code(APP_SECRET, 1)})
    browsers[1].get("/admin/")
    assert lines() == [("sam", "Entered the console", sam.pk)] * 2


def test_who_has_shown_no_second_factor_has_not_come_in():
    sam = UserFactory(username="sam", is_staff=True)
    sign_in(sam).get("/admin/", follow=True)
    assert not Authenticator.objects.exists()
    assert lines() == []


def test_a_page_that_is_refused_is_written_down_once_an_hour(alice, refusals):
    browser = Client()
    browser.force_login(ed := UserFactory(role="editor", username="ed"))
    money = reverse("admin:payments_purchase_changelist")
    for _ in range(3):
        assert browser.get(money).status_code == 403
    member = Client()
    member.force_login(alice)
    for _ in range(3):
        assert member.get("/admin/", follow=True).status_code == 403
    Client().get(money)
    assert lines() == [
        ("ed", "Was refused: GET admin:payments_purchase_changelist", ed.pk),
        ("alice", "Was refused: GET admin:login", alice.pk),
    ]
