"""What the doors of several apps share: who knocks, where they may be sent, what nobody keeps, and how one says no."""

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.utils.cache import patch_cache_control
from django.utils.crypto import salted_hmac
from django.utils.http import url_has_allowed_host_and_scheme

if TYPE_CHECKING:
    from django.contrib.auth.models import _User  # what AUTH_USER_MODEL names, for those who know no app

View = Callable[..., HttpResponse]
R = TypeVar("R", bound=HttpResponseBase)


class MemberRequest(HttpRequest):
    """A request whose user is signed in: behind `private_page`, or a door that refuses everybody else."""

    user: "_User"


def private_page(view: View) -> View:
    """A member's page: sign-in first, which comes back to it, and nobody keeps what it shows."""

    @wraps(view)
    def door(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return kept_by_nobody(view(request, *args, **kwargs))

    return login_required(door)


def takes(most: int | Callable[..., int]) -> Callable[[View], View]:
    """A door that takes larger requests than others: so many bytes, or as many as its address says."""

    def mark(view: View) -> View:
        view.body_bytes = most  # type: ignore[attr-defined]
        return view

    return mark


def kept_by_nobody(response: R) -> R:
    """The response, for this person's eyes now: no cache keeps it, not even that of a browser that is signed out."""
    patch_cache_control(response, private=True, no_store=True)
    return response


def refused(code: str, message: str, status: int, **more: Any) -> JsonResponse:
    """No, in the shape of the product's contract. `more` stands beside code and message."""
    return JsonResponse({"error": {"code": code, "message": message, **more}}, status=status)


def not_signed_in(request: HttpRequest) -> JsonResponse:
    """No, to a script whose page belongs to a member, and that comes without one.

    Django would take the cookie away. By now the browser may have another, of a sign-in or of a new password in the tab
    beside, and it is that one which would go.
    """
    request.COOKIES.pop(settings.SESSION_COOKIE_NAME, None)
    return refused("sign_in_required", "Sign in to go on.", 401)


async def refused_socket(scope: Any, receive: Any, send: Any) -> None:
    """A websocket that is not let in (403), as an ASGI application.

    Channels' own is a consumer, and a consumer looks after database connections, on a thread, before it says no.
    """
    await receive()
    await send({"type": "websocket.close"})


def mark_of(user: Any) -> str:
    """What this site's own script knows a member by: whether two pages are of the same one, and nothing else."""
    return salted_hmac("member", str(user.pk)).hexdigest()[:16]


def safe_next(request: HttpRequest, url: str | None, otherwise: str = "") -> str:
    """Where somebody wants to go on to, if that is an address on this site, and not a name of Django's for one."""
    if (
        url
        and url.startswith(("/", "http://", "https://"))
        and url_has_allowed_host_and_scheme(url, {request.get_host()}, require_https=request.is_secure())
    ):
        return url
    return otherwise
