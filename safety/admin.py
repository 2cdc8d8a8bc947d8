"""The helplines, for whoever of the team checks them."""

from typing import Any

from django.contrib import admin
from django.db.models import URLField
from django.http import HttpRequest
from django.utils import timezone

from config.lib.adminkit import StaffAdmin
from safety import helplines
from safety.models import Helpline

NUMBERS = {"country", "kind", "display", "tel", "sms", "sms_word", "chat_url"}  # what a check was of


@admin.register(Helpline)
class HelplineAdmin(StaffAdmin):
    """Lines by country: correct them, hide them, say that you checked them. None is deleted: the next release would
    bring it back."""

    list_display = ("name", "country", "kind", "display", "sms", "is_checked", "verified_at", "verified_by", "shown")
    list_filter = ("status", "kind", "country")
    search_fields = ("name",)
    readonly_fields = ("status", "verified_at", "verified_by", "release")
    actions = ("i_checked",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes; what is not shown is not said either."""
        return False

    def formfield_for_dbfield(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        """An address without a scheme is meant with https, as from Django 6 on."""
        more = {"assume_scheme": "https"} if isinstance(db_field, URLField) else {}
        return super().formfield_for_dbfield(db_field, request, **kwargs | more)

    def save_model(self, request: HttpRequest, obj: Helpline, form: Any, change: bool) -> None:
        """Another number is to be checked anew."""
        if NUMBERS & set(form.changed_data):
            obj.status = Helpline.Status.UNCHECKED
        super().save_model(request, obj, form, change)
        helplines.forget()

    @admin.display(description="check")
    def is_checked(self, line: Helpline) -> str:
        if line.status != Helpline.Status.CHECKED:
            return "To be checked"
        return "Older than a year" if line.needs_a_check else "Checked"

    @admin.display(description="this release says", empty_value="the same")
    def release(self, line: Helpline) -> str | None:
        said = line.said
        return "; ".join(f"{k}: {v or 'nothing'}" for k, v in (line.shipped or {}).items() if v != said[k]) or None

    @admin.action(description="I checked it on the line’s own site", permissions=["change"])
    def i_checked(self, request: HttpRequest, queryset: Any) -> None:
        today = timezone.now().date()
        for line in queryset:
            before = {"status": line.status, "verified_at": line.verified_at, "verified_by": line.verified_by}
            after = {"status": "checked", "verified_at": today, "verified_by": request.user.username}
            Helpline.objects.filter(pk=line.pk).update(**after)
            self.log_change(request, line, "Checked on the line’s own site.", before=before, after=after)
        helplines.forget()
