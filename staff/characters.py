"""The page of a character, with what only the roof knows: how much she is talked with, how she would talk."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Count, Max
from django.http import HttpRequest
from django.urls import path
from django.utils import timezone
from django.utils.html import format_html

from chat.models import Conversation
from girls.admin import GirlAdmin
from girls.admin_list import SHEET, day
from girls.models import Girl
from staff import playground
from staff.models import DailyGirl

WEEK = timedelta(days=7)


def talked_with(girls: list[int]) -> dict[int, dict[str, Any]]:
    """By character: `week`, conversations in which something was said in the last seven days, and `last`, when.

    Longer ago than that the counted days know it: a few rows for each character, however much was said.
    """
    found: dict[int, dict[str, Any]] = {girl: {"week": 0, "last": None} for girl in girls}
    counted = DailyGirl.objects.filter(girl__in=girls, messages__gt=0).values("girl").annotate(last=Max("day"))
    for row in counted:
        found[row["girl"]]["last"] = row["last"]
    recent = Conversation.objects.filter(girl__in=girls, last_message_at__gt=timezone.now() - WEEK).order_by()
    for row in recent.values("girl").annotate(week=Count("pk"), last=Max("last_message_at")):
        found[row["girl"]] = {"week": row["week"], "last": row["last"].date()}
    return found


class CharacterAdmin(GirlAdmin):
    """Characters, as `girls.admin` shows them, and more."""

    list_display = (
        *("character", "status", "gallery", "posts", "reply_media", "chats"),
        *("voice", "updated", "position", "more"),
    )

    def get_urls(self) -> list[Any]:
        door = self.admin_site.admin_view(playground.door)
        return [path("try/", door, name="girls_girl_try"), *super().get_urls()]

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """The list; one question for all of its rows."""
        changelist = super().get_changelist_instance(request)
        self._count(list(changelist.result_list))
        return changelist

    def for_sheet(self, girls: Any) -> list[Girl]:
        return self._count(super().for_sheet(girls))

    def _count(self, girls: list[Girl]) -> list[Girl]:
        found = talked_with([girl.pk for girl in girls])
        for girl in girls:
            girl.talked = found[girl.pk]  # type: ignore[attr-defined]
        return girls

    @admin.display(description="chats, 7 d")
    def chats(self, girl: Any) -> str:
        """Conversations in which something was said this week, and when it was last in any."""
        last = day(girl.talked["last"]) if girl.talked["last"] else "Never"
        return format_html(
            '{}<small class="cell-last"><span class="visually-hidden">last: </span>{}</small>',
            *(
                f"{girl.talked['week']:,}",
                last,
            ),
        )

    def sheet_header(self) -> tuple[str, ...]:
        return (*SHEET, "chats in 7 days", "last chat")

    def sheet_row(self, girl: Any) -> tuple[Any, ...]:
        last = girl.talked["last"]
        return (*super().sheet_row(girl), girl.talked["week"], last.isoformat() if last else "")

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        girl = kwargs.get("obj")
        writes = girl is None or self._tab(request) == "persona"
        context["may_try"] = writes and request.user.has_perm(playground.PERMISSION)
        return super().render_change_form(request, context, *args, **kwargs)
