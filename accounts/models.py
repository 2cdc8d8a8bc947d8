"""Who you are and what you bought."""

import uuid
from typing import Any, Self

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.core.validators import RegexValidator
from django.db import models, transaction
from django.db.models.functions import Lower, Now
from django.urls import reverse
from django.utils import timezone
from django_countries.fields import CountryField

from accounts import spelling
from config.lib.owed import Owed, OwedQuerySet


class UserQuerySet(models.QuerySet["User"]):
    """People, many at once."""

    def update(self, **changes: Any) -> int:
        """Write; where an address is another one, the proof of the former goes with it, as in `User.save`."""
        if "email" not in changes:
            return super().update(**changes)
        with transaction.atomic():
            people = list(self.order_by().values_list("pk", flat=True))
            changed = super().update(**changes)
            for user in self.model._default_manager.filter(pk__in=people):
                user.leave_former_addresses()
        return changed

    update.alters_data = True  # type: ignore[attr-defined]


class UserManager(BaseUserManager["User"]):
    """Makes and finds people by e-mail address, in any spelling."""

    def get_queryset(self) -> UserQuerySet:
        """All of them."""
        return UserQuerySet(self.model, using=self._db)

    def create_user(self, email: str, password: str | None = None, **fields: object) -> "User":
        """Make a person. `username` defaults to a random one; fields are model fields."""
        fields.setdefault("username", f"user_{uuid.uuid4().hex[:12]}")
        user = self.model(email=spelling.address(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: object) -> "User":
        """Make an administrator."""
        return self.create_user(email, password, **{**fields, "is_staff": True, "is_superuser": True})

    def get_by_natural_key(self, username: str | None) -> "User":
        """Find by e-mail."""
        return self.get(email=username)


class User(AbstractBaseUser, PermissionsMixin):
    """A person: visitor turned member. Signs in by e-mail.

    `email` is the one truth about the address: who signs in, and where mail goes. allauth's own table only says whether
    it is proven, and follows (`save`).
    """

    class Theme(models.TextChoices):
        SYSTEM = "system", "System"
        LIGHT = "light", "Light"
        DARK = "dark", "Dark"

    email = spelling.AddressField("e-mail address", unique=True)
    username = models.CharField(
        max_length=30,
        validators=[
            RegexValidator(
                r"\A(?!\.)[A-Za-z0-9_.]{3,30}(?<!\.)\Z",
                "Use 3 to 30 letters, digits, dots and underscores, without a dot at either end.",
            )
        ],
    )
    name = models.CharField(max_length=80, blank=True)
    birth_date = models.DateField(null=True, blank=True, help_text="Fixed after sign-up; staff may correct it.")
    country = CountryField(blank=True)
    avatar = models.ForeignKey("media.File", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    premium_until = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="Derived: the fold of the active premium grants."
    )
    theme = models.CharField(
        max_length=6,
        choices=Theme.choices,
        blank=True,
        default="",
        db_default="",
        help_text="Empty: never chosen; each browser has its own.",
    )
    enter_sends = models.BooleanField(default=True)
    show_mature = models.BooleanField(default=False)
    email_notices = models.BooleanField(
        default=True, db_default=True, help_text="News that are not about the account's security."
    )
    agreed_to = models.CharField(
        max_length=100, blank=True, default="", db_default="", editable=False, help_text="What need not be asked again."
    )
    erase_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="Asked to be erased then; the account rests until that day."
    )
    restricted = models.CharField(
        max_length=5,
        blank=True,
        default="",
        db_default="",
        editable=False,
        help_text="Derived: pause or ban, the graver of the restrictions that stand (`restricting`).",
    )
    # The clock of the AI notice, which all tabs and all characters share.
    told_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="When they were told last that they talk with an AI."
    )
    in_use_since = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="Since then they have used the site without a long pause."
    )
    used_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="When they said something last, to the minute."
    )
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    date_joined = models.DateTimeField(default=timezone.now)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["username"]

    objects = UserManager()

    class Meta:
        permissions = [
            ("end_sessions", "Can end the sessions of people"),
            ("deactivate_user", "Can deactivate people, and let them in again"),
            ("erase_user", "Can start and call off the erasure of people"),
            ("assign_roles", "Can give and take the roles Editor, Moderator and Support"),
        ]
        constraints = [
            models.UniqueConstraint(
                Lower("username"),
                name="username_is_unique_in_any_case",
                violation_error_message="That username is taken.",
            ),
            models.UniqueConstraint(
                Lower("email"),
                name="email_is_unique_in_any_case",
                violation_error_message="An account with this e-mail address exists.",
            ),
        ]
        indexes = [models.Index(fields=["-date_joined", "-id"], name="people_newest_first")]

    def __str__(self) -> str:
        return self.username

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Write; when the address is another one, what the former was good for is over: links, proofs, all of it."""
        fields = kwargs.get("update_fields")
        if self.pk is None or (fields is not None and "email" not in fields):
            return super().save(*args, **kwargs)
        with transaction.atomic():
            former = User.objects.filter(pk=self.pk).values_list("email", flat=True).first()
            super().save(*args, **kwargs)
            if former not in (None, self.email):
                self.leave_former_addresses()

    def leave_former_addresses(self) -> None:
        """Drop what other addresses than this one were good for; this one is to be proven, unless it is."""
        proofs = self.emailaddress_set  # type: ignore[attr-defined]  # allauth's
        proofs.exclude(email=self.email).delete()
        if not proofs.update(primary=True):
            proofs.create(email=self.email, primary=True)

    @property
    def avatar_url(self) -> str:
        """The member's own picture, small; empty when there is none."""
        return reverse("media:view", args=[self.avatar_id, "thumb"]) if self.avatar_id else ""

    def set_password(self, raw_password: str | None) -> None:
        """Keep its hash, in the one spelling."""
        super().set_password(None if raw_password is None else spelling.password(raw_password))

    def check_password(self, raw_password: str | None) -> bool:
        """Whether it is the password, in any spelling that systems make of what people type."""
        return any(super(User, self).check_password(form) for form in spelling.passwords(raw_password or ""))

    def get_full_name(self) -> str:
        """What to call this person on a page."""
        return self.name or self.username

    def get_short_name(self) -> str:
        """The first word of the name."""
        return self.get_full_name().split(" ")[0]

    @property
    def premium_active(self) -> bool:
        """Whether premium is on at this moment."""
        return self.premium_until is not None and self.premium_until > timezone.now()


class Restriction(models.Model):
    """A decision that somebody may not use the site, for a while or at all: why, in words for them, and its end.

    `User.restricted` is derived from those that stand.
    """

    class Kind(models.TextChoices):
        PAUSE = "pause", "Pause"
        BAN = "ban", "Ban"

    class Reason(models.TextChoices):
        MINOR = "minor", "Seems to be under 18"
        SEXUAL_MINOR = "sexual-minor", "Sexual content about somebody under 18"
        THREAT = "threat", "Threats"
        ABUSE = "abuse", "Abuse of the service"
        OTHER = "other", "Another reason"

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="restrictions")
    kind = models.CharField(max_length=5, choices=Kind.choices)
    reason = models.CharField(max_length=12, choices=Reason.choices)
    words = models.TextField("statement", max_length=2000, help_text="What is said to the member: why, and what now.")
    began_at = models.DateTimeField(default=timezone.now)
    until = models.DateTimeField(null=True, blank=True, help_text="Empty: until somebody lifts it.")
    by = models.ForeignKey(
        User, null=True, on_delete=models.SET_NULL, related_name="+", help_text="Nobody: the site itself."
    )
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    lifted_why = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-began_at", "-pk"]
        permissions = [("restrict_user", "Can pause and ban people, and let them in again")]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "kind", "reason"],
                condition=models.Q(lifted_at=None),
                name="one_restriction_of_a_kind_for_a_reason",
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.user_id}"


class PremiumGrant(models.Model):
    """Days of premium, given once for a reason. The book that `User.premium_until` is folded from."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="premium_grants")
    days = models.PositiveIntegerField()
    reason = models.CharField(max_length=255, unique=True, help_text="stripe:<session> or staff:<uuid>")
    granted_at = models.DateTimeField(default=timezone.now)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["granted_at", "pk"]
        constraints = [models.CheckConstraint(condition=models.Q(days__gte=1), name="a_grant_gives_a_day_or_more")]

    def __str__(self) -> str:
        return f"{self.days} days for {self.reason}"


class Permit(models.Model):
    """Proof that this person's browser passed Turnstile, good for a few uses."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="permits")
    scope = models.CharField(max_length=32)
    uses_left = models.PositiveIntegerField()
    expires_at = models.DateTimeField(db_index=True)
    token_hash = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the token: a token mints once.")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["user", "scope", "created_at"], name="permit_user_scope")]

    def __str__(self) -> str:
        return f"{self.scope} for {self.user_id}, {self.uses_left} left"


class AgeRefusal(models.Model):
    """Somebody said they are under age: this address waits until they are not, whatever date comes next.

    The address itself is not kept, only a keyed hash of it.
    """

    email_hash = models.CharField(max_length=64, unique=True)
    until = models.DateField(help_text="The birthday that lets them in, by the date they gave first.")
    refused_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"refused until {self.until}"


class Consent(models.Model):
    """What a person agreed to, which version of it, and when."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="consents")
    document = models.CharField(max_length=32)
    version = models.CharField(max_length=32)
    given_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "document", "version"], name="one_consent_for_each_version")
        ]

    def __str__(self) -> str:
        return f"{self.document} {self.version}"


class LegalVersionQuerySet(models.QuerySet["LegalVersion"]):
    """Versions of legal pages, many at once. What was published is written once."""

    def published(self) -> Self:
        """Those that are, or were, shown: the oldest first."""
        return self.filter(published_at__isnull=False).order_by("published_at", "pk")

    def update(self, **changes: Any) -> int:
        """Write to drafts. Raises LegalVersion.AlreadyPublished."""
        self.model.refuse(self)
        return super().update(**changes)

    def delete(self) -> tuple[int, dict[str, int]]:
        """Take drafts away. Raises LegalVersion.AlreadyPublished."""
        self.model.refuse(self)
        return super().delete()

    update.alters_data = delete.alters_data = True  # type: ignore[attr-defined]


class LegalVersion(models.Model):
    """A version of a legal page, in the operator's words. A draft is written on; once published it never changes."""

    class Document(models.TextChoices):
        TERMS = "terms", "Terms"
        PRIVACY = "privacy", "Privacy notice"

    class AlreadyPublished(Exception):
        """What people agreed to is not changed, and does not go."""

    document = models.CharField(max_length=32, choices=Document.choices)
    version = models.CharField(max_length=32, blank=True, default="", editable=False)
    text = models.TextField(max_length=200_000)
    summary = models.TextField(
        "what changed", max_length=1000, blank=True, help_text="In words for members: they read it when they are asked."
    )
    material = models.BooleanField(
        "ask everybody again", default=False, help_text="Members agree to it before they go on. Leave it for typos."
    )
    written_at = models.DateTimeField(auto_now=True)
    written_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+", editable=False)
    published_at = models.DateTimeField(null=True, editable=False)
    published_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+", editable=False)

    objects = LegalVersionQuerySet.as_manager()

    class Meta:
        verbose_name = "version of a legal page"
        verbose_name_plural = "legal pages"
        default_permissions = ("add", "change", "view")
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["document", "version"],
                condition=models.Q(published_at__isnull=False),
                name="one_legal_page_of_each_version",
            ),
            models.CheckConstraint(
                condition=models.Q(published_at=None, version="")
                | (models.Q(published_at__isnull=False) & ~models.Q(version="")),
                name="what_is_published_has_a_version",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_document_display()} {self.version or '(draft)'}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Write a draft. Raises AlreadyPublished."""
        if not self._state.adding:
            self.refuse(LegalVersion.objects.filter(pk=self.pk))
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Take a draft away. Raises AlreadyPublished."""
        self.refuse(LegalVersion.objects.filter(pk=self.pk))
        return super().delete(*args, **kwargs)

    @property
    def is_published(self) -> bool:
        """Whether it is, or was, shown to everybody."""
        return self.published_at is not None

    @property
    def stamp(self) -> str:
        """Which state of a draft this is."""
        return self.written_at.isoformat()

    @classmethod
    def refuse(cls, rows: models.QuerySet["LegalVersion"]) -> None:
        """Raises AlreadyPublished when one of these is."""
        if rows.order_by().filter(published_at__isnull=False).exists():
            raise cls.AlreadyPublished


class MailQuerySet(OwedQuerySet):
    """Mails by what became of them."""

    def in_state(self, state: str) -> Self:
        """Those of one state of `Mail.State`."""
        over = self.filter(due_at=None)
        match state:
            case Mail.State.WAITING:
                return self.owed()
            case Mail.State.SENT:
                return over.filter(sent_at__isnull=False)
            case Mail.State.UNCLEAR:
                return over.filter(sent_at=None, handed_at__isnull=False)
        return over.filter(sent_at=None, handed_at=None)

    def can_go_again(self) -> Self:
        """Those that ended unsent, or perhaps unsent, and are still of use to somebody."""
        unsent = self.filter(due_at=None, sent_at=None)
        return unsent.filter(models.Q(good_until=None) | models.Q(good_until__gt=Now()))


class Mail(Owed):
    """A mail that somebody was promised, as it will be sent: written down with what it tells of, sent afterwards."""

    TASK = "accounts.tasks.send_mail"

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        SENT = "sent", "Sent"
        FAILED = "failed", "Not sent"
        UNCLEAR = "unclear", "May have been sent"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.CASCADE, related_name="mails", help_text="Empty: nobody's yet."
    )
    address = spelling.AddressField(
        blank=True, default="", db_default="", help_text="Empty: where the person is reached when it is sent."
    )
    template = models.CharField(max_length=60)
    subject = models.CharField(max_length=200)
    body = models.TextField(blank=True)
    html = models.TextField(blank=True, default="", db_default="")
    created_at = models.DateTimeField(default=timezone.now)
    good_until = models.DateTimeField(null=True, blank=True, help_text="Of no use to anybody afterwards: a code.")
    handed_at = models.DateTimeField(
        null=True, blank=True, help_text="Since when somebody hands it over; whether it arrived is not known yet."
    )
    sent_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=300, blank=True, help_text="Why it was not sent yet, or never.")

    objects = MailQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["due_at"], name="mail_due", condition=models.Q(due_at__isnull=False)),
            models.Index(fields=["created_at"], name="mail_newest"),
            models.Index(
                fields=["created_at"], name="mail_unsent", condition=models.Q(due_at__isnull=True, sent_at__isnull=True)
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(user__isnull=False) | ~models.Q(address=""), name="a_mail_goes_to_somebody"
            )
        ]

    @property
    def to(self) -> str:
        """The address that it goes to, as of now."""
        return self.address or (self.user.email if self.user else "")

    @property
    def state(self) -> State:
        """What became of it."""
        if self.due_at:
            return self.State.WAITING
        if self.sent_at:
            return self.State.SENT
        return self.State.UNCLEAR if self.handed_at else self.State.FAILED

    def __str__(self) -> str:
        return f"{self.template} to {f'user {self.user_id}' if self.user_id else 'an address'}"
