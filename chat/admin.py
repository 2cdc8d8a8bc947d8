"""The staff's window on conversations: that they are and how replies went, never what was said."""

from django.contrib import admin

from chat.models import Conversation, Reply
from config.lib.adminkit import ReadOnlyAdmin


@admin.register(Conversation)
class ConversationAdmin(ReadOnlyAdmin):
    """Who talks with whom, and what is left for free."""

    list_display = ["user", "girl", "last_message_at", "free_text", "last_seq", "deleted_at"]
    list_select_related = ["user", "girl"]
    list_filter = ["girl"]
    search_fields = ["=id", "user__email", "user__username"]
    exclude = ["last_message_preview", "last_message_sender"]
    ordering = ["-last_message_at"]
    show_full_result_count = False


@admin.register(Reply)
class ReplyAdmin(ReadOnlyAdmin):
    """How each reply went: which host, how long, and why it failed."""

    list_display = ["id", "state", "provider", "attempts", "first_token_ms", "total_ms", "error", "created_at"]
    list_filter = ["state", "provider", "created_at"]
    search_fields = ["=id", "=conversation__id"]
    exclude = ["text", "message", "lease_token"]
    raw_id_fields = ["conversation"]
    ordering = ["-created_at"]
    show_full_result_count = False
