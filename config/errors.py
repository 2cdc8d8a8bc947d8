"""What is answered when something is wrong: a page for people, and the site's own shape for its JavaScript."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template import loader


def _answer(request: HttpRequest, status: int, code: str, message: str, template: str) -> HttpResponse:
    """A page, or for those who ask for JSON and not for pages `{"error": {"code", "message"}}`."""
    if request.accepts("text/html"):
        return render(request, template, status=status)
    return JsonResponse({"error": {"code": code, "message": message}}, status=status)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400: the request makes no sense."""
    return _answer(request, 400, "bad_request", "We couldn’t read that request.", "400.html")


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403: not for this person."""
    return _answer(request, 403, "forbidden", "You can’t open this.", "403.html")


def page_not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404: absent, or somebody else's; the answer doesn't tell which."""
    return _answer(request, 404, "not_found", "There’s nothing here.", "404.html")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 from the CSRF middleware: mostly a form left open too long, or cookies that are off."""
    return _answer(request, 403, "forbidden", "This page is out of date. Reload it and try again.", "403_csrf.html")


def server_error(request: HttpRequest) -> HttpResponse:
    """500: our fault. The page is rendered without a context: what broke may be what a context would ask."""
    if request.accepts("text/html"):
        return HttpResponse(loader.get_template("500.html").render(), status=500)
    return JsonResponse({"error": {"code": "server_error", "message": "Something went wrong on our side."}}, status=500)
