"""The staff's window on money: what was bought, what Stripe told us, what can be sold, and days of premium by hand."""

import uuid
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.views.decorators.http import require_POST

from accounts import premium
from accounts.models import PremiumGrant, User
from config.lib import spreadsheet
from config.lib.adminkit import ReadOnlyAdmin, StaffAdmin
from config.lib.doors import kept_by_nobody
from payments import catalog, fulfilment, ledger, money, stripe_shapes, webhooks
from payments.base import ProcessorError
from payments.models import CatalogCache, Purchase, StripeEvent
from payments.processor import is_scripted

CSV = "text/csv; charset=utf-8"


class AskableAdmin(ReadOnlyAdmin):
    """Rows that only the product writes, and that staff may have it look into again."""

    def has_process_permission(self, request: HttpRequest) -> bool:
        """Who may: the permission to change, which changes nothing by hand."""
        return admin.ModelAdmin.has_change_permission(self, request)


@admin.register(Purchase)
class PurchaseAdmin(AskableAdmin):
    """What was bought and what became of it."""

    list_display = ("order", "user", "title", "price", "state", "paid_at", "problem", "created_at")
    list_filter = ("status", ("problem", admin.EmptyFieldListFilter), "created_at", "product_id")
    list_select_related = ("user",)
    search_fields = ("=id", "=session_id", "=payment_intent_id", "user__email", "user__username")
    fields = (
        *("user", "name", "state", "price", "refunded", "problem", "stripe_said", "at_stripe"),
        *("paid_at", "method", "receipt_url", "product_id", "price_id", "duration_days", "features"),
        *("session_id", "payment_intent_id", "consented_at", "created_at", "expires_at", "pseudonym", "snapshot"),
    )
    readonly_fields = ("state", "price", "refunded", "stripe_said", "at_stripe")
    date_hierarchy = "created_at"
    show_full_result_count = False
    actions = ("ask_again",)

    @admin.display(description="Status", ordering="status")
    def state(self, row: Purchase) -> str:
        return row.status_label

    @admin.display(description="Refunded")
    def refunded(self, row: Purchase) -> str:
        return money.formatted(row.amount_refunded, row.currency)

    @admin.display(description="What Stripe said", empty_value="-")
    def stripe_said(self, row: Purchase) -> str | None:
        return format_html_join("", "<p>{}</p>", ((text,) for text in stripe_shapes.words(row.snapshot))) or None

    @admin.display(description="At Stripe", empty_value="-")
    def at_stripe(self, row: Purchase) -> str | None:
        url = "" if is_scripted() else stripe_shapes.dashboard_url(row.snapshot, row.payment_intent_id)
        words = "See it, or refund it, at Stripe" if row.status == Purchase.Status.PAID else "See it at Stripe"
        return format_html('<a href="{}" target="_blank" rel="noopener noreferrer">{}</a>', url, words) if url else None

    def get_urls(self) -> list[Any]:
        """Django's, and the sums and the export."""
        here = self.admin_site.admin_view
        return [
            path("totals/", here(self.totals), name="payments_purchase_totals"),
            path("export/", here(require_POST(self.export)), name="payments_purchase_export"),
            *super().get_urls(),
        ]

    def totals(self, request: HttpRequest) -> HttpResponse:
        """What was sold by month, and what became of it since."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = {"months": ledger.by_month(), "altogether": ledger.altogether(), "title": "Totals", "opts": self.opts}
        page = TemplateResponse(
            request, "admin/payments/purchase/totals.html", {**self.admin_site.each_context(request), **context}
        )
        return kept_by_nobody(page)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """The list, with what leads on from it."""
        return super().changelist_view(
            request, {**(extra_context or {}), "may_export": self.has_export_permission(request)}
        )

    def has_export_permission(self, request: HttpRequest) -> bool:
        """Who may take the book along."""
        return self.has_view_permission(request) and request.user.has_perm("payments.export_purchase")

    def export(self, request: HttpRequest) -> HttpResponseBase:
        """What the list shows with these filters, all pages of it, as CSV."""
        if not self.has_export_permission(request):
            raise PermissionDenied
        try:
            purchases = self.get_changelist_instance(request).queryset
        except IncorrectLookupParameters:
            return redirect("admin:payments_purchase_changelist")
        asked = {name: value[:200] for name, value in request.GET.items()}
        book = ContentType.objects.get_for_model(Purchase)
        told = {"filters": asked, "rows": purchases.count()}
        self.admin_site.record(request, book, "Exported payments as CSV", after=told)  # type: ignore[attr-defined]
        file = StreamingHttpResponse(spreadsheet.rows(ledger.COLUMNS, ledger.lines(purchases)), content_type=CSV)
        file["Content-Disposition"] = f'attachment; filename="payments-{timezone.now():%Y-%m-%d}.csv"'
        return kept_by_nobody(file)

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

    def log_change(self, request: HttpRequest, obj: Any, message: Any, **values: Any) -> Any:
        if isinstance(obj, PremiumGrant):
            super().log_change(request, obj.user, message, **values)
        return super().log_change(request, obj, message, **values)
