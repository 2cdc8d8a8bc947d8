"""What every page's template may use. The database is asked only for members, and only by a page that shows it."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils import formats
from django.utils.functional import SimpleLazyObject

from accounts import mailbox, themes
from chat.models import Conversation
from config.lib.doors import mark_of
from payments import catalog, money


@dataclass(frozen=True)
class NavItem:
    """One place in the top bar and the phone's tab bar; `paths` are the prefixes under which it is the current one."""

    label: str
    href: str
    icon: str
    paths: tuple[str, ...]
    members_only: bool = False
    in_bar: bool = True


NAVIGATION = (
    NavItem("Explore", "/", "compass", ("/girls/",)),
    NavItem("Feed", "/feed/", "images", ("/feed/",)),
    NavItem("Chats", "/chat/", "message-circle", ("/chat/",), members_only=True),
    NavItem("Plans", "/plans/", "sparkles", ("/plans/", "/checkout/")),
    NavItem("Account", "/account/", "user", ("/account/",), members_only=True, in_bar=False),
)


def frame(request: HttpRequest) -> dict[str, Any]:
    """The site's name and the browser's theme: what even a page has that may ask nobody."""
    return {"site_name": settings.SITE_NAME, "theme": themes.of_browser(request)}


def site(request: HttpRequest) -> dict[str, Any]:
    """Beside those, where one can go, and what must be said at the foot of each page."""
    path = request.path
    return {
        **frame(request),
        "theme": SimpleLazyObject(lambda: themes.of_page(request)),
        "site_url": settings.SITE_URL,
        "csp_nonce": getattr(request, "csp_nonce", ""),  # lazy: only a page that prints it gets one in its policy
        "nav": NAVIGATION,
        "nav_current": next((i.href for i in NAVIGATION if path == i.href or path.startswith(i.paths)), ""),
        "refills": refills(),
        "scripted_model": not any(provider["base_url"] for provider in settings.LLM_PROVIDERS),
        "turnstile_site_key": settings.TURNSTILE_SITE_KEY,
        "plans_from": SimpleLazyObject(_plans_from),  # what a page of the chat may not ask payments itself
        "member_mark": SimpleLazyObject(lambda: mark_of(request.user)),
        "mails_kept": SimpleLazyObject(lambda: mailbox.is_open_to(request)),
        "unread_count": SimpleLazyObject(lambda: _unread_count(request)),  # pages of the chat know it already
    }


def refills(today: date | None = None) -> dict[str, str]:
    """How often free messages fill up and when they do next, in words; empty where they do not (`QUOTA_RESET`).

    Days and months are those of `chat.resetting`: UTC.
    """
    if settings.QUOTA_RESET == "daily":
        return {"often": "each day", "when": "at midnight UTC"}
    if settings.QUOTA_RESET == "monthly":
        this_month = (today or datetime.now(UTC).date()).replace(day=1)
        following = (this_month + timedelta(days=31)).replace(day=1)
        return {"often": "each month", "when": f"on {following.day} {formats.date_format(following, 'F')}"}
    return {}


def _unread_count(request: HttpRequest) -> int:
    """How many chats hold something unread."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return 0
    return Conversation.objects.visible_to(user).unread().count()


def _plans_from() -> str:
    """The lowest price in words; empty while nothing is on sale."""
    plan = catalog.cheapest()
    return money.formatted(plan.amount, plan.currency) if plan else ""
