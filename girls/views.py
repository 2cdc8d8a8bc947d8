"""Doors to the characters: the page where one finds them, and hers."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe
from django_htmx.middleware import HtmxDetails

from girls import catalogue
from girls.models import Girl


class HtmxRequest(HttpRequest):
    """A request as the middleware of htmx leaves it."""

    htmx: HtmxDetails


@require_safe
def browse(request: HtmxRequest) -> HttpResponse:
    """The landing page and the catalogue in one; htmx gets only what a filter changes."""
    wish = catalogue.Wish.of(request.GET)
    page = catalogue.page(catalogue.find(request.user, wish), request.GET.get("page"))
    context = {"wish": wish, "page": page, "free_text": settings.FREE_TEXT}
    if request.htmx and not request.htmx.history_restore_request:
        response = render(request, "girls/_results.html", context)
    else:
        moods = {catalogue.NEW: "New"} | catalogue.MOOD_KEYS
        context |= {"moods": moods, "interests": catalogue.interests(request.user), "sorts": catalogue.SORTS}
        response = render(request, "girls/browse.html", context)
    patch_vary_headers(response, ["HX-Request"])
    return response


@require_safe
def about(request: HttpRequest, slug: str) -> HttpResponse:
    """Her profile."""
    girl = get_object_or_404(Girl.objects.visible_to(request.user).without_persona(), slug=slug)
    return render(request, "girls/about.html", {"girl": girl, "free_text": settings.FREE_TEXT})
