"""The staff's console: one door in, pages that ask for nothing they do not show, and what pages of several apps share.

Whatever an admin lets somebody filter, order or search by can be read letter by letter, shown or not. So a page here
takes the filters that it offers and no others, and the console takes pages of this kind only: what another package
registers for itself, or what forgets the base class, is not there.
"""

import json
from collections.abc import Callable, Iterator
from functools import partial, wraps
from typing import Any

import structlog
from django.conf import settings
from django.contrib import admin
from django.contrib.admin import AdminSite
from django.contrib.admin.models import LogEntry
from django.contrib.admin.utils import get_fields_from_path, unquote
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import FieldDoesNotExist, PermissionDenied
from django.core.paginator import Paginator
from django.db import models
from django.forms.models import model_to_dict
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.http import urlencode

from config.lib.doors import safe_next

log = structlog.get_logger(__name__)

View = Callable[..., HttpResponse]


class KeySelect(AutocompleteSelect):
    """Django's, which asks the database for whatever was sent; of what is no key it would not know how to."""

    def optgroups(self, name: str, value: Any, attr: Any = None) -> Any:
        """The options that are chosen."""
        return super().optgroups(
            name, [key for key in value if not key or (len(str(key)) < 19 and str(key).isdecimal())], attr
        )


class BoundedPaginator(Paginator):
    """Pages of the first ten thousand rows: nobody turns pages that often, and counting millions takes seconds."""

    MOST = 10_000

    @cached_property
    def _found(self) -> int:
        return self.object_list.order_by()[: self.MOST + 1].count()  # type: ignore[attr-defined]

    @cached_property
    def count(self) -> int:
        """How many rows are in pages."""
        return min(self._found, self.MOST)

    @property
    def counted(self) -> str:
        """How many there are, as it is told: `10,000+` when there are more."""
        return f"{self.count:,}{'+' if self._found > self.MOST else ''}"


class StaffAdmin(admin.ModelAdmin):
    """A page of the console. Its address may ask for the key, and for what it offers as filter and search.

    Whatever is written into Django's own log (the recent actions) is written into the audit, too: with the values
    before and after when a form was saved, or when whoever logs it gives them.
    """

    paginator = BoundedPaginator
    show_full_result_count = False
    UNTOLD = ("password",)  # fields whose values are nobody's to read, in no log

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Write what hangs on the row; keep what the form changed, for the audit."""
        super().save_related(request, form, formsets, change)
        names = [name for name in form.changed_data if name in form.cleaned_data and name not in self.UNTOLD]
        after = {name: form.cleaned_data[name] for name in names}
        before = {name: form.initial.get(name) for name in names} if change else {}
        request.staff_saved = (before, after)  # type: ignore[attr-defined]

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Into both logs: that it was added, and what was in the form."""
        self._record(request, obj, "Added", message)
        return super().log_addition(request, obj, message)

    def log_change(
        self, request: HttpRequest, obj: Any, message: Any, *, before: Any = None, after: Any = None, reason: str = ""
    ) -> Any:
        """Into both logs: what was done, and to what it changed which values, why."""
        self._record(request, obj, "Changed", message, before, after, reason)
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        """Into both logs, before they go: what they were."""
        for obj in queryset:
            told = model_to_dict(obj, exclude=self.UNTOLD)
            self.admin_site.record(request, obj, "Deleted", before=told)  # type: ignore[attr-defined]
        return super().log_deletions(request, queryset)

    def _record(
        self,
        request: HttpRequest,
        obj: Any,
        verb: str,
        message: Any,
        before: Any = None,
        after: Any = None,
        reason: str = "",
    ) -> None:
        saved = request.__dict__.pop("staff_saved", None)
        if saved and before is None and after is None:
            before, after = saved
        did = message if isinstance(message, str) else LogEntry(change_message=json.dumps(message)).get_change_message()
        self.admin_site.record(request, obj, did or verb, before=before, after=after, reason=reason)  # type: ignore[attr-defined]

    def get_action_choices(self, request: HttpRequest, default_choices: Any = None) -> Any:
        """What can be done with the rows that are chosen; first of all, that nothing is."""
        return super().get_action_choices(request, default_choices or [("", "Action…")])

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        """The page of a form. Labels stand above their fields, so none of them needs a colon."""
        context["adminform"].form.label_suffix = ""
        return super().render_change_form(request, context, *args, **kwargs)

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> Any:
        """What was done to a row: its lines of the audit, and below them the recent actions."""
        lines = partial(self.admin_site.lines_about, request, self, unquote(object_id))  # type: ignore[attr-defined]
        return super().history_view(request, object_id, {"lines": lines, **(extra_context or {})})

    def get_changelist_formset(self, request: HttpRequest, **kwargs: Any) -> Any:
        """Fields in a list, each named like its column: nothing else there names them."""
        formset = super().get_changelist_formset(request, **kwargs)

        class Named(formset):  # type: ignore[misc, valid-type]
            def add_fields(self, form: Any, index: int | None) -> None:
                super().add_fields(form, index)
                for field in form.fields.values():
                    field.widget.attrs["aria-label"] = field.label

        return Named

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """Whether an address may ask for this. Django allows every field of the page's own table, shown or not."""
        assert request is not None
        return lookup in self._offered(request)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """The row of this key; an empty name of a field is none."""
        return super().get_object(request, object_id, from_field or None)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """A field for what is looked up while one types."""
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs.setdefault("widget", KeySelect(db_field, self.admin_site))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        """What a search looks at. Of rows that this person may not open, only as a whole: parts could be guessed."""
        return [self._as_may_be_seen(field, request) for field in super().get_search_fields(request)]

    def _as_may_be_seen(self, field: str, request: HttpRequest) -> str:
        if field[0] == "=":
            return field
        model: Any = self.model
        for part in field.lstrip("^@").split("__"):
            try:
                step = model._meta.get_field(part)
            except FieldDoesNotExist:  # from here on it is how to compare, not what
                break
            if step.is_relation:
                model = step.related_model
                page = self.admin_site._registry.get(model)
                if page is None or not page.has_view_permission(request):
                    return f"={field.lstrip('^@')}"
        return field

    def _offered(self, request: HttpRequest) -> set[str]:
        """Every name that an address of this page may ask by."""
        key = self.opts.pk.name
        names = {f"{name}{how}" for name in ("pk", key) for how in ("", "__exact", "__in")}
        for field in self.get_search_fields(request):
            path = field.lstrip("=^@")
            names |= {path, f"{path}__exact", f"{path}__iexact"}
            if path == field:
                names.add(f"{path}__icontains")
        for item in self.get_list_filter(request):
            names |= set(self._asked_by(item))
        if day := self.date_hierarchy:
            names |= {f"{day}__{how}" for how in ("year", "month", "day", "gte", "lt")}
        return names

    def _asked_by(self, item: Any) -> Iterator[str]:
        """What one filter of the list puts into an address."""
        if isinstance(item, type):
            yield item.parameter_name  # type: ignore[attr-defined]
            return
        path = item if isinstance(item, str) else item[0]
        field: Any = get_fields_from_path(self.model, path)[-1]
        yield from (path, f"{path}__exact", f"{path}__isnull", f"{path}__isempty")
        if field.is_relation:
            yield f"{path}__{field.target_field.name}__exact"
        if isinstance(field, models.DateField):
            yield from (f"{path}__gte", f"{path}__lt")


class ReadOnlyAdmin(StaffAdmin):
    """Rows that only the product itself writes: staff look at them."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody changes."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes."""
        return False


class Console(AdminSite):
    """The admin site. It has no sign-in and no password form of its own: the site's are limited, checked and logged."""

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Take a page if it is a StaffAdmin; of others nothing is known, so they are left out."""
        if admin_class is not None and issubclass(admin_class, StaffAdmin):
            super().register(model_or_iterable, admin_class, **options)

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """On to the site's sign-in, and back. Raises PermissionDenied for a member who is no staff."""
        if self.has_permission(request):
            return redirect(safe_next(request, request.GET.get("next"), otherwise=reverse("admin:index")))
        if request.user.is_authenticated:
            self.refused(request)
            raise PermissionDenied
        after = request.GET.get("next") or reverse("admin:index")
        return redirect(f"{resolve_url(settings.LOGIN_URL)}?{urlencode({'next': after})}")

    def record(
        self,
        request: HttpRequest,
        obj: Any,
        did: str,
        *,
        before: dict[str, Any] | None = None,
        after: dict[str, Any] | None = None,
        reason: str = "",
    ) -> None:
        """Into the audit: this person did that to it, just now. `did` is a verb in the past tense, and what follows."""
        raise NotImplementedError

    def lines_about(self, request: HttpRequest, page: StaffAdmin, key: str) -> list[Any]:
        """The lines of the audit about a row of this page, the newest first, each with its `changes`."""
        return []

    def entered(self, request: HttpRequest) -> None:
        """Somebody of the team is in it, and asks for a page."""

    def refused(self, request: HttpRequest) -> None:
        """Somebody who is signed in was sent away."""
        page = request.resolver_match.view_name if request.resolver_match else ""
        log.warning("staff_access_denied", user_id=request.user.pk, page=page, method=request.method)

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """On to the site's page for one's own password."""
        return redirect("account_change_password")

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """A page of the console, which leaves a line in the log when it sends somebody away."""

        @wraps(view)
        def watched(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            self.entered(request)
            try:
                return view(request, *args, **kwargs)
            except PermissionDenied:
                self.refused(request)
                raise

        return super().admin_view(watched, cacheable)
