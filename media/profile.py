"""The member's own page: who they are, their picture, and how they like the site."""

from email.utils import parseaddr
from http import HTTPStatus

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from accounts import profiles, ratelimits, themes, usernames
from accounts.forms import PreferencesForm, ProfileForm
from accounts.models import User
from config.lib.doors import kept_by_nobody, not_signed_in, private_page, refused
from media import avatars

SAVED = "saved"  # in the session: which card says so, once
CARDS = ("profile", "chat", "site")
THEMES = ((User.Theme.SYSTEM, "As this device is"), (User.Theme.LIGHT, "Light"), (User.Theme.DARK, "Dark"))


class OwnRequest(HttpRequest):
    """A request whose user is signed in."""

    user: User


@private_page
@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: OwnRequest) -> HttpResponse:
    """Who they are, to be changed; their picture; and what they like, in cards whose forms go to `prefer`."""
    if request.method != "POST":
        return _page(request, ProfileForm(user=request.user))
    form = ProfileForm(request.POST, user=request.user)
    try:
        ratelimits.may_save_profile(request.user)
        if form.is_valid():
            profiles.change(request.user, **form.cleaned_data)
            return _saved(request, "profile")
    except profiles.UsernameTaken:
        form.add_error("username", usernames.taken(form.cleaned_data["username"], name=form.cleaned_data["name"]))
    except profiles.TooManyUsernames:
        form.add_error("username", "That would be your sixth username today. Choose another one tomorrow.")
    except ratelimits.TooManyRequests as slow_down:
        form.add_error(None, "That was a lot at once. Wait a minute, then save again.")
        response = _page(request, form, status=HTTPStatus.TOO_MANY_REQUESTS)
        response["Retry-After"] = str(slow_down.retry_after)
        return response
    return _page(request, form)


@require_POST
def prefer(request: OwnRequest) -> HttpResponse:
    """Keep how they like the site: a card of switches, and back to it; or a script's one switch, 204."""
    by_script = not request.accepts("text/html")
    if not request.user.is_authenticated:
        return not_signed_in(request) if by_script else redirect_to_login(reverse("media:profile"))
    form = PreferencesForm(request.POST, user=request.user)
    try:
        ratelimits.may_prefer(request.user)
    except ratelimits.TooManyRequests as slow_down:
        if not by_script:
            raise
        response: HttpResponse = refused("too_many_requests", "That was a little fast. Wait a moment.", 429)
        response["Retry-After"] = str(slow_down.retry_after)
        return response
    if not form.is_valid():
        if not by_script:
            raise BadRequest("These are no preferences of ours.")
        return refused("bad_request", "That can’t be chosen here.", 400)
    profiles.prefer(request.user, **form.cleaned_data)
    response = HttpResponse(status=204) if by_script else _saved(request, request.POST.get("card", ""))
    if "theme" in form.cleaned_data:
        themes.follow(response, form.cleaned_data["theme"])
    return kept_by_nobody(response)


@private_page
@require_POST
def remove_avatar(request: OwnRequest) -> HttpResponse:
    """Take their picture away."""
    avatars.remove(request.user)
    messages.success(request, "Your photo is gone.")
    return redirect("media:profile")


def _saved(request: OwnRequest, card: str) -> HttpResponse:
    """Back to the page, where that card says so."""
    request.session[SAVED] = card if card in CARDS else ""
    return redirect("media:profile")


def _page(request: OwnRequest, form: ProfileForm, *, status: int = HTTPStatus.OK) -> HttpResponse:
    context = {
        "form": form,
        "saved": request.session.pop(SAVED) if SAVED in request.session else "",
        "mature": settings.MATURE_CONTENT,
        "themes": THEMES,
        "contact": parseaddr(settings.DEFAULT_FROM_EMAIL)[1],
        "avatar_mb": settings.AVATAR_MAX_MB,
        "purpose": avatars.NAME,
    }
    return render(request, "media/profile.html", context, status=status)
