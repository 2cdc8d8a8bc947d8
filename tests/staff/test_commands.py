"""What support types: erase somebody, hand out what is theirs, erase again after a backup."""

import io
import sys
import zipfile

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from staff.models import Erasure
from tests.factories import ConversationFactory, MessageFactory, UserFactory
from tests.staff.conftest import erase, files_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded]


def run(*words, typed="", monkeypatch=None):
    if monkeypatch is not None:
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
    said = io.StringIO()
    call_command(*words, stdout=said)
    return said.getvalue()


@pytest.mark.parametrize("name", ["alice@example.com", "ALICE@example.com", "Alice", "number"])
def test_somebody_is_found_by_whatever_they_are_known_by(alice, name):
    said = run("erase_user", str(alice.pk) if name == "number" else name, "--yes")
    assert "will be erased on" in said
    assert User.objects.get().erase_at is not None


@pytest.mark.parametrize("name", ["nobody", "nobody@example.com", "999999", "9" * 40, "\x00", "²", ""])
def test_nobody_is_nobody(alice, name):
    with pytest.raises(CommandError):
        run("erase_user", name, "--yes")
    assert User.objects.get().erase_at is None


def test_it_asks_before_it_does(alice, monkeypatch):
    for typed in ("", "y\n", "charlie\n"):
        with pytest.raises(CommandError) as refused:
            run("erase_user", "alice", "--now", typed=typed, monkeypatch=monkeypatch)
        assert refused.value.returncode == 130
    assert User.objects.get().erase_at is None
    assert "is erased" in run("erase_user", "alice", "--now", typed="alice\n", monkeypatch=monkeypatch)
    assert not User.objects.exists()


def test_who_works_here_is_refused(db):
    UserFactory(administrator=True, username="boss")
    with pytest.raises(CommandError, match="on the team"):
        run("erase_user", "boss", "--yes", "--now")


def test_it_can_be_run_after_the_member_asked(alice):
    run("erase_user", "alice", "--yes")
    run("erase_user", "alice", "--yes", "--now")
    assert not User.objects.exists()


def test_a_backup_brings_nobody_back(alice, charlie, mara, disk):
    """The database is as it was before the erasure; the storage remembers the number."""
    joined, number = alice.date_joined, alice.pk
    erase(alice)
    Erasure.objects.all().delete()
    back = UserFactory(pk=number, username="alice", date_joined=joined, is_staff=True)
    MessageFactory(conversation=ConversationFactory(user=back, girl=mara))
    assert run("erase_user", "--replay") == "1 erased again; 0 were not there.\n"
    assert User.objects.get() == charlie
    assert run("erase_user", "--replay") == "0 erased again; 1 were not there.\n"
    UserFactory(pk=number, username="somebody_else")  # the number was given anew
    run("erase_user", "--replay")
    assert User.objects.filter(pk=number).exists()
    (name,) = files_in(disk, "erased")
    assert name.startswith(f"{number}-")


def test_an_export_is_written_to_a_folder(alice, tmp_path):
    said = run("export_user", "alice", str(tmp_path))
    path = tmp_path / f"person-{alice.pk}.zip"
    assert str(path) in said
    assert "account.json" in zipfile.ZipFile(path).namelist()
    assert path.stat().st_mode & 0o077 == 0
    with pytest.raises(CommandError):
        run("export_user", "alice", str(tmp_path / "absent"))
    with pytest.raises(CommandError):
        run("export_user", "nobody", str(tmp_path))
