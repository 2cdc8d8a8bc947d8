"""The page on which somebody reports a thing: one for all things, whose doors say what it is and keep the evidence."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from accounts import ratelimits
from girls.models import Girl, Media
from safety import reporting
from safety.forms import ReportForm
from safety.models import Report

TOO_FAST = "That was a little fast. Wait a moment, then send it again."


def ask(
    request: HttpRequest,
    *,
    what: Report.What,
    target: str,
    about: str,
    back: str,
    evidence: Callable[[], Any],
    **of: Any,
) -> HttpResponse:
    """Ask what is wrong; keep it with its evidence; on to their reports, which say by when it is decided.

    `back` is where they came from; `of` are more fields of the report: girl, media.
    """
    form = ReportForm(request.POST if request.method == "POST" else None, what=what)
    if form.is_valid():
        try:
            ratelimits.may_report(request.user)  # type: ignore[arg-type]  # a member: its doors are private
        except ratelimits.TooManyRequests:
            form.add_error(None, TOO_FAST)
        else:
            said = form.cleaned_data
            reason = Report.Reason(said["reason"])
            told = {"by": request.user, "what": what, "target": target, "about": about, "evidence": evidence(), **of}
            report, is_new = reporting.report(reason=reason, words=said["words"], **told)
            words = "Thank you. We look at it" if is_new else "You have reported that already. We look at it"
            messages.success(request, f"{words} by {report.due_at:%-d %B, %H:%M} UTC.")
            return redirect("girls:reports")
    status = 429 if form.non_field_errors() else 200
    return render(
        request, "girls/report.html", {"form": form, "about": about, "back": back, "what": what}, status=status
    )


def of_character(girl: Girl) -> list[dict[str, Any]]:
    """What a character says of herself, as it stands now."""
    words = "\n\n".join(filter(None, (f"{girl.name}, {girl.age}", girl.tagline, girl.bio)))
    return [{"sender": "", "text": words, "reported": True}]


def of_media(media: Media) -> list[dict[str, Any]]:
    """An item, as it stands now: its words, and which file it is."""
    words = f"{media.get_kind_display()} {media.pk} of {media.girl.name}: {media.text or 'no caption'}"
    return [{"sender": "", "text": words, "media": media.pk, "file": str(media.file_id), "reported": True}]
