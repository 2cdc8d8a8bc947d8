"""What somebody says of what is wrong."""

from typing import Any

from django import forms

from safety.models import Report

WHAT, REASON = Report.What, Report.Reason
# What may be wrong with a thing, in the order in which it is asked.
REASONS: dict[str, tuple[Report.Reason, ...]] = {
    WHAT.MESSAGE: (REASON.SELF_HARM, REASON.CLAIMS_HUMAN, REASON.SEXUAL_MINOR, REASON.HATE, REASON.OTHER),
    WHAT.PHOTO: (REASON.INTIMATE, REASON.SEXUAL_MINOR, REASON.HATE, REASON.OTHER),
    WHAT.CHARACTER: (REASON.SEXUAL_MINOR, REASON.SELF_HARM, REASON.CLAIMS_HUMAN, REASON.HATE, REASON.OTHER),
}


class ReportForm(forms.Form):
    """Why, and what else they want to say."""

    reason = forms.ChoiceField(label="What is wrong?", widget=forms.RadioSelect)
    words = forms.CharField(
        label="Anything else?",
        required=False,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="Only moderators read this. For a picture of a real person: who it shows, and how we can reach you.",
    )

    def __init__(self, *args: Any, what: Report.What, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["reason"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(reason.value, reason.label) for reason in REASONS[what]]
