"""allauth's questions, answered for Dusk."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from django.http import HttpRequest
from django.shortcuts import redirect

from accounts import agegate, signup
from accounts.models import User


class AccountAdapter(DefaultAccountAdapter):
    """Who may sign up, with which name, and what is kept of the form."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
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
