"""What a click on a plan brings along. Which price that is, the server knows."""

from django import forms
from django_countries import countries


class CheckoutForm(forms.Form):
    """The click's own id, where to go back to, where the buyer lives, and whether immediate supply is asked for."""

    click = forms.UUIDField()
    next = forms.CharField(required=False, max_length=2000)
    country = forms.ChoiceField(required=False, choices=lambda: [("", ""), *countries])
    consent = forms.BooleanField(required=False)
