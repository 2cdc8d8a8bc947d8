"""Whoever floods is shown out; the others notice nothing."""

import contextlib
import json
import threading
import time
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed

from tests.chaos.members import Member
from tests.chaos.test_deploys import close_code, open_socket
from tests.factories import UserFactory
from tests.racing import needs_postgres
from tests.servers import DEADLINE

pytestmark = needs_postgres
MEBIBYTE = 1024 * 1024


def test_a_thousand_frames_at_once_close_the_socket_while_others_are_served(production, member, charlie):
    production.start("redis", "web")
    conversation = member.open_chat()
    watch = json.dumps({"type": "watch", "conversation": conversation, "version": 0})
    with Member(production.url, charlie) as other, open_socket(member) as calm, open_socket(other) as wild:
        with contextlib.suppress(ConnectionClosed):
            for _ in range(1000):
                wild.send(watch)
        calm.send(watch)
        told = [json.loads(calm.recv(timeout=DEADLINE))["type"] for _ in range(3)]
        assert told == ["message", "conversation", "thread"]
        assert close_code(wild) == 4429


def test_whoever_floods_again_and_again_slows_nobody_else(production, member, charlie):
    production.start("redis", "web")
    conversation = member.open_chat()
    over = threading.Event()

    def flood(other):
        while not over.is_set():
            with contextlib.suppress(ConnectionClosed, OSError), open_socket(other) as wild:
                for _ in range(1000):
                    wild.send('{"type": "nothing we know"}')

    def median():
        took = []
        for _ in range(40):
            began = time.monotonic()
            member.state(conversation)
            took.append(time.monotonic() - began)
        return sorted(took)[20]

    with Member(production.url, charlie) as other:
        before = median()
        flooding = threading.Thread(target=flood, args=(other,))
        flooding.start()
        try:
            during = median()
        finally:
            over.set()
            flooding.join()
    assert during < max(0.3, 5 * before), (before, during)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")
def test_a_frame_that_is_too_big_is_not_even_read(production, member):
    production.start("redis", "web")
    statm = Path(f"/proc/{production['web'].pid}/statm")
    resident = lambda: int(statm.read_text().split()[1]) * 4096  # noqa: E731

    def flood():
        with open_socket(member) as socket, contextlib.suppress(ConnectionClosed):
            socket.send("x" * (16 * MEBIBYTE))
            raise AssertionError(socket.recv(timeout=DEADLINE))

    flood()
    before = resident()
    for _ in range(10):
        flood()
    assert resident() - before < 16 * MEBIBYTE
    with open_socket(member) as socket:
        socket.send("x" * (64 * 1024 + 1))
        assert close_code(socket) == 1009
    users = UserFactory.create_batch(2)
    for user in users:
        with Member(production.url, user) as somebody, open_socket(somebody) as socket:
            socket.send('{"type": "nothing we know"}')
            assert json.loads(socket.recv(timeout=DEADLINE))["type"] == "error"
