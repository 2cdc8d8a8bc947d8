"""The characters."""

from typing import Any

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone


class GirlQuerySet(models.QuerySet["Girl"]):
    """Reads that pages share."""

    def visible_to(self, user: Any) -> "GirlQuerySet":
        """The characters this person may meet; visitors may meet them too."""
        return self.filter(is_active=True)


class Girl(models.Model):
    """A character: always an adult, always labelled AI. Persona and voice never leave the server."""

    name = models.CharField(max_length=60)
    slug = models.SlugField(max_length=60, unique=True)
    age = models.PositiveSmallIntegerField(validators=[MinValueValidator(18)])
    tagline = models.CharField(max_length=140)
    bio = models.TextField(max_length=4000)
    tags = models.JSONField(default=list, blank=True, help_text="Moods and interests, the most telling first.")
    lives_in = models.CharField(max_length=80, blank=True)
    speaks = models.CharField(max_length=120, blank=True, default="English")
    greeting = models.TextField(max_length=600, help_text="Her first message in every new conversation.")
    starters = models.JSONField(default=list, blank=True, help_text="Three or four things to say first.")
    example_dialogue = models.TextField(max_length=4000, blank=True)
    persona_prompt = models.TextField(max_length=8000, help_text="What the model is told. Never shown to members.")
    voice_id = models.CharField(max_length=40, blank=True)
    avatar = models.ImageField(upload_to="girls/", blank=True)
    background = models.ImageField(upload_to="girls/", blank=True)
    demo_art = models.SlugField(max_length=60, blank=True, editable=False, help_text="Name of the drawing in static/demo.")
    is_active = models.BooleanField("published", default=False)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)
    gallery_count = models.PositiveIntegerField(default=0, editable=False)
    post_count = models.PositiveIntegerField(default=0, editable=False)
    asset_count = models.PositiveIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    objects = GirlQuerySet.as_manager()

    class Meta:
        verbose_name = "character"
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(age__gte=18),
                name="girl_is_an_adult",
                violation_error_message="Characters are adults: 18 or older.",
            )
        ]
        indexes = [models.Index(fields=["is_active", "-created_at"], name="girl_active_newest")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """Her profile."""
        return reverse("girls:about", args=[self.slug])

    @property
    def portrait_url(self) -> str:
        """The tall picture, 3:4."""
        if self.avatar:
            return self.avatar.url
        return static(f"demo/{self.demo_art}.svg" if self.demo_art else "img/portrait.svg")

    @property
    def avatar_url(self) -> str:
        """The square picture for lists and bubbles."""
        if self.avatar:
            return self.avatar.url
        return static(f"demo/{self.demo_art}-sq.svg" if self.demo_art else "img/portrait.svg")
