"""The team's own tables, for the team."""

from operator import itemgetter
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.contrib.admin.utils import quote
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.models import Group
from django.db.models import Prefetch, Q
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html, format_html_join
from django.utils.text import capfirst

from accounts import team
from accounts.models import LegalVersion, User
from config.lib.adminkit import ReadOnlyAdmin, StaffAdmin
from girls.models import Girl
from safety.models import Report
from staff import audit, people
from staff.characters import CharacterAdmin
from staff.departures_admin import ErasureAdmin, ExportAdmin
from staff.legal_admin import LegalVersionAdmin
from staff.models import Audit, Erasure, Export
from staff.people_admin import PeopleAdmin
from staff.review_admin import ReportAdmin

MOST_CHOICES = 100  # of a filter


@admin.register(Group)
class GroupAdmin(StaffAdmin, DjangoGroupAdmin):
    """The roles, to look at: their permissions are kept in the code. Other groups are the superusers' to make."""

    list_display = ("called", "what", "people")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Superusers, and of the roles who hands them out."""
        return self._is_theirs(request) or (
            request.user.has_perm(team.ASSIGN) and (obj is None or obj.name in team.ROLES)
        )

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Superusers: whoever writes a group that they are in gives themselves what they like."""
        return self._is_theirs(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Superusers, but for the roles: the next deploy would write these anew."""
        return self._is_theirs(request) and (obj is None or obj.name not in team.ROLES)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """The same."""
        return self.has_change_permission(request, obj)

    def _is_theirs(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def get_queryset(self, request: HttpRequest) -> Any:
        by_name = User.objects.only("username").order_by("username")
        groups = super().get_queryset(request).prefetch_related(Prefetch("user_set", by_name))
        return groups if self._is_theirs(request) else groups.filter(name__in=team.ROLES)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("called", "what", "people", "may") if obj and obj.name in team.ROLES else ("name", "permissions")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("called", "what", "people", "may") if obj and obj.name in team.ROLES else ()

    @admin.display(description="Name", ordering="name")
    def called(self, group: Group) -> str:
        return team.called(group.name)

    @admin.display(description="What it is")
    def what(self, group: Group) -> str:
        return team.SENTENCES.get(group.name, "")

    @admin.display(description="Who has it")
    def people(self, group: Group) -> str:
        return ", ".join(user.username for user in group.user_set.all())

    @admin.display(description="May")
    def may(self, group: Group) -> str:
        names = group.permissions.values_list("name").order_by("content_type__app_label", "codename")
        return format_html("<ul>{}</ul>", format_html_join("", "<li>{}</li>", names))


class WhoFilter(admin.SimpleListFilter):
    title = "who"
    parameter_name = "who"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        team = User.objects.filter(is_staff=True).order_by("username").values_list("pk", "username")
        return [*((str(pk), name) for pk, name in team[:MOST_CHOICES]), (audit.SHELL, "The shell")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        match self.value():
            case None:
                return queryset
            case audit.SHELL:
                return queryset.filter(actor=None, actor_name=audit.SHELL)
            case who:
                return (
                    queryset.filter(actor=int(who))
                    if who.isascii() and who.isdecimal() and len(who) < 19
                    else queryset.none()
                )


class KindFilter(admin.SimpleListFilter):
    title = "kind"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        pages = model_admin.admin_site._registry
        return sorted(((m._meta.label, str(capfirst(m._meta.verbose_name_plural))) for m in pages), key=itemgetter(1))

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(table=self.value()) if self.value() else queryset


@admin.register(Audit)
class AuditAdmin(ReadOnlyAdmin):
    """What the team did. Nobody adds, changes or deletes here."""

    list_display = ("at", "actor_name", "did", "kind", "what", "address", "reason")
    list_display_links = ("at", "did")
    list_filter = (WhoFilter, KindFilter, "at")
    search_fields = ("=key",)
    search_help_text = "A whole username, e-mail address, number or id: who did it, or to whom or what"
    fields = ("at", "actor_name", "address", "device", "did", "kind", "what", "reason", "values")
    readonly_fields = fields
    ordering = ("-at", "-pk")
    show_full_result_count = False

    class Media:
        css = {"all": ("css/console/characters.css", "css/console/audit.css")}

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """By whole words, each through an index: what was done by them, to them, and to the row of that key."""
        term = search_term.strip().replace("\x00", "")
        if not term:
            return queryset, False
        found = people.find(term)
        wanted = Q(key=term) | (Q(actor=found) | Q(person=found.pk) if found else Q())
        return queryset.filter(wanted), False

    @admin.display(description="kind")
    def kind(self, line: Audit) -> str:
        try:
            return str(capfirst(apps.get_model(line.table)._meta.verbose_name))
        except LookupError:  # a table that is no more
            return line.table

    @admin.display(description="what")
    def what(self, line: Audit) -> str:
        address = self._address(line)
        return format_html('<a href="{}">{}</a>', address, line.name) if address else line.name

    def _address(self, line: Audit) -> str:
        try:
            app, model = line.table.split(".")
            return reverse(f"admin:{app}_{model.lower()}_change", args=[quote(line.key)])
        except (ValueError, NoReverseMatch):
            return ""

    @admin.display(description="values")
    def values(self, line: Audit) -> str:
        return render_to_string("staff/audit/_changes.html", {"changes": list(line.changes)})  # type: ignore[attr-defined]

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """The line, with its values as far as this person may read them."""
        line = super().get_object(request, object_id, from_field)
        if line is not None:
            line.changes = audit.changes(line, request.user)
        return line


admin.site.register(User, PeopleAdmin)
admin.site.register(Export, ExportAdmin)
admin.site.register(Erasure, ErasureAdmin)
admin.site.register(LegalVersion, LegalVersionAdmin)
admin.site.register(Report, ReportAdmin)
admin.site.unregister(Girl)  # in its place the same with what the apps above know of her
admin.site.register(Girl, CharacterAdmin)
