"""The pages with the versions of a character: all of them, two side by side, and bringing one back."""

from collections.abc import Callable
from typing import Any

from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST, require_safe

from config.lib.adminkit import StaffAdmin
from girls import desk, versions
from girls.models import Girl


class VersionPages:
    """The pages below /admin/girls/girl/<id>/versions/, for who may edit her: they show what the model is told."""

    def __init__(self, page: StaffAdmin, site: AdminSite) -> None:
        self.page = page
        self.site = site

    def urls(self) -> list[URLPattern]:
        """Where they are."""
        door: Callable[..., Any] = self.site.admin_view
        base = "<int:pk>/versions"
        return [
            path(f"{base}/", door(require_safe(self.all)), name="girls_girl_versions"),
            path(f"{base}/compare/", door(require_safe(self.compare)), name="girls_girl_compare"),
            path(f"{base}/<int:version>/", door(require_safe(self.one)), name="girls_girl_version"),
            path(f"{base}/<int:version>/restore/", door(require_POST(self.restore)), name="girls_girl_restore"),
        ]

    def _girl(self, request: HttpRequest, pk: int) -> Girl:
        girl = get_object_or_404(Girl, pk=pk)
        if not self.page.has_change_permission(request, girl):
            raise PermissionDenied
        return girl

    def _version(self, girl: Girl, key: Any) -> Any:
        """A version of hers by its number. Raises Http404."""
        key = str(key)
        if not (key.isascii() and key.isdecimal() and len(key) < 10):
            raise Http404
        return get_object_or_404(Girl.history.select_related("history_user"), id=girl.pk, history_id=key)

    def _page(self, request: HttpRequest, girl: Girl, template: str, **context: Any) -> HttpResponse:
        request.current_app = self.site.name
        about = {"opts": self.page.opts, "girl": girl, "original": girl, "counts": desk.counts(girl.pk)}
        return TemplateResponse(
            request, f"admin/girls/girl/{template}", {**self.site.each_context(request), **about, **context}
        )

    def all(self, request: HttpRequest, pk: int) -> HttpResponse:
        """All of them, the newest first, `?before=<number>`."""
        girl = self._girl(request, pk)
        asked = request.GET.get("before", "")
        before = int(asked) if asked.isascii() and asked.isdecimal() and len(asked) < 10 else None
        found, has_more = versions.latest(girl.pk, before)
        title = f"{girl.name}: versions"
        return self._page(request, girl, "versions.html", title=title, versions=found, has_more=has_more, before=before)

    def compare(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Two of them, `?a=` and `?b=`: what the later one changed."""
        girl = self._girl(request, pk)
        old, new = sorted(
            (self._version(girl, request.GET.get(name, "")) for name in ("a", "b")), key=lambda row: row.history_id
        )
        found = versions.differences(old, new)
        return self._page(
            request, girl, "compare.html", title=f"{girl.name}: compare", old=old, new=new, differences=found
        )

    def one(self, request: HttpRequest, pk: int, version: int) -> HttpResponse:
        """One of them, and what bringing it back would change."""
        girl = self._girl(request, pk)
        row = self._version(girl, version)
        found = [found for found in versions.differences(girl, row) if found.name not in versions.KEPT]
        title = f"{girl.name}: bring back"
        return self._page(request, girl, "compare.html", title=title, new=row, differences=found, may_restore=True)

    def restore(self, request: HttpRequest, pk: int, version: int) -> HttpResponse:
        """Bring it back."""
        girl = self._girl(request, pk)
        with transaction.atomic():
            try:
                before, after = versions.restore(girl.pk, version, by=request.user)
            except Girl.DoesNotExist:
                raise Http404 from None
            if after:
                self.page.log_change(request, girl, f"Brought back version {version}.", before=before, after=after)
        words = f"Version {version} is back." if after else "That is how she is already. Nothing changed."
        self.page.message_user(request, words)
        return HttpResponseRedirect(reverse("admin:girls_girl_versions", args=[girl.pk]))
