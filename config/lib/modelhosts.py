"""Where a model host is asked."""

import re
from urllib.parse import urljoin, urlsplit

from django.core.exceptions import ImproperlyConfigured

# What people paste that is no base: the address of one door of it.
_DOORS = re.compile(
    r"/(?:api/(?:chat|generate|tags)|completions?|responses|messages|models|embeddings)\Z", re.IGNORECASE
)


def completions_url(base_url: str) -> str:
    """Where to post: a base without a path gets /v1, a pasted `/chat/completions` is taken off first.

    Raises ImproperlyConfigured, which says how a base looks.
    """
    parts = urlsplit(base_url.strip())
    path = re.sub(r"(?:/chat/completions)+\Z", "", parts.path.rstrip("/"), flags=re.IGNORECASE).rstrip("/")
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise ImproperlyConfigured("The base URL of a model host looks like https://host or http://host:11434/v1.")
    if _DOORS.search(path):
        raise ImproperlyConfigured(
            "The base URL of a model host ends before the name of a door, as in http://host:11434/v1: "
            "the OpenAI-compatible /chat/completions below it is what is asked."
        )
    return f"{parts.scheme}://{parts.netloc}{path or '/v1'}/chat/completions"


def within(url: str, location: str) -> str:
    """Where a redirect leads, if that is the same host, or the same over TLS: nobody else is shown key and words."""
    old, new = urlsplit(url), urlsplit(urljoin(url, location))
    to_tls = old.scheme == "http" and new.scheme == "https" and old.hostname == new.hostname and new.port in {None, 443}
    same = (old.scheme, old.netloc) == (new.scheme, new.netloc)
    return new._replace(fragment="").geturl() if location and (same or to_tls) and new.geturl() != url else ""
