"""The doors of Google and Apple: allauth's flows, behind pages of our own."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import structlog
from allauth.account.adapter import get_adapter
from allauth.account.decorators import reauthentication_required
from allauth.account.internal.flows.signup import complete_signup
from allauth.socialaccount.adapter import get_adapter as get_social_adapter
from allauth.socialaccount.helpers import render_authentication_error
from allauth.socialaccount.internal.flows.login import record_authentication
from allauth.socialaccount.models import SocialLogin
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts import connecting, events, providers, usernames
from accounts.models import User
from accounts.signup import AlreadyTaken
from accounts.social_forms import SocialSignupForm
from config.lib.doors import MemberRequest, private_page
from config.lib.waiting import Bulkhead

log = structlog.get_logger(__name__)

ASKED = Bulkhead(8)  # how many requests of a process may wait for Google and Apple together

View = Callable[..., HttpResponse]


def door(provider: str) -> Callable[[View], View]:
    """A door of one of them: closed when it is off; and whatever they answer, ours is a page."""

    def wrapped(view: View) -> View:
        @wraps(view)
        def inner(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not providers.is_on(provider):
                raise Http404
            try:
                with ASKED.place():
                    return view(request, *args, **kwargs)
            except (AttributeError, KeyError, TypeError, ValueError) as error:  # an answer of no shape that they have
                log.exception("social_answer_not_understood", provider=provider)
                theirs = get_social_adapter().get_provider(request, provider)
                failed: HttpResponse = render_authentication_error(request, theirs, exception=error)
                return failed

        return inner

    return wrapped


@require_http_methods(["GET", "HEAD", "POST"])
def sign_up(request: HttpRequest) -> HttpResponse:
    """The rest that Dusk asks of a new member: they are who Google or Apple say, and no account is there before."""
    if request.user.is_authenticated:
        return redirect("/")
    get_adapter().is_open_for_signup(request)
    newcomer = connecting.newcomer(request)
    if newcomer is None:
        return redirect("account_login")
    email = connecting.proven_address(newcomer)
    form = SocialSignupForm(request.POST if request.method == "POST" else None, email=email)
    if form.is_valid():
        if minor := form.turned_away():
            connecting.forget(request.session)
            return minor
        user = User(email=email, username=form.cleaned_data["username"], birth_date=form.cleaned_data["birth_date"])
        try:
            connecting.become_a_member(newcomer, user, form.cleaned_data["shown"])
        except AlreadyTaken as taken:
            if taken.field == "email":
                connecting.forget(request.session)
                return connecting.sign_in_first(request, newcomer)
            form.add_error("username", usernames.taken(user.username))
        else:
            return _welcome(request, newcomer, user)
    context = {"form": form, "provider": newcomer.account.provider.capitalize(), "email": email}
    return render(request, "socialaccount/signup.html", context)


def _welcome(request: HttpRequest, newcomer: SocialLogin, user: User) -> HttpResponse:
    """Sign the new member in."""
    connecting.forget(request.session)
    events.note("signed_up", user=user)
    record_authentication(request, newcomer)
    welcome: HttpResponse = complete_signup(request, user=user, redirect_url=newcomer.get_redirect_url(request))
    return welcome


@private_page
@require_http_methods(["GET", "HEAD", "POST"])
def connections(request: MemberRequest) -> HttpResponse:
    """Where allauth lists connections: they stand on the security page. By POST one of them ends."""
    if request.method != "POST":
        return _back(request)
    return _disconnect(request)


@reauthentication_required
def _disconnect(request: MemberRequest) -> HttpResponse:
    number = request.POST.get("account", "")
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        raise Http404
    try:
        account = connecting.disconnect(request.user, int(number))
    except connecting.WouldLockOut:
        messages.error(request, "Set a password first: without one you couldn’t sign in any more.")
        return _back(request)
    if account is None:
        raise Http404
    name = account.provider.capitalize()
    messages.success(request, f"{name} is disconnected.")
    get_social_adapter().send_notification_mail(
        "socialaccount/email/account_disconnected", request.user, context={"provider": name}
    )
    return _back(request)


def _back(request: HttpRequest) -> HttpResponse:
    return redirect(get_social_adapter().get_connect_redirect_url(request, None))
