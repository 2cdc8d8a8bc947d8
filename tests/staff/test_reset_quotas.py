"""`manage.py reset_quotas`: says what it will do, does it once, and says what it did."""

import io
import os
import subprocess
import sys
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.models.functions import Now
from django.utils import timezone

from accounts.models import User
from chat import resetting
from chat.models import Conversation, QuotaReset
from staff.models import Audit
from tests.config.processes import environment, until
from tests.factories import ConversationFactory, GirlFactory
from tests.racing import needs_postgres
from tests.servers import ROOT

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def out():
    """A conversation in which nothing is left."""
    return used_up()


def used_up(**fields):
    return ConversationFactory(free_text=0, free_media=0, free_audio=0, **fields)


def reset_quotas(*words):
    said = io.StringIO()
    call_command("reset_quotas", *words, stdout=said)
    return said.getvalue()


def left(conversation):
    row = Conversation.objects.get(pk=conversation.pk)
    return row.free_text, row.free_media, row.free_audio


def test_it_says_what_it_will_do_does_it_and_says_what_it_did(out):
    ConversationFactory()  # full
    said = reset_quotas("--yes")
    assert said.startswith(
        "This resets 1 conversation of everybody: messages up to 10, photos up to 2, voice notes up to 3. "
        "Premium is not touched.\n1 of 1 conversations\n1 conversation reset in "
    )
    assert left(out) == (10, 2, 3)
    line = Audit.objects.get()
    assert (line.actor_name, line.did, line.after["conversations"]) == ("shell", "Reset free messages of many", 1)


def test_trying_it_does_nothing(out):
    assert "messages to 4" in (said := reset_quotas("--dry-run", "--to", "4", "--kind", "text"))
    assert "photos" not in said
    assert said.endswith("Nothing was done: --dry-run.\n")
    assert (left(out), QuotaReset.objects.count(), Audit.objects.count()) == ((0, 0, 0), 0, 0)


@pytest.mark.parametrize("typed", ["", "no\n", "y\n"])
def test_who_does_not_confirm_does_nothing(out, monkeypatch, typed):
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
    with pytest.raises(CommandError, match="Not confirmed") as refused:
        reset_quotas()
    assert (refused.value.returncode, left(out)) == (130, (0, 0, 0))


def test_who_confirms_does_it(out, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("yes\n"))
    assert "Type yes to go on: " in reset_quotas()
    assert left(out) == (10, 2, 3)


@pytest.mark.parametrize("known_by", ["email", "username", "pk"])
def test_of_one_person_known_by_anything(alice, mara, out, known_by):
    with_mara, with_another = used_up(user=alice, girl=mara), used_up(user=alice)
    name = str(getattr(alice, known_by)).upper()
    assert "1 conversation of alice (alice@example.com" in reset_quotas("--user", name, "--girl", "mara", "--yes")
    assert [left(each)[0] for each in (with_mara, with_another, out)] == [10, 0, 0]
    line = Audit.objects.get()
    assert (line.person, line.did, line.after["conversations"]) == (alice.pk, "Reset free messages", 1)
    assert not QuotaReset.objects.exists(), "a row of many says nothing about a person"


def test_options_narrow_it_down(mara, out):
    silent = used_up(last_message_at=timezone.now() - timedelta(days=31))
    hers = ConversationFactory(girl=mara, free_text=0, free_media=1)
    assert "silent for 30 days" in reset_quotas("--idle-days", "30", "--yes")
    assert [left(each)[0] for each in (silent, hers, out)] == [10, 0, 0]
    said = reset_quotas("--girl", "mara", "--only-exhausted", "--yes")
    assert "1 conversation of everybody with" in said
    assert "only what is used up" in said
    assert left(hers) == (10, 1, 3)
    assert left(out) == (0, 0, 0)
    reset_quotas("--kind", "audio", "--to", "0", "--yes")
    assert left(hers) == (10, 1, 0)


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("--user", "nobody@example.com"), "Nobody has the e-mail address, username or number nobody@example.com"),
        (("--girl", "nobody"), "No character has the address nobody"),
        (("--to", "-1"), "a whole number from 0 to 1000000 is wanted, not -1"),
        (("--to", "1000001"), "a whole number"),
        (("--to", "ten"), "a whole number"),
        (("--idle-days", "0"), "a whole number from 1 to"),
        (("--kind", "video"), "invalid choice"),
        (("--resume",), "No reset was interrupted"),
        (("--resume", "--girl", "mara"), "name nothing else"),
        (("alice@example.com",), "unrecognized arguments"),
    ],
)
def test_what_makes_no_sense_is_said_and_does_nothing(out, words, problem):
    with pytest.raises(CommandError, match=problem):
        reset_quotas("--yes", *words)
    assert left(out) == (0, 0, 0)


def test_nothing_to_do_is_said():
    ConversationFactory()
    assert reset_quotas().endswith("Nothing is to be done.\n")


def test_it_goes_on_where_it_was_interrupted(monkeypatch):
    monkeypatch.setattr(resetting, "BATCH", 2)
    talks = sorted((used_up() for _ in range(4)), key=lambda talk: talk.pk)
    run = resetting.begin(resetting.FULL)

    def interrupt(changed):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        resetting.carry_out(run.pk, interrupt)
    Conversation.objects.filter(pk=talks[0].pk).update(free_text=2)
    said = reset_quotas("--resume")
    assert said.startswith("2 conversations reset before it was interrupted; 2 to go.\n")
    assert "\n4 conversations reset in " in said
    assert [left(each)[0] for each in talks] == [2, 10, 10, 10]


@needs_postgres
def test_killed_in_the_middle_it_goes_on_and_resets_nobody_twice():
    talks = _many(resetting.BATCH + 20)
    database = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
    with transaction.atomic():
        Conversation.objects.select_for_update().get(pk=talks[-1])  # the second batch waits for this one
        process = subprocess.Popen(
            [sys.executable, "manage.py", "reset_quotas", "--yes"],
            cwd=ROOT,
            env=environment(DATABASE_URL=database, REDIS_URL=""),
            stdout=subprocess.DEVNULL,
        )
        try:
            until(lambda: QuotaReset.objects.filter(changed=resetting.BATCH).exists(), what="the first batch")
        finally:
            process.kill()
            process.wait()
    until(lambda: not _waits_for_a_lock(), what="the end of its connection")
    Conversation.objects.filter(pk=talks[0]).update(free_text=1)
    with pytest.raises(CommandError, match="in hand"):
        reset_quotas("--resume")
    QuotaReset.objects.update(due_at=Now())
    assert f"{len(talks)} conversations reset in" in reset_quotas("--resume")
    assert Conversation.objects.get(pk=talks[0]).free_text == 1
    assert Conversation.objects.filter(free_text=10).count() == len(talks) - 1


def _many(count):
    users = User.objects.bulk_create(User(username=f"one_{n}", email=f"one_{n}@example.com") for n in range(count))
    used = {"girl": GirlFactory(), "free_text": 0, "free_media": 0, "free_audio": 0}
    Conversation.objects.bulk_create(Conversation(user=user, **used) for user in users)
    return list(Conversation.objects.order_by("pk").values_list("pk", flat=True))


def _waits_for_a_lock():
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
        return cursor.fetchone()
