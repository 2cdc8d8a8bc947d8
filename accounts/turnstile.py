"""Cloudflare Turnstile: proof that a browser, not a script, fills in a form. The only door to Cloudflare.

Without a secret key its local twin answers: any token but "fail" passes while DEBUG is on, none does otherwise.
"""

import re
import uuid
from collections.abc import Callable
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import httpx
from django.conf import settings

from config.lib import refusals
from config.lib.database import give_back_connection
from config.lib.waiting import Bulkhead

TIMEOUT_SECONDS = 3.0
TOKEN_MAX_CHARACTERS = 2048
FIELD = "cf-turnstile-response"  # what Cloudflare's script calls its form field
_DUMMY = re.compile(r"[123]x0{8,}")
_requests = Bulkhead(12)  # that wait for Cloudflare, of the 32 that are at work in a process


class SecurityCheckFailed(Exception):
    """The browser was not proven, so what it asked for does not happen. `reason` is for logs, not for people.

    `why` finds a better one, when the door has nothing open any more.
    """

    def __init__(self, reason: str, *, check: str = "turnstile", why: Callable[[], str] | None = None) -> None:
        super().__init__(reason)
        self.reason, self.check, self._why = reason, check, why

    def note(self, **ids: object) -> None:
        """Log it and count it: at the door, once."""
        refusals.note(self.check, self._why() if self._why else self.reason, **ids)


def is_dummy(key: str) -> bool:
    """Whether a site key or secret is one of Cloudflare's for tests, which stand in its documentation.

    The first lets everybody pass, the second nobody, the third says "already spent".
    """
    return _DUMMY.match(key) is not None


def verify(token: object, *, action: str, remote_ip: str | None = None) -> None:
    """Accept a token that Cloudflare made for this site and this action.

    That it is fresh and was not used before is Cloudflare's verdict, by Cloudflare's clock. Raises SecurityCheckFailed
    for any other, and whenever Cloudflare does not plainly say yes; Full when very many ask already. Calls the network:
    never inside a transaction.
    """
    if not isinstance(token, str) or not token.isascii() or not 0 < len(token) <= TOKEN_MAX_CHARACTERS:
        raise SecurityCheckFailed("no-token")
    if not settings.TURNSTILE_SECRET_KEY:
        if not settings.DEBUG or token == "fail":  # noqa: S105
            raise SecurityCheckFailed("local-twin")
        return
    verdict = _ask(token, remote_ip)
    if verdict.get("success") is not True:
        raise SecurityCheckFailed(f"refused: {_codes(verdict)}")
    if is_dummy(settings.TURNSTILE_SECRET_KEY):
        if not settings.DEBUG:
            raise SecurityCheckFailed("test-key")
        hostnames, actions = {"localhost", "example.com", _site_host()}, {"test", action}
    else:
        hostnames, actions = {_site_host()}, {action}
    if verdict.get("hostname") not in hostnames:
        raise SecurityCheckFailed("hostname")
    if verdict.get("action") not in actions:
        raise SecurityCheckFailed("action")


def knows_us() -> bool:
    """Whether Cloudflare knows our secret; it proves nobody. Raises SecurityCheckFailed when Cloudflare is away."""
    refused = {"invalid-input-secret", "missing-input-secret"}
    return not refused.intersection(map(str, _codes(_ask("nobody-made-this", None))))


def _ask(token: str, remote_ip: str | None) -> dict[str, Any]:
    """Cloudflare's verdict. Asks a second time when Cloudflare stumbled; the key makes both one question."""
    question = {
        "secret": settings.TURNSTILE_SECRET_KEY,
        "response": token,
        "idempotency_key": str(uuid.uuid4()),
        **({"remoteip": remote_ip} if remote_ip else {}),
    }
    with _requests.place():
        give_back_connection()
        verdict = _post(question)
        if verdict is None or "internal-error" in _codes(verdict):
            verdict = _post(question)
    if verdict is None:
        raise SecurityCheckFailed("unavailable")
    return verdict


def _post(question: dict[str, str]) -> dict[str, Any] | None:
    """One call; None when Cloudflare answered with a server error."""
    try:
        response = _client().post(settings.TURNSTILE_VERIFY_URL, data=question)
        if response.status_code >= 500:
            return None
        verdict = response.json()
    except (httpx.HTTPError, ValueError) as error:
        raise SecurityCheckFailed(f"unavailable: {type(error).__name__}") from error
    if not isinstance(verdict, dict):
        raise SecurityCheckFailed("unavailable: not an object")
    return verdict


@cache
def _client() -> httpx.Client:
    """One pool of connections for the process; proxies in the environment are not ours."""
    return httpx.Client(timeout=TIMEOUT_SECONDS, trust_env=False)


def _codes(verdict: dict[str, Any]) -> list[object]:
    codes = verdict.get("error-codes")
    return codes if isinstance(codes, list) else []


def _site_host() -> str:
    return urlsplit(settings.SITE_URL).hostname or ""
