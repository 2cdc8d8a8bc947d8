"""People, for the staff. Who may do what is Django's permissions; who is staff is the superusers' to say."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.contrib.auth.models import Group
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest

from accounts import signup
from accounts.models import AgeRefusal, Consent, PremiumGrant, User
from config.lib.adminkit import StaffAdmin

PRIVILEGES = ("is_staff", "is_superuser", "groups", "user_permissions")


class ReadOnlyInline(admin.TabularInline):
    """Rows that are shown and never touched here."""

    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class PremiumGrantInline(ReadOnlyInline):
    model = PremiumGrant
    fields = ("days", "reason", "granted_at", "revoked_at")


class ConsentInline(ReadOnlyInline):
    model = Consent
    fields = ("document", "version", "given_at")


class PremiumFilter(admin.SimpleListFilter):
    title = "premium"
    parameter_name = "premium"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Active"), ("no", "Not active")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> QuerySet[User]:
        active = Q(premium_until__gt=Now())
        match self.value():
            case "yes":
                return queryset.filter(active)
            case "no":
                return queryset.filter(~active | Q(premium_until=None))
        return queryset


class MemberCreationForm(AdminUserCreationForm):
    class Meta(AdminUserCreationForm.Meta):
        model = User
        fields = ("email", "username")


class MemberChangeForm(UserChangeForm):
    class Meta(UserChangeForm.Meta):
        model = User


@admin.register(Group)
class GroupAdmin(StaffAdmin, DjangoGroupAdmin):
    """Sets of permissions. Whoever edits one that they are in gives themselves what they like: superusers only."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.is_superuser

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.is_superuser

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.is_superuser

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.is_superuser


@admin.register(User)
class UserAdmin(StaffAdmin, DjangoUserAdmin):
    """People. Staff and superusers are changed by superusers only, and only these say who is one."""

    form = MemberChangeForm
    add_form = MemberCreationForm
    list_display = ("username", "email", "premium_until", "date_joined", "is_active", "is_staff")
    list_filter = (PremiumFilter, "is_active", "is_staff", "is_superuser", "date_joined")
    search_fields = ("username", "email", "name")
    ordering = ("-date_joined",)
    readonly_fields = ("premium_until", "last_login", "date_joined")
    inlines = (PremiumGrantInline, ConsentInline)
    fieldsets = (
        (None, {"fields": ("email", "username", "password")}),
        ("Person", {"fields": ("name", "birth_date", "country", "avatar")}),
        ("Preferences", {"fields": ("theme", "enter_sends", "show_mature")}),
        ("Premium", {"fields": ("premium_until",)}),
        ("Access", {"fields": ("is_active", *PRIVILEGES)}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = ((None, {"classes": ("wide",), "fields": ("email", "username", "password1", "password2")}),)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        fields = super().get_readonly_fields(request, obj)
        return fields if request.user.is_superuser else (*fields, *PRIVILEGES)

    def get_inlines(self, request: HttpRequest, obj: User | None) -> Any:
        return self.inlines if obj else ()

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Superusers are changed, and given new passwords, by superusers only."""
        return super().has_change_permission(request, obj) and self._is_within_reach(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_delete_permission(request, obj) and self._is_within_reach(request, obj)

    def _is_within_reach(self, request: HttpRequest, obj: User | None) -> bool:
        return request.user.is_superuser or obj is None or not (obj.is_staff or obj.is_superuser)

    def get_actions(self, request: HttpRequest) -> Any:
        """No bulk delete: it would ask about all the rows at once, not about each."""
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions


@admin.register(AgeRefusal)
class AgeRefusalAdmin(StaffAdmin):
    """For the adult who mistyped a year: found by the whole e-mail address, and deleted."""

    list_display = ("refused_at", "until")
    search_fields = ("=email_hash",)
    search_help_text = "The whole e-mail address"

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        if search_term:
            queryset = queryset.filter(email_hash__in=list(signup.email_hashes(search_term.strip())))
        return queryset, False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
