"""The staff's look at uploads: what came, what became of it, and why something was not taken."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from config.lib.adminkit import ReadOnlyAdmin
from media.models import Upload


@admin.register(Upload)
class UploadAdmin(ReadOnlyAdmin):
    """Uploads of the last month. The file's name is its owner's; no key of the storage is shown."""

    list_display = ("called", "purpose", "owner", "kind", "state", "error", "attempts", "created_at")
    list_filter = ("state", "purpose", "kind", "created_at")
    list_select_related = ("owner",)
    list_per_page = 50
    search_fields = ("name", "owner__email", "owner__username")
    ordering = ("-created_at",)
    fields = (
        "called",
        "purpose",
        "owner",
        "kind",
        "content_type",
        "state",
        "error",
        "attempts",
        "due_at",
        "created_at",
    )
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Upload]:
        return super().get_queryset(request).defer("target")

    @admin.display(description="file", ordering="name")
    def called(self, upload: Upload) -> str:
        return upload.name or "Without a name"
