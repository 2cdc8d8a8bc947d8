"""Each message has an end within 90 seconds of its own send, however long the one before it took."""

import time
import uuid
from datetime import timedelta

import pytest
from django.db.models import F

from chat import replying
from chat.models import Message, Reply
from chat.settling import Written, end
from tests.chat.conftest import work

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded]


def passes(seconds):
    """So much time goes by: whatever was said and owed is that much older."""
    for rows in (Message.objects, Reply.objects):
        rows.update(created_at=F("created_at") - timedelta(seconds=seconds))


def claimed(hands, text="first"):
    """A reply to this that somebody writes."""
    reply, token = Reply.objects.get(pk=hands.send(text).json()["reply"]["id"]), uuid.uuid4()
    assert Reply.objects.claim(reply.pk, token=token)
    return reply, token


def owed():
    return Reply.objects.owed().get()


def test_the_next_reply_has_no_more_time_than_what_waited_for_it(hands, settings):
    reply, token = claimed(hands)
    passes(2)
    hands.send("second")
    passes(5)
    hands.send("third")
    passes(45)
    end(reply, Reply.State.DONE, token=token, written=Written("That took a while."))
    assert owed().created_at == Message.objects.get(text="second").created_at
    job = replying.take(owed().pk)
    assert job.request.deadline - time.monotonic() <= settings.REPLY_BUDGET_SECONDS - 50


@pytest.mark.parametrize("state", [Reply.State.DONE, Reply.State.FAILED, Reply.State.STOPPED])
def test_what_waited_too_long_for_another_call_fails_at_once_and_can_be_asked_for_again(hands, state):
    reply, token = claimed(hands)
    passes(2)
    hands.send("second")
    passes(76)
    settled = hands.state()["conversation"]["free_remaining"]["text"]
    end(reply, state, token=token, written=Written("At last."), error="" if state == "done" else "why")
    now = hands.state()
    assert (now["reply"]["state"], now["reply"]["can_retry"]) == ("failed", True)
    assert now["conversation"]["free_remaining"]["text"] == settled + (2 if state == Reply.State.FAILED else 1)
    assert hands.post("retry").status_code == 201
    assert Reply.objects.latest("created_at").answers_through == Message.objects.get(text="second").seq
    work()
    assert hands.state()["reply"]["state"] == "done"


def test_with_every_worker_gone_all_that_waits_ends_together(hands):
    claimed(hands)
    passes(2)
    hands.send("second")
    passes(84)
    now = hands.state()
    assert not Reply.objects.owed().exists()
    assert (now["reply"]["state"], now["reply"]["can_retry"]) == ("failed", True)
    assert now["conversation"]["free_remaining"]["text"] == 10
    hands.post("retry")
    work()
    assert [m["text"] for m in hands.state()["messages"] if m["sender"] == "user"] == ["first", "second"]
    assert hands.state()["reply"]["state"] == "done"
    assert hands.free() == 8


def test_what_was_sent_late_keeps_its_own_time(hands):
    claimed(hands)
    passes(60)
    hands.send("second")
    passes(26)
    assert hands.state()["reply"]["state"] == "queued"  # the first has ended, the second has 54 seconds left
    work()
    assert hands.state()["reply"]["state"] == "done"


def test_asking_again_has_all_the_time(hands, settings):
    hands.send()
    passes(90)
    assert hands.state()["reply"]["state"] == "failed"
    hands.post("retry")
    job = replying.take(owed().pk)
    assert job.request.deadline - time.monotonic() > settings.REPLY_BUDGET_SECONDS - 10
