"""What is answered when something is wrong: a page for people, and the site's own shape for its JavaScript."""

import sys
from collections.abc import Callable

from django.db import DataError, InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import render
from django.template import loader
from django.views import debug

from config.context import frame
from config.lib import refusals
from config.lib.doors import refused
from config.lib.waiting import Full

# How Django's reasons begin (django/middleware/csrf.py), and what we call them.
CSRF = (
    ("Origin checking failed", "origin"),
    ("Referer checking failed - no Referer", "no-referer"),
    ("Referer checking failed", "referer"),
    ("CSRF cookie not set", "no-cookie"),
    ("CSRF token missing", "no-token"),
    ("CSRF token", "token"),
)


def _answer(request: HttpRequest, status: int, code: str, message: str, template: str) -> HttpResponse:
    """A page, or a refusal for those who ask for JSON and not for pages."""
    if request.accepts("text/html"):
        return render(request, template, status=status)
    return refused(code, message, status)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400: the request makes no sense."""
    return _answer(request, 400, "bad_request", "We couldn’t read that request.", "400.html")


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403: not for this person."""
    return _answer(request, 403, "forbidden", "You can’t open this.", "403.html")


def page_not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404: absent, or somebody else's; the answer doesn't tell which."""
    return _answer(request, 404, "not_found", "There’s nothing here.", "404.html")


def wrong_method(request: HttpRequest) -> HttpResponse:
    """405: an address that takes forms, opened like a page, or the other way round."""
    return _answer(request, 405, "method_not_allowed", "That isn’t done this way.", "405.html")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 from the CSRF middleware: mostly a form left open too long, or cookies that are off."""
    refusals.note("csrf", next((label for words, label in CSRF if reason.startswith(words)), "other"))
    return _answer(
        request, 403, "page_out_of_date", "This page is out of date. Reload it and try again.", "403_csrf.html"
    )


def server_error(request: HttpRequest) -> HttpResponse:
    """500: our fault; 503 when the database was away, 400 when it keeps no such value, wherever that shows."""
    # Django calls this while it handles what went wrong, and has no other way to tell what that is.
    if isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        response = _bare(request, 503, "unavailable", "We’re looking after the servers.", "503.html")
        response["Retry-After"] = "5"
        return response
    if isinstance(sys.exc_info()[1], DataError):
        return _bare(request, 400, "bad_request", "We couldn’t read that request.", "400.html")
    return _bare(request, 500, "server_error", "Something went wrong on our side.", "500.html")


def replace_yellow_pages() -> None:
    """While DEBUG is on Django shows pages of its own, with settings and variables on them, and asks nobody first.

    The log has the traceback on a laptop, too, and what one sees there is what visitors will see.
    """

    def technical_500(request: HttpRequest, *raised: object, status_code: int = 500) -> HttpResponse:
        return server_error(request) if status_code == 500 else bad_request(request)

    debug.technical_404_response = page_not_found
    debug.technical_500_response = technical_500  # type: ignore[assignment]


class MethodsHavePages:
    """Django answers a method that a door does not take with nothing at all: here it is a page, or our JSON."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if isinstance(response, HttpResponseNotAllowed) and not response.content:
            page = wrong_method(request)
            response.content, response["Content-Type"] = page.content, page["Content-Type"]
        return response


class VendorsAreBusy:
    """503 for whoever would wait for a vendor for whom very many wait already."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """The answer, if that is what was raised."""
        if not isinstance(exception, Full):
            return None
        response = _bare(request, 503, "busy", "Very many people are here right now. Wait a moment.", "503.html")
        response["Retry-After"] = str(exception.retry_after)
        return response


def _bare(request: HttpRequest, status: int, code: str, message: str, template: str) -> HttpResponse:
    """As `_answer`, but with no more context than costs nothing: what broke may be what a context would ask."""
    if request.accepts("text/html"):
        return HttpResponse(loader.get_template(template).render(frame(request)), status=status)
    return refused(code, message, status)
