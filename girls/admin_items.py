"""Everything that characters show, in one list of the console."""

from typing import Any

from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from config.lib.adminkit import StaffAdmin
from girls import desk, publishing
from girls.models import Media


class MediaAdmin(StaffAdmin):
    """Everything that characters show, in one list. What is written on an item is changed on the character's page."""

    list_display = ("picture", "caption", "her", "surface", "published", "premium_only", "like_count", "created_at")
    list_display_links = ("caption",)
    list_filter = ("surface", "published", "premium_only", "mature", "kind", "created_at")
    list_select_related = ("girl", "file")
    list_per_page = 50
    search_fields = ("text", "girl__name", "girl__slug")
    ordering = ("-created_at",)
    fields = (
        *("large", "girl", "surface", "kind", "text", "location", "published", "published_at", "premium_only"),
        *("mature", "can_be_liked", "like_count", "created_at"),
    )
    readonly_fields = fields
    actions = ("show", "hide")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Media]:
        return (
            Media.objects.kept().select_related("girl", "file").defer("girl__persona_prompt", "girl__example_dialogue")
        )

    def has_add_permission(self, request: HttpRequest) -> bool:
        """On a character's page only."""
        return False

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        nothing_to_save = {"show_save": False, "show_save_and_continue": False, "show_save_and_add_another": False}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **nothing_to_save})

    def save_model(self, request: HttpRequest, obj: Media, form: Any, change: bool) -> None:
        """Nothing is written here; the row may have changed since it was read."""

    def delete_model(self, request: HttpRequest, obj: Media) -> None:
        publishing.take_down(Media.objects.filter(pk=obj.pk))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Media]) -> None:
        publishing.take_down(Media.objects.filter(pk__in=list(queryset.values_list("pk", flat=True))))

    @admin.display(description="picture")
    def picture(self, media: Media) -> str:
        return format_html(
            '<img class="desk-thumb" src="{}" alt="" width="48" height="48" loading="lazy">', media.file.thumb_url
        )

    @admin.display(description="picture")
    def large(self, media: Media) -> str:
        tab = next(tab for tab in desk.TABS if tab.surface == media.surface)
        return format_html(
            '<img class="desk-large" src="{}" alt="{}"><p><a href="{}">Change it on her page</a></p>',
            media.file.card_url,
            media.alt,
            reverse(f"admin:girls_girl_{tab.slug}", args=[media.girl_id]),
        )

    @admin.display(description="caption", ordering="text")
    def caption(self, media: Media) -> str:
        return media.text or "No caption"

    @admin.display(description="character", ordering="girl__name")
    def her(self, media: Media) -> str:
        return media.girl.name

    @admin.action(description="Publish the chosen media", permissions=["change"])
    def show(self, request: HttpRequest, queryset: Any) -> None:
        self._turn(request, queryset.filter(published=False), publishing.show, "Published")

    @admin.action(description="Hide the chosen media", permissions=["change"])
    def hide(self, request: HttpRequest, queryset: Any) -> None:
        self._turn(request, queryset.filter(published=True), publishing.hide, "Hidden")

    @transaction.atomic
    def _turn(self, request: HttpRequest, queryset: Any, do: Any, what: str) -> None:
        chosen = list(queryset)
        do(Media.objects.filter(pk__in=[media.pk for media in chosen]))
        for media in chosen:
            self.log_change(request, media, f"{what}.")
        self.message_user(request, f"{what}: {len(chosen)}.")
