"""A member's data: take it away, or have it erased."""

from uuid import UUID

from allauth.account.decorators import reauthentication_required
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from config.lib.doors import kept_by_nobody, private_page
from media.storage import StorageUnavailable
from staff import erasing, exporting
from staff.forms import EraseForm
from staff.models import Export


class OwnRequest(HttpRequest):
    """A request whose user is signed in."""

    user: User


@private_page
@require_safe
def data(request: OwnRequest) -> HttpResponse:
    """How their copy stands, and the way out; of an account that rests, until when, and the way back."""
    export = exporting.latest(request.user)
    about = {
        "export": export,
        "may_ask": exporting.may_ask(export),
        "export_days": Export.KEPT.days,
        "erasure_days": settings.ERASURE_DAYS,
    }
    return render(request, "staff/resting.html" if request.user.erase_at else "staff/data.html", about)


@private_page
@require_POST
def ask_export(request: OwnRequest) -> HttpResponse:
    """Ask for a copy."""
    try:
        exporting.ask(request.user)
    except exporting.TooSoon:
        messages.info(request, "You can ask for one file a day. The last one is still here.")
    return redirect("staff:data")


@private_page
@require_safe
def download(request: OwnRequest, pk: UUID) -> HttpResponse:
    """On to an address of their copy, which is good for five minutes. A foreign one is answered like an absent one."""
    export = get_object_or_404(Export, pk=pk, user=request.user, state=Export.State.READY)
    try:
        return HttpResponseRedirect(exporting.address(export))
    except StorageUnavailable:
        raise Http404 from None


@private_page
@reauthentication_required
@require_http_methods(["GET", "HEAD", "POST"])
def erase(request: OwnRequest) -> HttpResponse:
    """What goes, and when; and the question once more, to somebody who has just shown who they are."""
    user = request.user
    if user.erase_at:
        return redirect("staff:data")
    if user.is_staff or user.is_superuser:
        return render(request, "staff/erase_staff.html")
    form = EraseForm(request.POST or None, username=user.username)
    if not form.is_valid():
        return render(request, "staff/erase.html", {"form": form, "erasure_days": settings.ERASURE_DAYS})
    try:
        erasing.ask(user, by="member", session=request.session.session_key)
    except erasing.IsStaff:  # since a moment ago
        return redirect("staff:erase")
    return redirect("staff:data")


@private_page
@require_POST
def keep(request: OwnRequest) -> HttpResponse:
    """They stay."""
    try:
        erasing.keep(request.user)
    except erasing.TooLate:
        return kept_by_nobody(redirect("staff:data"))
    messages.success(request, "Good to have you back. Nothing was erased.")
    return redirect("media:profile")
