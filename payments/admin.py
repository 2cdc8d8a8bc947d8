"""The staff's window on money: what was bought, what Stripe told us, what can be sold, and days of premium by hand."""

import uuid
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join

from accounts import premium
from accounts.models import PremiumGrant, User
from config.lib.adminkit import ReadOnlyAdmin, StaffAdmin
from payments import catalog, fulfilment, money, webhooks
from payments.base import ProcessorError
from payments.models import CatalogCache, Purchase, StripeEvent


class AskableAdmin(ReadOnlyAdmin):
    """Rows that only the product writes, and that staff may have it look into again."""

    def has_process_permission(self, request: HttpRequest) -> bool:
        """Who may: the permission to change, which changes nothing by hand."""
        return admin.ModelAdmin.has_change_permission(self, request)


@admin.register(Purchase)
class PurchaseAdmin(AskableAdmin):
    """What was bought and what became of it."""

    list_display = ("order", "user", "title", "price", "status_label", "paid_at", "problem", "created_at")
    list_filter = ("status", ("problem", admin.EmptyFieldListFilter), "created_at", "product_id")
    list_select_related = ("user",)
    search_fields = ("=id", "=session_id", "=payment_intent_id", "user__email", "user__username")
    exclude = ("click", "revision")
    date_hierarchy = "created_at"
    show_full_result_count = False
    actions = ("ask_again",)

    @admin.action(description="Ask Stripe again how the chosen purchases stand", permissions=["process"])
    def ask_again(self, request: HttpRequest, queryset: QuerySet[Purchase]) -> None:
        for purchase in queryset:
            try:
                settled = fulfilment.settle(purchase.pk)
            except (ProcessorError, fulfilment.PaymentRefused, fulfilment.Overtaken) as error:
                self.message_user(request, f"{purchase.order}: {type(error).__name__}. {error}", messages.ERROR)
                self.log_change(request, purchase, f"Asked Stripe again: {type(error).__name__}.")
            else:
                self.message_user(request, f"{purchase.order}: {settled.status_label}.")
                self.log_change(request, purchase, f"Asked Stripe again: {settled.status_label}.")


class StateFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("parked", "Needs you"), ("waiting", "Waiting"), ("done", "Processed")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[StripeEvent]) -> QuerySet[StripeEvent]:
        wanted = {
            "parked": Q(processed_at=None, due_at=None),
            "waiting": Q(processed_at=None, due_at__isnull=False),
            "done": Q(processed_at__isnull=False),
        }
        return queryset.filter(wanted.get(self.value() or "", Q()))


@admin.register(StripeEvent)
class StripeEventAdmin(AskableAdmin):
    """What Stripe told us, and whether it was understood."""

    list_display = ("id", "type", "received_at", "processed_at", "attempts", "due_at", "error")
    list_filter = (StateFilter, "type", "received_at")
    search_fields = ("=id", "=session_id", "=payment_intent_id")
    show_full_result_count = False
    actions = ("process_again",)

    @admin.action(description="Process again", permissions=["process"])
    def process_again(self, request: HttpRequest, queryset: QuerySet[StripeEvent]) -> None:
        for event in queryset:
            event = webhooks.process_again(event.pk)
            if event.processed_at:
                self.message_user(request, f"{event.pk} is processed.")
            else:
                self.message_user(request, f"{event.pk}: {event.error}", messages.ERROR)
            self.log_change(request, event, f"Processed again: {event.error or 'done'}")


@admin.register(CatalogCache)
class CatalogAdmin(AskableAdmin):
    """What is on sale, what cannot be, and why."""

    list_display = ("__str__", "refreshed_at", "on_sale", "not_on_sale", "error")
    fields = ("refreshed_at", "on_sale", "not_on_sale", "error")
    readonly_fields = ("on_sale", "not_on_sale")
    actions = ("refresh_now",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[CatalogCache]:
        CatalogCache.objects.get_or_create(pk=1)
        return super().get_queryset(request)

    @admin.display(description="on sale")
    def on_sale(self, row: CatalogCache) -> str:
        shown = ((p["name"], p["product_id"], money.formatted(p["amount"], p["currency"])) for p in row.plans)
        return format_html_join("", "<p>{} ({}): {}</p>", shown)

    @admin.display(description="cannot be sold")
    def not_on_sale(self, row: CatalogCache) -> str:
        shown = ((p["name"], p["product_id"], p["reason"]) for p in row.unsellable)
        return format_html_join("", "<p>{} ({}): {}</p>", shown)

    @admin.action(description="Refresh now", permissions=["process"])
    def refresh_now(self, request: HttpRequest, queryset: QuerySet[CatalogCache]) -> None:
        row = catalog.refresh()
        if row.error:
            self.message_user(request, f"The catalog was not refreshed. {row.error}", messages.ERROR)
        else:
            self.message_user(request, f"{len(row.plans)} on sale, {len(row.unsellable)} cannot be sold.")
        self.log_change(request, row, f"Refreshed: {row.error or 'done'}")


class GrantForm(forms.ModelForm):
    """Days for somebody, and why."""

    days = forms.IntegerField(min_value=1, max_value=premium.MAX_DAYS)
    why = forms.CharField(max_length=200, help_text="Kept in the history of this grant and of the member.")

    class Meta:
        model = PremiumGrant
        fields = ("user", "days")


class RevokeForm(forms.ModelForm):
    """Whether a grant counts, and why that changes."""

    revoked = forms.BooleanField(required=False, help_text="Take these days back; untick to give them back.")
    why = forms.CharField(max_length=200, help_text="Kept in the history of this grant and of the member.")

    class Meta:
        model = PremiumGrant
        fields: tuple[str, ...] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial.setdefault("revoked", self.instance.revoked_at is not None)


@admin.register(PremiumGrant)
class PremiumGrantAdmin(StaffAdmin):
    """Premium by hand: given, taken back, given back; each time with a reason, and never without a trace.

    To others: only a superuser does it to themselves.
    """

    list_display = ("user", "days", "granted_at", "revoked_at", "reason")
    list_filter = (("revoked_at", admin.EmptyFieldListFilter), "granted_at")
    list_select_related = ("user",)
    search_fields = ("user__email", "user__username", "reason")
    autocomplete_fields = ("user",)
    ordering = ("-granted_at",)
    show_full_result_count = False

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change, form=RevokeForm if change else GrantForm, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ("user", "days", "why")
        shown = ("user", "days", "reason", "granted_at", "revoked_at")
        return (*shown, "revoked", "why") if self.has_change_permission(request, obj) else shown

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("user", "days", "reason", "granted_at", "revoked_at") if obj else ()

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "user" and not request.user.is_superuser:
            kwargs["queryset"] = User.objects.exclude(pk=request.user.pk or 0)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def has_change_permission(self, request: HttpRequest, obj: PremiumGrant | None = None) -> bool:
        is_own = obj is not None and obj.user_id == request.user.pk and not request.user.is_superuser
        return super().has_change_permission(request, obj) and not is_own

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """The book is not torn; what was wrong is taken back."""
        return False

    def save_model(self, request: HttpRequest, obj: PremiumGrant, form: Any, change: bool) -> None:
        if not change:
            given = premium.grant(obj.user, obj.days, f"staff:{uuid.uuid4()}")
        elif form.cleaned_data["revoked"]:
            given = premium.revoke(obj.reason)
        else:
            given = premium.restore(obj.reason)
        for field in given._meta.concrete_fields:
            setattr(obj, field.attname, getattr(given, field.attname))

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        """What happened, and why: for the history."""
        taken = form.cleaned_data.get("revoked")
        deed = "Gave" if add else "Took back" if taken else "Gave back"
        return f"{deed} {form.instance.days} days: {form.cleaned_data['why']}"

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        self.log_change(request, obj.user, message)
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        if isinstance(obj, PremiumGrant):
            super().log_change(request, obj.user, message)
        return super().log_change(request, obj, message)
