"""Google and Apple as a way in: who becomes a member by them, and what they are connected with.

What is kept of them is who somebody is there (`uid`) and the address that they told, and no token: nothing is asked of
them afterwards. An address counts as proven only if they say that they have proven it. Whoever has an account with that
address already signs in to it first: an account is never connected because an address is the same.
"""

import time
from typing import Any

import structlog
from allauth.account.models import EmailAddress
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.models import Authenticator
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.internal.flows.signup import get_pending_signup
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialLogin
from django.contrib import messages
from django.contrib.sessions.backends.base import SessionBase
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from accounts import events, providers, signup
from accounts.models import User

log = structlog.get_logger(__name__)

SECURITY = "account_security"
KEPT_SECONDS = 3600  # how long somebody may take over the rest of signing up
SINCE = "socialaccount_since"  # in the session: from when on


class WouldLockOut(Exception):
    """Without this connection its owner could not sign in any more."""


class SocialAdapter(DefaultSocialAccountAdapter):
    """allauth's questions about Google and Apple, answered for Dusk."""

    error_messages = {
        **DefaultSocialAccountAdapter.error_messages,
        "connected_other": "That account signs somebody else in already.",
    }

    def list_apps(self, request: HttpRequest, provider: Any = None, client_id: Any = None) -> list[SocialApp]:
        """Those whose keys are set in the environment. No table of them is asked: staff add none."""
        return [
            SocialApp(provider=name, name=name.capitalize(), **app)
            for name, of_it in providers.all_of_them().items()
            for app in of_it["APPS"]
            if provider in (None, name) and client_id in (None, app["client_id"])
        ]

    def populate_user(self, request: HttpRequest, sociallogin: SocialLogin, data: Any) -> User:
        """Keep the address, and nothing else that they told."""
        user: User = sociallogin.user
        user.email = data.get("email") or ""
        sociallogin.account.extra_data = {"email": user.email}
        return user

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """They said who it is. Whose address has an account is asked to sign in to it first."""
        sociallogin.token = None
        if sociallogin.state.get("process") == "connect" or sociallogin.is_existing:
            return
        email = proven_address(sociallogin)
        if not email:
            raise ImmediateHttpResponse(_sign_up_with_an_address(request, sociallogin))
        if User.objects.filter(email=email).exists():
            raise ImmediateHttpResponse(sign_in_first(request, sociallogin))
        request.session[SINCE] = time.time()
        request.session.set_expiry(KEPT_SECONDS)  # nobody who gives up stays written down for longer

    def on_authentication_error(self, request: HttpRequest, provider: Any, **why: Any) -> None:
        """It was called off, or it went wrong. What went wrong is for the log."""
        events.note("social_sign_in_failed")
        why_not = why.get("exception")
        error = type(why_not).__name__ if why_not else str(why.get("error"))
        log.warning("social_sign_in_failed", provider=provider.id, error=error)

    def get_connect_redirect_url(self, request: HttpRequest, socialaccount: SocialAccount) -> str:
        """Back to where it is listed."""
        return f"{reverse(SECURITY)}#connected"


def proven_address(sociallogin: SocialLogin) -> str:
    """The address of which they say that it is this person's; empty when they say of none."""
    return next((address.email for address in sociallogin.email_addresses if address.verified is True), "")


def sign_in_first(request: HttpRequest, sociallogin: SocialLogin) -> HttpResponse:
    """To the sign-in page, which leads on to where accounts are connected."""
    name = sociallogin.account.provider.capitalize()
    messages.info(
        request, f"You have an account with this email already. Sign in to it, then connect {name} under Security."
    )
    return redirect(f"{reverse('account_login')}?next={reverse(SECURITY)}")


def _sign_up_with_an_address(request: HttpRequest, sociallogin: SocialLogin) -> HttpResponse:
    name = sociallogin.account.provider.capitalize()
    messages.info(
        request,
        f"{name} told us no address that is yours for sure. Sign up with one, then connect {name} under Security.",
    )
    return redirect("account_signup")


def newcomer(request: HttpRequest) -> SocialLogin | None:
    """Of whom we know who they are there, and who is not a member yet."""
    if time.time() - request.session.get(SINCE, 0.0) > KEPT_SECONDS:
        return None
    found: SocialLogin | None = get_pending_signup(request)
    return found


def forget(session: SessionBase) -> None:
    """Let the session be as if nobody had come by them: whoever signs in with it stays as long as any member."""
    session.pop("socialaccount_sociallogin", None)
    if session.pop(SINCE, None) is not None:
        session.set_expiry(None)


def become_a_member(sociallogin: SocialLogin, user: User, consents: dict[str, str]) -> None:
    """Write down a new member, that their address is proven, and that this way leads to them: all of it, or none.

    Raises signup.AlreadyTaken, also with "email" when the same person came twice at once.
    """
    theirs = sociallogin.account
    user.set_unusable_password()
    try:
        with transaction.atomic():
            signup.sign_up(user, consents=consents)
            EmailAddress.objects.update_or_create(
                user=user, defaults={"email": user.email, "verified": True, "primary": True}
            )
            SocialAccount.objects.create(
                user=user, provider=theirs.provider, uid=theirs.uid, extra_data=theirs.extra_data
            )
    except IntegrityError as error:
        raise signup.AlreadyTaken("email") from error
    sociallogin.user = user


def disconnect(user: User, pk: int) -> SocialAccount | None:
    """End a connection; the one that it was, or None when there is no such one of theirs.

    Raises WouldLockOut when there is no other way in: a password, a passkey, or the other of the two.
    """
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        connected = list(SocialAccount.objects.filter(user=user))
        account = next((each for each in connected if each.pk == pk), None)
        if account is None:
            return None
        others = [each for each in connected if each.pk != pk and providers.is_on(each.provider)]
        passkeys = Authenticator.objects.filter(user=user, type=Authenticator.Type.WEBAUTHN)
        if not (user.has_usable_password() or others or passkeys.exists()):
            raise WouldLockOut
        account.delete()
    return account
