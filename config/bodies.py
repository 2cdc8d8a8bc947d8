"""How much a request may bring that brings more than most do. Asked before its body is read."""

from io import BytesIO
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user
from django.core.handlers.asgi import ASGIRequest
from django.db import DatabaseError, close_old_connections
from django.urls import Resolver404, resolve

from accounts.sessions import SessionStore
from config.lib import waiting
from config.lib.handler import BODY_BYTES, DATABASE_SECONDS

STAFF_BYTES = 64 * 1024 * 1024  # pictures and films, at staff's own doors


def most_of(scope: Any) -> int:
    """As many bytes as its door says (`config.lib.doors.takes`); at staff's doors files, from staff.

    Asks the database who that is.
    """
    try:
        door = resolve(scope["path"])
    except Resolver404:
        return BODY_BYTES
    if door.app_name == "admin":
        return STAFF_BYTES if _is_staff(scope) else BODY_BYTES
    most = getattr(door.func, "body_bytes", BODY_BYTES)
    return int(most(**door.kwargs) if callable(most) else most)


def _is_staff(scope: Any) -> bool:
    request = ASGIRequest(scope, BytesIO())
    request.session = SessionStore(request.COOKIES.get(settings.SESSION_COOKIE_NAME))
    try:
        with waiting.at_most(DATABASE_SECONDS):
            person = get_user(request)
    except DatabaseError:
        return False
    finally:
        close_old_connections()
    return person.is_active and getattr(person, "is_staff", False)
