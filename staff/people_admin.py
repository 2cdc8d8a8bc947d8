"""The list of people: found by who they are, shown with how their accounts stand, and leading to a page for each."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Q, QuerySet
from django.db.models.functions import Lower, Now
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.timesince import timesince

from accounts import spelling
from accounts.admin import UserAdmin
from accounts.models import User
from staff import persons


class PeopleFilter(admin.SimpleListFilter):
    """Those that one looks for most."""

    title = "people"
    parameter_name = "who"
    chips = True  # each beside the others

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The choices."""
        return [
            ("premium", "Premium"),
            ("new", "New this week"),
            ("staff", "Staff"),
            ("restricted", "Paused or banned"),
            ("inactive", "Inactive"),
            ("leaving", "Leaving"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> QuerySet[User]:
        """Those of one choice."""
        match self.value():
            case "premium":
                return queryset.filter(premium_until__gt=Now())
            case "new":
                return queryset.filter(date_joined__gte=timezone.now() - timedelta(days=7))
            case "staff":
                return queryset.filter(Q(is_staff=True) | Q(is_superuser=True))
            case "restricted":
                return queryset.exclude(restricted="")
            case "inactive":
                return queryset.filter(is_active=False)
            case "leaving":
                return queryset.filter(erase_at__isnull=False)
        return queryset


class PeopleList(ChangeList):
    """A page of the list, with what other tables know of those who are on it: asked once for all of them."""

    def get_results(self, request: HttpRequest) -> None:
        """The rows of this page."""
        super().get_results(request)
        self.result_list = persons.completed(
            list(self.result_list), with_money=request.user.has_perm("payments.view_purchase")
        )

    def url_for_result(self, result: Any) -> str:
        """To the person's page."""
        return reverse("admin:person", args=[result.pk])


class PeopleAdmin(UserAdmin):
    """Everybody, newest first."""

    list_display = ("who", "status", "joined", "seen", "spent")
    list_filter = (PeopleFilter,)
    list_per_page = 50
    sortable_by = ("joined",)
    search_fields = ("^username", "^email")
    search_help_text = "E-mail, username, number"
    show_full_result_count = False
    ordering = ("-date_joined", "-pk")

    class Media:
        css = {"all": ("css/person.css",)}

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """With what other tables know."""
        return PeopleList

    def get_list_display(self, request: HttpRequest) -> Any:
        """What they paid is for who may see payments."""
        shown = super().get_list_display(request)
        return shown if request.user.has_perm("payments.view_purchase") else shown[:-1]

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """By how the address or the username begins, in any spelling and case, or by the number: all of it by index."""
        typed = search_term.replace("\x00", "").strip()
        if not typed:
            return queryset, False
        username = spelling.username(typed).removeprefix("@").lower()
        found = Q(email__startswith=spelling.address(typed)) | Q(username_in_lower_case__startswith=username)
        if typed.isascii() and typed.isdecimal() and len(typed) < 19:
            found |= Q(pk=int(typed))
        return queryset.alias(username_in_lower_case=Lower("username")).filter(found), False

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Who is let in is said on the person's page, with a reason."""
        return (*super().get_readonly_fields(request, obj), "is_active")

    @admin.display(description="Person")
    def who(self, person: User) -> str:
        """The face, the username and the address."""
        face = (
            format_html('<img class="avatar" src="{}" alt="" width="40" height="40" loading="lazy">', person.avatar_url)
            if person.avatar_id
            else format_html('<span class="avatar" aria-hidden="true">{}</span>', person.username[:1])
        )
        return format_html(
            '<span class="person-cell">{}<span><b>{}</b><span class="meta">{}</span></span></span>',
            *(face, person.username, person.email),
        )

    @admin.display(description="Status")
    def status(self, person: Any) -> str:
        """As badges."""
        badges = ((mark.tone, mark.words) for mark in person.marks)
        return format_html_join(" ", '<span class="badge {}">{}</span>', badges)

    @admin.display(description="Joined", ordering="date_joined")
    def joined(self, person: User) -> str:
        """The day."""
        return persons.day(person.date_joined)

    @admin.display(description="Last seen")
    def seen(self, person: Any) -> str:
        """How long ago a session of theirs was used last."""
        if person.seen_at is None:
            return "Never"
        ago = timezone.now() - person.seen_at
        return "Today" if ago.days < 1 else f"{timesince(person.seen_at).split(',')[0]} ago"

    @admin.display(description="Spent")
    def spent(self, person: Any) -> str:
        """In each currency."""
        return ", ".join(person.spent) or "–"
