"""What the roof owes to people, a copy of what is theirs and the end of it; and what the team did."""

import uuid
from datetime import timedelta

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from config.lib.owed import Owed, OwedQuerySet


class Export(Owed):
    """A copy of all that is a member's, as a zip in the storage. What is owed is its making, and then its removal."""

    TASK = "staff.tasks.see_to_export"
    KEPT = timedelta(days=7)

    class State(models.TextChoices):
        ASKED = "asked", "Being made"
        READY = "ready", "Ready"
        FAILED = "failed", "Failed"
        GONE = "gone", "To be removed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="exports")
    state = models.CharField(max_length=6, choices=State, default=State.ASKED)
    size = models.PositiveBigIntegerField(default=0, help_text="Bytes of the zip.")
    error = models.CharField(max_length=200, blank=True, help_text="For the person, when it failed.")
    asked_at = models.DateTimeField(db_default=Now(), editable=False)
    ready_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = OwedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user"], condition=Q(state="asked"), name="one_export_at_a_time"),
        ]
        indexes = [models.Index(fields=["due_at"], name="export_due", condition=Q(due_at__isnull=False))]

    def __str__(self) -> str:
        return f"export {self.pk}, {self.state}"

    @property
    def key(self) -> str:
        """Where it lies in the storage: the same at each try, so nothing is left twice."""
        return f"exports/{self.pk}.zip"


class Erasure(Owed):
    """The end of an account: asked for, waiting, carried out. What is left of the person is their number here."""

    TASK = "staff.tasks.see_to_erasure"

    class State(models.TextChoices):
        ASKED = "asked", "Waits for its day"
        BEGUN = "begun", "Being carried out"
        DONE = "done", "Erased"

    person = models.PositiveBigIntegerField(help_text="The number of their row, which is nobody's afterwards.")
    joined_at = models.DateTimeField(help_text="Of that row, so that the number is never taken for somebody else's.")
    state = models.CharField(max_length=5, choices=State, default=State.ASKED)
    by = models.CharField(max_length=20, help_text="Who asked: member, support, or staff and a number.")
    asked_at = models.DateTimeField(db_default=Now(), editable=False)
    done_at = models.DateTimeField(null=True, blank=True, editable=False)
    farewell = models.UUIDField(null=True, blank=True, help_text="The last mail, until it has gone.")

    objects = OwedQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "joined_at"], name="one_end_for_each_person")]
        indexes = [models.Index(fields=["due_at"], name="account_erasure_due", condition=Q(due_at__isnull=False))]

    def __str__(self) -> str:
        return f"erasure of person {self.person}, {self.state}"


class Audit(models.Model):
    """Something that the team did: who, when, from where, to what, and the values before and after.

    Append-only: no page and no code changes or deletes a row. Erasing a person takes them out, and leaves the deed.
    """

    at = models.DateTimeField("when", db_default=Now(), editable=False, db_index=True)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    actor_name = models.CharField("who", max_length=150, help_text="The username then; `shell` for a command.")
    address = models.GenericIPAddressField("from", null=True)
    device = models.CharField(max_length=200, blank=True)
    did = models.CharField(max_length=500, help_text="A verb in the past tense, and what follows.")
    table = models.CharField("kind", max_length=60, help_text="As in `accounts.User`.")
    key = models.CharField(max_length=64)
    name = models.CharField("what", max_length=200, help_text="As it was called then.")
    person = models.PositiveBigIntegerField(null=True, help_text="The number of the member whom it is about, if any.")
    before = models.JSONField(null=True, encoder=DjangoJSONEncoder)
    after = models.JSONField(null=True, encoder=DjangoJSONEncoder)
    reason = models.CharField(max_length=500, blank=True)

    class Meta:
        verbose_name = "line of the audit"
        verbose_name_plural = "lines of the audit"
        default_permissions = ("view",)
        permissions = [("view_overview", "Can view the overview")]
        ordering = ["-at", "-pk"]
        indexes = [
            models.Index(fields=["table", "key"], name="audit_of_a_row"),
            models.Index(fields=["key"], name="audit_by_key"),
            models.Index(fields=["person"], name="audit_of_a_person", condition=Q(person__isnull=False)),
            models.Index(fields=["actor"], name="audit_by_somebody"),
        ]

    def __str__(self) -> str:
        return f"{self.actor_name}: {self.did} ({self.name})"


class Counts(models.Model):
    """What was said and answered, in numbers. Tokens are those that hosts told of."""

    messages = models.PositiveIntegerField(default=0, help_text="Of members and characters.")
    conversations = models.PositiveIntegerField(default=0, help_text="In which something was said.")
    replies_done = models.PositiveIntegerField(default=0)
    replies_failed = models.PositiveIntegerField(default=0)
    replies_stopped = models.PositiveIntegerField(default=0)
    by_fallback = models.PositiveIntegerField(default=0, help_text="Of those done.")
    tokens_in = models.PositiveBigIntegerField(default=0)
    tokens_cached = models.PositiveBigIntegerField(default=0, help_text="Of those in.")
    tokens_out = models.PositiveBigIntegerField(default=0)
    cost = models.DecimalField(
        max_digits=14, decimal_places=6, null=True, help_text="US dollars, by the prices then. Empty: there were none."
    )

    class Meta:
        abstract = True


class Day(Counts):
    """One day (UTC) of the site, counted up by staff/rollups.py. No row of it names anybody."""

    day = models.DateField(primary_key=True)
    accounts = models.PositiveIntegerField(default=0, help_text="New ones.")
    first_purchases = models.PositiveIntegerField(default=0, help_text="People who paid for the first time.")
    reply_ms = models.JSONField(default=dict, help_text="From being owed to the end, of replies done: a histogram.")
    first_word_ms = models.JSONField(default=dict, help_text="The same to the first word.")
    counted_at = models.DateTimeField(null=True, help_text="When it was counted last.")
    is_final = models.BooleanField(default=False, help_text="It was counted after its end, and is not counted again.")

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.day}"


class DailyGirl(Counts):
    """The same day with one character."""

    day = models.DateField()
    girl = models.PositiveBigIntegerField(help_text="The number of her row, which may be gone.")

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["day", "girl"], name="one_count_of_her_for_each_day")]

    def __str__(self) -> str:
        return f"{self.day}, character {self.girl}"


class DailyPlan(models.Model):
    """What was sold of one plan on a day, in one currency, and what of that went back since."""

    day = models.DateField(help_text="On which it was paid.")
    product_id = models.CharField(max_length=255)
    currency = models.CharField(max_length=3)
    name = models.CharField(max_length=250)
    sales = models.PositiveIntegerField()
    amount = models.PositiveBigIntegerField(help_text="What was paid, in the currency's smallest unit.")
    refunds = models.PositiveIntegerField(help_text="Sales of which something went back, or is disputed.")
    refunded = models.PositiveBigIntegerField()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["day", "product_id", "currency"], name="one_count_of_a_plan_for_each_day")
        ]

    def __str__(self) -> str:
        return f"{self.day}, {self.name}"
