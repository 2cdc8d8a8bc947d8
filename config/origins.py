"""Who may open a websocket: pages of this site, in this scheme, on this port, with a session."""

from typing import Any

from django.conf import settings
from django.http import parse_cookie

from config.lib import refusals
from config.lib.doors import refused_socket


class SameOrigin:
    """Refuses (403) a websocket whose Origin is missing, `null` or not this site's.

    Browsers send cookies along with cross-site websockets, so Origin is what CSRF protection is for forms.
    While DEBUG is on the site is whatever host the browser asked for, so that a phone in the same network may join.
    """

    def __init__(self, application: Any) -> None:
        self.application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        headers = dict(scope["headers"])
        ours = list(settings.CSRF_TRUSTED_ORIGINS)
        if settings.DEBUG:
            host = headers.get(b"host", b"").decode("latin-1")
            ours += [f"http://{host}", f"https://{host}"]
        origin = headers.get(b"origin")
        if origin is not None and origin.decode("latin-1") in ours:  # browsers spell an origin in one way only
            return await self.application(scope, receive, send)
        refusals.note("socket", "no-origin" if origin is None else "origin")
        return await refused_socket(scope, receive, send)


class WithSession:
    """Refuses (403) a websocket that brings no session at all, before anybody looks anything up.

    One whose session is over is let in, to be told so (4401): the page learns the reason by no other way.
    """

    def __init__(self, application: Any) -> None:
        self.application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        cookies = parse_cookie(dict(scope["headers"]).get(b"cookie", b"").decode("latin-1"))
        if cookies.get(settings.SESSION_COOKIE_NAME):
            return await self.application(scope, receive, send)
        refusals.note("socket", "no-session")
        return await refused_socket(scope, receive, send)
