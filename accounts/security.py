"""The doors of the account's security: allauth's flows behind pages of our own."""

import json
from typing import Any

from allauth.account import views as account_views
from allauth.account.adapter import get_adapter
from allauth.account.decorators import reauthentication_required
from allauth.account.models import EmailAddress
from allauth.decorators import rate_limit
from allauth.mfa import app_settings as mfa_settings
from allauth.mfa.base import views as base_views
from allauth.mfa.models import Authenticator
from allauth.mfa.totp import views as totp_views
from allauth.mfa.webauthn import views as webauthn_views
from allauth.mfa.webauthn.internal import auth as webauthn
from django.conf import settings
from django.contrib import messages
from django.core.serializers.json import DjangoJSONEncoder
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import addresses, emails, factors, sessions
from accounts.security_forms import ChangeEmailForm
from config.lib import names
from config.lib.doors import MemberRequest, private_page

PAGE = "account_security"


@private_page
@require_safe
def show(request: MemberRequest) -> HttpResponse:
    """Everything that keeps an account safe, on one page."""
    user = request.user
    rows: dict[str, list[Authenticator]] = {}
    for row in Authenticator.objects.filter(user=user).order_by("created_at"):
        rows.setdefault(row.type, []).append(row)
    agent = request.headers.get("user-agent", "")
    places = sessions.places(user, here=request.session.session_key, user_agent=agent)
    passkeys = rows.get(Authenticator.Type.WEBAUTHN, [])
    context = {
        "app": next(iter(rows.get(Authenticator.Type.TOTP, [])), None),
        "passkeys": passkeys,
        "passkey_used_at": max((row.last_used_at for row in passkeys if row.last_used_at), default=None),
        "has_second_step": bool(passkeys or Authenticator.Type.TOTP in rows),
        "needs_second_step": user.is_staff and settings.STAFF_SECOND_FACTOR,
        "codes": _codes(rows.get(Authenticator.Type.RECOVERY_CODES, [])),
        "places": places,
        "email_is_proven": EmailAddress.objects.filter(user=user, email=user.email, verified=True).exists(),
        **_of_address(request),
    }
    return render(request, "accounts/security.html", context)


def _codes(rows: list[Authenticator]) -> dict[str, int] | None:
    """How many recovery codes are left, of how many: told without reading them."""
    count = mfa_settings.RECOVERY_CODE_COUNT
    return {"left": count - rows[0].data["used_mask"].bit_count(), "all": count} if rows else None


def _of_address(request: HttpRequest) -> dict[str, Any]:
    """Browsers bind passkeys to a name: at a bare address there are none, and we say where there are."""
    host = names.read(f"{request.scheme}://{request.get_host()}").host
    if not names.is_address(host):
        return {}
    elsewhere = f"http://localhost:{request.get_port()}{request.path}" if names.is_loopback(host) else ""
    return {"has_no_name": True, "named_url": elsewhere}


@private_page
@require_POST
def end_session(request: MemberRequest, pk: int) -> HttpResponse:
    """Sign out one other device."""
    if not sessions.end_one(request.user, pk):
        raise Http404
    messages.success(request, "That device is signed out.")
    return redirect(PAGE)


@private_page
@require_POST
def end_other_sessions(request: MemberRequest) -> HttpResponse:
    """Sign out all other devices."""
    with transaction.atomic():
        sessions.end(request.user, but=request.session.session_key)
        emails.owe("sessions_ended", {"user_agent": request.headers.get("user-agent", "")}, user=request.user)
    messages.success(request, "You’re signed out everywhere else.")
    return redirect(PAGE)


@private_page
@rate_limit(action="manage_email")
@reauthentication_required(app="allauth.account")
@require_http_methods(["GET", "HEAD", "POST"])
def change_email(request: MemberRequest) -> HttpResponse:
    """Ask for another address, and send a code there."""
    form = ChangeEmailForm(request.POST if request.method == "POST" else None, user=request.user)
    if form.is_valid():
        addresses.ask_for_proof(request, request.user, form.cleaned_data["email"])
        return redirect("account_email_verification_sent")
    return render(request, "account/email_change.html", {"form": form})


class ActivateTOTPView(totp_views.ActivateTOTPView):
    """Set up an authenticator app. The code that shows that it works is used up by that."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        secret = context["form"].secret
        return {**context, "secret": " ".join(secret[n : n + 4] for n in range(0, len(secret), 4))}

    def form_valid(self, form: Any) -> HttpResponse:
        try:
            response = super().form_valid(form)
        except IntegrityError:  # another tab was faster
            return redirect(PAGE)
        app = Authenticator.objects.filter(user=self.request.user, type=Authenticator.Type.TOTP).first()
        if app is not None:
            factors.used_up(app, form.step)
            factors.prove(self.request, app)
        return response


class AddPasskeyView(webauthn_views.AddWebAuthnView):
    """Add a passkey."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        options = webauthn.begin_registration(self.request.user, True)
        return {**context, "options": _json(options), **_of_address(self.request)}

    def form_valid(self, form: Any) -> HttpResponse:
        response = super().form_valid(form)
        newest = Authenticator.objects.filter(user=self.request.user, type=Authenticator.Type.WEBAUTHN).latest("pk")
        factors.prove(self.request, newest)
        return response


class RemovePasskeyView(webauthn_views.RemoveWebAuthnView):
    """Remove a passkey; staff keep a second step."""

    def form_valid(self, form: Any) -> HttpResponse:
        if not factors.FactorAdapter().can_delete_authenticator(self.object):
            messages.error(self.request, factors.FactorAdapter.error_messages["cannot_delete_authenticator"])
            return redirect(PAGE)
        return super().form_valid(form)


class ReauthenticateWebAuthnView(webauthn_views.ReauthenticateWebAuthnView):
    """Show with a passkey who one is."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        return {**context, "options": _json(context["js_data"]["request_options"]), **_of_address(self.request)}

    def form_invalid(self, form: Any) -> HttpResponse:
        for errors in form.errors.values():
            for error in errors:
                get_adapter().add_message(self.request, messages.ERROR, message=error)
        return redirect(self.request.get_full_path())


class AuthenticateView(base_views.AuthenticateView):
    """The second step of signing in."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        types = set(Authenticator.objects.filter(user=self.stage.login.user).values_list("type", flat=True))
        context = super().get_context_data(**kwargs)
        options = _json(context["js_data"]["request_options"])
        return {**context, "options": options, "types": types, **_of_address(self.request)}


def _json(options: dict[str, Any]) -> str:
    """What a script reads from the page."""
    return json.dumps(options, cls=DjangoJSONEncoder)


class ChangePasswordView(account_views.PasswordChangeView):
    """Another password; the current one is asked for."""

    def get_default_success_url(self) -> str:
        return reverse(PAGE)


class SetPasswordView(account_views.PasswordSetView):
    """A password for somebody who has none: who signs in another way."""

    def get_default_success_url(self) -> str:
        return reverse(PAGE)
