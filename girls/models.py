"""The characters."""

from datetime import timedelta
from functools import cache
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models.functions import Now
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.text import slugify
from simple_history.models import HistoricalRecords

from config.lib.text import fold, is_blank
from media.models import Kind
from media.storage import store

_static = cache(static)  # a thread list asks fifty times
BLANK = "Nobody would see anything of this."
NEW_DAYS = 14  # so long a character wears the badge "New"


def tag_key(tag: str) -> str:
    """A tag as it stands in an address: `Deep talks` is `deep-talks`."""
    return slugify(fold(tag), allow_unicode=True)


class GirlQuerySet(models.QuerySet["Girl"]):
    """Reads that pages share."""

    def visible_to(self, user: Any) -> "GirlQuerySet":
        """The characters this person may meet, but those that they blocked; visitors may meet them too."""
        return self.filter(_not_blocked_by(user, "pk"), is_active=True)

    def without_persona(self) -> "GirlQuerySet":
        """Leaves in the database what only the model is told."""
        return self.defer("persona_prompt", "example_dialogue", "voice_id")


def _not_blocked_by(user: Any, girl: str) -> models.Q:
    """What is not of a character that this person blocked; `girl` is the column that says whose it is."""
    if not user.is_authenticated:
        return models.Q()
    return models.Q(~models.Exists(Block.objects.filter(user=user, girl=models.OuterRef(girl))))


class Girl(models.Model):
    """A character: always an adult, always labelled AI. Persona and voice never leave the server."""

    name = models.CharField(max_length=60)
    slug = models.SlugField(max_length=60, unique=True)
    age = models.PositiveSmallIntegerField(validators=[MinValueValidator(18)])
    tagline = models.CharField(max_length=140)
    bio = models.TextField(max_length=4000)
    tags = models.JSONField(default=list, blank=True, help_text="Moods and interests, the most telling first.")
    work = models.CharField(
        max_length=60, blank=True, default="", db_default="", help_text="As it goes on after her age: ceramicist."
    )
    lives_in = models.CharField(max_length=80, blank=True)
    speaks = models.CharField(max_length=120, blank=True, default="English")
    greeting = models.TextField(max_length=600, help_text="Her first message in every new conversation.")
    starters = models.JSONField(default=list, blank=True, help_text="Three or four things to say first.")
    example_dialogue = models.TextField(max_length=4000, blank=True)
    persona_prompt = models.TextField(max_length=8000, help_text="What the model is told. Never shown to members.")
    voice_id = models.CharField(max_length=40, blank=True)
    # Her public pictures: the files, and their keys in the storage, which lists show without a look at the files.
    portrait = models.ForeignKey("media.File", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    cover = models.ForeignKey("media.File", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    avatar = models.CharField(max_length=100, blank=True, editable=False)
    background = models.CharField(max_length=100, blank=True, editable=False)
    avatar_square = models.CharField(max_length=100, blank=True, editable=False)
    demo_art = models.SlugField(
        max_length=60, blank=True, editable=False, help_text="Name of the drawing in static/demo."
    )
    is_active = models.BooleanField("published", default=False)
    retired_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="Since then her conversations can be read, and no more."
    )
    position = models.PositiveSmallIntegerField(
        default=0, help_text="Lower numbers stand first on the page; equal numbers stand newest first."
    )
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)
    gallery_count = models.PositiveIntegerField(default=0, editable=False)
    post_count = models.PositiveIntegerField(default=0, editable=False)
    asset_count = models.PositiveIntegerField(default=0, editable=False)
    search_text = models.TextField(editable=False, help_text="Derived: name, tagline, tags and biography, folded.")
    tag_keys = models.TextField(editable=False, help_text="Derived: |warm|deep-talks|")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    objects = GirlQuerySet.as_manager()
    # Her words, each time somebody changed them. Pictures, numbers and whether she is shown are no words.
    history = HistoricalRecords(
        excluded_fields=[
            *("portrait", "cover", "avatar", "background", "avatar_square", "demo_art"),
            *("is_active", "retired_at", "position", "created_by", "created_at", "updated_at"),
            *("gallery_count", "post_count", "asset_count", "search_text", "tag_keys"),
        ],
        cascade_delete_history=True,
    )

    class Meta:
        verbose_name = "character"
        ordering = ["position", "-created_at", "-pk"]
        permissions = [("try_persona", "Can try a persona on the model host")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(age__gte=18),
                name="girl_is_an_adult",
                violation_error_message="Characters are adults: 18 or older.",
            ),
            models.CheckConstraint(
                condition=models.Q(retired_at=None) | models.Q(is_active=False), name="girl_who_retired_is_hidden"
            ),
        ]
        indexes = [models.Index(fields=["is_active", "position", "-created_at"], name="girl_active_in_order")]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Keep the two columns that the catalogue searches in step with the words.

        The accent-free text and the tag keys are looked up the same way by PostgreSQL and SQLite, which neither
        `unaccent` nor a lookup inside JSON would be. Bulk updates of the words must go through here too.
        """
        self.search_text = fold(" ".join([self.name, self.tagline, *self.tags, self.bio]))
        self.tag_keys = "".join(f"|{tag_key(tag)}" for tag in self.tags) + "|" if self.tags else ""
        if (fields := kwargs.get("update_fields")) and {"name", "tagline", "tags", "bio"} & set(fields):
            kwargs["update_fields"] = {*fields, "search_text", "tag_keys"}
        if fields is not None and not set(VERSIONED) & set(fields):
            self.skip_history_when_saving = True  # of no word that changed there is a version
        try:
            super().save(*args, **kwargs)
        finally:
            self.__dict__.pop("skip_history_when_saving", None)

    def get_absolute_url(self) -> str:
        """Her profile."""
        return reverse("girls:about", args=[self.slug])

    def clean(self) -> None:
        """What people read of her shows something. Raises ValidationError."""
        shown = {name: getattr(self, name) for name in ("name", "tagline", "bio", "greeting", "persona_prompt")}
        if blank := {name: BLANK for name, text in shown.items() if text and is_blank(text)}:
            raise ValidationError(blank)

    def changed_by(self, user: Any, reason: str = "") -> None:
        """Who makes the next version of her words, and why."""
        self._history_user, self._change_reason = user, reason[:100]

    @property
    def status(self) -> str:
        """`live` for everybody, `hidden` from who does not know her yet, or `retired`."""
        if self.retired_at:
            return "retired"
        return "live" if self.is_active else "hidden"

    @property
    def in_short(self) -> str:
        """Her age, her work and where she lives, as far as they are known: "29, ceramicist in Lisbon"."""
        return f"{self.age}, {' in '.join(filter(None, [self.work, self.lives_in]))}".removesuffix(", ")

    @property
    def is_new(self) -> bool:
        """Whether she joined in the last two weeks."""
        return self.created_at > timezone.now() - timedelta(days=NEW_DAYS)

    @property
    def portrait_url(self) -> str:
        """The tall picture, 3:4."""
        if self.avatar:
            return store().public_url(self.avatar)
        return _static(f"demo/{self.demo_art}.svg" if self.demo_art else "img/portrait.svg")

    @property
    def card_url(self) -> str:
        """The tall picture at half its size; empty when there is only one size of it."""
        return store().public_url(self.avatar.replace(".webp", "-card.webp")) if self.portrait_id else ""

    @property
    def avatar_url(self) -> str:
        """The square picture for lists and bubbles."""
        if self.avatar_square or self.avatar:
            return store().public_url(self.avatar_square or self.avatar)
        return _static(f"demo/{self.demo_art}-sq.svg" if self.demo_art else "img/portrait-sq.svg")

    @property
    def cover_url(self) -> str:
        """The wide picture behind her profile; empty when there is none."""
        if self.background:
            return store().public_url(self.background)
        return _static(f"demo/{self.demo_art}-cover.svg") if self.demo_art else ""


VERSIONED = tuple(field.name for field in Girl.history.model.tracked_fields if not field.primary_key)


def may_see_mature(user: Any) -> bool:
    """Whether mature pictures are for this person: the site has them, and a grown-up with premium asked for them."""
    return bool(settings.MATURE_CONTENT and user.is_authenticated and user.premium_active and user.show_mature)


class MediaQuerySet(models.QuerySet["Media"]):
    """What characters show, by who may see it."""

    def kept(self) -> "MediaQuerySet":
        """All but what was deleted and waits for its end."""
        return self.filter(removed_at=None)

    def shown(self) -> "MediaQuerySet":
        """Published items of published characters: everybody may know that they are there."""
        return self.kept().filter(published=True, girl__is_active=True)

    def visible_to(self, user: Any) -> "MediaQuerySet":
        """What this person may see whole, on her pages. What she sends is seen in the conversation it was sent in."""
        on_pages = self.shown().filter(_not_blocked_by(user, "girl")).exclude(surface=Media.Surface.ASSET)
        return on_pages if user.is_authenticated and user.premium_active else on_pages.filter(premium_only=False)


class Media(models.Model):
    """A photo or a video of a character, in exactly one place: her gallery, her posts, or what she can send."""

    class Surface(models.TextChoices):
        GALLERY = "gallery", "Gallery"
        POST = "post", "Posts"
        ASSET = "asset", "Reply media"

    girl = models.ForeignKey(Girl, on_delete=models.CASCADE, related_name="media")
    file = models.OneToOneField("media.File", on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=5, choices=Kind)
    surface = models.CharField(max_length=7, choices=Surface)
    text = models.CharField(
        "caption", max_length=300, blank=True, help_text="What people read below it, and hear instead of it."
    )
    location = models.CharField(max_length=80, blank=True)
    like_count = models.PositiveIntegerField(default=0, editable=False)
    can_be_liked = models.BooleanField(default=True)
    premium_only = models.BooleanField(default=False)
    mature = models.BooleanField(default=False)
    published = models.BooleanField(default=False)
    position = models.PositiveIntegerField(default=0, help_text="In the gallery: lower first, of equals the newest.")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    published_at = models.DateTimeField(null=True, blank=True, editable=False)
    removed_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="Deleted; can be undone a while."
    )

    objects = MediaQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "media"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(surface__in=["gallery", "post", "asset"]), name="media_is_in_one_place"
            ),
            models.CheckConstraint(
                condition=models.Q(premium_only=False) | models.Q(surface="gallery"),
                name="only_the_gallery_has_premium_items",
            ),
            models.CheckConstraint(
                condition=models.Q(mature=False) | models.Q(surface="asset"), name="only_reply_media_is_mature"
            ),
            models.CheckConstraint(
                condition=models.Q(can_be_liked=False) | ~models.Q(surface="asset"), name="reply_media_is_not_liked"
            ),
            models.CheckConstraint(
                condition=models.Q(location="") | models.Q(surface="post"), name="only_posts_have_a_location"
            ),
        ]
        indexes = [
            models.Index(fields=["girl", "surface", "position", "-created_at"], name="media_in_order"),
            models.Index(fields=["surface", "-published_at", "-id"], name="media_newest_first"),
        ]

    def __str__(self) -> str:
        return self.text or f"{self.get_kind_display()} {self.pk}"

    @property
    def alt(self) -> str:
        """What it shows, for who does not see it."""
        return self.text or f"{self.get_kind_display()} of {self.girl.name}"


class Block(models.Model):
    """A member wants to see no more of a character."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="blocks")
    girl = models.ForeignKey(Girl, on_delete=models.CASCADE, related_name="+", verbose_name="character")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "girl"], name="one_block_for_each_character")]

    def __str__(self) -> str:
        return f"block of {self.girl_id} by {self.user_id}"


class Like(models.Model):
    """One person likes one item, once."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="likes")
    media = models.ForeignKey(Media, on_delete=models.CASCADE, related_name="likes")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "media"], name="one_like_each")]

    def __str__(self) -> str:
        return f"{self.user_id} likes {self.media_id}"
