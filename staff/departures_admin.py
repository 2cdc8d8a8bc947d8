"""Copies of people’s data and the ends of their accounts: how they stand, and once more if need be."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat

from config.lib.adminkit import ReadOnlyAdmin
from config.lib.bells import ring
from staff import exporting
from staff.models import Erasure, Export


class ExportAdmin(ReadOnlyAdmin):
    """Copies: whose, and whether they were made. What is in one is its member's alone: nobody opens it here."""

    list_display = ("user", "state", "asked_at", "ready_at", "size_in_words", "error")
    list_filter = ("state", "asked_at")
    list_select_related = ("user",)
    search_fields = ("=user__email", "=user__username")
    search_help_text = "The whole e-mail address, or the username"
    fields = ("user", "state", "asked_at", "ready_at", "size_in_words", "attempts", "due_at", "error")
    ordering = ("-asked_at",)
    show_full_result_count = False
    actions = ("make_again",)

    @admin.display(description="Size", empty_value="–")
    def size_in_words(self, export: Export) -> str | None:
        """Of the zip, once it is made."""
        return filesizeformat(export.size) if export.size else None

    def has_make_again_permission(self, request: HttpRequest) -> bool:
        """Who may: the permission to change, which changes nothing by hand."""
        return request.user.has_perm("staff.change_export")

    @admin.action(description="Make again what failed", permissions=["make_again"])
    def make_again(self, request: HttpRequest, queryset: QuerySet[Export]) -> None:
        """Owe a new copy to whoever's failed; others are left."""
        again = 0
        for export in queryset.filter(state=Export.State.FAILED).select_related("user"):
            try:
                exporting.ask(export.user)
            except exporting.TooSoon:  # there is a newer one that did not fail
                continue
            self.log_change(request, export, "Made again.")
            again += 1
        _say(self, request, again, queryset.count(), "copy is", "copies are", "made again", "they did not fail")


class ErasureAdmin(ReadOnlyAdmin):
    """Ends of accounts: when, and how far. Of those who are gone there is a number, and nobody's name."""

    list_display = ("person", "state", "asked_at", "due_at", "done_at", "attempts", "by")
    list_filter = ("state", "asked_at")
    search_fields = ("=person",)
    search_help_text = "The number of the person"
    fields = ("person", "joined_at", "state", "by", "asked_at", "due_at", "done_at", "attempts")
    ordering = ("-asked_at",)
    show_full_result_count = False
    actions = ("go_on",)

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """By the number; other words are nobody's."""
        typed = search_term.strip()
        if typed and not (typed.isascii() and typed.isdecimal() and len(typed) < 19):
            return queryset.none(), False
        return super().get_search_results(request, queryset, typed)

    def has_go_on_permission(self, request: HttpRequest) -> bool:
        """Who may: the permission to change, which changes nothing by hand."""
        return request.user.has_perm("staff.change_erasure")

    @admin.action(description="Go on now with what has begun", permissions=["go_on"])
    def go_on(self, request: HttpRequest, queryset: QuerySet[Erasure]) -> None:
        """Do not wait for the next try of those that were torn. The pause of the others is not cut short."""
        again = 0
        for erasure in queryset.filter(state=Erasure.State.BEGUN, due_at__isnull=False):
            if Erasure.objects.filter(pk=erasure.pk, state=Erasure.State.BEGUN).update(due_at=Now()):
                ring(Erasure.TASK, erasure.pk)
                self.log_change(request, erasure, "Went on.")
                again += 1
        _say(self, request, again, queryset.count(), "erasure", "erasures", "will go on now", "they wait or are done")


def _say(
    page: ReadOnlyAdmin, request: HttpRequest, done: int, of: int, one: str, many: str, what: str, why_not: str
) -> None:
    left = f" {of - done} were left: {why_not}." if of > done else ""
    words = f"{done} {one if done == 1 else many} {what}.{left}"
    page.message_user(request, words, messages.SUCCESS if done else messages.WARNING)
