"""Who may open a websocket: pages of this site, in this scheme, on this port."""

from typing import Any
from urllib.parse import urlsplit

from channels.security.websocket import WebsocketDenier
from django.conf import settings


class SameOrigin:
    """Refuses (403) a websocket whose Origin is missing, `null` or not this site's.

    Browsers send cookies along with cross-site websockets, so Origin is what CSRF protection is for forms.
    While DEBUG is on the site is whatever host the browser asked for, so that a phone in the same network may join.
    """

    def __init__(self, application: Any) -> None:
        self.application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        headers = dict(scope["headers"])
        origin = headers.get(b"origin", b"").decode("latin-1")
        host = headers.get(b"host", b"").decode("latin-1")
        if origin and (origin in settings.CSRF_TRUSTED_ORIGINS or (settings.DEBUG and urlsplit(origin).netloc == host)):
            return await self.application(scope, receive, send)
        denier = WebsocketDenier()
        return await denier(scope, receive, send)
