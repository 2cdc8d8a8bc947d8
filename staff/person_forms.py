"""What support has to say before something is done to a member's account: what exactly, and why."""

import uuid
from datetime import timedelta
from typing import Any

from django import forms
from django.utils import timezone

from accounts import premium
from accounts.models import PremiumGrant, Restriction, User
from girls.models import Girl
from staff import supporting

MIN_REASON = 3


class ReasonForm(forms.Form):
    """Why: it is kept with the deed."""

    reason = forms.CharField(
        label="Reason",
        min_length=MIN_REASON,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Kept in the audit. For the team, so name the ticket rather than quoting the member.",
    )

    def __init__(self, *args: Any, person: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.person = person
        self.order_fields([name for name in self.fields if name != "reason"])  # why comes last

    def subject(self) -> str:
        """What it is about, where that is one thing of several."""
        return ""

    def values(self) -> dict[str, Any]:
        """What the deed is told, besides whose account it is."""
        return {name: value for name, value in self.cleaned_data.items() if name != "reason"}


class GiveForm(ReasonForm):
    """How many days. The key makes a form that is sent twice give once."""

    days = forms.IntegerField(label="Days", min_value=1, max_value=premium.MAX_DAYS, initial=30)
    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)


class OneOf(ReasonForm):
    """About one row of theirs, which the address names (`?of=`)."""

    of = forms.IntegerField(widget=forms.HiddenInput, min_value=1)


class TakeBackForm(OneOf):
    """Which grant."""

    def subject(self) -> str:
        """The grant, in words."""
        found = self._grant(self["of"].value())
        return f"{found.days} days, given on {found.granted_at:%-d %B %Y}" if found else ""

    def clean_of(self) -> PremiumGrant:
        """The grant. Raises ValidationError when it is not one of theirs."""
        found = self._grant(self.cleaned_data["of"])
        if found is None:
            raise forms.ValidationError("They have no such days.")
        return found

    def values(self) -> dict[str, Any]:
        """Which grant."""
        return {"grant": self.cleaned_data["of"]}

    def _grant(self, key: Any) -> PremiumGrant | None:
        if not str(key).isdecimal() or len(str(key)) > 18:
            return None
        return self.person.premium_grants.filter(pk=key).first()


class EndForm(OneOf):
    """Which session; all of them when none is named."""

    of = forms.IntegerField(widget=forms.HiddenInput, min_value=1, max_value=2**63 - 1, required=False)

    def values(self) -> dict[str, Any]:
        """Which session."""
        return {"session": self.cleaned_data["of"]}


class ResetForm(ReasonForm):
    """With whom, and what."""

    girl = forms.ModelChoiceField(
        Girl.objects.none(), label="Character", required=False, empty_label="Every character they talk with"
    )
    kinds = forms.MultipleChoiceField(
        label="What is reset",
        choices=list(supporting.KINDS.items()),
        initial=list(supporting.KINDS),
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        theirs = Girl.objects.filter(conversations__user=self.person).only("name", "slug").order_by("name")
        self.fields["girl"].queryset = theirs  # type: ignore[attr-defined]


class RestrictForm(ReasonForm):
    """How, for which reason, what they are told, and until when."""

    kind = forms.ChoiceField(label="How", choices=Restriction.Kind.choices, widget=forms.RadioSelect)
    why = forms.ChoiceField(label="For", choices=Restriction.Reason.choices)
    words = forms.CharField(
        label="What they are told",
        min_length=20,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="A statement of reasons: what happened, which rule it breaks, and what they can do now.",
    )
    days = forms.IntegerField(
        label="Days", min_value=1, max_value=365, required=False, help_text="Empty: until somebody lets them in again."
    )

    def values(self) -> dict[str, Any]:
        """The end as a moment."""
        found = super().values()
        days = found.pop("days")
        return {**found, "until": timezone.now() + timedelta(days=days) if days else None}


class EraseForm(ReasonForm):
    """Their username, typed: nobody does this by a slip of the finger."""

    username = forms.CharField(
        label="Their username",
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
    )

    def clean_username(self) -> str:
        """The username, in any case. Raises ValidationError."""
        typed: str = self.cleaned_data["username"]
        if typed.strip().removeprefix("@").lower() != self.person.username.lower():
            raise forms.ValidationError(f"That isn’t their username. It’s {self.person.username}.")
        return typed

    def values(self) -> dict[str, Any]:
        """Nothing but whom."""
        return {}
