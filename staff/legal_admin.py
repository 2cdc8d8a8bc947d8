"""Legal pages in the console: written as a draft, looked at beside what is shown now, published once."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.views.decorators.http import require_http_methods, require_safe

from accounts import legal, legal_text
from accounts.models import LegalVersion
from config.lib.adminkit import StaffAdmin
from girls.versions import compare

DOCUMENTS = LegalVersion.Document
HOW = (
    "Markdown: ## heading, - list, **bold**, [words](https://address), tables. No HTML. "
    "{{ site }}, {{ operator }}, {{ email }}, {{ refills }}, {{ model_host }} and {{ browser_check }} are filled in."
)


class DraftForm(forms.ModelForm):
    """A draft. Who saves over what somebody else wrote meanwhile is told before."""

    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = LegalVersion
        fields = ("document", "summary", "material", "text")
        help_texts = {"text": HOW, "material": "Members agree to it before they go on. Leave it off for typos."}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk and "seen" in self.fields:
            self.fields["seen"].initial = self.instance.stamp

    def clean_text(self) -> str:
        text: str = self.cleaned_data["text"]
        if unknown := legal_text.unknown_names(text):
            raise forms.ValidationError(f"Nobody knows {{{{ {unknown[0]} }}}}. {HOW}")
        return text

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if self.instance.pk and data.get("seen") != self.instance.stamp:
            raise forms.ValidationError(
                "Somebody else saved this draft meanwhile. Copy what you wrote, and open it again.", code="stale"
            )
        if data.get("material") and not (data.get("summary") or "").strip():
            self.add_error("summary", "Say what changed: everybody who is asked reads it.")
        return data


class LegalVersionAdmin(StaffAdmin):
    """All versions, the newest first. What was published is to be looked at."""

    form = DraftForm
    list_display = ("called", "state", "material", "published_at", "published_by", "written_at")
    list_filter = ("document",)
    list_select_related = ("published_by",)
    ordering = ("-pk",)
    actions = None

    @admin.display(description="Page")
    def called(self, row: LegalVersion) -> str:
        return str(row)

    @admin.display(description="State")
    def state(self, row: LegalVersion) -> str:
        if not row.is_published:
            return "Draft"
        return "Current" if legal.standing().current[row.document].version == row.version else "Earlier"

    def get_fieldsets(self, request: HttpRequest, obj: LegalVersion | None = None) -> Any:
        names = ["document", "summary", "material", "text"]
        if self.has_change_permission(request, obj) if obj else True:
            names.append("seen")
        return ((None, {"fields": names}),)

    def get_readonly_fields(self, request: HttpRequest, obj: LegalVersion | None = None) -> Any:
        return ("document",) if obj else ()  # a draft stays one of its page

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """A new draft begins with what is shown now, or with what came with the site (`?from=site`)."""
        document = request.GET.get("document")
        if document not in DOCUMENTS.values:
            document = DOCUMENTS.TERMS.value
        from_site = request.GET.get("from") == "site"
        text = legal.shipped(document)[-1].text if from_site else legal.look().current[document].text
        return {"document": document, "text": text}

    def save_model(self, request: HttpRequest, obj: LegalVersion, form: Any, change: bool) -> None:
        obj.written_by = request.user  # type: ignore[assignment]  # who is in the console is a User
        obj.save()

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """The row; on the way to being changed under its lock, so that of two who save at once one sees the other."""
        row = super().get_object(request, object_id, from_field)
        if row is None or request.method != "POST":
            return row
        return LegalVersion.objects.select_for_update().get(pk=row.pk)

    def has_change_permission(self, request: HttpRequest, obj: LegalVersion | None = None) -> bool:
        """Of drafts only: what was published never changes."""
        return super().has_change_permission(request, obj) and (obj is None or not obj.is_published)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody: people agreed to it."""
        return False

    def response_add(self, request: HttpRequest, obj: LegalVersion, post_url_continue: str | None = None) -> Any:
        """On to how it looks."""
        if {"_continue", "_addanother"} & set(request.POST):
            return super().response_add(request, obj, post_url_continue)
        return HttpResponseRedirect(reverse("admin:accounts_legalversion_look", args=[obj.pk]))

    def response_change(self, request: HttpRequest, obj: LegalVersion) -> Any:
        """The same."""
        if {"_continue", "_addanother"} & set(request.POST):
            return super().response_change(request, obj)
        return HttpResponseRedirect(reverse("admin:accounts_legalversion_look", args=[obj.pk]))

    def get_urls(self) -> list[Any]:
        door: Callable[..., Any] = self.admin_site.admin_view
        pages = [
            path("<int:pk>/look/", door(require_safe(self.look)), name="accounts_legalversion_look"),
            path(
                "<int:pk>/publish/",
                door(require_http_methods(["GET", "HEAD", "POST"])(self.publish)),
                name="accounts_legalversion_publish",
            ),
        ]
        return [*pages, *super().get_urls()]

    def look(self, request: HttpRequest, pk: int) -> HttpResponse:
        """How it looks, and what it changes from the version `?with=<its name>`: else the one before it."""
        row = self._row(request, pk)
        others = self._others(row)
        asked = request.GET.get("with")
        before = next((found for key, _, found in others if key == asked), None)
        if asked and before is None:
            raise Http404
        before = before or others[0][2]
        context = {
            "words": legal_text.to_html(row.text),
            "others": [(key, label, found is before) for key, label, found in others],
            "before": before,
            "parts": compare(before.text, row.text),
            "may_edit": self.has_change_permission(request, row),
        }
        return self._page(request, row, "look.html", **context)

    def publish(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Asks once more, then publishes it."""
        row = self._row(request, pk)
        if not super().has_change_permission(request, row):
            raise PermissionDenied
        if request.method != "POST":
            asked = legal.how_many_are_asked() if row.material else 0
            return self._page(request, row, "publish.html", asked=asked)
        try:
            with transaction.atomic():
                published = legal.publish(row.pk, by=request.user, seen=request.POST.get("seen", ""))
                after = {"version": published.version, "material": published.material, "summary": published.summary}
                self.log_change(request, published, "Published.", before={"version": ""}, after=after)
        except legal.NotPublished as error:
            self.message_user(request, error.reason, messages.ERROR)
            return HttpResponseRedirect(reverse("admin:accounts_legalversion_look", args=[row.pk]))
        words = f"{published} is published." + (" Members are asked within a minute." if published.material else "")
        self.message_user(request, words)
        return HttpResponseRedirect(reverse("admin:accounts_legalversion_changelist"))

    def _row(self, request: HttpRequest, pk: int) -> LegalVersion:
        row = get_object_or_404(LegalVersion, pk=pk)
        if not self.has_view_permission(request, row):
            raise PermissionDenied
        return row

    def _others(self, row: LegalVersion) -> list[tuple[str, str, legal.Version]]:
        """What it can be held against, the likeliest first: key, label, version."""
        history = legal.look().history[row.document]
        if row.is_published:
            place = next(n for n, found in enumerate(history) if found.version == row.version)
            history = [*history[place + 1 :], *history[:place]]
        newest = legal.shipped(row.document)[-1]
        shown = [(found.version, found.version, found) for found in history]
        return [*shown, ("site", f"What came with this release ({newest.version})", newest)]

    def _page(self, request: HttpRequest, row: LegalVersion, template: str, **context: Any) -> HttpResponse:
        request.current_app = self.admin_site.name
        about = {"opts": self.opts, "row": row, "original": row, "title": str(row)}
        return TemplateResponse(
            request,
            f"admin/accounts/legalversion/{template}",
            {**self.admin_site.each_context(request), **about, **context},
        )
