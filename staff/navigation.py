"""Where the console leads: its groups, their pages, and who sees which."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from safety.models import Report


@dataclass(frozen=True, slots=True)
class Page:
    """A place in the navigation. `needs` are permissions, any of which opens it; none: whoever is in the console."""

    name: str
    url_name: str  # within the namespace `admin`
    icon: str  # of the sprite
    needs: tuple[str, ...] = ()
    badge: Callable[[HttpRequest], int] | None = None  # how many wait there; asked for on every page that shows it


def _of(app: str, model: str, name: str, icon: str) -> Page:
    """The list of a table."""
    needs = (f"{app}.view_{model}", f"{app}.change_{model}")
    return Page(name, f"{app}_{model}_changelist", icon, needs)


def open_reports(request: HttpRequest) -> int:
    """How many reports wait to be decided."""
    return Report.objects.exclude(state=Report.State.CLOSED).count()


GROUPS: tuple[tuple[str, tuple[Page, ...]], ...] = (
    ("", (Page("Overview", "index", "layout-dashboard"),)),
    (
        "Content",
        (
            _of("girls", "girl", "Characters", "users"),
            _of("girls", "media", "Media", "images"),
            _of("accounts", "legalversion", "Legal pages", "book-open"),
        ),
    ),
    (
        "People",
        (
            _of("accounts", "user", "People", "user"),
            _of("chat", "conversation", "Conversations", "message-circle"),
            _of("chat", "reply", "Replies", "bot"),
            _of("accounts", "mail", "Mails", "mail"),
            _of("staff", "export", "Copies of data", "download"),
            _of("staff", "erasure", "Departures", "log-out"),
            _of("accounts", "agerefusal", "Refused ages", "ban"),
        ),
    ),
    (
        "Money",
        (
            _of("payments", "purchase", "Payments", "receipt"),
            _of("accounts", "premiumgrant", "Premium given", "gift"),
            _of("payments", "stripeevent", "Events", "bell"),
            _of("payments", "catalogcache", "Plans", "tag"),
        ),
    ),
    (
        "Safety",
        (
            Page("Reports", "safety_report_changelist", "flag", ("safety.view_report",), open_reports),
            _of("safety", "helpline", "Helplines", "life-buoy"),
        ),
    ),
    ("Team", (_of("auth", "group", "Roles", "key-round"), _of("staff", "audit", "Audit", "list-checks"))),
)


def menu(request: HttpRequest) -> list[dict[str, Any]]:
    """The groups, `{"name", "pages"}`, with what this person may open; a page is `{"name", "url", "icon", "is_here",
    "badge"}`."""
    user, here = request.user, request.path
    groups = []
    for name, pages in GROUPS:
        shown = []
        for page in pages:
            if page.needs and not any(user.has_perm(needed) for needed in page.needs):
                continue
            url = reverse(f"admin:{page.url_name}")
            is_here = here == url if page.url_name == "index" else here.startswith(url)
            badge = page.badge(request) if page.badge else 0
            shown.append({"name": page.name, "url": url, "icon": page.icon, "is_here": is_here, "badge": badge})
        if shown:
            groups.append({"name": name, "pages": shown})
    return groups


def here(groups: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The page of these groups that is open, if one is."""
    return next((page for group in groups for page in group["pages"] if page["is_here"]), None)
