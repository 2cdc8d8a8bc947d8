"""What signing in needs beside Django and allauth: sessions that last while they are used, pages that nobody keeps."""

from collections.abc import Callable
from typing import Any, ClassVar

import structlog
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from django.utils.http import urlencode

from accounts import legal
from accounts.sessions import seen
from config.lib.doors import kept_by_nobody, refused, safe_next

log = structlog.get_logger(__name__)


class AccountPagesAreNotKept:
    """Pages under /accounts/ show whose account it is: nobody keeps them, not even a browser that is signed out."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.path_info.startswith("/accounts/") and "Cache-Control" not in response:
            kept_by_nobody(response)
        return response


class SessionsLast:
    """A member who uses the site stays signed in; who stays away for SESSION_COOKIE_AGE does not.

    Used by a person is a page that is opened and whatever is done; not what a page asks by itself (JSON), nor a socket:
    a tab that somebody left open ends some day.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        session = request.session
        by_a_person = request.method not in ("GET", "HEAD") or request.accepts("text/html")
        # Who asked for nothing of the session shall not ask now; what is saved anyway lasts anew by that.
        if by_a_person and session.accessed and not session.modified and SESSION_KEY in session:
            self._prolong(request, session, response)
        return response

    def _prolong(self, request: HttpRequest, session: Any, response: HttpResponse) -> None:
        try:
            if not session.prolong():
                return
            seen(request)
        except DatabaseError as error:  # the page is there; another one will do it
            log.warning("session_not_prolonged", error=type(error).__name__)
            return
        response.set_cookie(
            settings.SESSION_COOKIE_NAME,
            session.session_key,
            max_age=session.get_expiry_age(),
            domain=settings.SESSION_COOKIE_DOMAIN,
            path=settings.SESSION_COOKIE_PATH,
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=settings.SESSION_COOKIE_HTTPONLY,
            samesite=settings.SESSION_COOKIE_SAMESITE,
        )


class AccountsRest:
    """Whoever asked to be erased finds every page closed but the one that says when, with the way back (`staff:data`).

    Asks for nothing but the person of the request, and for that only where a browser may be signed in.
    """

    PAGE = "staff:data"
    OPEN: ClassVar = {
        *(PAGE, "staff:ask_export", "staff:download", "staff:keep", "account_logout"),
        *("safety", "terms", "privacy", "manifest", "media:public", "media:local_view", "media:local_upload"),
    }

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        """The way there, or no."""
        name = request.resolver_match.view_name if request.resolver_match else None
        if not name or name in self.OPEN or settings.SESSION_COOKIE_NAME not in request.COOKIES:
            return None
        if getattr(request.user, "erase_at", None) is None:
            return None
        if request.accepts("text/html") and "HX-Request" not in request.headers:
            return kept_by_nobody(redirect(self.PAGE))
        response = refused("account_resting", "This account will be erased. Keep it to go on.", 403)
        response["HX-Redirect"] = resolve_url(self.PAGE)
        return kept_by_nobody(response)


class RestrictionsHold:
    """Whoever is paused or banned finds every page closed but the one that says why, the console too.

    What is to be read, a copy of one's data, the end of the account, help and the way out stay open. Costs nothing: the
    person of the request is read anyway.
    """

    PAGE = "restricted"
    OPEN: ClassVar = {
        *(PAGE, "account_logout", "safety", "terms", "terms_version", "privacy", "privacy_version", "manifest"),
        *("staff:data", "staff:ask_export", "staff:download", "staff:erase", "staff:keep"),
        *("account_reauthenticate", "mfa_reauthenticate", "mfa_reauthenticate_webauthn", "media:public"),
        *("media:local_view", "mails", "mail", "mail_look"),
    }

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        """The way to the reasons, or no."""
        name = request.resolver_match.view_name if request.resolver_match else None
        if not name or name in self.OPEN or settings.SESSION_COOKIE_NAME not in request.COOKIES:
            return None
        if not (kind := getattr(request.user, "restricted", "")):
            return None
        page = resolve_url(self.PAGE)
        if request.accepts("text/html") and "HX-Request" not in request.headers:
            return kept_by_nobody(redirect(page))
        code = "account_banned" if kind == "ban" else "account_paused"
        response = refused(code, "This account is paused or closed. The page says why.", 403, url=page)
        response["HX-Redirect"] = page
        return kept_by_nobody(response)


class ConsentIsAsked:
    """Whoever has not agreed to what changed is asked before going on, once (`legal.is_asked`).

    Help, what is to be read, a copy of one's data, the end of the account and the way out stay open; so does the
    console. Costs nothing for whoever has agreed: the person of the request is read anyway.
    """

    PAGE = "agree"
    OPEN: ClassVar = {
        *(PAGE, "agegate", "account_logout", "account_login", "account_reauthenticate", "mfa_reauthenticate"),
        *("mfa_reauthenticate_webauthn", "safety", "terms", "terms_version", "privacy", "privacy_version", "manifest"),
        *("staff:data", "staff:ask_export", "staff:download", "staff:erase", "staff:keep"),
        *("media:public", "media:view", "media:local_view", "mails", "mail", "mail_look"),
    }

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        """The question, or no."""
        match = request.resolver_match
        if match is None or not match.view_name or match.view_name in self.OPEN or match.namespace == "admin":
            return None
        if settings.SESSION_COOKIE_NAME not in request.COOKIES or not legal.standing().stamp:
            return None
        if not request.user.is_authenticated or not legal.is_asked(request.user):
            return None
        page = resolve_url(self.PAGE)
        if request.accepts("text/html") and "HX-Request" not in request.headers:
            here = request.get_full_path() if request.method in ("GET", "HEAD") else request.headers.get("Referer", "")
            return kept_by_nobody(redirect(f"{page}?{urlencode({'next': safe_next(request, here, otherwise='/')})}"))
        response = refused("consent_required", "Our terms have changed. Agree to them to go on.", 403, url=page)
        response["HX-Redirect"] = page
        return kept_by_nobody(response)
