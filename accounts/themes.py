"""Light, dark, or as the device is: what the account says, and the cookie that says it before anybody is asked.

A member's theme is the account's, on every device. The cookie follows it: at sign-in, with every choice, and by
`static/js/site/theme.js` on a page that was opened meanwhile. A browser whose member chose just now marks its cookie
until the account has heard of it; until then the cookie is the newer of the two.
"""

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from accounts.models import User

COOKIE = "theme"
UNTOLD = "!"  # behind the value: the account has not heard of it
YEAR = 365 * 24 * 3600
_DRAWN = (User.Theme.LIGHT, User.Theme.DARK)


def of_browser(request: HttpRequest) -> str:
    """What was chosen in this browser: "light", "dark" or "" for the device's own. Nobody is asked."""
    theme = request.COOKIES.get(COOKIE, "").removesuffix(UNTOLD)
    return theme if theme in _DRAWN else ""


def of_page(request: HttpRequest) -> str:
    """What a page is drawn in: as the account says, if it says so and nothing newer was chosen here."""
    user = getattr(request, "user", None)
    chosen = user.theme if user is not None and user.is_authenticated else ""
    if not chosen or request.COOKIES.get(COOKIE, "").endswith(UNTOLD):
        return of_browser(request)
    return chosen if chosen in _DRAWN else ""


def follow(response: HttpResponse, theme: str) -> None:
    """This browser has the account's theme from now on, if one was ever chosen."""
    if theme:
        age = YEAR if theme in _DRAWN else 0
        response.set_cookie(COOKIE, theme, max_age=age, samesite="Lax", secure=settings.HTTPS)
