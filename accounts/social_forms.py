"""What is asked of somebody whom Google or Apple sent here."""

from typing import Any

from django import forms

from accounts import spelling, usernames
from accounts.forms import AsksAge
from accounts.models import User


class SocialSignupForm(AsksAge):
    """The rest of signing up, for who has this address.

    No Turnstile: who comes from there, with a state of ours, has passed a check of theirs.
    """

    username = User._meta.get_field("username").formfield()
    field_order = ["username", "birth_day", "birth_month", "birth_year", "consent"]

    def __init__(self, data: Any = None, *, email: str) -> None:
        super().__init__(data)
        self.email = email
        self.fields["username"].help_text = "3 to 30 letters, digits, dots and underscores."
        self.fields["username"].widget.attrs.update(
            autocomplete="nickname", autocapitalize="none", autocorrect="off", spellcheck="false"
        )

    def clean_username(self) -> str:
        username = spelling.username(self.cleaned_data["username"])
        if usernames.is_reserved(username):
            raise forms.ValidationError(usernames.reserved(username))
        if usernames.is_taken(username):
            raise forms.ValidationError(usernames.taken(username))
        return username

    def clean(self) -> dict[str, Any]:
        return {**super().clean(), "email": self.email}
