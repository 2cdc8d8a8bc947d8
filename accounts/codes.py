"""Codes that are mailed to an address: who types one in reads the mail of that address.

Six digits: what people expect, read off one screen and type on another, and what phones fill in by themselves. There
are only a million of them, so that guessing is hopeless by number, not by length:

* 3 guesses for each process (a sign-up, a reset, a new address), counted before they are looked at, so that forty at
  once are 3 as well; a code that is sent again gives no new ones;
* 10 minutes, and only in the browser session that asked;
* a process begins with a mail, and an address gets at most 20 of one purpose a day (`ratelimits`): 60 guesses a day,
  a chance of 1 in 16,667. Somebody who goes on for a whole year, each day to the limit, under the eyes of whom the
  7,300 mails go to, has one of 2.2 %; and a reset does not skip the second factor.
"""

import secrets
import unicodedata
from typing import Any

from allauth.account.internal.flows.email_verification_by_code import EMAIL_VERIFICATION_CODE_SESSION_KEY
from allauth.account.internal.flows.manage_email import email_already_exists
from allauth.account.internal.flows.password_reset_by_code import PASSWORD_RESET_VERIFICATION_SESSION_KEY
from allauth.core import context
from django import forms
from django.utils.crypto import get_random_string, salted_hmac

from accounts import events, ratelimits
from accounts.ratelimits import TooManyRequests

DIGITS = 6
SECONDS = 600  # that a code is good for
NO_TRIES_LEFT = "That was one try too many. Please ask for a new code."


def make() -> str:
    """A new one."""
    return get_random_string(DIGITS, "0123456789")


def plain(typed: str) -> str:
    """What somebody meant who types spaces, dashes or digits of another script, or pastes what stands around a code."""
    return "".join(str(unicodedata.decimal(c)) for c in typed if c.isdecimal())


def is_right(typed: str, code: str) -> bool:
    """Whether it is this code; how long that takes does not tell how much of it is."""
    return bool(code) and secrets.compare_digest(plain(typed).encode(), plain(code).encode())


def process(purpose: str, state: dict[str, Any]) -> str:
    """The name under which guesses at one process are counted.

    Of what stays the same while a code is sent again or the session gets another key: when it began (`at`), and for
    which address. It is a hash under our own key: what is counted is nobody's to read.
    """
    return salted_hmac("accounts.codes", f"{purpose}:{state['at']!r}:{state.get('email', '')}").hexdigest()[:32]


class CodeInput(forms.TextInput):
    """One field, big and spaced; the phone offers the code of the mail above its keyboard of digits."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        looks = {"class": "otp", "autocomplete": "one-time-code", "inputmode": "numeric", "spellcheck": "false"}
        super().__init__({**looks, "maxlength": "40", "autofocus": True, **(attrs or {})})


class CodeForm(forms.Form):
    """Takes a code. A guess is counted before it is looked at: when there are none left, no code is right any more.

    allauth's views hand over the `code` that is expected; whose guesses are counted is in the session, at `state_key`.
    """

    state_key: str
    code: Any = forms.CharField(
        label="Code",
        widget=CodeInput(),
        max_length=40,
        error_messages={"required": "Type the code from the mail.", "max_length": "That’s too long for a code."},
    )

    def __init__(self, *args: Any, code: str = "", **kwargs: Any) -> None:
        self.expected_code = code
        super().__init__(*args, **kwargs)

    @property
    def state(self) -> dict[str, Any]:
        """What the session remembers of this process."""
        return context.request.session.get(self.state_key) or {"at": None}

    @property
    def account(self) -> str:
        """The address that the code was sent to."""
        return str(self.state.get("email", ""))

    def process(self) -> str:
        """The name that guesses are counted under."""
        return process(self.state_key, self.state)

    def clean_code(self) -> str:
        """Count, then compare. The error `no_tries_left` is for the door: this process is over."""
        typed: str = self.cleaned_data["code"]
        if len(plain(typed)) != DIGITS:  # a slip of the finger is no guess: it cannot be right
            raise forms.ValidationError(f"The code has {DIGITS} digits.", code="incomplete")
        name, over = self.process(), forms.ValidationError(NO_TRIES_LEFT, code="no_tries_left")
        try:
            ratelimits.may_guess(name)
        except TooManyRequests as error:
            events.note("no_guesses_left", account=self.account)
            raise over from error
        if is_right(typed, self.expected_code):
            return self.is_good(typed)
        events.note("code_wrong", account=self.account)
        left = ratelimits.guesses_left(name)
        if not left:
            raise over
        raise forms.ValidationError(
            f"That’s not the code. You have {left} {'try' if left == 1 else 'tries'} left.", code="incorrect_code"
        )

    def is_good(self, typed: str) -> str:
        """What a purpose still asks of a code that is right."""
        return typed


class EmailCodeForm(CodeForm):
    """Proves the address of somebody who has an account: while signing in, or when they change it."""

    state_key = EMAIL_VERIFICATION_CODE_SESSION_KEY

    def __init__(self, *args: Any, user: Any = None, email: str = "", **kwargs: Any) -> None:
        self.user, self.email = user, email
        super().__init__(*args, **kwargs)

    def is_good(self, typed: str) -> str:
        """The address may have become somebody else's meanwhile."""
        email_already_exists(user=self.user, email=self.email, always_raise=True)
        return typed


class ResetCodeForm(CodeForm):
    """Lets somebody choose a new password."""

    state_key = PASSWORD_RESET_VERIFICATION_SESSION_KEY
