"""The list of the characters: what stands in it, how it is narrowed down, and what is done from it."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.template.loader import render_to_string
from django.urls import path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import mark_safe

from config.lib import spreadsheet
from config.lib.adminkit import StaffAdmin
from config.lib.text import fold
from girls import desk, publishing
from girls.models import Girl, GirlQuerySet, tag_key

STATUSES = {"live": ("Live", "ok"), "hidden": ("Hidden", ""), "retired": ("Retired", "warn")}
NEEDS_MEDIA = Q(asset_count__lt=desk.LOW, retired_at=None)
CHIPS = {
    "live": ("Live", Q(is_active=True)),
    "hidden": ("Hidden", Q(is_active=False, retired_at=None)),
    "retired": ("Retired", Q(retired_at__isnull=False)),
    "media": ("Needs media", NEEDS_MEDIA),
}
SHEET = ("name", "address", "status", "age", "tagline", "tags", "gallery", "posts", "reply media", "created", "updated")


def day(moment: datetime | date) -> str:
    """When it was, to the day: Today, Yesterday, 18 Nov; with the year when it is another one."""
    then = timezone.localdate(moment) if isinstance(moment, datetime) else moment
    today = timezone.localdate()
    if (ago := (today - then).days) in (0, 1):
        return ("Today", "Yesterday")[ago]
    return date_format(then, "j M" if then.year == today.year else "j M Y")


class ChipFilter(admin.SimpleListFilter):
    """The characters by what there is to do about them. The numbers are of all characters, whatever was searched."""

    title = "status"
    parameter_name = "is"
    chips = True

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        """What one may choose."""
        return [(key, label) for key, (label, _) in CHIPS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Girl]) -> QuerySet[Girl]:
        """Those that were chosen."""
        return queryset.filter(CHIPS[str(self.value())][1]) if self.value() in CHIPS else queryset

    def choices(self, changelist: Any) -> Iterator[Any]:
        """Each with how many there are."""
        numbers = Girl.objects.aggregate(
            all=Count("pk"), **{key: Count("pk", filter=which) for key, (_, which) in CHIPS.items()}
        )
        for key, label in ((None, "All"), *self.lookup_choices):
            yield {
                "selected": self.value() == key,
                "query_string": changelist.get_query_string(
                    {self.parameter_name: key} if key else {}, [] if key else [self.parameter_name]
                ),
                "display": label,
                "count": numbers[key or "all"],
            }


class CharacterList(StaffAdmin):
    """The part of a character's page of the console that is the list."""

    list_display: tuple[str, ...] = (
        *("character", "status", "gallery", "posts", "reply_media"),
        *("voice", "updated", "position", "more"),
    )
    list_display_links = None
    list_filter = (ChipFilter,)
    list_editable = ("position",)
    list_per_page = 50
    search_fields = ("name", "slug", "search_text")
    search_help_text = "Name or tag"
    actions = ("publish", "unpublish", "retire", "duplicate", "export_chosen")

    def list_urls(self) -> list[Any]:
        """What only the list leads to."""
        return [path("export/", self.admin_site.admin_view(self.export), name="girls_girl_export")]

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """Those in whom each word is found, whatever its accents."""
        for word in fold(search_term.replace("\x00", "")).split()[:8]:
            found = Q(search_text__contains=word)
            if key := tag_key(word):
                found |= Q(tag_keys__contains=key)
            queryset = queryset.filter(found)
        return queryset, False

    def get_list_display(self, request: HttpRequest) -> Any:
        """The columns; the menu for who may do something."""
        return [name for name in self.list_display if name != "more" or self.has_change_permission(request)]

    # --- Columns ------------------------------------------------------------------------------------------------

    @admin.display(description="character", ordering="name")
    def character(self, girl: Girl) -> str:
        """Her face, name, age and tagline: one link."""
        return format_html(
            '<a class="cell-who" href="{}"><img src="{}" alt="" width="44" height="56" loading="lazy"><span>{} '
            '<span class="cell-age">{}</span><small>{}</small></span></a>',
            reverse("admin:girls_girl_change", args=[girl.pk]),
            girl.card_url or girl.portrait_url,
            girl.name,
            girl.age,
            girl.tagline,
        )

    @admin.display(description="status", ordering="is_active")
    def status(self, girl: Girl) -> str:
        """Live, hidden or retired."""
        label, kind = STATUSES[girl.status]
        return format_html('<span class="badge {}">{}</span>', kind, label)

    @admin.display(description="gallery", ordering="gallery_count")
    def gallery(self, girl: Girl) -> int:
        """Published items."""
        return girl.gallery_count

    @admin.display(description="posts", ordering="post_count")
    def posts(self, girl: Girl) -> int:
        """Published items."""
        return girl.post_count

    @admin.display(description="reply media", ordering="asset_count")
    def reply_media(self, girl: Girl) -> str | int:
        """Published items, and whether they are too few."""
        if girl.asset_count >= desk.LOW:
            return girl.asset_count
        return format_html('<span class="badge warn">{}, low</span>', girl.asset_count)

    @admin.display(description="voice")
    def voice(self, girl: Girl) -> str:
        """Whether she has one; not which."""
        if not girl.voice_id:
            return mark_safe('<span class="meta">None</span>')
        return render_to_string("admin/girls/girl/_voice.html")

    @admin.display(description="updated", ordering="updated_at")
    def updated(self, girl: Girl) -> str:
        """The day."""
        return format_html('<time datetime="{}">{}</time>', girl.updated_at.isoformat(), day(girl.updated_at))

    @admin.display(description=mark_safe('<span class="visually-hidden">What to do</span>'))
    def more(self, girl: Girl) -> str:
        """A menu of what can be done to this one."""
        return render_to_string("admin/girls/girl/_menu.html", {"girl": girl})

    # --- Deeds --------------------------------------------------------------------------------------------------

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """The list; or what a row's menu asks for, `one=<action>:<key>`."""
        verb, _, key = request.POST.get("one", "").partition(":")
        if verb and key.isascii() and key.isdecimal() and len(key) < 19 and verb in self.get_actions(request):
            chosen = self.get_queryset(request).filter(pk=key)
            answer = getattr(self, verb)(request, chosen)
            return answer or HttpResponseRedirect(request.get_full_path())
        return super().changelist_view(request, extra_context)

    @admin.action(description="Make live", permissions=["change"])
    def publish(self, request: HttpRequest, queryset: Any) -> None:
        """Show them."""
        self._turn(request, publishing.publish, queryset, "Published")

    @admin.action(description="Hide", permissions=["change"])
    def unpublish(self, request: HttpRequest, queryset: Any) -> None:
        """Hide them; who talks with them goes on."""
        self._turn(request, publishing.unpublish, queryset, "Hidden")

    @admin.action(description="Retire: chats stay readable, no new ones", permissions=["change"])
    def retire(self, request: HttpRequest, queryset: Any) -> None:
        """End their time here."""
        self._turn(request, publishing.retire, queryset, "Retired")

    @transaction.atomic
    def _turn(self, request: HttpRequest, do: Any, queryset: Any, what: str) -> None:
        was = {girl.pk: girl.status for girl in queryset}
        turned = do(Girl.objects.filter(pk__in=list(was)))
        becomes = {"Published": "live", "Hidden": "hidden", "Retired": "retired"}[what]
        for girl in turned:
            before, after = {"status": was[girl.pk]}, {"status": becomes}
            self.log_change(request, girl, f"{what}.", before=before, after=after)
        self.message_user(request, f"{what}: {', '.join(girl.name for girl in turned) or 'nobody, all were'}.")

    @admin.action(description="Duplicate", permissions=["add"])
    def duplicate(self, request: HttpRequest, queryset: Any) -> HttpResponse | None:
        """Copies to go on from: words without pictures, hidden. Of one, its self."""
        copies = []
        for girl in queryset:
            with transaction.atomic():
                copy = publishing.duplicate(girl, by=request.user)
                self.log_addition(request, copy, f"Duplicated from {girl.name}.")
            copies.append(copy)
        self.message_user(request, f"Made {', '.join(copy.name for copy in copies)}: hidden, without pictures.")
        if len(copies) == 1 and self.has_change_permission(request):
            return HttpResponseRedirect(reverse("admin:girls_girl_change", args=[copies[0].pk]))
        return None

    @admin.action(description="Export as CSV", permissions=["view"])
    def export_chosen(self, request: HttpRequest, queryset: Any) -> HttpResponse:
        """What the list says of them, as a table."""
        return self._sheet(request, queryset)

    def export(self, request: HttpRequest) -> HttpResponse:
        """The list as it is narrowed down, as a table. Words for the model are in none."""
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        return self._sheet(request, self.get_changelist_instance(request).get_queryset(request))

    def _sheet(self, request: HttpRequest, girls: Any) -> HttpResponse:
        rows = (self.sheet_row(girl) for girl in self.for_sheet(girls.without_persona()))
        answer: Any = StreamingHttpResponse(
            spreadsheet.rows(self.sheet_header(), rows), content_type="text/csv; charset=utf-8"
        )
        answer["Content-Disposition"] = f'attachment; filename="characters-{timezone.localdate()}.csv"'
        return answer

    def for_sheet(self, girls: GirlQuerySet) -> list[Girl]:
        """All of them, with whatever the rows say."""
        return list(girls)

    def sheet_header(self) -> tuple[str, ...]:
        """The names of the columns."""
        return SHEET

    def sheet_row(self, girl: Girl) -> tuple[Any, ...]:
        """One character."""
        return (
            *(girl.name, girl.slug, girl.status, girl.age, girl.tagline, ", ".join(girl.tags)),
            *(girl.gallery_count, girl.post_count, girl.asset_count),
            *(girl.created_at.date().isoformat(), girl.updated_at.date().isoformat()),
        )
