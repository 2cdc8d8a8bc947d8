"""What the doors of several apps share: who knocks, where they may be sent, what nobody keeps, and how one says no."""

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.cache import patch_cache_control
from django.utils.crypto import salted_hmac
from django.utils.http import url_has_allowed_host_and_scheme

if TYPE_CHECKING:
    from django.contrib.auth.models import _User  # what AUTH_USER_MODEL names, for those who know no app

View = Callable[..., HttpResponse]


class MemberRequest(HttpRequest):
    """A request whose user is signed in: behind `private_page`, or a door that refuses everybody else."""

    user: "_User"


def private_page(view: View) -> View:
    """A member's page: sign-in first, which comes back to it, and nobody keeps what it shows."""

    @wraps(view)
    def door(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return kept_by_nobody(view(request, *args, **kwargs))

    return login_required(door)


def takes(most: int) -> Callable[[View], View]:
    """A door that takes larger requests than others: so many bytes."""

    def mark(view: View) -> View:
        view.body_bytes = most  # type: ignore[attr-defined]
        return view

    return mark


def kept_by_nobody(response: HttpResponse) -> HttpResponse:
    """The response, for this person's eyes now: no cache keeps it, not even that of a browser that is signed out."""
    patch_cache_control(response, private=True, no_store=True)
    return response


def refused(code: str, message: str, status: int, **more: Any) -> JsonResponse:
    """No, in the shape of the product's contract. `more` stands beside code and message."""
    return JsonResponse({"error": {"code": code, "message": message, **more}}, status=status)


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
