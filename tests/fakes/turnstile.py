"""Cloudflare's siteverify, played by a small real HTTP server."""

import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs

from tests.fakes.listening import Server

SITE_KEY = "0x4AAAAAAATestSiteKey"
SECRET_KEY = "0x4AAAAAAATestSecretKey"


class FakeTurnstile:
    """Hands out tokens as a browser would get them, and judges each of them once."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.questions: list[dict[str, str]] = []
        self.instead: list[tuple[int, str]] = []  # (status, body) to answer with first
        self.hangs = False
        self.gone = threading.Event()
        self._tokens: dict[str, dict[str, object]] = {}
        self._judged: dict[str, str] = {}  # token: the idempotency key that it was judged under

    def token(self, action: str = "signup", *, hostname: str = "127.0.0.1", age: float = 5, **verdict: object) -> str:
        """A token that a browser earned `age` seconds ago; `verdict` overrides what siteverify will say."""
        token = secrets.token_urlsafe(24)
        made_at = datetime.now(UTC) - timedelta(seconds=age)
        self._tokens[token] = {
            "success": True,
            "challenge_ts": made_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "hostname": hostname,
            "error-codes": [],
            "action": action,
            "cdata": "",
            **verdict,
        }
        return token

    def judge(self, question: dict[str, str]) -> dict[str, object]:
        token, key = question.get("response", ""), question.get("idempotency_key", "")
        if question.get("secret") != SECRET_KEY:
            return {"success": False, "error-codes": ["invalid-input-secret"]}
        if token not in self._tokens:
            return {"success": False, "error-codes": ["invalid-input-response"]}
        if self._judged.setdefault(token, key) != key:
            return {"success": False, "error-codes": ["timeout-or-duplicate"]}
        return self._tokens[token]


@contextmanager
def turnstile_server() -> Iterator[FakeTurnstile]:
    """Serve on a free port until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            question = {name: values[0] for name, values in parse_qs(body).items()}
            fake.questions.append(question)
            if fake.hangs:
                fake.gone.wait()
                return
            status, answer = fake.instead.pop(0) if fake.instead else (200, json.dumps(fake.judge(question)))
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer.encode())))
            self.end_headers()
            self.wfile.write(answer.encode())

        def log_message(self, *args: object) -> None:
            pass

    server = Server(("127.0.0.1", 0), Handler)
    fake = FakeTurnstile(f"http://127.0.0.1:{server.server_port}/siteverify")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        fake.gone.set()
        server.shutdown()
        server.server_close()
        thread.join()
