"""allauth's questions, answered for Dusk."""

from typing import Any
from urllib.parse import urljoin, urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts import agegate, events, signup
from accounts.models import User
from config.lib.names import asks_from_here


class AccountAdapter(DefaultAccountAdapter):
    """Who may sign up, with which name, and what is kept of the form."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "demo_password": "The demo accounts let in on the machine that Dusk runs on, and only there.",
        "email_password_mismatch": "The email or the password isn’t right.",
        "email_taken": "There is an account with this email already. Sign in, or reset the password.",
        "too_many_login_attempts": "Too many tries. Wait five minutes, or reset the password.",
        "username_blacklisted": "That username is reserved. Please choose another.",
        "username_taken": "That username is taken.",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Open to everybody but a browser in which somebody said they are under age."""
        if agegate.answer(request) == agegate.MINOR:
            raise ImmediateHttpResponse(redirect("agegate"))
        return True

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """As allauth sends it, but of the site, whatever the host was called that the browser asked."""
        links = {
            name: urljoin(settings.SITE_URL, urlsplit(value)._replace(scheme="", netloc="").geturl())
            for name, value in context.items()
            if name.endswith("_url")
        }
        site = {"site_name": settings.SITE_NAME, "site_url": settings.SITE_URL}
        super().send_mail(template_prefix, email, {**context, **links, **site})

    def is_safe_url(self, url: Any) -> bool:
        """Whether it is on this site. What is no address at all is not."""
        try:
            return super().is_safe_url(url)
        except ValueError:
            return False

    def clean_username(self, username: str, shallow: bool = False) -> str:
        """Refuse names that could pass for the house."""
        if signup.is_reserved(username):
            raise self.validation_error("username_blacklisted")
        return super().clean_username(username, shallow)

    def save_user(self, request: HttpRequest, user: User, form: Any, commit: bool = True) -> User:
        """Keep what the form asked for, and nothing else that was posted."""
        super().save_user(request, user, form, commit=False)  # hashes the password, with nothing open
        user.birth_date = form.cleaned_data["birth_date"]
        signup.sign_up(user)
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

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """An unknown address, or a wrong password."""
        events.note("sign_in_failed", account=credentials.get("email"))

    def login(self, request: HttpRequest, user: User) -> None:
        """Sign in: after whatever proof, also a new member."""
        super().login(request, user)
        events.note("signed_in", user=user)

    def logout(self, request: HttpRequest) -> None:
        """Sign out."""
        user = request.user
        super().logout(request)
        events.note("signed_out", user=user)

    def respond_user_inactive(self, request: HttpRequest, user: User) -> HttpResponse:
        """Somebody with the right password who was deactivated."""
        events.note("sign_in_inactive", user=user)
        return super().respond_user_inactive(request, user)

    def set_password(self, user: User, password: str) -> None:
        """Set another one: a changed or a forgotten one. A new member's is none yet."""
        super().set_password(user, password)
        events.note("password_set", user=user)
