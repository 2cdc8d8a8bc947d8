"""The review queue: what was reported, with its evidence behind a reason, taken in hand and decided."""

import time
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import F, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.timesince import timesince, timeuntil
from django.views.decorators.http import require_http_methods, require_POST

import chat.privacy
from accounts import restricting
from accounts.models import Restriction, User
from chat.revealing import LASTS, RevealForm
from config.lib.adminkit import ReadOnlyAdmin
from config.lib.doors import kept_by_nobody
from girls import publishing
from girls.models import Girl, Media
from safety import reporting
from safety.models import Report
from staff import supporting

MAY_REVIEW, MAY_READ = "safety.review_report", "safety.read_evidence"
_OPEN = "evidence"  # in the session of whoever reads: report, and when it closes


class DecisionForm(forms.Form):
    """What is decided, what is done at once, and why: for whoever reported it, and for the team."""

    outcome = forms.ChoiceField(label="Decision", choices=Report.Outcome.choices, widget=forms.RadioSelect)
    deed = forms.ChoiceField(label="At once", required=False)
    statement = forms.CharField(
        label="Statement of reasons",
        min_length=20,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text="Whoever reported it reads this, and so does a member who is paused or banned: what was decided, on "
        "which rule, and what they can do about it.",
    )
    days = forms.IntegerField(
        label="Days of a pause", min_value=1, max_value=365, required=False, help_text="Empty: until they are let in."
    )
    reason = forms.CharField(
        label="Note for the team",
        min_length=3,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Kept in the audit. Name the ticket rather than quoting anybody.",
    )

    def __init__(self, *args: Any, report: Report, actor: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.report = report
        choices = [("", "Nothing more")]
        if report.media:
            choices.append(("hide", "Take the picture down"))
        if report.girl and report.what != Report.What.MEMBER:
            choices.append(("unpublish", f"Hide {report.girl.name}"))
        if report.member and not supporting.within_reach(actor, report.member):
            choices += [("pause", "Pause the member"), ("ban", "Ban the member")]
            if report.member.restricted:
                choices.append(("let_in", "Let the member in again"))
        cast(forms.ChoiceField, self.fields["deed"]).choices = choices


class StateFilter(admin.SimpleListFilter):
    """How far a report has come; without a choice, those that are to be decided."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """What one may choose."""
        return [("all", "All"), *Report.State.choices]

    def choices(self, changelist: Any) -> Any:
        """The same, where no choice has a name."""
        first, *others = super().choices(changelist)
        yield {**first, "display": "Open"}
        yield from others

    def queryset(self, request: HttpRequest, queryset: QuerySet[Report]) -> QuerySet[Report]:
        """Those of the state that was chosen."""
        match self.value():
            case None:
                return queryset.exclude(state=Report.State.CLOSED)
            case "all":
                return queryset
        return queryset.filter(state=self.value())


class ReportAdmin(ReadOnlyAdmin):
    """Reports, what is due first at the top. What was said is hidden until a moderator says why they read it."""

    list_display = ("due", "about", "what", "reason", "state", "reported_by", "taken_by", "created_at")
    list_display_links = ("due", "about")
    list_filter = (StateFilter, "reason", "what")
    list_select_related = ("by", "taken_by")
    search_fields = ("=target",)
    search_help_text = "What it is about, as its page names it: member:12"
    ordering = (F("closed_at").asc(nulls_first=True), "due_at")
    fields = ("about", "what", "reason", "target", "reported_by", "words", "created_at", "due", "state")
    readonly_fields = fields
    TAKEN = ("taken_by", "taken_at")
    DECIDED = ("outcome", "statement", "closed_by", "closed_at")

    def get_fields(self, request: HttpRequest, obj: Report | None = None) -> Any:
        """What there is by now."""
        taken = self.TAKEN if obj and obj.taken_at else ()
        return (*self.fields, *taken, *(self.DECIDED if obj and obj.closed_at else ()))

    @admin.display(description="due", ordering="due_at")
    def due(self, report: Report) -> str:
        """How long until it has to be decided."""
        if report.state == Report.State.CLOSED:
            return "Decided"
        now = timezone.now()
        if report.due_at < now:
            return f"Overdue by {timesince(report.due_at, now, depth=1)}"
        return f"In {timeuntil(report.due_at, now, depth=1)}"

    @admin.display(description="reported by")
    def reported_by(self, report: Report) -> str:
        """A member, a visitor, or the site itself."""
        if report.is_by_site:
            return "The site"
        return str(report.by) if report.by else "A visitor, or somebody who left"

    def get_urls(self) -> list[Any]:
        """Beside Django's: to read the evidence, to take it in hand, to decide."""
        door = self.admin_site.admin_view
        at, name = "<uuid:pk>", "safety_report"
        both = require_http_methods(["GET", "HEAD", "POST"])
        return [
            path(f"{at}/reveal/", door(both(self.reveal)), name=f"{name}_reveal"),
            path(f"{at}/take/", door(require_POST(self.take)), name=f"{name}_take"),
            path(f"{at}/decide/", door(both(self.decide)), name=f"{name}_decide"),
            *super().get_urls(),
        ]

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        """The facts, and where they lead; the evidence while it is open to this session."""
        report = self.get_object(request, object_id)
        about = {**(extra_context or {})}
        if report is not None:
            is_open = report.state != Report.State.CLOSED
            left = self._closes_in(request, report)
            about |= {
                "is_open": is_open,
                "may_review": is_open and request.user.has_perm(MAY_REVIEW),
                "may_read": request.user.has_perm(MAY_READ),
                "has_evidence": bool(report.evidence),
                "evidence": [_dated(each) for each in report.evidence] if left else None,
                "closes_at": timezone.now() + left if left else None,
                "places": self._places(request, report),
            }
        return kept_by_nobody(super().change_view(request, object_id, form_url, about))

    def _places(self, request: HttpRequest, report: Report) -> list[tuple[str, str]]:
        """Where what it is about can be seen: words and addresses, as far as this person may go there."""
        found = []
        if report.member and request.user.has_perm("accounts.view_user"):
            found.append((f"Member {report.member}", reverse("admin:person", args=[report.member_id])))
        if report.girl and report.girl.is_active:
            found.append((f"Profile of {report.girl}", report.girl.get_absolute_url()))
        if report.what == Report.What.MESSAGE and request.user.has_perm("chat.view_conversation"):
            key = report.target.split(":")[1]
            found.append(("The conversation", reverse("admin:chat_conversation_change", args=[key])))
        return found

    def reveal(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Ask why; write it down; then show the evidence, for a while. Raises PermissionDenied and Http404."""
        report = self._report(request, pk, MAY_READ)
        form = RevealForm(request.POST or None)
        if form.is_valid():
            said = f"Read the evidence of a report: {report.get_reason_display()}"
            self.log_change(request, report, said, reason=form.cleaned_data["reason"])
            self._open_for(request, report)
            return redirect("admin:safety_report_change", pk)
        about = {**self._about(request, report), "form": form, "minutes": LASTS.seconds // 60}
        return kept_by_nobody(TemplateResponse(request, "admin/safety/report/reveal.html", about))

    def take(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Take it in hand."""
        report = self._report(request, pk, MAY_REVIEW)
        try:
            with transaction.atomic():
                reporting.take(pk, by=request.user)
                self.log_change(request, report, "Took a report in hand.")
        except reporting.AlreadyDecided:
            messages.warning(request, "Somebody has decided this one already.")
        return redirect("admin:safety_report_change", pk)

    def decide(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Ask for the decision and its reasons; do what it says, all of it or nothing."""
        report, actor = self._report(request, pk, MAY_REVIEW), cast(User, request.user)
        if report.state == Report.State.CLOSED:
            messages.warning(request, "Somebody has decided this one already.")
            return redirect("admin:safety_report_change", pk)
        form = DecisionForm(request.POST or None, report=report, actor=actor)
        if form.is_valid():
            try:
                with transaction.atomic():
                    self._decide(request, report, form.cleaned_data, actor)
            except reporting.AlreadyDecided:
                messages.warning(request, "Somebody decided this one in the meantime. Nothing of yours was done.")
                return redirect("admin:safety_report_change", pk)
            if report.member and form.cleaned_data["deed"] in ("pause", "ban"):
                chat.privacy.rest(report.member)
            messages.success(request, "Decided. Whoever reported it can read your reasons.")
            return redirect("admin:safety_report_changelist")
        page = {**self._about(request, report), "form": form}
        return kept_by_nobody(TemplateResponse(request, "admin/safety/report/decide.html", page))

    def _decide(self, request: HttpRequest, report: Report, said: dict[str, Any], actor: User) -> None:
        before = {"state": report.state}
        statement, deed = said["statement"], said["deed"]
        reporting.close(report.pk, outcome=Report.Outcome(said["outcome"]), statement=statement, by=actor)
        match deed:
            case "hide":
                assert report.media is not None
                publishing.hide(Media.objects.filter(pk=report.media.pk))
            case "unpublish":
                assert report.girl is not None
                publishing.unpublish(Girl.objects.filter(pk=report.girl.pk))
            case "pause" | "ban":
                assert report.member is not None
                until = timezone.now() + timedelta(days=said["days"]) if said["days"] and deed == "pause" else None
                why = RESTRICTED_FOR.get(report.reason, Restriction.Reason.OTHER)
                restricting.restrict(report.member, Restriction.Kind(deed), why, words=statement, by=actor, until=until)
            case "let_in":
                assert report.member is not None
                restricting.lift(report.member, restricting.standing(report.member), why=said["reason"], by=actor)
        after = {"state": "closed", "outcome": said["outcome"], "deed": deed}
        self.log_change(request, report, "Decided a report.", before=before, after=after, reason=said["reason"])

    def _report(self, request: HttpRequest, pk: UUID, needs: str) -> Report:
        if not (self.has_view_permission(request) and request.user.has_perm(needs)):
            raise PermissionDenied
        found = Report.objects.select_related("girl", "media", "member", "by").filter(pk=pk).first()
        if found is None:
            raise Http404
        return found

    def _about(self, request: HttpRequest, report: Report) -> dict[str, Any]:
        return {
            **self.admin_site.each_context(request),
            "title": f"{report.get_reason_display()}: {report.about or report.get_what_display()}",
            "report": report,
            "opts": self.opts,
            "back": reverse("admin:safety_report_change", args=[report.pk]),
        }

    def _open_for(self, request: HttpRequest, report: Report) -> None:
        now = time.time()
        still = {key: until for key, until in self._opened(request).items() if until > now}
        request.session[_OPEN] = {**still, str(report.pk): now + LASTS.total_seconds()}

    def _closes_in(self, request: HttpRequest, report: Report) -> timedelta | None:
        left = self._opened(request).get(str(report.pk), 0) - time.time()
        return timedelta(seconds=left) if left > 0 and request.user.has_perm(MAY_READ) else None

    def _opened(self, request: HttpRequest) -> dict[str, float]:
        opened = request.session.get(_OPEN)
        return opened if isinstance(opened, dict) else {}


def _dated(each: dict[str, Any]) -> dict[str, Any]:
    """A line of evidence, whose time is one again."""
    return {**each, "at": datetime.fromisoformat(each["at"]) if each.get("at") else None}


RESTRICTED_FOR: dict[str, Restriction.Reason] = {
    Report.Reason.MINOR: Restriction.Reason.MINOR,
    Report.Reason.SEXUAL_MINOR: Restriction.Reason.SEXUAL_MINOR,
    Report.Reason.THREAT: Restriction.Reason.THREAT,
}
