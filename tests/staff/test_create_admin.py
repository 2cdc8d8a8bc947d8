"""The first administrator, from the shell: no password in the list of processes, no weak one, no second account."""

import io
import os
import sys

import pytest
from allauth.account.models import EmailAddress
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.models import Consent, User
from staff.models import Audit
from tests.factories import UserFactory
from tests.staff.conftest import sign_in

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]

GOOD = "a long quiet evening"


def run(*words, typed=f"{GOOD}\n", monkeypatch=None):
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
    said = io.StringIO()
    call_command("create_admin", *words, stdout=said)
    return said.getvalue()


@pytest.fixture
def create(monkeypatch):
    monkeypatch.delenv("DUSK_ADMIN_PASSWORD", raising=False)

    def with_input(*words, typed=f"{GOOD}\n"):
        return run(*words, typed=typed, monkeypatch=monkeypatch)

    return with_input


def test_a_new_administrator_signs_in_and_is_led_to_a_second_step(create):
    said = create("--email", "Boss@Example.com", "--username", "boss", "--password-stdin")
    assert "boss (boss@example.com) is administrator." in said
    assert "set up a second step" in said
    user = User.objects.get()
    assert (user.is_staff, user.is_superuser, user.groups.get().name) == (True, False, "administrator")
    assert EmailAddress.objects.get(user=user).verified
    assert not Consent.objects.exists()  # nobody agreed to anything here
    page = sign_in(user).get("/admin/", follow=True)
    assert "The console needs a second step" in page.text
    line = Audit.objects.get(key=str(user.pk), actor=None)
    assert (line.actor_name, line.did, line.after["groups"]) == (
        "shell",
        "Made an account for the team",
        ["administrator"],
    )


def test_a_superuser_is_one_who_makes_administrators(create):
    assert "is superuser." in create("--email", "root@example.com", "--superuser", "--password-stdin")
    user = User.objects.get()
    assert (user.is_staff, user.is_superuser) == (True, True)


def test_again_changes_nothing(create):
    create("--email", "boss@example.com", "--username", "boss", "--password-stdin")
    before = User.objects.values().get()
    said = create("--email", "boss@example.com", typed="")
    assert "boss (boss@example.com) is already administrator." in said
    assert User.objects.values().get() == before
    assert Audit.objects.count() == 1


def test_a_member_is_taken_in_and_keeps_the_password(create, alice):
    EmailAddress.objects.filter(user=alice).update(verified=False)
    before = alice.password
    create("--email", "ALICE@example.com", typed="")
    alice.refresh_from_db()
    assert (alice.is_staff, alice.groups.get().name, alice.password) == (True, "administrator", before)
    assert EmailAddress.objects.get(user=alice).verified
    line = Audit.objects.get()
    assert (line.did, line.before["groups"], line.after["groups"]) == ("Took into the team", [], ["administrator"])


def test_who_has_a_second_step_is_only_told_where_the_console_is(create):
    UserFactory(username="sam", staff=True)
    assert "Sign in and open /admin/." in create("--email", "sam@example.com", typed="")


@pytest.mark.parametrize(
    ("words", "typed", "why"),
    [
        (("--email", "boss@example.com", "--password-stdin"), "short\n", "too short"),
        (("--email", "boss@example.com", "--password-stdin"), "password123\n", "too common"),
        (("--email", "bossofall@example.com", "--password-stdin"), "bossofall@example\n", "too similar"),
        (("--email", "boss@example.com", "--password-stdin"), "", "too short"),
        (("--email", "boss@example.com"), "", "Nobody is here to type a password"),
        (("--email", "no address", "--password-stdin"), f"{GOOD}\n", "no e-mail address: 'no address'"),
        (("--email", "", "--password-stdin"), f"{GOOD}\n", "is wanted"),
        ((), "", "Nobody is here to be asked"),
        (("--email", "new@example.com", "--username", "ALICE", "--password-stdin"), f"{GOOD}\n", "username is taken"),
        (("--email", "new@example.com", "--username", "a b", "--password-stdin"), f"{GOOD}\n", "letters, digits"),
        (("--email", "alice@example.com", "--username", "boss"), "", "is alice already"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_made(create, alice, words, typed, why):
    with pytest.raises(CommandError, match=why):
        create(*words, typed=typed)
    assert User.objects.count() == 1
    assert not User.objects.get().is_staff
    assert not Audit.objects.exists()


def test_the_password_may_come_from_the_environment_and_never_from_an_argument(create, monkeypatch):
    monkeypatch.setitem(os.environ, "DUSK_ADMIN_PASSWORD", GOOD)
    said = create("--email", "boss@example.com", typed="")
    assert GOOD not in said
    assert User.objects.get().check_password(GOOD)
    with pytest.raises(CommandError):
        create("--email", "other@example.com", "--password", GOOD)
    assert Client().get("/admin/").status_code == 302


def test_it_is_typed_twice_where_somebody_sits(create, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    answers = iter([GOOD, "another", GOOD, GOOD])
    monkeypatch.setattr("getpass.getpass", lambda question: next(answers))
    monkeypatch.setattr(sys, "stdin", Terminal("boss@example.com\n"))
    with pytest.raises(CommandError, match="not the same"):
        call_command("create_admin", stdout=io.StringIO())
    monkeypatch.setattr(sys, "stdin", Terminal("boss@example.com\n"))
    said = io.StringIO()
    call_command("create_admin", stdout=said)
    assert said.getvalue().startswith("E-mail address: ")
    assert User.objects.get().check_password(GOOD)
