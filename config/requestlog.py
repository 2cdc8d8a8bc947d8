"""One line for each request, and an id that goes with everything that is logged on its behalf."""

import logging
import re
from collections.abc import Callable
from uuid import uuid4

import structlog
from django.http import HttpRequest, HttpResponse

log = structlog.get_logger("request")

_GOOD_ID = re.compile(r"[\w.-]{8,64}", re.ASCII)
_SECRET = re.compile(r"key|token|secret|signature|session|code|^sig$", re.I)  # names of what an address may carry
_HARMLESS = re.compile(r"[A-Za-z_.-]{0,32}|\d{1,9}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class RequestLog:
    """Binds `request_id` (a proxy's own, if it sends one) and, once it is known, `user_id`; logs how it ended.

    What was raised is in Django's own log line, by then with both ids.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("x-request-id", "")
        with structlog.contextvars.bound_contextvars(request_id=given if _GOOD_ID.fullmatch(given) else str(uuid4())):
            response = self.get_response(request)
            if holds_secret(request):
                response.headers.setdefault("Referrer-Policy", "strict-origin")
            person = request.__dict__.get("_cached_user")  # only if somebody wanted to know
            user_id = {"user_id": person.pk} if person is not None and person.pk else {}
            log.info(
                "request_finished", request=f"{request.method} {shown(request)}", code=response.status_code, **user_id
            )
        return response


def shown(request: HttpRequest) -> str:
    """The path without its query, and without what is secret in it.

    Of an address that is none of ours, only what looks like words and ids: it may be a mistyped one of ours.
    """
    match = getattr(request, "resolver_match", None)
    if match is None:
        return _harmless(request.path)
    path = request.path
    for name, value in match.kwargs.items():
        if _SECRET.search(name) and value:
            path = path.replace(str(value), "***")
        elif name == "path":  # whatever somebody wrote
            path = path.replace(str(value), _harmless(str(value)))
    return path


def _harmless(path: str) -> str:
    return "/".join(part if _HARMLESS.fullmatch(part) else "***" for part in path.split("/"))


def holds_secret(request: HttpRequest) -> bool:
    """Whether the address is nobody else's to know, so that no other page is told where somebody came from."""
    match = getattr(request, "resolver_match", None)
    names = [*(match.kwargs if match else ()), *(request.GET if request.META.get("QUERY_STRING") else ())]
    return any(_SECRET.search(name) for name in names)


class WithoutSecrets(logging.Filter):
    """Django's own lines name the path of what went wrong: as ours do, or not at all."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the record; it always goes on."""
        request = getattr(record, "request", None)
        if isinstance(request, HttpRequest) and isinstance(record.args, tuple):
            secret = {request.path, request.path_info, request.get_full_path()}
            secret |= {text.encode("unicode_escape").decode("ascii") for text in secret}
            record.args = tuple(shown(request) if arg in secret else arg for arg in record.args)
        return True
