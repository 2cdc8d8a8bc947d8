"""People, for the staff. Who may do what is Django's permissions; who is staff is the superusers' to say."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts import admin_team, emails, letters, sessions, signup, team
from accounts.models import AgeRefusal, Mail, MailQuerySet, User
from config.lib.adminkit import ReadOnlyAdmin, StaffAdmin


class MemberCreationForm(AdminUserCreationForm):
    class Meta(AdminUserCreationForm.Meta):
        model = User
        fields = ("email", "username")


class UserAdmin(StaffAdmin, DjangoUserAdmin):
    """A person's form. Who may touch whom, and who hands out which rights, stands in `team`.

    `staff` makes the list of people, with what other apps know of them, and registers it.
    """

    form = admin_team.MemberChangeForm
    add_form = MemberCreationForm
    readonly_fields = ("premium_until", "last_login", "date_joined", "erase_at", "rights")
    fieldsets = (
        (None, {"fields": ("email", "username")}),
        ("Person", {"fields": ("name", "birth_date", "country")}),
        ("Preferences", {"fields": ("theme", "enter_sends", "show_mature")}),
        ("Premium", {"fields": ("premium_until",)}),
        ("Dates", {"fields": ("last_login", "date_joined", "erase_at")}),
    )
    add_fieldsets = ((None, {"classes": ("wide",), "fields": ("email", "username", "password1", "password2")}),)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Write; who is not let in any more is out at once, in every tab."""
        if not change:
            super().save_model(request, obj, form, change)
            return
        admin_team.save(request, obj, form)
        if "is_active" in form.changed_data and not obj.is_active:
            sessions.end(obj)

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        found = super().get_fieldsets(request, obj)
        access = ("Access", {"fields": admin_team.access_fields(request.user, obj)})
        return (*found[:-1], access, found[-1]) if obj else found

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        return (*super().get_readonly_fields(request, obj), *admin_team.read_only_fields(request.user, obj))

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name == "groups" and field is not None:
            field.widget.can_add_related = False  # roles are in the code
        return field

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "groups":
            return admin_team.RolesField(request.user)  # type: ignore[arg-type]  # who is in the console is a User
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    @admin.display(description="Roles")
    def rights(self, user: User) -> str:
        return admin_team.rights_in_words(user)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        """Superusers only, and not their own: a password that one sets for somebody is a way to be them."""
        if not request.user.is_superuser:
            raise PermissionDenied
        if self.get_object(request, unquote(id)) == request.user:
            return redirect("account_change_password")
        return super().user_change_password(request, id, form_url)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Members; and whom on the team this person may touch."""
        within_reach = obj is None or team.may_change(request.user, obj)  # type: ignore[arg-type]
        return super().has_change_permission(request, obj) and within_reach

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Nobody: people are erased, with all that is theirs in every app (`manage.py erase_user`), not deleted."""
        return False

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


class MailStateFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return Mail.State.choices

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.in_state(self.value()) if self.value() in Mail.State.values else queryset


@admin.register(Mail)
class MailAdmin(ReadOnlyAdmin):
    """What was sent to whom, and what was not. What mails say is nobody's to read."""

    list_display = ("created_at", "about", "to", "state_in_words", "error")
    list_filter = (MailStateFilter, "created_at")
    list_select_related = ("user",)
    search_fields = ("=address", "=user__email", "=user__username")
    search_help_text = "The whole e-mail address, or the username"
    ordering = ("-created_at",)
    fields = ("about", "to", "user", "state_in_words", "error", "attempts", "created_at", "sent_at", "good_until")
    actions = ("send_again",)

    @admin.display(description="About")
    def about(self, mail: Mail) -> str:
        return letters.title(mail.template)

    @admin.display(description="State")
    def state_in_words(self, mail: Mail) -> str:
        return mail.state.label

    def has_send_again_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.change_mail")

    @admin.action(description="Send again what was not sent, or perhaps not", permissions=["send_again"])
    def send_again(self, request: HttpRequest, queryset: MailQuerySet) -> None:
        chosen = queryset.count()
        mails = emails.send_again(queryset)
        for mail in mails:
            self.log_change(request, mail, "Sent again.")
        again = len(mails)
        words = "1 mail is" if again == 1 else f"{again} mails are"
        left = f" {chosen - again} were left: sent already, waiting, or of no use any more." if chosen > again else ""
        self.message_user(request, f"{words} sent again.{left}", messages.SUCCESS if again else messages.WARNING)
