"""The helplines, as this site shows them; what was found and done, in numbers; what people reported."""

import uuid
from datetime import timedelta
from typing import Any

from django.conf import settings
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


class Count(models.Model):
    """How often something was found, or done about it: on a day, in a country. No text, no person."""

    class Action(models.TextChoices):
        # Of what a member said:
        NOTED = "noted", "Told to her model"
        CARD = "card", "Card above her reply"
        INTERRUPTED = "interrupted", "Card in place of her reply"
        RESUMED = "resumed", "The member went on"
        # Of the second opinion:
        RAISED = "raised", "Raised by a second opinion"
        UNHEARD = "unheard", "The second opinion did not come"
        # Of what she said:
        CUT = "cut", "Her words were cut"
        REPLACED = "replaced", "Her words were replaced"
        NUMBER = "number", "A number was taken out"
        FAREWELL = "farewell", "She held somebody back"
        # Of members who seem to be under age:
        WEAK = "weak", "A weak sign"
        PAUSED = "paused", "The account was paused"
        QUEUED = "queued", "Put before a moderator"

    day = models.DateField(help_text="In UTC.")
    country = models.CharField(max_length=2, blank=True)
    kind = models.CharField(max_length=16, help_text="Of `safety.classifying.Kind`.")
    level = models.PositiveSmallIntegerField(default=0)
    action = models.CharField(max_length=12, choices=Action.choices)
    n = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["day", "country", "kind", "level", "action"], name="one_count_of_each")
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.kind} {self.action}: {self.n}"


class Signal(models.Model):
    """A weak sign that a member is under age: that there was one, not what. Three in a month are looked at."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=16)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["user", "at"], name="signal_of_a_person")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.user_id}"


class Report(models.Model):
    """Somebody, or the site itself, says that something is wrong. With the evidence, for whoever decides."""

    class What(models.TextChoices):
        MESSAGE = "message", "Message"
        PHOTO = "photo", "Photo or video"
        CHARACTER = "character", "Character"
        MEMBER = "member", "Member"

    class Reason(models.TextChoices):
        SEXUAL_MINOR = "sexual-minor", "Sexual content about somebody under 18"
        INTIMATE = "intimate", "An intimate picture of a real person, without their consent"
        SELF_HARM = "self-harm", "It encourages suicide, self-harm or an eating disorder"
        CLAIMS_HUMAN = "claims-human", "It claims to be a person"
        HATE = "hate", "Hate or harassment"
        MINOR = "minor", "A member seems to be under 18"
        THREAT = "threat", "Threats of violence"
        OTHER = "other", "Something else"

    class State(models.TextChoices):
        NEW = "new", "New"
        ACTING = "acting", "In hand"
        CLOSED = "closed", "Closed"

    class Outcome(models.TextChoices):
        REMOVED = "removed", "Taken down"
        CHANGED = "changed", "Changed"
        RESTRICTED = "restricted", "Account restricted"
        NOTHING = "nothing", "No breach found"
        UNFOUNDED = "unfounded", "Not a report that can be acted on"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.SET_NULL,
        related_name="reports",
        verbose_name="reported by",
        help_text="Nobody: the site itself, or an account that was erased.",
    )
    is_by_site = models.BooleanField(default=False)
    what = models.CharField(max_length=9, choices=What.choices)
    target = models.CharField(max_length=80, help_text="As in message:…:7, photo:12, character:3, member:9.")
    about = models.CharField(
        max_length=140, blank=True, help_text="What it is, in words for a list: never what it says."
    )
    girl = models.ForeignKey(
        "girls.Girl", null=True, on_delete=models.SET_NULL, related_name="+", verbose_name="character"
    )
    media = models.ForeignKey("girls.Media", null=True, on_delete=models.SET_NULL, related_name="+")
    member = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="Whose account it is about, if it is about one.",
    )
    reason = models.CharField(max_length=12, choices=Reason.choices)
    words = models.TextField(max_length=1000, blank=True, help_text="What the reporter said.")
    evidence = models.JSONField(default=list, blank=True, help_text="As it stood when it was reported.")
    state = models.CharField(max_length=6, choices=State.choices, default=State.NEW)
    due_at = models.DateTimeField(help_text="Until then it is to be decided.")
    created_at = models.DateTimeField(default=timezone.now)
    taken_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    taken_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=10, choices=Outcome.choices, blank=True)
    statement = models.TextField(max_length=2000, blank=True, help_text="What was decided and why, in words for them.")
    closed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["due_at", "created_at"]
        permissions = [
            ("review_report", "Can take reports in hand and decide them"),
            ("read_evidence", "Can read the evidence of reports, with a reason that is written down"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["by", "target"],
                condition=~Q(state="closed") & Q(by__isnull=False),
                name="one_open_report_of_a_thing_by_a_member",
            ),
            models.UniqueConstraint(
                fields=["target", "reason"],
                condition=~Q(state="closed") & Q(is_by_site=True),
                name="one_open_report_of_a_thing_by_the_site",
            ),
            models.CheckConstraint(
                condition=~Q(state="closed") | (Q(closed_at__isnull=False) & ~Q(outcome="") & ~Q(statement="")),
                name="what_is_closed_says_why",
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=~Q(state="closed"), name="report_open_by_due"),
            models.Index(fields=["member", "-created_at"], name="report_about_member"),
            models.Index(fields=["-created_at"], name="report_newest"),
        ]

    def __str__(self) -> str:
        return f"report {self.pk}"
