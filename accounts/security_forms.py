"""The forms of second factors: allauth's, where a code counts once and what a browser sends may be anything."""

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.mfa.adapter import get_adapter as get_factor_adapter
from allauth.mfa.base import forms as base_forms
from allauth.mfa.base.internal.flows import check_rate_limit
from allauth.mfa.internal.flows.add import validate_can_add_authenticator
from allauth.mfa.models import Authenticator
from allauth.mfa.totp import forms as totp_forms
from allauth.mfa.webauthn import forms as webauthn_forms
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from django import forms
from django.core.exceptions import ValidationError

from accounts import events, factors, spelling
from accounts.codes import CodeInput
from accounts.models import User

TOO_MANY = "Too many tries. Wait five minutes, then use a fresh code."
TOO_MANY_PASSKEYS = "That’s as many passkeys as one account can have. Remove one you don’t use first."
MOST_PASSKEYS = 20
NAME_LENGTH = 60


def _code_field(label: str) -> Any:
    missing = {"required": "Type the code.", "max_length": "That’s too long for a code."}
    return forms.CharField(label=label, widget=CodeInput(), max_length=40, error_messages=missing)


def _count(user: Any) -> Any:
    """Count a try before it is looked at; what is returned forgets those that were counted."""
    try:
        return check_rate_limit(user)
    except ValidationError as error:
        events.note("second_factor_locked", user=user)
        raise ValidationError(TOO_MANY, code="too_many_tries") from error


class _CodeForm(forms.Form):
    """Takes a code of the authenticator app, or a recovery code."""

    user: Any
    code = _code_field("Code")

    def clean_code(self) -> str:
        forget = _count(self.user)
        typed: str = self.cleaned_data["code"]
        found = factors.use(self.user, typed)
        if found is None:
            events.note("second_factor_failed", user=self.user)
            raise get_factor_adapter().validation_error("incorrect_code")
        found.user = self.user
        self.authenticator = found
        forget()
        return typed

    def tell(self) -> None:
        """A recovery code is rare, and what a thief of a phone would use: its owner hears of it."""
        if self.authenticator.type == Authenticator.Type.RECOVERY_CODES:
            left = factors.recovery_codes_left(self.user)
            get_adapter().send_notification_mail("mfa/email/recovery_code_used", self.user, {"codes_left": left})


class AuthenticateForm(_CodeForm, base_forms.AuthenticateForm):
    """The second step of signing in."""

    def save(self) -> None:
        super().save()
        self.tell()


class ReauthenticateForm(_CodeForm, base_forms.ReauthenticateForm):
    """Shows once more who one is."""

    def save(self) -> None:
        super().save()
        self.tell()


class ActivateTOTPForm(totp_forms.ActivateTOTPForm):
    """The first code of an app shows that it was set up."""

    code = _code_field("Code from the app")

    def clean_code(self) -> str:
        validate_can_add_authenticator(self.user)
        forget = _count(self.user)
        typed: str = self.cleaned_data["code"]
        self.step = factors.matching_step(self.secret, typed)
        if self.step is None:
            raise get_factor_adapter().validation_error("incorrect_code")
        forget()
        return typed


# What reading JSON, CBOR, keys and signatures of somebody else's making may raise.
NO_CREDENTIAL = (
    *(ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError),
    *(InvalidSignature, UnsupportedAlgorithm, AssertionError),
)


def _no_passkey() -> ValidationError:
    return ValidationError("That passkey didn’t work here. Try again, or use another way.", code="incorrect_passkey")


class CredentialField(forms.JSONField):
    """What a browser says a device answered, as JSON."""

    widget = forms.HiddenInput

    def to_python(self, value: Any) -> Any:
        """Read it, however deep it goes."""
        try:
            return super().to_python(value)
        except RecursionError as error:
            raise _no_passkey() from error

    def bound_data(self, data: Any, initial: Any) -> Any:
        """An answer is given once: a form that is shown again asks anew."""
        return None

    def prepare_value(self, value: Any) -> str:
        """Nothing, until the device answers."""
        return ""


class _Answer(forms.Form):
    """What a device answered. It may be anything: what is none is refused like a wrong one."""

    credential = CredentialField()

    def clean_credential(self) -> Authenticator:
        try:
            return super().clean_credential()  # type: ignore[misc]  # of the form beside
        except (ValidationError, *NO_CREDENTIAL) as error:
            if getattr(error, "code", "") == "too_many_login_attempts":
                raise
            raise _no_passkey() from error


class LoginWebAuthnForm(_Answer, webauthn_forms.LoginWebAuthnForm):
    """Signs in."""


class AuthenticateWebAuthnForm(_Answer, webauthn_forms.AuthenticateWebAuthnForm):
    """The second step of signing in."""


class ReauthenticateWebAuthnForm(_Answer, webauthn_forms.ReauthenticateWebAuthnForm):
    """Shows once more who one is."""


class AddPasskeyForm(webauthn_forms.AddWebAuthnForm):
    """A passkey that signs in on its own: the device keeps it, and asks who is there before it answers."""

    credential = CredentialField()
    passwordless = None  # always
    name = forms.CharField(
        label="Name",
        required=False,
        max_length=NAME_LENGTH,
        help_text="So that you know it again, like “My phone”.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def clean(self) -> dict[str, Any]:
        validate_can_add_authenticator(self.user)
        if Authenticator.objects.filter(user=self.user, type=Authenticator.Type.WEBAUTHN).count() >= MOST_PASSKEYS:
            raise ValidationError(TOO_MANY_PASSKEYS, code="too_many_passkeys")
        self.cleaned_data["passwordless"] = True  # allauth asks then that the device looked who is there
        try:
            return super().clean()
        except (ValidationError, *NO_CREDENTIAL) as error:
            raise _no_passkey() from error


class RenamePasskeyForm(webauthn_forms.EditWebAuthnForm):
    """Another name."""

    name = forms.CharField(
        label="Name",
        max_length=NAME_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": "Give it a name."},
    )


class ChangeEmailForm(forms.Form):
    """Another address. Whether it is somebody else's is not said here."""

    email = spelling.AddressFormField(label="New email", max_length=254)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        self.fields["email"].widget.attrs.update(autocomplete="email", inputmode="email", autocapitalize="none")

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"]
        if email == self.user.email:
            raise ValidationError("That’s your address already.", code="same_email")
        return email
