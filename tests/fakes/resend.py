"""Resend's API, played by a small real HTTP server. It knows a mail by its Idempotency-Key, for ever."""

import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.fakes.listening import Server

KEY = "re_test"


@dataclass
class FakeResend:
    """`instead`: (status, body) to answer with first; None as a status: the mail is taken, and the line goes dead."""

    url: str = ""
    taken: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)  # of every request, in order
    instead: list[tuple[int | None, dict[str, Any]]] = field(default_factory=list)
    known: dict[str, tuple[str, str]] = field(default_factory=dict)  # key: what was asked, what was answered
    domains: dict[str, str] = field(default_factory=dict)  # name: status
    sends_alone: bool = False  # the key may do nothing else
    is_silent: bool = False  # it takes mails and does not say so
    reached: threading.Event = field(default_factory=threading.Event)  # it came to a silence
    go_on: threading.Event = field(default_factory=threading.Event)  # ends all silences

    def environment(self) -> dict[str, str]:
        return {"RESEND_API_KEY": KEY, "RESEND_API_URL": self.url}

    def answer(self, key: str, body: str) -> tuple[int | None, dict[str, Any]]:
        self.keys.append(key)
        status, words = self.instead.pop(0) if self.instead else (200, {})
        if status not in (200, None):
            return status, words
        if key in self.known:
            asked, answered = self.known[key]
            if asked != body:
                return 409, {"name": "invalid_idempotent_request", "message": "another payload"}
            return status, {"id": answered}
        mail_id = str(uuid.uuid4())
        self.known[key] = (body, mail_id)
        self.taken.append(json.loads(body))
        return status, {"id": mail_id}


@contextmanager
def resend_server() -> Iterator[FakeResend]:
    """One that listens while the test runs."""
    fake = FakeResend()
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            size = int(self.headers["Content-Length"])
            sent = self.rfile.read(size)
            if len(sent) < size:  # whoever asked died in the middle of it: nobody asked anything
                return self.connection.close()
            body = sent.decode()
            if self.path != "/emails" or self.headers["Authorization"] != f"Bearer {KEY}":
                return self._say(401, {"name": "invalid_api_key", "message": "API key is invalid"})
            with lock:
                status, words = fake.answer(self.headers["Idempotency-Key"] or "", body)
            if fake.is_silent:
                fake.reached.set()
                fake.go_on.wait(60)
            if status is None:
                return self.connection.close()
            self._say(status, words)

        def do_GET(self) -> None:
            if self.path != "/domains" or self.headers["Authorization"] != f"Bearer {KEY}":
                return self._say(401, {"name": "invalid_api_key", "message": "API key is invalid"})
            if fake.sends_alone:
                return self._say(401, {"name": "restricted_api_key", "message": "This API key may only send emails"})
            self._say(200, {"data": [{"name": name, "status": state} for name, state in fake.domains.items()]})

        def _say(self, status: int, words: dict[str, Any]) -> None:
            said = json.dumps(words).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *args: Any) -> None:
            pass

    server = Server(("127.0.0.1", 0), Handler)
    fake.url = f"http://127.0.0.1:{server.server_address[1]}/"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield fake
    finally:
        fake.go_on.set()
        server.shutdown()
        server.server_close()
