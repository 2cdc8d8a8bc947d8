"""Middleware of the project itself."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse


class OneThreadMiddleware:
    """Does nothing, synchronously. Stands last, so that Django runs the middleware above it as plain calls
    in the request's one thread; with an async-capable one here, each of them costs two thread hops.
    """

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)
