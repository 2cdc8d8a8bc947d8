"""The staff's console: one door in, pages that ask for nothing they do not show, and what pages of several apps share.

Whatever an admin lets somebody filter, order or search by can be read letter by letter, shown or not. So a page here
takes the filters that it offers and no others, and the console takes pages of this kind only: what another package
registers for itself, or what forgets the base class, is not there.
"""

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

import structlog
from django.conf import settings
from django.contrib import admin
from django.contrib.admin import AdminSite
from django.contrib.admin.apps import AdminConfig
from django.contrib.admin.utils import get_fields_from_path
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import FieldDoesNotExist, PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from django.urls import reverse
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


class StaffAdmin(admin.ModelAdmin):
    """A page of the console. Its address may ask for the key, and for what it offers as filter and search."""

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
            _denied(request)
            raise PermissionDenied
        after = request.GET.get("next") or reverse("admin:index")
        return redirect(f"{resolve_url(settings.LOGIN_URL)}?{urlencode({'next': after})}")

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """On to the site's page for one's own password."""
        return redirect("account_change_password")

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """A page of the console, which leaves a line in the log when it sends somebody away."""

        @wraps(view)
        def watched(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            try:
                return view(request, *args, **kwargs)
            except PermissionDenied:
                _denied(request)
                raise

        return super().admin_view(watched, cacheable)


class ConsoleConfig(AdminConfig):
    """Django's admin, with the console for its site."""

    default_site = "config.lib.adminkit.Console"


def _denied(request: HttpRequest) -> None:
    page = request.resolver_match.view_name if request.resolver_match else ""
    log.warning("staff_access_denied", user_id=request.user.pk, page=page, method=request.method)
