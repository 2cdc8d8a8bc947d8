"""What allauth's pages need beside allauth."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from config.lib.doors import kept_by_nobody


class AccountPagesAreNotKept:
    """Pages under /accounts/ show whose account it is: nobody keeps them, not even a browser that is signed out."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.path_info.startswith("/accounts/") and "Cache-Control" not in response:
            kept_by_nobody(response)
        return response
