"""Processes come and go, freeze, or are twice there: one send, one answer."""

import contextlib
import json
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from django.db import connection, transaction
from django.utils import timezone
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from chat.models import Conversation, Message, Reply
from tests.chaos.conftest import slowly
from tests.chaos.members import Member
from tests.config.processes import until
from tests.factories import UserFactory
from tests.fakes.model_host import HANG, delta
from tests.racing import needs_postgres
from tests.servers import DEADLINE

pytestmark = needs_postgres
ENDLESS = [delta("Once "), 0.2, delta("upon "), 0.2, delta("a "), HANG]


def open_socket(member):
    origin = str(member.http.base_url).rstrip("/")
    headers = {"Cookie": member.cookies}
    return connect(
        f"{origin.replace('http', 'ws', 1)}/ws/", origin=origin, additional_headers=headers, proxy=None, legacy=True
    )


def close_code(socket):
    """With which code the server closes it, sooner or later."""
    try:
        while True:
            socket.recv(timeout=DEADLINE)
    except ConnectionClosed as closed:
        return closed.rcvd.code


def hers():
    """What she said after her greeting."""
    return list(Message.objects.filter(sender="ai", seq__gt=1).values_list("text", flat=True))


def writing_with_words():
    return Reply.objects.filter(state="writing").exclude(text="").exists()


def waits_for_a_lock(production):
    waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name = %s"
    with connection.cursor() as cursor:
        cursor.execute(waiting, [production.name])
        return cursor.fetchone()


def test_a_web_that_stops_answers_what_was_asked_and_tells_sockets_to_come_back(production, member):
    production.start("redis", "web", "worker", "beat")
    conversation = member.open_chat()
    sockets = [open_socket(member) for _ in range(5)]
    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            Conversation.objects.locked(conversation)  # so that the send is in the middle when the signal comes
            sending = threads.submit(member.try_to_send, conversation, "Just in time")
            until(lambda: waits_for_a_lock(production), what="a send that waits")
            production["web"].signal(signal.SIGTERM)
            # They are told before it is answered: it does stop. One will do, while a send may wait for three seconds.
            assert close_code(sockets[0]) == 1012
        assert {close_code(socket) for socket in sockets[1:]} == {1012}
        assert sending.result().status_code == 201
    assert production["web"].wait() in (0, -signal.SIGTERM)  # uvicorn, when done, lets the signal have its way
    production.start("web")
    member.settled(conversation)
    assert len(hers()) == 1


def test_two_hundred_open_tabs_are_told_and_are_back_within_twenty_seconds(production):
    production.start("redis", "web")
    with contextlib.ExitStack() as stack:
        members = [stack.enter_context(Member(production.url, user)) for user in UserFactory.create_batch(20)]
        tabs = [member for member in members for _ in range(10)]
        with ThreadPoolExecutor(20) as threads:
            sockets = list(threads.map(open_socket, tabs))
            production["web"].signal(signal.SIGTERM)
            assert set(threads.map(close_code, sockets)) == {1012}
            production["web"].wait()
            production.start("web")
            began = time.monotonic()
            for socket in threads.map(open_socket, tabs):
                stack.enter_context(socket)
                socket.send('{"type": "nothing we know"}')
                assert json.loads(socket.recv(timeout=DEADLINE))["type"] == "error"
        assert time.monotonic() - began < 20


def test_a_worker_that_stops_hands_its_reply_on(production, member, host):
    host.play(ENDLESS, slowly("A ", "short ", "one."))
    production.start("redis", "web", "beat", "worker")
    conversation = member.open_chat()
    member.try_to_send(conversation)
    until(writing_with_words, what="a reply with words in it")
    production.start("worker 2")
    production["worker"].signal(signal.SIGTERM)
    assert production["worker"].wait() == 0
    assert member.settled(conversation)["reply"]["state"] == "done"
    assert hers() == ["A short one."]
    assert len(host.requests) == 2
    assert Reply.objects.get().attempts == 2


def test_a_worker_that_froze_past_its_lease_changes_nothing_when_it_thaws(production, member, host):
    host.play(ENDLESS, slowly("A ", "short ", "one."))
    production.start("redis", "web", "beat", "worker")
    conversation = member.open_chat()
    member.try_to_send(conversation)
    until(writing_with_words, what="a reply with words in it")
    production["worker"].signal(signal.SIGSTOP)
    production.start("worker 2")
    member.settled(conversation)
    assert hers() == ["A short one."]
    state = member.state(conversation)
    production["worker"].signal(signal.SIGCONT)
    assert host.hung_up.wait(DEADLINE), "it went on writing what was no longer its reply"
    production["worker"].signal(signal.SIGTERM)
    assert production["worker"].wait() == 0
    assert hers() == ["A short one."]
    assert member.state(conversation) == state


def test_two_beats_ring_twice_and_she_answers_once(production, member, host):
    production.start("redis", "web")
    conversation = member.open_chat()
    member.try_to_send(conversation)
    with production.redis() as redis:
        redis.flushall()  # the bell is lost; only sweeps ring
    production.start("beat", "beat 2", "worker", "worker 2")
    assert member.settled(conversation)["reply"]["state"] == "done"
    assert len(hers()) == 1
    assert len(host.requests) == 1


def test_with_no_worker_and_no_beat_whoever_looks_sees_the_reply_fail(production, member):
    production.start("redis", "web")
    conversation = member.open_chat()
    free = member.state(conversation)["conversation"]["free_remaining"]["text"]
    member.try_to_send(conversation)
    assert member.state(conversation)["conversation"]["free_remaining"]["text"] == free - 1
    Reply.objects.update(created_at=timezone.now() - timedelta(seconds=86))
    with open_socket(member) as socket:
        socket.send(json.dumps({"type": "watch", "conversation": conversation, "version": 0}))
        reply = None
        while reply is None:
            frame = json.loads(socket.recv(timeout=DEADLINE))
            reply = frame["reply"] if frame["type"] == "reply" else None
    assert reply["state"] == "failed"
    assert reply["can_retry"]
    state = member.state(conversation)
    assert state["conversation"]["free_remaining"]["text"] == free
    assert state["reply"]["state"] == "failed"
    production.start("worker")
    member.retry(conversation)
    assert member.settled(conversation)["reply"]["state"] == "done"
    assert member.state(conversation)["conversation"]["free_remaining"]["text"] == free - 1
