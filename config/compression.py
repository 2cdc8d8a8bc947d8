"""Pages on the wire: small, unless their size could tell a secret. Why just these: docs/decisions/0020."""

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware


class CompressedPages(GZipMiddleware):
    """Compresses HTML, by Django's own middleware, which adds random bytes and whose CSRF tokens differ each time.

    Not a member's page that was asked for with words of its own, in the query or a body: where those may stand beside
    what is secret, who chooses the words could read the secret off the size ("BREACH").
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """The response, compressed if that is safe and wanted."""
        is_page = response.get("Content-Type", "").startswith("text/html")
        if not is_page or (settings.SESSION_COOKIE_NAME in request.COOKIES and brings_words(request)):
            return response
        return super().process_response(request, response)


def brings_words(request: HttpRequest) -> bool:
    """Whether more than an address of ours was sent."""
    return request.method not in ("GET", "HEAD") or bool(request.META.get("QUERY_STRING"))
