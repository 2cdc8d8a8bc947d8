"""What was bought, what the processor told us, and what can be bought."""

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from config.lib.owed import Owed, OwedQuerySet
from payments import money

# What tax law wants of the processor's word, once nobody may be named any more.
BOOKED = ("currency", "amount_subtotal", "amount_total", "total_details", "payment_status", "mode", "livemode")


def booked(snapshot: dict[str, Any]) -> dict[str, Any]:
    """The sums of a snapshot, without anything that leads to a person."""
    return {name: snapshot[name] for name in BOOKED if name in snapshot}


class PurchaseQuerySet(OwedQuerySet):
    """The only ways to find a purchase."""

    def visible_to(self, user: Any) -> "PurchaseQuerySet":
        """What this person bought, or began to. A foreign one is simply not there."""
        return self.filter(user_id=user.pk)

    def locked(self, pk: uuid.UUID) -> "Purchase":
        """The row under its lock: the first lock of every deed on a purchase. Raises Purchase.DoesNotExist."""
        return self.select_for_update(no_key=True).with_now().get(pk=pk)

    def with_now(self) -> "PurchaseQuerySet":
        """With the time at the database, `now`, which dates what is done to them."""
        return self.annotate(now=Now())


class Purchase(Owed):
    """Premium time that somebody buys: the terms they saw, and what became of the payment.

    Until it is settled a look at the processor is owed, in case nobody tells us.
    """

    TASK = "payments.tasks.settle_purchase"

    now: datetime  # at the database, of rows that were read `with_now`

    class Status(models.TextChoices):
        OPEN = "open", "Not paid"
        PENDING = "pending", "On its way"
        PAID = "paid", "Paid"
        REFUNDED = "refunded", "Refunded"
        DISPUTED = "disputed", "Disputed"
        EXPIRED = "expired", "Expired"
        FAILED = "failed", "Failed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # The book outlives the account.
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="purchases")
    pseudonym = models.CharField(
        max_length=64,
        blank=True,
        default="",
        db_default="",
        help_text="Of somebody who was erased: the same on all they bought.",
    )
    click = models.UUIDField(help_text="Made by the page for each visit of it: the same click buys once.")
    session_id = models.CharField(  # noqa: DJ001 - many rows have none, and those that have one differ
        max_length=255, unique=True, null=True, help_text="Empty until the processor answers."
    )
    payment_intent_id = models.CharField(max_length=255, blank=True, db_index=True)
    product_id = models.CharField(max_length=255)
    price_id = models.CharField(max_length=255)
    name = models.CharField(max_length=250)
    duration_days = models.PositiveIntegerField()
    features = models.JSONField(default=list)
    amount = models.PositiveIntegerField(help_text="The price on the page, in the currency's smallest unit.")
    currency = models.CharField(max_length=3)
    amount_total = models.PositiveIntegerField(null=True, help_text="What was paid, after coupons.")
    amount_refunded = models.PositiveIntegerField(default=0)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.OPEN)
    problem = models.CharField(
        max_length=255, blank=True, help_text="Why the payment was not accepted as this purchase's."
    )
    method = models.CharField(max_length=64, blank=True)
    receipt_url = models.CharField(max_length=2000, blank=True)
    next_url = models.CharField(max_length=2000, blank=True, help_text="Where the limit was hit.")
    consented_at = models.DateTimeField(null=True, help_text="To immediate supply, which ends the right of withdrawal.")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(help_text="The checkout page can be paid until then.")
    paid_at = models.DateTimeField(null=True, help_text="When we learnt of it: premium counts from here.")
    due_at = models.DateTimeField(
        null=True, db_column="look_at", db_index=True, editable=False, help_text="When to ask the processor next."
    )
    revision = models.PositiveIntegerField(default=0, help_text="Guards against news that is older than what we know.")
    snapshot = models.JSONField(default=dict, help_text="The processor's last word, without the payer's details.")

    objects = PurchaseQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        permissions = [("export_purchase", "Can export purchases")]
        indexes = [
            models.Index(fields=["user", "-created_at"], name="purchases_of_a_person"),
            models.Index(fields=["-created_at", "-id"], name="purchases_newest_first"),
            models.Index(fields=["paid_at"], name="purchases_paid", condition=Q(paid_at__isnull=False)),
            models.Index(fields=["created_at"], name="purchases_with_a_problem", condition=~Q(problem="")),
        ]
        constraints = [
            models.UniqueConstraint(fields=["user", "product_id", "click"], name="one_purchase_for_each_click"),
            models.CheckConstraint(condition=Q(duration_days__gte=1), name="a_purchase_gives_a_day_or_more"),
            models.CheckConstraint(
                condition=Q(amount_total=None) | Q(amount_refunded__lte=F("amount_total")),
                name="no_more_is_refunded_than_was_paid",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["paid", "refunded", "disputed"]) | Q(paid_at__isnull=False),
                name="what_is_paid_was_paid_at_a_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title}, {self.price}"

    @property
    def title(self) -> str:
        """What was bought, in plain words."""
        return f"{self.duration_days} day{'' if self.duration_days == 1 else 's'} premium"

    @property
    def price(self) -> str:
        """What was paid, or is to be."""
        return money.formatted(self.amount if self.amount_total is None else self.amount_total, self.currency)

    @property
    def order(self) -> str:
        """A short name of it for people, as in DSK-48F2A1."""
        return f"DSK-{self.id.hex[:6].upper()}"

    @property
    def reason(self) -> str:
        """What the grant is called in the book of premium."""
        return f"stripe:{self.session_id}"

    @property
    def status_label(self) -> str:
        """The status in words; a part that went back is said, too."""
        if self.status == self.Status.PAID and self.amount_refunded:
            return f"{money.formatted(self.amount_refunded, self.currency)} refunded"
        return self.get_status_display()


class StripeEvent(Owed):
    """Something the processor told us: written down first, then answered, and only then looked into.

    Only what it is about is kept. What is true is asked for when the event is processed.
    """

    TASK = "payments.tasks.process_event"

    id = models.CharField(primary_key=True, max_length=255)
    type = models.CharField(max_length=100)
    session_id = models.CharField(max_length=255, blank=True)
    payment_intent_id = models.CharField(max_length=255, blank=True)
    livemode = models.BooleanField()
    received_at = models.DateTimeField(default=timezone.now)
    processed_at = models.DateTimeField(null=True)
    attempts = models.PositiveIntegerField(default=0, db_default=0, db_column="tries", editable=False)
    due_at = models.DateTimeField(
        null=True,
        db_default=Now(),
        db_column="try_at",
        editable=False,
        help_text="When to look into it. Empty: parked for staff, or processed.",
    )
    error = models.TextField(blank=True)

    objects = OwedQuerySet.as_manager()

    class Meta:
        ordering = ["-received_at"]
        indexes = [
            models.Index(fields=["due_at"], name="events_to_process", condition=Q(processed_at=None)),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.id}"


class CatalogCache(Owed):
    """What can be bought, as the processor last said: one row. To ask again is owed before it is stale."""

    TASK = "payments.tasks.refresh_catalog"
    STALE_AFTER = timedelta(hours=6)
    AHEAD = timedelta(minutes=5)  # so that no visitor has to wait

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    plans = models.JSONField(default=list)
    unsellable = models.JSONField(default=list, help_text="Products that cannot be sold, each with the reason.")
    refreshed_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=255, blank=True)

    objects = OwedQuerySet.as_manager()

    class Meta:
        verbose_name = "catalog"
        verbose_name_plural = "catalog"
        constraints = [models.CheckConstraint(condition=Q(id=1), name="there_is_one_catalog")]

    def __str__(self) -> str:
        return "Catalog"

    @classmethod
    def lease(cls) -> timedelta:
        """One who asks has so long; who was refused leaves the processor alone for so long."""
        return timedelta(seconds=30)

    @property
    def is_refused(self) -> bool:
        """Whether the processor, when it was asked last, did nothing for us."""
        return self.error.startswith(("NotServed", "ProcessorRefused"))

    def is_stale(self) -> bool:
        """Whether it is older than it should be."""
        return self.refreshed_at is None or self.refreshed_at + self.STALE_AFTER <= timezone.now()


class ScriptedSession(models.Model):
    """What the scripted checkout remembers, in Stripe's own shapes. Empty wherever Stripe is real."""

    id = models.CharField(primary_key=True, max_length=255)
    session = models.JSONField()
    disputes = models.JSONField(default=list)

    def __str__(self) -> str:
        return self.id
