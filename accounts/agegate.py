"""The age gate: visitors say that they are adults before any character is shown to them."""

import re
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers, patch_vary_headers

ADULT, MINOR = "adult", "minor"
COOKIE = "age"
SALT = "accounts.agegate"
YEAR = 365 * 24 * 3600

GATED = re.compile(r"/(?:\Z|girls/|feed/)")  # characters are shown here


class AgeGateMiddleware:
    """Answers with the gate, at the same address, until the question is. Members answered it by signing up."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not settings.AGE_GATE or not GATED.match(request.path_info):
            return self.get_response(request)
        if answer(request) == ADULT or request.user.is_authenticated:
            response = self.get_response(request)
            patch_vary_headers(response, ["Cookie"])  # a shared cache must not hand it past the gate
            return response
        return gate(request, next_url=request.get_full_path() if request.method == "GET" else "/")


def answer(request: HttpRequest) -> str | None:
    """What this browser said before: ADULT, MINOR, or None. Signed, so only the server can write it."""
    said = request.get_signed_cookie(COOKIE, None, salt=SALT, max_age=YEAR)
    return said if said in (ADULT, MINOR) else None


def remember(response: HttpResponse, said: str, *, max_age: int | None) -> None:
    """Put the answer into the browser for so many seconds; None: until it is closed."""
    response.set_signed_cookie(
        COOKIE, said, salt=SALT, max_age=max_age, secure=settings.SESSION_COOKIE_SECURE, httponly=True, samesite="Lax"
    )


def gate(request: HttpRequest, *, next_url: str) -> HttpResponse:
    """The question; or, to somebody under age, the plain page. Neither is kept by caches or search engines."""
    template = "agegate_minor.html" if answer(request) == MINOR else "agegate.html"
    response = render(request, template, {"next": next_url})
    add_never_cache_headers(response)
    response["X-Robots-Tag"] = "noindex"
    return response
