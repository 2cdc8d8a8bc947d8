"""The forms of signing up and in: allauth's, with a security check, a birth date and a consent."""

from copy import copy
from datetime import date
from typing import Any, ClassVar, cast

from allauth.account import forms as allauth_forms
from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.password_reset_by_code import PASSWORD_RESET_VERIFICATION_SESSION_KEY
from allauth.core import context
from django import forms
from django.conf import settings
from django.contrib.auth.hashers import check_password
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils import timezone

from accounts import agegate, codes, events, legal, profiles, ratelimits, signup, spelling, turnstile, usernames
from accounts.models import User
from config.lib.doors import safe_next

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

    def save(self, request: HttpRequest, **kwargs: Any) -> str:
        """Send the code. It is for the password that was forgotten: once there is another one, it is over."""
        email: str = super().save(request, **kwargs)
        user = self.users[0] if self.users else User()
        request.session[PASSWORD_RESET_VERIFICATION_SESSION_KEY]["password"] = user.get_session_auth_hash()
        events.note("reset_asked", account=email)
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


class AsksAge(forms.Form):
    """What every new member is asked, whatever way they come: the date of birth, and one yes to what there is to know.

    `birth_date` is in `cleaned_data` when there is such a day.
    """

    birth_day = _birth_field("Day", 2)
    birth_month = _birth_field("Month", 2)
    birth_year = _birth_field("Year", 4)
    consent = forms.BooleanField(
        label="The box at the end",
        error_messages={"required": "Please tick this to create an account."},
    )
    # What the box stands for: the versions that are current when the form is shown, not when it comes back.
    shown = forms.CharField(
        required=False, widget=forms.HiddenInput, initial=lambda: legal.spelled(legal.shown()), max_length=500
    )

    def clean_shown(self) -> dict[str, str]:
        """Document and version, of each document one."""
        return {**legal.shown(), **legal.read(self.cleaned_data["shown"])}

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
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

    def turned_away(self) -> HttpResponse | None:
        """Where somebody goes who is under age, now or by what was said before of this address. It is remembered."""
        email, birth_date = self.cleaned_data["email"], self.cleaned_data["birth_date"]
        if not signup.was_refused(email):
            if signup.is_old_enough(birth_date):
                return None
            signup.refuse(email, birth_date)
        response = redirect("agegate")
        agegate.remember(response, agegate.MINOR, max_age=agegate.YEAR)
        return response


class SignupForm(AsksAge, SecurityChecked, allauth_forms.SignupForm):
    """Everything that Dusk asks of a new member, once."""

    security_action = "signup"

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

    def clean_email(self) -> str:
        """Whether somebody has it is asked later, and told to its owner only."""
        email: str = self.cleaned_data["email"]
        return email

    def try_save(self, request: HttpRequest) -> tuple[None, HttpResponse]:
        """Begin a sign-up. Who is under age, now or by what they said before, is turned away and remembered.

        Raises TooManyRequests.
        """
        if minor := self.turned_away():
            return None, minor
        data = self.cleaned_data
        signup.begin(
            request.session,
            email=data["email"],
            username=data["username"],
            password=data["password1"],
            birth_date=data["birth_date"],
            consents=data["shown"],
            next_url=safe_next(request, request.POST.get("next") or request.GET.get("next")),
            network=network_of(request),
        )
        return None, redirect("account_signup_code")


class SignupCodeForm(codes.CodeForm):
    """Proves the address of somebody who wants to become a member."""

    def __init__(self, *args: Any, pending: signup.Pending, **kwargs: Any) -> None:
        self.pending = pending
        super().__init__(*args, code=pending.code, **kwargs)

    @property
    def account(self) -> str:
        """The address that the code was sent to."""
        return self.pending.email

    def process(self) -> str:
        """The sign-up that waits."""
        return self.pending.process


class ResendForm(SecurityChecked):
    """Asks for another code."""

    security_action = "resend"


def network_of(request: HttpRequest) -> str:
    """Where a request comes from, as limits count it."""
    return ratelimits.network(get_adapter().get_client_ip(request))


# --- The account --------------------------------------------------------------------------------------------


class ProfileForm(forms.ModelForm):
    """What members say of themselves. It is about a copy: the page still knows who asked, whatever was typed."""

    class Meta:
        model = User
        fields = profiles.DETAILS

    def __init__(self, data: Any = None, *, user: User) -> None:
        super().__init__(data, instance=copy(user))
        self.former = user
        # `clean` looks, in words of its own; the database has the last word, and `profiles.change` hears it. A look of
        # the model's own, between the two, would tell who comes then something else, and beside no field.
        self.instance.validate_constraints = lambda exclude=None: None
        username, name, country = (cast(Any, self.fields[each]) for each in profiles.DETAILS)
        # Not `username`: a password manager would put the e-mail address here, which is what one signs in with.
        username.widget.attrs.update(
            autocomplete="nickname", autocapitalize="none", autocorrect="off", spellcheck="false"
        )
        username.error_messages["required"] = "Choose a username."
        name.help_text = "Characters use this when they talk to you."
        name.widget.attrs.update(autocomplete="name", dir="auto")
        country.widget.attrs.update(autocomplete="country")
        country.choices = [("", "Rather not say"), *((code, label) for code, label in country.choices if code)]

    def clean_username(self) -> str:
        return spelling.username(self.cleaned_data["username"])

    def clean_name(self) -> str:
        name = spelling.name(self.cleaned_data["name"])
        if name and not spelling.is_name(name):
            raise forms.ValidationError("Use letters, numbers and spaces; dots, hyphens and apostrophes are fine, too.")
        return name

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        username, name = data.get("username", ""), data.get("name", "")
        if username.lower() != self.former.username.lower():
            if usernames.is_reserved(username):
                self.add_error("username", usernames.reserved(username, name=name))
            elif usernames.is_taken(username, but=self.former):
                self.add_error("username", usernames.taken(username, name=name))
        return data


class PreferencesForm(forms.ModelForm):
    """How a member likes the site: a card of switches, or one of them.

    A switch that is off is not sent by browsers, so each says by `shown` that it was there; others stay as they are.
    """

    class Meta:
        model = User
        fields = profiles.PREFERENCES

    def __init__(self, data: Any = None, *, user: User) -> None:
        super().__init__(data, instance=copy(user))
        shown = self.data.getlist("shown") if isinstance(self.data, QueryDict) else []
        for name in profiles.PREFERENCES:
            if name not in shown or (name == "show_mature" and not settings.MATURE_CONTENT):
                del self.fields[name]
            elif name == "theme":
                self.fields[name].required = True
