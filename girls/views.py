"""Doors to the characters: the page where one finds them, hers, and what one does there."""

from math import ceil
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_http_methods, require_safe
from django_htmx.middleware import HtmxDetails

from accounts import ratelimits
from config.lib import wishes
from config.lib.doors import kept_by_nobody, not_signed_in, private_page, refused, safe_next
from girls import catalogue, liking, reporting
from girls.gallery import Cursor, Gallery, NoCursor, gallery_of, posts_of
from girls.models import Block, Girl, Media
from safety.models import Report

MOST_REPORTS = 100  # on a page
LIKE = "like"  # the name of a visitor's wish
TOO_FAST = "That was a little fast. Wait a moment."


class HtmxRequest(HttpRequest):
    """A request as the middleware of htmx leaves it."""

    htmx: HtmxDetails


@require_safe
def browse(request: HtmxRequest) -> HttpResponse:
    """The landing page and the catalogue in one; htmx gets only what a filter changes."""
    wish = catalogue.Wish.of(request.GET)
    page = catalogue.page(catalogue.find(request.user, wish), request.GET.get("page"))
    context = {"wish": wish, "page": page, "free_text": settings.FREE_TEXT}
    if not wants_part(request):
        moods = {catalogue.NEW: "New"} | catalogue.MOOD_KEYS
        context |= {"moods": moods, "interests": catalogue.interests(request.user), "sorts": catalogue.SORTS}
    return page_or_part(request, "girls/browse.html", "girls/_results.html", context)


def wants_part(request: HtmxRequest) -> bool:
    """Whether htmx asks for what changes of a page, and not for all of it."""
    return bool(request.htmx) and not request.htmx.history_restore_request


def page_or_part(request: HtmxRequest, page: str, part: str, context: dict[str, Any]) -> HttpResponse:
    """The whole page; for htmx only the part of it that changes."""
    response = render(request, part if wants_part(request) else page, context)
    patch_vary_headers(response, ["HX-Request"])
    return response


@require_safe
def about(request: HttpRequest, slug: str) -> HttpResponse:
    """Her profile."""
    return render(request, "girls/about.html", _profile(request, slug))


@require_safe
def photos(request: HtmxRequest, slug: str) -> HttpResponse:
    """Her gallery: `?page=`, or with `?upto=` all pages to that one."""
    context = _profile(request, slug)
    asked = (request.GET.get("page", ""), request.GET.get("upto", ""))
    gallery = gallery_of(context["girl"], request.user, *asked)
    context |= {"gallery": gallery, **_premium(request.user, gallery)}
    return page_or_part(request, "girls/gallery.html", "girls/_gallery.html", context)


@require_safe
def posts(request: HtmxRequest, slug: str) -> HttpResponse:
    """Her posts, newest first: `?before=<what next said>`."""
    context = _profile(request, slug)
    context["posts"] = posts_of(context["girl"], request.user, cursor(request))
    return page_or_part(request, "girls/posts.html", "girls/_posts.html", context)


def _premium(user: Any, gallery: Gallery) -> dict[str, Any]:
    """What a tab must know to show this gallery anew in time."""
    if not user.is_authenticated or not gallery.has_premium_items:
        return {}
    left = (user.premium_until - timezone.now()).total_seconds() if user.premium_active else 0
    return {"premium_changes": True, "premium_seconds": ceil(left)}


def cursor(request: HttpRequest) -> Cursor | None:
    """The place in a list of posts that an address names. Raises Http404."""
    said = request.GET.get("before")
    try:
        return None if said is None else Cursor.of(said)
    except NoCursor:
        raise Http404 from None


def _profile(request: HttpRequest, slug: str) -> dict[str, Any]:
    """What the head of each of her pages shows."""
    girl = get_object_or_404(Girl.objects.visible_to(request.user).without_persona(), slug=slug)
    return {"girl": girl, "free_text": settings.FREE_TEXT}


@require_http_methods(["GET", "HEAD", "POST"])
def like(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Like an item (`liked=1`) or take that back (`liked=0`), and back to it, on the page `?next=` names; or JSON.

    A visitor signs in first and comes back here by GET: what they pressed is done then, and by nothing else.
    """
    user: Any = request.user
    get_object_or_404(liking.likeable_by(user), pk=pk, girl__slug=slug)
    page = safe_next(request, request.GET.get("next"), otherwise=reverse("girls:gallery", args=[slug]))
    back = HttpResponseRedirect(f"{page}#item-{pk}")
    if not user.is_authenticated:
        return _sign_in_to_like(request, pk) if request.method == "POST" else back
    if request.method == "POST":
        if (said := request.POST.get("liked")) not in ("0", "1"):
            raise BadRequest("liked is 1 or 0.")
        return _set_liked(request, user, pk, said == "1", back)
    if wishes.remembered(request, LIKE) != str(pk):
        return back
    wishes.forget(back, LIKE)
    return _set_liked(request, user, pk, True, back)


def _sign_in_to_like(request: HttpRequest, pk: int) -> HttpResponse:
    if _by_script(request):
        return not_signed_in(request)
    messages.info(request, "Sign in to like photos.")
    response = redirect_to_login(request.get_full_path())
    wishes.remember(response, LIKE, str(pk))
    return response


def _set_liked(request: HttpRequest, user: Any, pk: int, liked: bool, back: HttpResponse) -> HttpResponse:
    try:
        ratelimits.may_like(user)
        media = liking.set_liked(user, pk, liked)
    except Media.DoesNotExist:  # it went this very moment
        raise Http404 from None
    except ratelimits.TooManyRequests as error:
        if not _by_script(request):
            messages.error(request, TOO_FAST)
            return back
        answer = refused("too_many_requests", TOO_FAST, 429)
        answer["Retry-After"] = str(error.retry_after)
    else:
        answer = JsonResponse({"liked": liked, "like_count": media.like_count})
    return kept_by_nobody(answer) if _by_script(request) else back


def _by_script(request: HttpRequest) -> bool:
    return not request.accepts("text/html")


@private_page
@require_safe
def reports(request: HttpRequest) -> HttpResponse:
    """What this member reported, the newest first, with the reasons of what was decided; and whom they blocked."""
    user: Any = request.user
    theirs = Report.objects.filter(by=user).order_by("-created_at").defer("evidence")
    blocks = Block.objects.filter(user=user).select_related("girl").order_by("girl__name")
    return render(request, "girls/reports.html", {"reports": theirs[:MOST_REPORTS], "blocks": blocks})


@private_page
@require_http_methods(["GET", "HEAD", "POST"])
def report(request: HttpRequest, slug: str) -> HttpResponse:
    """Report a character."""
    girl = get_object_or_404(Girl.objects.visible_to(request.user).without_persona(), slug=slug)
    return reporting.ask(
        request,
        what=Report.What.CHARACTER,
        target=f"character:{girl.pk}",
        about=f"Character {girl.name}",
        back=girl.get_absolute_url(),
        evidence=lambda: reporting.of_character(girl),
        girl=girl,
    )


@private_page
@require_http_methods(["GET", "HEAD", "POST"])
def report_media(request: HttpRequest, pk: int) -> HttpResponse:
    """Report a photo or a video that they may see."""
    media = get_object_or_404(Media.objects.visible_to(request.user).select_related("girl"), pk=pk)
    page = "gallery" if media.surface == Media.Surface.GALLERY else "posts"
    return reporting.ask(
        request,
        what=Report.What.PHOTO,
        target=f"photo:{media.pk}",
        about=f"{media.get_kind_display()} of {media.girl.name}",
        back=f"{reverse(f'girls:{page}', args=[media.girl.slug])}#item-{media.pk}",
        evidence=lambda: reporting.of_media(media),
        girl=media.girl,
        media=media,
    )
