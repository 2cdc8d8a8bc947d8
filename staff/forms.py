"""What a member has to say before everything of theirs goes."""

from django import forms
from django.utils.html import format_html


class EraseForm(forms.Form):
    """Their username, typed: nobody does this by a slip of the finger."""

    username = forms.CharField(
        label="Your username",
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
    )

    def __init__(self, *args: object, username: str, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.expected = username
        self.fields["username"].help_text = format_html("Type {} to confirm.", username)

    def clean_username(self) -> str:
        """The username, in any case. Raises ValidationError."""
        typed: str = self.cleaned_data["username"]
        if typed.strip().removeprefix("@").lower() != self.expected.lower():
            raise forms.ValidationError(f"That isn’t your username. It’s {self.expected}.")
        return typed
