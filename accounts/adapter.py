"""allauth's questions, answered for Dusk."""

from datetime import timedelta
from typing import Any
from urllib.parse import urljoin, urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from allauth.core import context
from allauth.core.exceptions import ImmediateHttpResponse
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import HASH_SESSION_KEY
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from accounts import addresses, agegate, codes, connecting, emails, events, sessions, signup, themes, usernames
from accounts.models import User
from config.lib.names import asks_from_here


class AccountAdapter(DefaultAccountAdapter):
    """Who may sign up, with which name, and what is kept of the form."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "demo_password": "The demo accounts let in on the machine that Dusk runs on, and only there.",
        "email_password_mismatch": "That email and password don’t match. Check both and try again.",
        "email_taken": "There is an account with this email already. Sign in, or reset the password.",
        "too_many_login_attempts": "Too many tries. Wait five minutes, or reset the password.",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Open to everybody but a browser in which somebody said they are under age."""
        if agegate.answer(request) == agegate.MINOR:
            raise ImmediateHttpResponse(redirect("agegate"))
        return True

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Owe it, of the site, whatever the host was called that the browser asked.

        It goes to this address whatever happens until it is sent: this one is to be proven, or this is where they are
        told what happened to their account.
        """
        links = {
            name: urljoin(settings.SITE_URL, urlsplit(value)._replace(scheme="", netloc="").geturl())
            for name, value in context.items()
            if name.endswith("_url")
        }
        user = context.get("user") or User.objects.filter(email=email).first()
        good_for = timedelta(seconds=codes.SECONDS) if "code" in context else None
        agent = self.get_http_user_agent(self.request) if self.request else ""
        context = {"email": email, "user_agent": agent, **context, **links, "user": user}
        emails.owe(template_prefix, context, user=user, address=email, good_for=good_for)

    def generate_email_verification_code(self) -> str:
        """As all of ours."""
        return codes.make()

    def generate_password_reset_code(self) -> str:
        """As all of ours."""
        return codes.make()

    def is_safe_url(self, url: Any) -> bool:
        """Whether it is on this site. What is no address at all is not."""
        try:
            return super().is_safe_url(url)
        except ValueError:
            return False

    def clean_username(self, username: str, shallow: bool = False) -> str:
        """Refuse names that could pass for the house."""
        if usernames.is_reserved(username):
            raise ValidationError(usernames.reserved(username), code="username_blacklisted")
        username = super().clean_username(username, shallow=True)
        if not shallow and usernames.is_taken(username):
            raise ValidationError(usernames.taken(username), code="username_taken")
        return username

    def save_user(self, request: HttpRequest, user: User, form: Any, commit: bool = True) -> User:
        """Keep what the form asked for, and nothing else that was posted."""
        super().save_user(request, user, form, commit=False)  # hashes the password, with nothing open
        user.birth_date = form.cleaned_data["birth_date"]
        signup.sign_up(user, proven=False)  # whether the address is, says whoever sent the person here
        return user

    def get_client_ip(self, request: HttpRequest) -> str:
        """Behind our own proxies who spoke to them; whoever spoke to us, when there are fewer than we were told."""
        try:
            return super().get_client_ip(request)
        except ImproperlyConfigured:
            return str(request.META.get("REMOTE_ADDR", ""))

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Refuse whoever tried too often, and the password that everybody knows, unless asked on this machine."""
        try:
            super().pre_authenticate(request, **credentials)
        except ValidationError:
            events.note("sign_in_locked", account=credentials.get("email"))
            raise
        if credentials.get("password") == settings.DEMO_PASSWORD and not asks_from_here(request):
            events.note("sign_in_failed", account=credentials.get("email"))
            raise self.validation_error("demo_password")

    def reauthenticate(self, user: User, password: str) -> bool:
        """Whether it is the password. A hash of former parameters is made anew by that, which signs nobody out here."""
        is_right: bool = super().reauthenticate(user, password)
        if is_right:
            user.refresh_from_db(fields=["password"])
            context.request.session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        return is_right

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """An unknown address, or a wrong password."""
        events.note("sign_in_failed", account=credentials.get("email"))

    def login(self, request: HttpRequest, user: User) -> None:
        """Sign in: after whatever proof, also a new member."""
        signup.forget(request.session)
        connecting.forget(request.session)
        super().login(request, user)
        events.note("signed_in", user=user)

    def post_login(self, request: HttpRequest, user: User, **how: Any) -> HttpResponse:
        """Signed in: on to where they were going, in their theme."""
        response: HttpResponse = super().post_login(request, user, **how)
        themes.follow(response, user.theme)
        return response

    def logout(self, request: HttpRequest) -> None:
        """Sign out."""
        user = request.user
        super().logout(request)
        events.note("signed_out", user=user)

    def respond_user_inactive(self, request: HttpRequest, user: User) -> HttpResponse:
        """Somebody with the right password who was deactivated."""
        events.note("sign_in_inactive", user=user)
        return super().respond_user_inactive(request, user)

    def send_notification_mail(
        self, template_prefix: str, user: User, context: dict[str, Any] | None = None, email: str | None = None
    ) -> None:
        """Tell somebody what changed, where they are reached: `User.email` is the one truth about that."""
        super().send_notification_mail(template_prefix, user, {**(context or {}), "user": user}, email or user.email)

    def confirm_email(self, request: HttpRequest, email_address: EmailAddress) -> bool:
        """An address is proven: that of the account, or another one, which is from now on."""
        user = email_address.user
        if email_address.email == user.email:
            return bool(super().confirm_email(request, email_address))
        try:
            former = addresses.change(user, email_address.email)
        except addresses.AlreadyTaken:
            messages.error(request, "That address can’t be used any more. Yours stays as it was.")
            return False
        changed = {"from_email": former, "to_email": user.email}
        self.send_notification_mail("account/email/email_changed", user, changed, former)
        events.note("email_changed", user=user)
        messages.success(request, "Your email is changed.")
        return True

    def get_email_verification_redirect_url(self, email_address: EmailAddress) -> str:
        """Where somebody goes on who proved another address."""
        return reverse("account_security")

    def set_password(self, user: User, password: str) -> None:
        """Set another one: a changed or a forgotten one. Whoever came in with the one before is out, but for this one.

        A new member's is none yet.
        """
        user.set_password(password)  # hashes it, with nothing open
        here = self.request.session.session_key if self.request.user == user else None
        with transaction.atomic():
            user.save(update_fields=["password"])
            sessions.end(user, but=here)
        events.note("password_set", user=user)
