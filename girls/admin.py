"""The staff's door to the characters: write one, look at her, show or hide her."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path
from django.utils import timezone

from girls import desk, publishing, versions
from girls.admin_forms import ANYWAY, PERSONA, PROFILE, RECORD, GirlForm, PersonaForm, PositionForm, ProfileForm
from girls.admin_items import MediaAdmin
from girls.admin_list import CharacterList
from girls.admin_media import MediaTabs
from girls.admin_versions import VersionPages
from girls.models import Girl, Media


class StaleList(Exception):
    """Somebody else moved this character while the list was open."""


@admin.register(Girl)
class GirlAdmin(CharacterList):
    """Characters. Whoever may edit them sees the persona; nobody else does.

    A character that is there has tabs, each with an address of its own: two forms (this class) and her media.
    """

    form = GirlForm
    readonly_fields = ("created_by", "created_at", "updated_at")
    save_on_top = True

    def get_urls(self) -> list[Any]:
        persona = path(
            "<path:object_id>/persona/", self.admin_site.admin_view(self.persona_view), name="girls_girl_persona"
        )
        tabs = [*MediaTabs(self, self.admin_site).urls(), *VersionPages(self, self.admin_site).urls()]
        return [*tabs, *self.list_urls(), persona, *super().get_urls()]

    def persona_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The tab with what only the model is told. Raises PermissionDenied for who only looks."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        return self.changeform_view(request, object_id)

    def _tab(self, request: HttpRequest) -> str:
        name = request.resolver_match.url_name if request.resolver_match else ""
        return "persona" if name == "girls_girl_persona" else "profile"

    def get_fieldsets(self, request: HttpRequest, obj: Girl | None = None) -> Any:
        if obj is None:
            return (*PROFILE, *PERSONA)
        return PERSONA if self._tab(request) == "persona" else (*PROFILE, *RECORD)

    def get_form(self, request: HttpRequest, obj: Girl | None = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is not None:
            kwargs["form"] = PersonaForm if self._tab(request) == "persona" else ProfileForm
        return super().get_form(request, obj, change, **kwargs)

    def get_prepopulated_fields(self, request: HttpRequest, obj: Girl | None = None) -> Any:
        return {} if obj else {"slug": ("name",)}

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        girl = kwargs.get("obj")
        if girl is not None:
            context |= {"girl": girl, "counts": desk.counts(girl.pk), "form_tab": self._tab(request)}
            if context["form_tab"] == "profile" and self.has_change_permission(request, girl):
                context |= {"pictures": desk.pictures(girl), "target": {"girl": girl.pk}}
            form = context["adminform"].form
            if form.is_bound and form.is_stale:
                context["conflict"] = self._conflict(girl, form)
        return super().render_change_form(request, context, *args, **kwargs)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Girl]:
        return super().get_queryset(request).select_related("created_by")

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Her row; on the way to being changed under its lock, so that of two who save at once one sees the other."""
        girl = super().get_object(request, object_id, from_field)
        if girl is None or request.method != "POST":
            return girl
        list(Girl.objects.filter(pk=girl.pk).select_for_update(no_key=True).values_list("pk"))
        return super().get_object(request, object_id, from_field)

    def get_changelist_form(self, request: HttpRequest, **kwargs: Any) -> Any:
        return super().get_changelist_form(request, **{"form": PositionForm, **kwargs})

    def save_model(self, request: HttpRequest, obj: Girl, form: Any, change: bool) -> None:
        obj.changed_by(request.user)
        if not change:
            obj.created_by_id = request.user.pk
            obj.save()
            return
        # The rest of the row may have changed since it was read: her pictures, the numbers of them, others' words.
        changed = form.leave_theirs()
        if not changed:
            return
        if isinstance(form, PositionForm):  # its row was read without a lock
            as_seen = Girl.objects.filter(pk=obj.pk, position=form.was["position"])
            if not as_seen.update(position=obj.position, updated_at=timezone.now()):
                raise StaleList(obj.name)
            return
        if obj.is_active and obj.retired_at:  # who is shown again is back
            obj.retired_at = None
            changed.append("retired_at")
        obj.save(update_fields=[*changed, "updated_at"])

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        try:
            return super().changelist_view(request, extra_context)
        except StaleList as error:
            self.message_user(request, f"Somebody else moved {error} meanwhile. Nothing was saved.", messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())

    def _conflict(self, girl: Girl, form: Any) -> dict[str, Any]:
        """Who saved what meanwhile, field by field, beside what this editor would write."""
        names = [*form.theirs, *(name for name in form.changed_data if name not in form.theirs)]
        fields = [
            {
                "label": form[name].label,
                "theirs": versions.compare(form.seen(name), form.now(name)) if name in form.theirs else None,
                "mine": versions.compare(form.now(name), form.mine(name)) if name in form.changed_data else None,
            }
            for name in names
        ]
        last = LogEntry.objects.filter(
            content_type=ContentType.objects.get_for_model(Girl), object_id=str(girl.pk)
        ).select_related("user")
        return {"last": last.first(), "fields": fields, "stamp": form.stamp, "button": ANYWAY}

    def delete_model(self, request: HttpRequest, obj: Girl) -> None:
        publishing.delete(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Girl]) -> None:
        for girl in queryset:
            publishing.delete(girl)


admin.site.register(Media, MediaAdmin)
