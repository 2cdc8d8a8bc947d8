"""The part of a person's form that hands out rights: roles with a sentence each, and what only superusers say."""

from typing import Any

from django import forms
from django.contrib.auth.forms import UserChangeForm
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db.models import Case, Value, When
from django.http import HttpRequest
from django.utils.html import format_html

from accounts import team
from accounts.models import User

RIGHTS = ("is_staff", "is_superuser", "groups", "user_permissions")
DEACTIVATE = "accounts.deactivate_user"


class RolesField(forms.ModelMultipleChoiceField):
    """A box for each group that this person may give or take: the roles first, each with what it is."""

    widget = forms.CheckboxSelectMultiple

    def __init__(self, actor: User, **kwargs: Any) -> None:
        in_order = Case(*(When(name=name, then=Value(at)) for at, name in enumerate(team.ROLES)), default=Value(9))
        groups = Group.objects.filter(team.assignable(actor)).order_by(in_order, "name")
        help_text = (
            "Whoever has one is on the team. The console asks for a second factor and shows what the roles need."
        )
        super().__init__(groups, required=False, label="Roles", help_text=help_text, **kwargs)

    def label_from_instance(self, group: Any) -> str:
        """The name, and the sentence."""
        return format_html("<b>{}</b> {}", team.called(group.name), team.SENTENCES.get(group.name, ""))


class MemberChangeForm(UserChangeForm):
    """A person, as the team changes them."""

    class Meta(UserChangeForm.Meta):
        model = User

    def clean(self) -> dict[str, Any]:
        """Whoever has a role, or all of them, is staff; so who is no staff has none."""
        data = super().clean() or self.cleaned_data
        if "groups" not in self.fields:
            return data
        has_rights = bool(data.get("groups") or data.get("is_superuser") or data.get("user_permissions"))
        if "is_staff" not in self.fields:  # an administrator's form: the roles say it
            self.instance.is_staff = has_rights
        elif has_rights and not data.get("is_staff"):
            if "is_staff" in self.changed_data:
                self.add_error("is_staff", "Take the roles, superuser and permissions away, too.")
            self.instance.is_staff = data["is_staff"] = True
        return data


def access_fields(actor: Any, obj: User | None) -> tuple[str, ...]:
    """What the form shows of somebody's rights, to this person."""
    if obj is None or not team.may_assign(actor, obj):
        return ("is_active", "rights")
    return ("password", "is_active", *RIGHTS) if actor.is_superuser else ("is_active", "groups")


def read_only_fields(actor: Any, obj: User | None) -> tuple[str, ...]:
    """What of it cannot be changed, whatever is sent along."""
    fields: tuple[str, ...] = ("rights",)
    if obj is None or actor.pk == obj.pk or not actor.has_perm(DEACTIVATE):
        fields += ("is_active",)
    if obj is None or not team.may_assign(actor, obj):
        return (*fields, *RIGHTS)
    return fields if actor.is_superuser else (*fields, "is_staff", "is_superuser", "user_permissions")


def rights_in_words(user: User) -> str:
    """ "Editor, Support", "Superuser", or "None: a member"."""
    names = ["Superuser"] if user.is_superuser else []
    names += map(team.called, user.groups.order_by("name").values_list("name", flat=True))
    if user.user_permissions.exists():
        names.append("permissions of their own")
    if names:
        return ", ".join(names)
    return "On the team, without a role: sees nothing" if user.is_staff else "None: a member"


def save(request: HttpRequest, obj: User, form: forms.ModelForm) -> None:
    """Write what was changed, and nothing else: their rights may be others since the page was drawn.

    Raises PermissionDenied when by now they are nobody whom this person may change.
    """
    now = User.objects.select_for_update(no_key=True).get(pk=obj.pk)
    assert isinstance(request.user, User)
    if not team.may_change(request.user, now) or ("groups" in form.fields and not team.may_assign(request.user, now)):
        raise PermissionDenied
    columns = {field.name for field in User._meta.concrete_fields}
    changed = [name for name in form.changed_data if name in columns]
    if "groups" in form.fields and "is_staff" not in changed:
        changed.append("is_staff")  # follows from the roles
    if changed:
        obj.save(update_fields=changed)
