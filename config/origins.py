"""Who may open a websocket: pages of this site, in this scheme, on this port, with a session."""

from typing import Any

from channels.security.websocket import OriginValidator, WebsocketDenier
from django.conf import settings
from django.http import parse_cookie

from config.lib import refusals


class SameOrigin:
    """Refuses (403) a websocket whose Origin is missing, `null` or not this site's.

    Browsers send cookies along with cross-site websockets, so Origin is what CSRF protection is for forms.
    While DEBUG is on the site is whatever host the browser asked for, so that a phone in the same network may join.
    """

    def __init__(self, application: Any) -> None:
        self.application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        ours = list(settings.CSRF_TRUSTED_ORIGINS)
        headers = dict(scope["headers"])
        if settings.DEBUG:
            host = headers.get(b"host", b"").decode("latin-1")
            ours += [f"http://{host}", f"https://{host}"]
        is_ours = False

        async def let_in(*asked: Any) -> Any:
            nonlocal is_ours
            is_ours = True
            return await self.application(*asked)

        await OriginValidator(let_in, ours)(scope, receive, send)
        if not is_ours:
            refusals.note("socket", "origin" if b"origin" in headers else "no-origin")


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
        return await WebsocketDenier()(scope, receive, send)
