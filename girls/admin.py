"""The staff's door to the characters: write one, look at her, show or hide her."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AdminTextareaWidget, AdminTextInputWidget
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html

from config.lib.adminkit import StaffAdmin
from girls import publishing
from girls.catalogue import NEW
from girls.models import Girl, tag_key
from media.images import NotAPicture, open_picture

MAX_TAGS = 8
TAG_CHARACTERS = 24
MAX_STARTERS = 4
STARTER_CHARACTERS = 120


class TagsField(forms.CharField):
    """A list of tags, written with commas."""

    widget = AdminTextInputWidget

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> Any:
        tags: dict[str, str] = {}
        for tag in super().clean(value).split(","):
            if tag.strip():
                tags.setdefault(tag_key(tag), " ".join(tag.split()))
        if "" in tags:
            raise forms.ValidationError("A tag needs a letter or a digit.")
        if NEW in tags:
            raise forms.ValidationError("New characters are marked by themselves; leave the tag “New” out.")
        if len(tags) > MAX_TAGS:
            raise forms.ValidationError(f"At most {MAX_TAGS} tags.")
        if too_long := [tag for tag in tags.values() if len(tag) > TAG_CHARACTERS]:
            raise forms.ValidationError(f"“{too_long[0]}” is too long: a tag has at most {TAG_CHARACTERS} characters.")
        return list(tags.values())


class StartersField(forms.CharField):
    """A list of things to say first, one on each line."""

    widget = AdminTextareaWidget(attrs={"rows": 4})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> Any:
        lines = list(
            dict.fromkeys(" ".join(line.split()) for line in super().clean(value).splitlines() if line.strip())
        )
        if len(lines) > MAX_STARTERS:
            raise forms.ValidationError(f"At most {MAX_STARTERS} lines.")
        if any(len(line) > STARTER_CHARACTERS for line in lines):
            raise forms.ValidationError(f"Each line has at most {STARTER_CHARACTERS} characters.")
        return lines


class GirlForm(forms.ModelForm):
    """A character as an editor writes her."""

    tags = TagsField(
        required=False, help_text="Separated by commas, the most telling first: the first two stand on her card."
    )
    starters = StartersField(required=False, help_text="Three or four, one on each line. Members tap one to begin.")

    class Meta:
        model = Girl
        fields = (
            *("name", "slug", "age", "is_active", "position"),
            *("tagline", "work", "tags", "bio", "lives_in", "speaks", "avatar", "background"),
            *("greeting", "starters", "persona_prompt", "example_dialogue", "voice_id"),
        )
        help_texts = {
            "slug": "Her address: /girls/…/. Changing it breaks links to her.",
            "age": "18 or older, always.",
            "tagline": "One sentence, on her card.",
            "bio": "What visitors read on her page. An empty line begins a new paragraph.",
            "example_dialogue": "A few lines of talk, so that the model hears her. Never shown to members.",
            "voice_id": "Never shown to members.",
            "avatar": "JPG, PNG or WebP, at most 20 MB. Cut to 3:4 from the top, and to a square.",
            "background": "JPG, PNG or WebP, at most 20 MB. Cut to a wide strip from the middle.",
        }

    def clean_avatar(self) -> Any:
        return self._picture("avatar")

    def clean_background(self) -> Any:
        return self._picture("background")

    def _picture(self, name: str) -> Any:
        file = self.cleaned_data[name]
        if name in self.changed_data and file:
            try:
                self.pictures[name] = open_picture(file)
            except NotAPicture as e:
                raise forms.ValidationError(str(e)) from e
        return file

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.pictures: dict[str, Any] = {}

    def save(self, commit: bool = True) -> Any:
        girl = super().save(commit=False)
        if "avatar" in self.changed_data:
            if picture := self.pictures.get("avatar"):
                publishing.give_portrait(girl, picture)
            else:
                publishing.take_portrait(girl)
        if "background" in self.changed_data:
            if picture := self.pictures.get("background"):
                publishing.give_cover(girl, picture)
            else:
                publishing.take_cover(girl)
        if commit:
            girl.save()
            self.save_m2m()
        return girl


@admin.register(Girl)
class GirlAdmin(StaffAdmin):
    """Characters. Whoever may edit them sees the persona; nobody else does."""

    form = GirlForm
    list_display = ("picture", "name", "published", "position", "age", "first_tags", "created_at")
    list_display_links = ("picture", "name")
    list_filter = ("is_active", "created_at")
    list_editable = ("position",)
    list_per_page = 50
    search_fields = ("name", "slug", "search_text")
    prepopulated_fields = {"slug": ("name",)}
    readonly_fields = ("created_by", "created_at", "updated_at")
    save_on_top = True
    actions = ("publish", "unpublish")
    fieldsets = (
        (None, {"fields": ("name", "slug", "age", "is_active", "position")}),
        (
            "On her card and page",
            {"fields": ("tagline", "work", "tags", "bio", "lives_in", "speaks", "avatar", "background")},
        ),
        ("In conversation", {"fields": ("greeting", "starters")}),
        (
            "Persona, for the model only",
            {
                "fields": ("persona_prompt", "example_dialogue", "voice_id"),
                "description": "Never leaves the server: no page, no answer and no log shows it.",
            },
        ),
        ("Record", {"fields": ("created_by", "created_at", "updated_at"), "classes": ("collapse",)}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Girl]:
        return super().get_queryset(request).select_related("created_by")

    def save_model(self, request: HttpRequest, obj: Girl, form: Any, change: bool) -> None:
        if not change:
            obj.created_by_id = request.user.pk
        super().save_model(request, obj, form, change)

    def delete_model(self, request: HttpRequest, obj: Girl) -> None:
        publishing.delete(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Girl]) -> None:
        for girl in queryset:
            publishing.delete(girl)

    @admin.display(description="picture")
    def picture(self, girl: Girl) -> str:
        return format_html('<img src="{}" alt="" width="40" height="40" loading="lazy">', girl.avatar_url)

    @admin.display(description="published", boolean=True, ordering="is_active")
    def published(self, girl: Girl) -> bool:
        return girl.is_active

    @admin.display(description="tags")
    def first_tags(self, girl: Girl) -> str:
        return ", ".join(girl.tags[:3])

    @admin.action(description="Publish the chosen characters", permissions=["change"])
    def publish(self, request: HttpRequest, queryset: Any) -> None:
        with transaction.atomic():
            shown = publishing.publish(queryset)
            self._tell(request, shown, "Published")

    @admin.action(description="Hide the chosen characters", permissions=["change"])
    def unpublish(self, request: HttpRequest, queryset: Any) -> None:
        with transaction.atomic():
            hidden = publishing.unpublish(queryset)
            self._tell(request, hidden, "Hidden")

    def _tell(self, request: HttpRequest, girls: list[Girl], what: str) -> None:
        for girl in girls:
            self.log_change(request, girl, f"{what}.")
        self.message_user(request, f"{what}: {len(girls)}.")
