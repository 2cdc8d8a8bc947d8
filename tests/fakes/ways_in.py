"""Google and Apple, played by a small real HTTP server: the page that asks, codes, signed tokens, keys.

It is strict where they are: a code is good once, for the client that it was made for and the address that it was sent
to, and Google's also for whoever began (PKCE). Nothing here was tried against the real ones.
"""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from http.server import BaseHTTPRequestHandler
from typing import Any, Literal
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tests.fakes.listening import Server

CLIENTS = {"google": "1-dusk.apps.googleusercontent.com", "apple": "example.dusk.web"}
GOOGLE_SECRET = "GOCSPX-fake"
APPLE_TEAM, APPLE_KEY = "TEAM123456", "KEY1234567"
ISSUERS = {"google": "https://accounts.google.com", "apple": "https://appleid.apple.com"}

_apple_key = ec.generate_private_key(ec.SECP256R1())  # Apple gives it to who runs the site
APPLE_PRIVATE_KEY = _apple_key.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()


@dataclass
class Consent:
    """What the page asks, and who it is that is asked."""

    redirect_uri: str
    state: str
    client_id: str
    scope: set[str]
    form_post: bool
    challenge: str = ""


@dataclass
class FakeWayIn:
    """One of the two. `person` is who sits before its page."""

    provider: Literal["google", "apple"]
    url: str = ""
    person: dict[str, Any] = field(
        default_factory=lambda: {"sub": "1001", "email": "robin@gmail.example", "email_verified": True}
    )
    claims: dict[str, Any] = field(default_factory=dict)  # what the token says instead
    instead: list[tuple[int, str]] = field(default_factory=list)  # (status, body) that is answered first to a code
    asked: list[dict[str, str]] = field(default_factory=list)
    codes: dict[str, tuple[Consent, dict[str, Any]]] = field(default_factory=dict)
    key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))

    def reads(self, address: str) -> Consent:
        """What a browser is sent here with. Raises where they would show an error."""
        query = dict(parse_qsl(urlsplit(address).query))
        assert query["client_id"] == CLIENTS[self.provider]
        assert query["response_type"] == ("code" if self.provider == "google" else "code id_token")
        assert self.provider == "apple" or query["code_challenge_method"] == "S256"
        form_post = query.get("response_mode") == "form_post"
        assert form_post == (self.provider == "apple")
        return Consent(
            redirect_uri=query["redirect_uri"],
            state=query["state"],
            client_id=query["client_id"],
            scope=set(query["scope"].split()),
            form_post=form_post,
            challenge=query.get("code_challenge", ""),
        )

    def agrees(self, consent: Consent) -> dict[str, str]:
        """What the browser takes back when the person agreed."""
        code = secrets.token_urlsafe(16)
        self.codes[code] = consent, dict(self.person)
        answer = {"state": consent.state, "code": code}
        return {**answer, "id_token": self.token(self.person)} if self.provider == "apple" else answer

    def refuses(self, consent: Consent) -> dict[str, str]:
        """And when they did not."""
        return {
            "state": consent.state,
            "error": "access_denied" if self.provider == "google" else "user_cancelled_authorize",
        }

    def token(self, person: dict[str, Any]) -> str:
        """Who it is, signed."""
        now = int(time.time())
        claims = {
            "iss": ISSUERS[self.provider],
            "aud": CLIENTS[self.provider],
            "iat": now,
            "exp": now + 600,
            **person,
            **self.claims,
        }
        return jwt.encode(claims, self.key, algorithm="RS256", headers={"kid": "one"})

    def exchange(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """A code for a token."""
        consent, person = self.codes.pop(form.get("code", ""), (None, {}))
        if consent is None or form["redirect_uri"] != consent.redirect_uri or form["client_id"] != consent.client_id:
            return 400, {"error": "invalid_grant"}
        if self.provider == "google":
            verifier = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
            if base64.urlsafe_b64encode(verifier).decode().rstrip("=") != consent.challenge:
                return 400, {"error": "invalid_grant"}
            if form["client_secret"] != GOOGLE_SECRET:
                return 401, {"error": "invalid_client"}
        else:
            try:
                claims = jwt.decode(
                    form["client_secret"], _apple_key.public_key(), ["ES256"], audience="https://appleid.apple.com"
                )
                assert (claims["iss"], claims["sub"]) == (APPLE_TEAM, CLIENTS["apple"])
                assert jwt.get_unverified_header(form["client_secret"])["kid"] == APPLE_KEY
            except (AssertionError, jwt.PyJWTError):
                return 400, {"error": "invalid_client"}
        return 200, {
            "access_token": f"SECRET-TOKEN-{secrets.token_hex(4)}",
            "token_type": "Bearer",
            "expires_in": 3600,
            "refresh_token": "SECRET-REFRESH",
            "id_token": self.token(person),
        }

    def keys(self) -> dict[str, Any]:
        """What Apple's tokens are verified with."""
        jwk = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
        return {"keys": [{**jwk, "kid": "one", "use": "sig", "alg": "RS256"}]}

    def page(self, address: str) -> str:
        """The page that asks, for a real browser."""
        consent = self.reads(address)

        def button(words: str, answer: dict[str, str]) -> str:
            fields = "".join(f'<input type="hidden" name="{n}" value="{escape(v)}">' for n, v in answer.items())
            form = f'method="{"post" if consent.form_post else "get"}" action="{escape(consent.redirect_uri)}"'
            return f"<form {form}>{fields}<button>{words}</button></form>"

        name = self.provider.capitalize()
        return (
            f'<!doctype html><html lang="en"><title>{name}</title><link rel="icon" href="data:,"><h1>{name}</h1>'
            + button("Agree", self.agrees(consent))
            + button("Cancel", self.refuses(consent))
        )


@contextmanager
def way_in(provider: Literal["google", "apple"]) -> Iterator[FakeWayIn]:
    """Serve one of them on a free port until the block ends."""
    fake = FakeWayIn(provider)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            if path == "/auth/keys":
                return self._answer(200, json.dumps(fake.keys()), "application/json")
            return self._answer(200, fake.page(self.path), "text/html; charset=utf-8")

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            fake.asked.append(form)
            if fake.instead:
                status, words = fake.instead.pop(0)
                return self._answer(status, words, "application/json")
            status, answer = fake.exchange(form)
            return self._answer(status, json.dumps(answer), "application/json")

        def _answer(self, status: int, body: str, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body.encode())))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *args: object) -> None:
            pass

    server = Server(("127.0.0.1", 0), Handler)
    fake.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def back(fake: FakeWayIn, consent: Consent, answer: dict[str, str]) -> tuple[str, dict[str, str]]:
    """Where the browser goes with an answer, on this site, and with which form."""
    path = urlsplit(consent.redirect_uri).path
    return (path, answer) if consent.form_post else (f"{path}?{urlencode(answer)}", {})
