"""The console's door: staff, who showed a second factor in this session."""

from functools import wraps
from typing import Any

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from accounts import factors
from accounts.models import User
from config.lib.adminkit import Console, StaffAdmin
from config.lib.doors import kept_by_nobody, safe_next
from staff import audit, navigation, overview, person_views, searching
from staff.models import Audit

ENTERED = "console_entered"  # in the session: with which proof somebody came in
AN_HOUR = 3600
LINES = 100  # of one row's history


class StaffSite(Console):
    """The console. Without a second factor it shows how to set one up, and nothing else."""

    def has_permission(self, request: HttpRequest) -> bool:
        """Whether this person may be in it, in this session. Asked for several times a page, looked up once."""
        if not super().has_permission(request) or not isinstance(request.user, User):
            return False
        if not settings.STAFF_SECOND_FACTOR:
            return True
        if not hasattr(request, "staff_showed_factor"):
            shown = factors.was_shown_for_staff(request, request.user)
            request.staff_showed_factor = shown  # type: ignore[attr-defined]
        return bool(request.staff_showed_factor)  # type: ignore[attr-defined]

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """For staff who are signed in: to their second factor, or to setting one up. For others as everywhere."""
        if self.has_permission(request) or not super().has_permission(request):
            return super().login(request, extra_context)
        types = set(Authenticator.objects.filter(user_id=request.user.pk).values_list("type", flat=True))
        if not types & set(factors.REAL):
            page = render(request, "staff/second_factor.html")
            return kept_by_nobody(page)
        after = safe_next(request, request.GET.get("next"), otherwise=reverse("admin:index"))
        way = "mfa_reauthenticate" if Authenticator.Type.TOTP in types else "mfa_reauthenticate_webauthn"
        return redirect(f"{reverse(way)}?{urlencode({'next': after})}")

    def get_urls(self) -> list[Any]:
        """Django's pages of the console, and before them those that show several apps' data."""
        search = path("search/", self.admin_view(require_safe(self.search_view)), name="search")
        return [search, *person_views.urls(self), *super().get_urls()]

    def search_view(self, request: HttpRequest) -> HttpResponse:
        """Whatever fits, of what this person may view."""
        assert isinstance(request.user, User)
        q = request.GET.get("q", "").strip()[: searching.LONGEST]
        found = searching.search(request.user, q)
        told = {"q": q, "found": found, "total": sum(len(group.hits) for group in found)}
        told |= {"kinds": searching.kinds(request.user), "title": "Search"}
        return kept_by_nobody(TemplateResponse(request, "staff/search.html", {**self.each_context(request), **told}))

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """A page of the console. What is closed or absent says so inside it, to whoever asks for a page."""
        watched = super().admin_view(view, cacheable)

        @wraps(watched)
        def framed(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            try:
                return watched(request, *args, **kwargs)
            except (PermissionDenied, Http404) as error:
                if not self.has_permission(request) or not request.accepts("text/html"):
                    raise
                status = 404 if isinstance(error, Http404) else 403
                return TemplateResponse(request, f"admin/{status}.html", self.each_context(request), status=status)

        return framed

    def index(self, request: HttpRequest, extra_context: Any = None) -> TemplateResponse:
        """The overview, for whoever may see how the site does; for others the pages that are open to them."""
        user = request.user
        if not isinstance(user, User) or not user.has_perm(overview.SEES):
            return super().index(request, extra_context)
        asked = request.GET.get("days", "")
        length = next((days for days in overview.RANGES if asked == str(days)), overview.USUAL)
        request.current_app = self.name
        page = {**self.each_context(request), **overview.page(user, length), **(extra_context or {})}
        return TemplateResponse(request, "staff/overview/index.html", page)

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """What every page of the console has: where it leads, and where one is."""
        menu = navigation.menu(request) if self.has_permission(request) else []
        return {**super().each_context(request), "menu": menu, "here": navigation.here(menu)}

    def lines_about(self, request: HttpRequest, page: StaffAdmin, key: str) -> list[Any]:
        """The newest of a row. Values are for who may change it, or read the audit."""
        lines = list(Audit.objects.filter(table=page.opts.label, key=key)[:LINES])
        if page.has_change_permission(request) or (page.has_view_permission(request) and self._reads_audit(request)):
            for line in lines:
                line.changes = list(audit.changes(line, request.user))  # type: ignore[attr-defined]
        return lines

    def _reads_audit(self, request: HttpRequest) -> bool:
        return request.user.has_perm("staff.view_audit")

    def entered(self, request: HttpRequest) -> None:
        """Into the audit, once for each session and each proof of the second factor."""
        user = request.user
        assert isinstance(user, User)
        proof = f"{user.pk}:{factors.shown_at(request, user)}"
        if request.session.get(ENTERED) != proof:
            request.session[ENTERED] = proof
            audit.record(user, user, "Entered the console", request=request)

    def refused(self, request: HttpRequest) -> None:
        """Into the log; into the audit, too, once an hour for each person and page: nobody fills it by asking again."""
        super().refused(request)
        user, match = request.user, request.resolver_match
        assert isinstance(user, User)
        page = match.view_name if match else ""
        if cache.add(f"console-refused:{user.pk}:{page}:{request.method}", True, AN_HOUR):
            audit.record(user, user, f"Was refused: {request.method} {page}", request=request)

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
        """Into the audit, with who and from where."""
        assert isinstance(request.user, User)
        audit.record(request.user, obj, did, before=before, after=after, reason=reason, request=request)
