"""The characters."""

from datetime import timedelta
from functools import cache
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.text import slugify

from config.lib.text import fold, is_blank

_static = cache(static)  # a thread list asks fifty times
BLANK = "Nobody would see anything of this."
NEW_DAYS = 14  # so long a character wears the badge "New"


def tag_key(tag: str) -> str:
    """A tag as it stands in an address: `Deep talks` is `deep-talks`."""
    return slugify(fold(tag), allow_unicode=True)


class GirlQuerySet(models.QuerySet["Girl"]):
    """Reads that pages share."""

    def visible_to(self, user: Any) -> "GirlQuerySet":
        """The characters this person may meet; visitors may meet them too."""
        return self.filter(is_active=True)

    def without_persona(self) -> "GirlQuerySet":
        """Leaves in the database what only the model is told."""
        return self.defer("persona_prompt", "example_dialogue", "voice_id")


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
    avatar = models.ImageField(upload_to="girls/", blank=True)
    background = models.ImageField(upload_to="girls/", blank=True)
    avatar_square = models.ImageField(upload_to="girls/", blank=True, editable=False)
    demo_art = models.SlugField(
        max_length=60, blank=True, editable=False, help_text="Name of the drawing in static/demo."
    )
    is_active = models.BooleanField("published", default=False)
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

    class Meta:
        verbose_name = "character"
        ordering = ["position", "-created_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(age__gte=18),
                name="girl_is_an_adult",
                violation_error_message="Characters are adults: 18 or older.",
            )
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
        super().save(*args, **kwargs)

    def get_absolute_url(self) -> str:
        """Her profile."""
        return reverse("girls:about", args=[self.slug])

    def clean(self) -> None:
        """What people read of her shows something. Raises ValidationError."""
        shown = {name: getattr(self, name) for name in ("name", "tagline", "bio", "greeting", "persona_prompt")}
        if blank := {name: BLANK for name, text in shown.items() if text and is_blank(text)}:
            raise ValidationError(blank)

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
            return self.avatar.url
        return _static(f"demo/{self.demo_art}.svg" if self.demo_art else "img/portrait.svg")

    @property
    def avatar_url(self) -> str:
        """The square picture for lists and bubbles."""
        if self.avatar_square or self.avatar:
            return (self.avatar_square or self.avatar).url
        return _static(f"demo/{self.demo_art}-sq.svg" if self.demo_art else "img/portrait-sq.svg")

    @property
    def cover_url(self) -> str:
        """The wide picture behind her profile; empty when there is none."""
        if self.background:
            return self.background.url
        return _static(f"demo/{self.demo_art}-cover.svg") if self.demo_art else ""
