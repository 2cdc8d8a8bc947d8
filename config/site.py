"""Requests that call the site by another name than SITE_URL's, and those that would be sent in a circle."""

from collections.abc import Callable

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.request import split_domain_port, validate_host

from config.lib import names

log = structlog.get_logger(__name__)

REMEMBER_SECONDS = 3600  # a browser, where the site is: not for ever, it may move


class OneName:
    """Leads whoever calls the site by another of its names (ALLOWED_HOSTS) to SITE_URL, whatever they ask for.

    Cookies, links in mails, Turnstile and the socket know one name. Webhooks are not followed elsewhere by those who
    send them, and a proxy on this machine may call it by an address of its own. On a laptop the site is whatever
    it is called.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.has_warned = False

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not settings.DEBUG:
            if self._calls_it_otherwise(request) and not request.path_info.startswith("/webhooks/"):
                response = HttpResponse(status=308, headers={"Location": settings.SITE_URL + request.get_full_path()})
                response["Cache-Control"] = f"max-age={REMEMBER_SECONDS}"
                return response
            self._warn_of_a_circle(request)
        return self.get_response(request)

    def _calls_it_otherwise(self, request: HttpRequest) -> bool:
        host = request.get_host()
        name, _ = split_domain_port(host)  # ports are the proxies' business
        if name == names.read(settings.SITE_URL).host:
            return host.partition(":")[0].endswith(".")  # the same to the net, another to browsers
        return validate_host(name, settings.OTHER_NAMES)

    def _warn_of_a_circle(self, request: HttpRequest) -> None:
        """Django will redirect to https what came as such to a proxy that it was not told of, which comes again."""
        if self.has_warned or not settings.SECURE_SSL_REDIRECT or request.is_secure():
            return
        if request.headers.get("x-forwarded-proto", "").lower() == "https":
            self.has_warned = True
            remedy = "Set TRUSTED_PROXY_COUNT to the number of proxies, or FORWARDED_ALLOW_IPS to their addresses."
            log.error("endless_redirect", why="a proxy says https, and is not trusted", remedy=remedy)
