"""Files that people put up, and the uploads they come by. Whose page shows them, and to whom, others know."""

import uuid
from datetime import timedelta
from functools import cache
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.urls import reverse

from config.lib.owed import Owed, OwedQuerySet

TYPES = {"webp": "image/webp", "avif": "image/avif", "mp4": "video/mp4", "webm": "video/webm"}


class Kind(models.TextChoices):
    IMAGE = "image", "Photo"
    VIDEO = "video", "Video"


class FileQuerySet(OwedQuerySet):
    """Files by what may be done with them."""

    def ready(self) -> "FileQuerySet":
        """Those that may be shown to somebody."""
        return self.filter(state=File.State.READY)

    def unclaimed(self) -> "FileQuerySet":
        """Those that no row of any app points at."""
        pointing = [field for field in File._meta.get_fields(include_hidden=True) if field.auto_created]
        unused = self.ready()
        for relation in pointing:
            there: Any = relation.related_model
            name = relation.remote_field.name  # type: ignore[union-attr]
            unused = unused.exclude(models.Exists(there._base_manager.filter(**{name: models.OuterRef("pk")})))
        return unused


class File(Owed):
    """A picture or a film, ready to be shown: checked, made anew, in all its variants.

    The rows of other apps point at it. When none does any more it is gone, and what is owed then is the removal of its
    objects from the storage.
    """

    TASK = "media.tasks.remove_file"

    class State(models.TextChoices):
        READY = "ready", "Ready"
        GONE = "gone", "Gone"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    purpose = models.CharField(max_length=30)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+", help_text="Who put it up."
    )
    folder = models.CharField(max_length=80, help_text="Of the storage, as in girls/12/media.")
    kind = models.CharField(max_length=5, choices=Kind)
    state = models.CharField(max_length=5, choices=State, default=State.READY)
    size = models.PositiveBigIntegerField(help_text="Bytes of all variants.")
    width = models.PositiveIntegerField(help_text="Of the largest variant, upright.")
    height = models.PositiveIntegerField()
    seconds = models.FloatField(default=0, help_text="Of a film; 0 when unknown.")
    blur = models.CharField(
        max_length=1000, help_text="All that is shown of it while it is locked, as a data: address."
    )
    variants = models.JSONField(help_text='{"full": {"w": 1600, "h": 2000, "webp": bytes, "avif": bytes}}')
    ai_generated = models.BooleanField(default=True)
    digest = models.CharField(max_length=64, blank=True, db_index=True, help_text="SHA-256 of what was put up.")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    due_at = models.DateTimeField(null=True, blank=True, editable=False, help_text="When its objects must be removed.")

    objects = FileQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["due_at"], name="file_due", condition=models.Q(due_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} {self.pk}"

    @property
    def key(self) -> str:
        """The largest variant's, in the storage."""
        return self.key_of("full", self.formats_of("full")[0])

    def key_of(self, variant: str, extension: str) -> str:
        """Where one variant lies in the storage."""
        return key_of(self.folder, self.pk, variant, extension)

    def all_keys(self) -> list[str]:
        """All of it, in the storage."""
        return [self.key_of(name, extension) for name in self.variants for extension in self.formats_of(name)]

    def formats_of(self, variant: str) -> list[str]:
        """The formats of a variant, the one that every browser knows first."""
        return [extension for extension in TYPES if extension in self.variants.get(variant, {})]

    def url(self, variant: str = "full") -> str:
        """The site's own address of it, which asks who comes."""
        before, between = _address()
        return f"{before}{self.pk}{between}{variant}"

    @property
    def card_url(self) -> str:
        """Of the middling size, for tiles; a film's is a picture of it."""
        return self.url("card")

    @property
    def full_url(self) -> str:
        """Of the largest."""
        return self.url("full")

    @property
    def thumb_url(self) -> str:
        """Of the small square."""
        return self.url("thumb")


@cache
def _address() -> tuple[str, str]:
    """What stands before and between id and variant: a gallery asks fifty times, and asking Django is not cheap."""
    absent = uuid.UUID(int=0)
    before, _, after = reverse("media:view", args=[absent, "full"]).partition(str(absent))
    return before, after.removesuffix("full")


def key_of(folder: str, pk: uuid.UUID, variant: str, extension: str) -> str:
    """girls/12/media/<id>.webp, and girls/12/media/<id>-card.webp for what is not the largest."""
    return f"{folder}/{pk}{'' if variant == 'full' else f'-{variant}'}.{extension}"


class Upload(Owed):
    """Something that a person was allowed to put up, from the asking to the end.

    What is owed: at first the end of one that nobody completes, then to make a file of what has come, then to remove
    what was only on the way.
    """

    TASK = "media.tasks.see_to_uploads"
    UNCLAIMED = timedelta(hours=6)  # a slow line needs more than one for 200 MB

    class State(models.TextChoices):
        ISSUED = "issued", "Waiting for the file"
        ARRIVED = "arrived", "Being made ready"
        READY = "ready", "Ready"
        REFUSED = "refused", "Refused"
        FAILED = "failed", "Failed, for reasons of ours"
        GONE = "gone", "Given up"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    purpose = models.CharField(max_length=30)
    target = models.JSONField(default=dict, help_text="What the app that it is for has to know.")
    folder = models.CharField(max_length=80, help_text="Of the storage, where the file will be.")
    kind = models.CharField(max_length=5, choices=Kind)
    name = models.CharField(max_length=150, help_text="What the file is called where it comes from.")
    content_type = models.CharField(max_length=40, help_text="As declared; what it is shows when it is opened.")
    max_bytes = models.PositiveBigIntegerField()
    state = models.CharField(max_length=8, choices=State, default=State.ISSUED)
    error = models.CharField(max_length=200, blank=True, help_text="For the person, when it was refused or failed.")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = OwedQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["due_at"], name="upload_due", condition=models.Q(due_at__isnull=False)),
            models.Index(fields=["owner", "created_at"], name="upload_of_owner"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.state})"

    @property
    def key(self) -> str:
        """Where the browser puts it; nobody is ever shown anything from there."""
        return f"tmp/{self.pk}"
