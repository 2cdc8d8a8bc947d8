"""The page that shows the mails nobody carries: on this machine, while DEBUG is on and no transport is set."""

import re
from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from csp.constants import NONE, SELF
from csp.decorators import csp, csp_replace
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

from accounts import mailbox

SANDBOX = "allow-top-navigation-by-user-activation"  # links lead out of the frame; nothing else does anything
OF_A_MAIL = {
    "default-src": [NONE],
    "style-src": ["'unsafe-inline'"],  # what mails have
    "base-uri": [NONE],
    "form-action": [NONE],
    "frame-ancestors": [SELF],
    "sandbox": [SANDBOX],
}


def _of_this_machine(view: Callable[..., Any]) -> Callable[..., Any]:
    """Elsewhere there is no such page: whoever reads mails with codes has the account."""

    @wraps(view)
    def looked_at(request: HttpRequest, **which: UUID) -> HttpResponse:
        if not mailbox.is_open_to(request):
            raise Http404
        return view(request, **which)

    return looked_at


@require_safe
@never_cache
@_of_this_machine
def mails(request: HttpRequest) -> HttpResponse:
    """The mails that are kept, the newest first."""
    return render(request, "mails/list.html", {"mails": mailbox.newest(), "folder": settings.MAIL_ROOT})


@require_safe
@never_cache
@_of_this_machine
@csp_replace({"frame-src": [SELF]})  # type: ignore[arg-type]  # its types know no view of an address
def mail(request: HttpRequest, key: UUID) -> HttpResponse:
    """One mail: as it looks, and as it reads. Of its links those of this site can be followed."""
    kept = _found(key)
    pieces = re.split(rf"({re.escape(settings.SITE_URL)}/\S*)", kept.text)
    return render(request, "mails/mail.html", {"mail": kept, "pieces": pieces, "sandbox": SANDBOX})


@require_safe
@never_cache
@_of_this_machine
@xframe_options_sameorigin
@csp(OF_A_MAIL)  # type: ignore[arg-type]  # as above
def look(request: HttpRequest, key: UUID) -> HttpResponse:
    """What is in the frame: the mail's own HTML, which may do nothing."""
    return HttpResponse(_found(key).html.replace("<head>", '<head><base target="_top">', 1))


def _found(key: UUID) -> mailbox.Kept:
    kept = mailbox.find(key)
    if kept is None:
        raise Http404
    return kept
