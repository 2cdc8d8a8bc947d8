"""Whoever says too much over a socket, in whatever kind of frame, is shown out; the process goes on."""

import contextlib
import json

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.config.processes import Browser, Dusk, responds
from tests.config.test_connections import frame
from tests.servers import DEADLINE

PING, PONG, TEXT, BINARY, MORE = 9, 10, 1, 2, 0


@pytest.fixture(scope="module")
def dusk(tmp_path_factory):
    with Dusk(tmp_path_factory.mktemp("serve")) as dusk:
        yield dusk


@pytest.fixture(scope="module")
def cookie(dusk):
    with Browser(dusk.url) as browser:
        browser.sign_in()
        yield f"sessionid={browser.http.cookies['sessionid']}"


def opened(dusk, cookie):
    headers = {"Cookie": cookie}
    url = dusk.url.replace("http", "ws", 1)
    return connect(f"{url}/ws/", origin=dusk.url, additional_headers=headers, proxy=None, legacy=True)


def code(socket):
    """With which code the server closes it, whatever it says before."""
    try:
        while True:
            socket.recv(timeout=DEADLINE)
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else None


def is_heard(socket, data):
    """Whether so much of it is taken; not, when nobody listens any more."""
    try:
        for _ in range(10_000):
            socket.socket.sendall(data)
    except OSError:
        return False
    return True


@pytest.mark.parametrize(
    "flood",
    [
        frame(PING, b"x") * 2000,
        frame(PING, b"x" * 125) * 2000,
        frame(PONG) * 2000,
        frame(TEXT, b"{", fin=False) + frame(MORE, fin=False) * 2000,
        frame(TEXT, b"{", fin=False) + (frame(MORE, fin=False) + frame(PING)) * 1000,
        frame(TEXT, json.dumps({"type": "watch", "threads": 0}).encode()) * 1000,
    ],
    ids=["pings", "large pings", "pongs", "pieces", "pings between pieces", "watches"],
)
def test_a_flood_of_frames_ends_the_socket_at_once(dusk, cookie, flood):
    with opened(dusk, cookie) as wild:
        with contextlib.suppress(OSError):
            wild.socket.sendall(flood)
        assert code(wild) == 4429
        assert not is_heard(wild, flood)
    assert responds(f"{dusk.url}/healthz")
    with opened(dusk, cookie) as calm:
        calm.send(json.dumps({"type": "watch", "threads": 0}))
        assert json.loads(calm.recv(timeout=DEADLINE))["type"] == "threads"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (frame(TEXT, b"x" * 60_000, fin=False) + frame(MORE, b"x" * 10_000), 1009),  # 64 KiB in all
        (b"\xc1\x80\x00\x00\x00\x00", 1002),  # compressed, which nobody agreed to
        (frame(3), 1002),
        (frame(TEXT, b"\xff"), 1007),
        (frame(BINARY, b"x"), 1003),
    ],
    ids=["too large in pieces", "compressed", "unknown kind", "not UTF-8", "binary"],
)
def test_what_nobody_may_say_ends_the_socket(dusk, cookie, said, why):
    with opened(dusk, cookie) as wild:
        wild.socket.sendall(said)
        assert code(wild) == why
    assert responds(f"{dusk.url}/healthz")


def test_a_calm_socket_is_not_mistaken_for_a_flood(dusk, cookie):
    with opened(dusk, cookie) as calm:
        for _ in range(60):
            assert calm.ping().wait(DEADLINE)
