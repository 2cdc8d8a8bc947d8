"""A server without a proxy before it: what anybody on the net may do to it, by hand, byte by byte."""

import contextlib
import re
import select
import socket
import sys
import time

import pytest

from tests.config.processes import environment, responds, until
from tests.servers import DEADLINE, Process, free_port

AN_UPGRADE = (
    b"GET /ws/ HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nOrigin: %s\r\n"
)


class Web(Process):
    """A web process with little of everything, so that tests are quick."""

    def __init__(self, folder, **env):
        self.port = free_port()
        small = {"DATABASE_URL": f"sqlite:///{folder}/dusk.sqlite3", "REDIS_URL": "", "HOST": "127.0.0.1"}
        env = environment(**small, PORT=str(self.port), **env)
        super().__init__("web", [sys.executable, "-m", "config.server"], folder, env)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        super().start()
        until(lambda: responds(f"{self.url}/healthz"), what="an answer")


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    with Web(tmp_path_factory.mktemp("web"), CONNECTIONS_PER_ADDRESS="30") as web:
        yield web


@contextlib.contextmanager
def connected(web):
    with socket.create_connection(("127.0.0.1", web.port), DEADLINE) as browser:
        yield browser


def said(browser):
    """All that comes, until the other side hangs up."""
    heard = b""
    with contextlib.suppress(ConnectionError):
        while part := browser.recv(65536):
            heard += part
    return heard


def status(answer):
    found = re.match(rb"HTTP/1.1 (\d+)", answer)
    return int(found[1]) if found else None


def ask(web, *parts):
    """The status of the first answer to these bytes."""
    with connected(web) as browser:
        with contextlib.suppress(ConnectionError):
            for part in parts:
                browser.sendall(part)
        return status(said(browser))


IN_PIECES = b"POST /nowhere HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"


@pytest.mark.parametrize(
    ("parts", "answer"),
    [
        ([GET + b"Connection: close\r\n\r\n"], 200),
        ([GET, b"Cookie: " + b"x" * 7000 + b"\r\nConnection: close\r\n\r\n"], 200),
        ([GET + b"X: " + b"x" * 20_000 + b"\r\n\r\n"], 431),
        ([GET + b"X: ", *[b"x" * 60_000] * 50], 431),  # one field that never ends
        ([GET, *[b"X-%d: x\r\n" % n for n in range(200)], b"\r\n"], 431),
        ([GET + b"".join(b"X-%d: x\r\n" % n for n in range(200)) + b"\r\n"], 431),
        ([GET, *[b"X: " + b"x" * 1000 + b"\r\n"] * 40], 431),
        ([b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n"], 414),
        ([b"GET /?", *[b"x" * 60_000] * 20], 414),
        ([b"GET / HTTP/1.1\r\n" + b"x" * 70_000], 431),
        ([b"POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 629145600\r\n\r\n"], 413),
        ([b"POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 629145600\r\n\r\n", *[b"x" * 65536] * 50], 413),
        ([IN_PIECES, *[b"8000\r\n" + b"x" * 0x8000 + b"\r\n"] * 20], 413),
        ([AN_UPGRADE % b"http://x" + b"X: " + b"x" * 20_000 + b"\r\n\r\n"], 431),
        ([AN_UPGRADE % b"http://x" + b"\r\n"], 403),  # nobody is signed in there
        ([AN_UPGRADE % b"http://evil.example" + b"Cookie: sessionid=x\r\n\r\n"], 403),
        ([b"GET /ws/ HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"], 400),
    ],
)  # fmt: skip
def test_what_is_too_much_is_refused_and_the_others_are_served(web, parts, answer):
    assert ask(web, *parts) == answer
    assert responds(f"{web.url}/healthz")


def test_trailers_count_like_the_head(web):
    chunked = b"POST /healthz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n"
    with connected(web) as browser:
        with contextlib.suppress(ConnectionError):
            browser.sendall(chunked)
            for n in range(100_000):
                browser.sendall(b"X-%d: x\r\n" % n * 10)
        assert said(browser) is not None
    assert responds(f"{web.url}/healthz")


def test_very_many_requests_in_one_packet_are_not_remembered(web):
    with connected(web) as browser:
        with contextlib.suppress(ConnectionError):
            browser.sendall((GET + b"\r\n") * 5000)
        assert said(browser).count(b"HTTP/1.1 ") < 100
    assert responds(f"{web.url}/healthz")


def test_a_few_requests_in_one_packet_are_all_answered(web):
    assert ask(web, GET + b"\r\n", GET + b"Connection: close\r\n\r\n") == 200
    with connected(web) as browser:
        browser.sendall((GET + b"\r\n") * 4 + GET + b"Connection: close\r\n\r\n")
        assert said(browser).count(b"200 OK") == 5


def test_a_connection_serves_many_requests_one_after_the_other(web):
    with connected(web) as browser:
        for _ in range(30):
            browser.sendall(b"POST /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello")
            head = b""
            while b"\r\n\r\n" not in head:
                head += browser.recv(1)
            length = int(re.search(rb"(?i)content-length: (\d+)", head)[1])
            while length:
                length -= len(browser.recv(length))
            assert status(head) in {403, 404}


def test_whoever_asks_nothing_makes_room_for_whoever_does(web):
    with contextlib.ExitStack() as stack:
        silent = [stack.enter_context(connected(web)) for _ in range(40)]
        slow = [stack.enter_context(connected(web)) for _ in range(40)]
        for browser in slow:
            with contextlib.suppress(ConnectionError):
                browser.sendall(b"GET / HTTP/1.1\r\nX-Slow: ")
        for _ in range(5):
            assert ask(web, GET + b"Connection: close\r\n\r\n") == 200
        gone, _, _ = select.select(silent, [], [], DEADLINE)
        assert gone  # those that came first


def test_who_has_very_many_at_work_gets_no_more(web):
    with contextlib.ExitStack() as stack:
        busy = [stack.enter_context(connected(web)) for _ in range(30)]
        for browser in busy:
            browser.sendall(b"POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nh")
        until(lambda: ask(web, GET) == 429, what="a refusal")
        for browser in busy:
            browser.sendall(b"alf of it")
    until(lambda: responds(f"{web.url}/healthz"), what="an answer when they are gone")


def test_a_head_that_does_not_come_is_not_waited_for(web):
    with connected(web) as silent, connected(web) as slow, connected(web) as lasting:
        slow.sendall(b"GET / HTTP/1.1\r\nX-Slow: ")
        lasting.sendall(GET + b"\r\n")
        while not select.select([slow], [], [], 0.5)[0]:  # a byte now and then is no request either
            slow.sendall(b"x")
        assert status(said(slow)) == 408
        assert said(silent) == b""
        assert status(said(lasting)) == 200  # and was closed when nothing more came


def frame(opcode, payload=b"", *, fin=True):
    mask = b"\x37\xfa\x21\x3d"  # always the same, so that a test is called the same in every process
    body = bytes(b ^ mask[n % 4] for n, b in enumerate(payload))
    length = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + len(payload).to_bytes(2, "big")
    return bytes([(0x80 if fin else 0) | opcode]) + length + mask + body


def test_who_speaks_before_being_let_in_is_not_listened_to(web):
    with connected(web) as browser:
        browser.sendall(AN_UPGRADE % b"http://x" + b"Cookie: sessionid=" + b"x" * 32 + b"\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            while True:
                browser.sendall(frame(9, b"ping") * 2000)
        began = time.monotonic()
        assert responds(f"{web.url}/healthz")
        assert time.monotonic() - began < DEADLINE
