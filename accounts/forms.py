"""The forms of signing up and in: allauth's, with a security check, a birth date and a consent."""

from datetime import date
from typing import Any, ClassVar

from allauth.account import forms as allauth_forms
from allauth.account.adapter import get_adapter
from allauth.core import context
from django import forms
from django.contrib.auth.hashers import check_password
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from accounts import agegate, signup, spelling, turnstile
from accounts.models import User

OLDEST_YEAR = 1900


class SecurityChecked(forms.Form):
    """A form that asks Turnstile first: before a password is hashed, before mail goes out.

    When the check fails, it is all that the form says: whether an address is known is not told to scripts.
    """

    security_action: ClassVar[str]

    def clean(self) -> dict[str, Any]:
        try:
            turnstile.verify(
                self.data.get(turnstile.FIELD),
                action=self.security_action,
                remote_ip=get_adapter().get_client_ip(context.request),
            )
        except turnstile.SecurityCheckFailed as failure:
            failure.note(action=self.security_action)
            self.errors.clear()
            raise forms.ValidationError(
                "We couldn’t check your browser. Please try again.", code="security_check_failed"
            ) from failure
        return super().clean() or self.cleaned_data


class LoginForm(SecurityChecked, allauth_forms.LoginForm):
    """E-mail and password."""

    security_action = "login"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"] = spelling.AddressFormField(label="Email")
        # `username` is what password managers look for where one signs in, whatever the name is.
        self.fields["login"].widget.attrs.update(autocomplete="username", inputmode="email", autocapitalize="none")
        self.fields["password"].help_text = ""
        self.order_fields(["login", "password"])

    def login(self, request: HttpRequest, redirect_url: str | None = None) -> HttpResponse:
        """Sign in. A hash that was made of another spelling is made anew, so that the next time costs one."""
        typed, user = self.cleaned_data["password"], self.user
        if len(spelling.passwords(typed)) > 1 and not check_password(spelling.password(typed), user.password):
            user.set_password(typed)
            user.save(update_fields=["password"])
        return super().login(request, redirect_url=redirect_url)


class ResetPasswordForm(SecurityChecked, allauth_forms.ResetPasswordForm):
    """The address that the mail goes to: whose it is now, and nobody's former one."""

    security_action = "reset_password"
    email = spelling.AddressFormField(label="Email", required=True)

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"]
        self.users = list(User.objects.filter(email=email, is_active=True))
        return email


def _birth_field(label: str, maxlength: int) -> forms.IntegerField:
    part = label.lower()
    return forms.IntegerField(
        label=f"{label} of birth",
        widget=forms.TextInput(
            attrs={"inputmode": "numeric", "autocomplete": f"bday-{part}", "maxlength": maxlength, "placeholder": label}
        ),
        error_messages={"required": f"Enter the {part}.", "invalid": f"Enter the {part} as a number."},
    )


class SignupForm(SecurityChecked, allauth_forms.SignupForm):
    """Everything that Dusk asks of a new member, once."""

    security_action = "signup"

    birth_day = _birth_field("Day", 2)
    birth_month = _birth_field("Month", 2)
    birth_year = _birth_field("Year", 4)
    consent = forms.BooleanField(
        label="The box at the end",
        error_messages={"required": "Please tick this to create an account."},
    )
    field_order = ["email", "username", "password1", "birth_day", "birth_month", "birth_year", "consent"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"] = spelling.AddressFormField(label="Email")
        self.fields["email"].widget.attrs.update(inputmode="email", autocapitalize="none")
        # Not `username`: a password manager would put the e-mail address here, which is what one signs in with.
        self.fields["username"].widget.attrs.update(
            autocomplete="nickname", autocapitalize="none", autocorrect="off", spellcheck="false"
        )
        self.fields["username"].help_text = "3 to 30 letters, digits, dots and underscores."
        self.fields["password1"].help_text = ""

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if all(f"birth_{part}" in data for part in ("year", "month", "day")):
            try:
                birth_date = date(data["birth_year"], data["birth_month"], data["birth_day"])
                if not date(OLDEST_YEAR, 1, 1) <= birth_date <= timezone.localdate():
                    raise ValueError(birth_date)
            except (ValueError, OverflowError):
                self.add_error("birth_day", "Enter a real date: day, month, year.")
            else:
                data["birth_date"] = birth_date
        return data

    def try_save(self, request: HttpRequest) -> tuple[User | None, HttpResponse | None]:
        """Make the member. Who is under age, now or by what they said before, is turned away and remembered."""
        email, birth_date = self.cleaned_data["email"], self.cleaned_data["birth_date"]
        if signup.was_refused(email):
            return None, self._turned_away()
        if not signup.is_old_enough(birth_date):
            signup.refuse(email, birth_date)
            return None, self._turned_away()
        return super().try_save(request)

    def _turned_away(self) -> HttpResponse:
        response = redirect("agegate")
        agegate.remember(response, agegate.MINOR, max_age=agegate.YEAR)
        return response
