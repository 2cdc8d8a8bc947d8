"""Who may open a websocket: pages of this site, in this scheme, on this port."""

from typing import Any

from channels.security.websocket import OriginValidator
from django.conf import settings


class SameOrigin:
    """Refuses (403) a websocket whose Origin is missing, `null` or not this site's.

    Browsers send cookies along with cross-site websockets, so Origin is what CSRF protection is for forms.
    While DEBUG is on the site is whatever host the browser asked for, so that a phone in the same network may join.
    """

    def __init__(self, application: Any) -> None:
        self.application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        ours = list(settings.CSRF_TRUSTED_ORIGINS)
        if settings.DEBUG:
            host = dict(scope["headers"]).get(b"host", b"").decode("latin-1")
            ours += [f"http://{host}", f"https://{host}"]
        return await OriginValidator(self.application, ours)(scope, receive, send)
