"""One line for each request, and an id that goes with everything that is logged on its behalf."""

import re
from collections.abc import Callable
from uuid import uuid4

import structlog
from django.http import HttpRequest, HttpResponse

log = structlog.get_logger("request")

_GOOD_ID = re.compile(r"[\w.-]{8,64}", re.ASCII)


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
            person = request.__dict__.get("_cached_user")  # only if somebody wanted to know
            user_id = {"user_id": person.pk} if person is not None and person.pk else {}
            log.info(
                "request_finished", request=f"{request.method} {shown(request)}", code=response.status_code, **user_id
            )
        return response


def shown(request: HttpRequest) -> str:
    """The path without its query, and without what is secret in it."""
    path = request.path
    match = getattr(request, "resolver_match", None)
    for name, value in (match.kwargs if match else {}).items():
        if "key" in name or "token" in name:
            path = path.replace(str(value), "***")
    return path
