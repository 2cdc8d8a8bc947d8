"""What a visitor pressed before signing in, kept in their browser until they come back as a member.

Signed, so only a form of this site writes it: an address alone, which anybody can make somebody follow, does nothing.
"""

from django.conf import settings
from django.http import HttpRequest, HttpResponse

KEPT_SECONDS = 3600


def remember(response: HttpResponse, name: str, said: str) -> None:
    """Put it into the browser, as the one wish of this name."""
    response.set_signed_cookie(
        name,
        said,
        salt=f"wish.{name}",
        max_age=KEPT_SECONDS,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def remembered(request: HttpRequest, name: str) -> str:
    """What this browser pressed a while ago; empty when it did not."""
    return request.get_signed_cookie(name, "", salt=f"wish.{name}", max_age=KEPT_SECONDS) or ""


def forget(response: HttpResponse, name: str) -> None:
    """It is done."""
    response.delete_cookie(name, samesite="Lax")
