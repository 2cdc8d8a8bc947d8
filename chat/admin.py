"""The staff's window on conversations: that they are and how replies went, never what was said."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from chat import resetting, revealing
from chat.models import Conversation, Reply
from config.lib.adminkit import ReadOnlyAdmin
from config.lib.doors import kept_by_nobody

REPLIES = 20  # on a conversation's page
HOW_IT_WENT = ("state", "provider", "model", "attempts", "tokens_in", "tokens_out", "first_token_ms", "total_ms")

MOST_AT_ONCE = 1000  # conversations that are reset in a request, each with its line in the audit; more by the command
TOGETHER = 50  # of them in one transaction, and as long under their locks
NUMBERS = ("free_text", "free_media", "free_audio")


class ResetForm(forms.Form):
    """What staff reset, to which number, and why."""

    kinds = forms.MultipleChoiceField(
        label="What",
        choices=[("text", "Messages"), ("media", "Photos"), ("audio", "Voice notes")],
        initial=list(resetting.KINDS),
        widget=forms.CheckboxSelectMultiple,
    )
    to = forms.IntegerField(
        label="Set to",
        required=False,
        min_value=0,
        max_value=resetting.MOST,
        help_text="Empty: up to what a new conversation has, and whoever has more keeps it.",
    )
    only_exhausted = forms.BooleanField(label="Only what is used up", required=False)
    reason = forms.CharField(
        label="Reason",
        min_length=10,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Kept in the audit. For the team, so name the ticket rather than quoting the member.",
    )

    def wish(self) -> resetting.Wish:
        """What was asked for."""
        asked = self.cleaned_data
        return resetting.Wish(tuple(asked["kinds"]), asked["to"], asked["only_exhausted"])


class Resets(ReadOnlyAdmin):
    """Conversations whose free messages staff fill up."""

    actions = ["reset_quotas"]

    def has_reset_permission(self, request: HttpRequest) -> bool:
        """Who may fill free messages up."""
        return request.user.has_perm("chat.reset_quotas")

    @admin.action(description="Reset free messages", permissions=["reset"])
    def reset_quotas(self, request: HttpRequest, queryset: QuerySet[Conversation]) -> Any:
        """Ask what, to which number and why; then do it, each with its line in the audit. Not to one's own."""
        others = queryset.exclude(user_id=request.user.pk or 0)
        chosen = list(others.values_list("pk", flat=True)[: MOST_AT_ONCE + 1])
        if not chosen:
            self.message_user(request, "Your own are for somebody else on the team to reset.", messages.ERROR)
            return None
        if len(chosen) > MOST_AT_ONCE:
            words = f"That is more than {MOST_AT_ONCE:,} at once. Use manage.py reset_quotas for so many."
            self.message_user(request, words, messages.ERROR)
            return None
        form = ResetForm(request.POST if "confirmed" in request.POST else None)
        if not form.is_valid():
            context = {"form": form, "chosen": chosen, "opts": self.opts, "action_checkbox_name": ACTION_CHECKBOX_NAME}
            page = {**self.admin_site.each_context(request), **context}
            return TemplateResponse(request, "admin/chat/conversation/reset_quotas.html", page)
        wish, reason = form.wish(), form.cleaned_data["reason"]
        changed = 0
        for start in range(0, len(chosen), TOGETHER):
            changed += self._reset(request, chosen[start : start + TOGETHER], wish, reason)
        words = f"{changed:,} of {len(chosen):,} were reset" if changed else "Nothing had to change"
        self.message_user(request, f"{words}.", messages.SUCCESS)
        return None

    def _reset(self, request: HttpRequest, chosen: list[Any], wish: resetting.Wish, reason: str) -> int:
        with transaction.atomic():
            rows = Conversation.objects.filter(wish.needing(), pk__in=chosen).order_by("pk")
            before = {row.pk: _numbers(row) for row in rows.select_for_update(of=("self",))}
            changed = resetting.reset(Conversation.objects.filter(pk__in=before), wish)
            for row in Conversation.objects.filter(pk__in=before):
                told = {"before": before[row.pk], "after": _numbers(row), "reason": reason}
                self.admin_site.record(request, row, "Reset free messages", **told)  # type: ignore[attr-defined]
        return changed


def _numbers(conversation: Conversation) -> dict[str, int]:
    return {name: getattr(conversation, name) for name in NUMBERS}


@admin.register(Conversation)
class ConversationAdmin(Resets):
    """Who talks with whom, and what is left for free. What was said is hidden: see `revealing`."""

    list_display = ["user", "girl", "last_message_at", "messages_left", "said", "deleted_at"]
    list_select_related = ["user", "girl"]
    list_filter = ["girl"]
    search_fields = ["=id", "user__email", "user__username"]
    fields = (
        *("user", "girl", "messages_left", "photos_left", "voice_notes_left"),
        *("said", "created_at", "last_message_at", "deleted_at"),
    )
    readonly_fields = fields
    ordering = ["-last_message_at"]

    @admin.display(description="free messages left", ordering="free_text")
    def messages_left(self, conversation: Conversation) -> int:
        """Of each kind, what is left."""
        return conversation.free_text

    @admin.display(description="free photos left")
    def photos_left(self, conversation: Conversation) -> int:
        """The same."""
        return conversation.free_media

    @admin.display(description="free voice notes left")
    def voice_notes_left(self, conversation: Conversation) -> int:
        """The same."""
        return conversation.free_audio

    @admin.display(description="messages", ordering="last_seq")
    def said(self, conversation: Conversation) -> int:
        """How many were ever written in it."""
        return conversation.last_seq

    def get_urls(self) -> list[Any]:
        """Beside Django's: the question why, and what was said."""
        at, name = "<uuid:pk>", "chat_conversation"
        reveal = require_http_methods(["GET", "HEAD", "POST"])(self.reveal)
        words = require_safe(self.words)
        return [
            path(f"{at}/reveal/", self.admin_site.admin_view(reveal), name=f"{name}_reveal"),
            path(f"{at}/words/", self.admin_site.admin_view(words), name=f"{name}_words"),
            *super().get_urls(),
        ]

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        """The facts: counts, what is free, how replies went; and for moderators the way to what was said."""
        conversation = self.get_object(request, object_id)
        about = {**(extra_context or {}), "may_read": request.user.has_perm(revealing.MAY_READ)}
        if conversation and request.user.has_perm("chat.view_reply"):
            newest = conversation.replies.order_by("-version", "-created_at")
            about["replies"] = newest.only("created_at", "error", *HOW_IT_WENT)[:REPLIES]
        return super().change_view(request, object_id, form_url, about)

    def reveal(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Ask why; write it down; then show what was said, for a while. Raises PermissionDenied and Http404."""
        conversation = self._to_read(request, pk)
        if conversation.deleted_at:
            messages.warning(request, "Its member deleted it. Nobody reads it any more.")
            return redirect("admin:chat_conversation_change", pk)
        form = revealing.RevealForm(request.POST or None)
        if form.is_valid():
            said = f"Read a conversation: with {conversation.girl}, {conversation.last_seq} messages"
            self.log_change(request, conversation, said, reason=form.cleaned_data["reason"])
            revealing.open_for(request, conversation)
            return redirect("admin:chat_conversation_words", pk)
        about = {**self._about(request, conversation), "form": form, "minutes": revealing.LASTS.seconds // 60}
        return kept_by_nobody(TemplateResponse(request, "chat/console/reveal.html", about))

    def words(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """What was said, as text, while it is open to this session. Raises PermissionDenied and Http404."""
        conversation = self._to_read(request, pk)
        left = revealing.closes_in(request, conversation)
        if left is None or conversation.deleted_at:
            return redirect("admin:chat_conversation_reveal", pk)
        asked = request.GET.get("before", "")
        before = int(asked) if asked.isascii() and asked.isdecimal() and len(asked) < 19 else None
        said, earlier = revealing.page(conversation, before)
        about = {
            **self._about(request, conversation),
            "said": said,
            "earlier": earlier,
            "is_newest": before is None,
            "closes_at": timezone.now() + left,
        }
        return kept_by_nobody(TemplateResponse(request, "chat/console/words.html", about))

    def _to_read(self, request: HttpRequest, pk: UUID) -> Conversation:
        if not (self.has_view_permission(request) and request.user.has_perm(revealing.MAY_READ)):
            raise PermissionDenied
        found = Conversation.objects.select_related("girl", "user").filter(pk=pk).first()
        if found is None:
            raise Http404
        return found

    def _about(self, request: HttpRequest, conversation: Conversation) -> dict[str, Any]:
        title = f"{conversation.user} and {conversation.girl}"
        back = reverse("admin:chat_conversation_change", args=[conversation.pk])
        return {
            **self.admin_site.each_context(request),
            "title": title,
            "conversation": conversation,
            "opts": self.opts,
            "back": back,
        }


class HostFilter(admin.SimpleListFilter):
    """Which host wrote it. Django's own filter would read every reply to find out which there are."""

    title = "host"
    parameter_name = "provider"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """What one may choose."""
        return [("primary", "Primary"), ("fallback", "Fallback"), ("scripted", "Scripted")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Reply]) -> QuerySet[Reply]:
        """Those of the host that was chosen."""
        return queryset.filter(provider=self.value()) if self.value() else queryset


@admin.register(Reply)
class ReplyAdmin(ReadOnlyAdmin):
    """How each reply went: which host, how long, and why it failed."""

    list_display = ["id", "state", "provider", "attempts", "first_token_ms", "total_ms", "error", "created_at"]
    list_filter = ["state", HostFilter, "created_at"]
    search_fields = ["=id", "=conversation__id"]
    exclude = ["text", "message", "lease_token"]
    raw_id_fields = ["conversation"]
    ordering = ["-finished_at"]  # there is an index of it; those that are owed come first
    show_full_result_count = False
