"""The helplines, as this site shows them."""

from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils import timezone

OLD = timedelta(days=365)  # a number that nobody looked at for so long may ring elsewhere
# What the file of a release says of a row, and staff may change.
SHIPPED = (
    *("country", "name", "kind", "display", "tel", "sms", "sms_word", "chat_url"),
    *("hours", "languages", "for_whom", "source"),
)
TEL = r"^(\+[0-9]{7,15}|[0-9]{2,15})?$"


class HelplineQuerySet(models.QuerySet["Helpline"]):
    def to_be_checked(self) -> "HelplineQuerySet":
        """What is shown and nobody here checked, or not for a year."""
        since = timezone.now().date() - OLD
        unchecked = ~Q(status=Helpline.Status.CHECKED) | Q(verified_at__lt=since)
        return self.filter(unchecked, shown=True)


class Helpline(models.Model):
    """People who help, in one country: where they are called, texted or written to, and who looked last whether it is
    right. What Dusk ships has a `seed`; what staff made of such a row is theirs, and later releases leave it alone."""

    class Kind(models.TextChoices):
        EMERGENCY = "emergency", "Emergency number"
        LINE = "line", "Line to call"
        TEXT = "text", "Line to text"
        CHAT = "chat", "Line to chat with"

    class Status(models.TextChoices):
        UNCHECKED = "to be checked by the operator", "To be checked"
        CHECKED = "checked", "Checked"

    country = models.CharField(max_length=2, blank=True, help_text="Two letters, as in NZ. Empty: everywhere.")
    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    display = models.CharField("number", max_length=30, blank=True, help_text="As people there write it: 116 123.")
    tel = models.CharField(
        "number to dial",
        max_length=16,
        blank=True,
        help_text="Digits alone, as dialled inside the country. A short code with + does not ring.",
    )
    sms = models.CharField("number to text", max_length=16, blank=True, help_text="Digits alone.")
    sms_word = models.CharField("word to text", max_length=20, blank=True)
    chat_url = models.URLField("page of the chat", blank=True)
    hours = models.CharField(max_length=100, blank=True)
    languages = models.CharField(max_length=100, blank=True)
    for_whom = models.CharField(max_length=100, blank=True)
    source = models.TextField("sources", blank=True, help_text="Addresses where this was read, one a line.")
    shown = models.BooleanField(default=True)
    position = models.PositiveSmallIntegerField(default=100, help_text="Small numbers come first in a country.")
    status = models.CharField(max_length=32, choices=Status.choices, default=Status.UNCHECKED)
    verified_at = models.DateField(null=True, blank=True)
    verified_by = models.CharField(max_length=150, blank=True)
    seed = models.CharField(max_length=40, null=True, unique=True, editable=False)  # noqa: DJ001 - none: staff's own
    shipped = models.JSONField(null=True, editable=False)  # what the release says that was loaded last

    objects = HelplineQuerySet.as_manager()

    class Meta:
        ordering = ("country", "position", "pk")
        constraints = (
            models.CheckConstraint(condition=Q(country__regex=r"^([A-Z]{2})?$"), name="helpline_country_is_a_code"),
            models.CheckConstraint(
                condition=Q(tel__regex=TEL),
                name="helpline_rings_inside_the_country",
                violation_error_message="Digits alone, as dialled inside the country; a short code has no plus.",
            ),
            models.CheckConstraint(
                condition=Q(sms__regex=TEL),
                name="helpline_texts_inside_the_country",
                violation_error_message="The number to text: digits alone; a short code has no plus.",
            ),
            models.CheckConstraint(
                condition=Q(display__regex=r"^[0-9 -]*$"),
                name="helpline_display_is_digits",
                violation_error_message="The number is written with digits, spaces and hyphens.",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=("emergency", "line"), tel__gt="")
                | Q(kind="text", sms__gt="")
                | Q(kind="chat", chat_url__gt=""),
                name="helpline_can_be_reached",
                violation_error_message="A number to dial, a number to text or a page, as its kind says.",
            ),
            models.UniqueConstraint(
                fields=("country", "kind", "tel", "sms", "chat_url"), name="helpline_is_there_once"
            ),
        )

    def __str__(self) -> str:
        where = self.country or "everywhere"
        return " ".join(part for part in (where, self.name, self.display or self.sms) if part)

    def clean(self) -> None:
        """What is shown is what is dialled."""
        digits = self.display.replace(" ", "").replace("-", "")
        if not self.tel.startswith("+") and digits != self.tel:
            raise ValidationError({"display": "Not the number that is dialled."})

    @property
    def said(self) -> dict[str, Any]:
        """What the row says now, in the form of `shipped`."""
        return {name: str(getattr(self, name)) for name in SHIPPED}

    @property
    def edited(self) -> bool:
        """Whether staff made something else of what Dusk ships."""
        return self.shipped is not None and self.shipped != self.said

    @property
    def needs_a_check(self) -> bool:
        """Whether nobody here checked it, or not for a year."""
        return self.status != self.Status.CHECKED or (
            self.verified_at is None or self.verified_at < timezone.now().date() - OLD
        )
