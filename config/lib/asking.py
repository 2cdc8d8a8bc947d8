"""Asking an address whether it is there: by whoever looks after the site, not for what pages need of vendors.

One question on one connection, no redirects, no proxies of the environment, and never more of the answer than a little.
"""

import http.client
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

MOST_BYTES = 256 * 1024


class NoAnswer(Exception):
    """Nobody is there, or what came is no HTTP. The text is one line."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. Headers by their names in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def ask(
    url: str,
    *,
    method: str = "GET",
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    seconds: float = 3.0,
) -> Answer:
    """Ask once. `seconds` is for the connection, and again for each piece of the answer. Raises NoAnswer."""
    connection: http.client.HTTPConnection | None = None
    try:
        parts = urlsplit(url)
        secure = parts.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=seconds)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request(method, path, body, {"User-Agent": "Dusk", "Connection": "close", **(headers or {})})
        response = connection.getresponse()
        told = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, told, response.read(MOST_BYTES))
    except TimeoutError as error:
        raise NoAnswer(f"nothing came for {seconds:g} s") from error
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise NoAnswer(str(error).splitlines()[0] if str(error) else type(error).__name__) from error
    finally:
        if connection is not None:
            connection.close()
