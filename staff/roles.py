"""What each role may do: the one table, which `manage.py migrate` and `manage.py sync_roles` write into the database.

A role is a group of Django's. Lines are tables, letters are verbs: `v` view, `a` add, `c` change, `d` delete. Of rows
that only the product writes, "change" presses a button (send a mail again, ask Stripe again). Below the tables stand
the permissions that have a name of their own. The administrator may do whatever there is, in pages to come, too.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.db import transaction
from django.db.models import Model

from accounts.team import ADMINISTRATOR, EDITOR, MODERATOR, ROLES, SUPPORT, may_assign, may_change

__all__ = ["may_assign", "may_change", "permissions", "sync"]  # who may touch whom is accounts' to say

OURS = ("accounts", "media", "girls", "chat", "payments", "safety", "staff")
VERBS = {"v": "view", "a": "add", "c": "change", "d": "delete"}
TABLE: dict[str, tuple[str, ...]] = {
    EDITOR: (
        *("girls.girl vacd", "girls.media vacd"),
        *("girls.try_persona", "staff.view_overview"),
    ),
    MODERATOR: (
        *("accounts.user v", "chat.conversation v", "chat.reply v", "girls.media v", "safety.helpline vac"),
        *("safety.report v", "safety.count v", "safety.review_report", "safety.read_evidence"),
        *("accounts.restriction v", "accounts.restrict_user"),
        *("chat.read_conversation", "staff.view_overview"),
    ),
    SUPPORT: (
        *("accounts.user vc", "accounts.premiumgrant vac", "accounts.consent v"),
        *("accounts.mail vc", "accounts.agerefusal vd", "media.upload v", "girls.like v"),
        *("chat.conversation v", "chat.reply v"),
        *("payments.purchase v", "payments.stripeevent v", "payments.catalogcache v"),
        *("staff.export vc", "staff.erasure vc"),
        *("accounts.end_sessions", "accounts.deactivate_user", "accounts.erase_user"),
        *("chat.reset_quotas", "staff.view_overview"),
    ),
}
BESIDES = ("auth.view_group",)  # of tables that are not ours, for the administrator


class UnknownPermission(Exception):
    """The table names what no model has."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a sync found wrong with one role."""

    role: str
    is_new: bool
    gives: tuple[str, ...]
    takes: tuple[str, ...]


def permissions(role: str) -> frozenset[str]:
    """What a role may do, as Django writes it: `girls.change_girl`."""
    if role == ADMINISTRATOR:
        return frozenset(name for app in OURS for model in apps.get_app_config(app).get_models() for name in _of(model))
    return frozenset(name for line in TABLE[role] for name in _written_out(line))


def _of(model: type[Model]) -> Iterable[str]:
    meta = model._meta
    yield from (f"{meta.app_label}.{verb}_{meta.model_name}" for verb in meta.default_permissions)
    yield from (f"{meta.app_label}.{codename}" for codename, _ in meta.permissions)


def _written_out(line: str) -> Iterable[str]:
    name, _, letters = line.partition(" ")
    app, _, rest = name.partition(".")
    return [f"{app}.{VERBS[letter]}_{rest}" for letter in letters] if letters else [name]


@transaction.atomic
def sync(*, write: bool = True, using: str = "default", skip_unknown: bool = False) -> list[Change]:
    """Make the groups be as the table says, and say what was different. Once done, again changes nothing.

    Raises UnknownPermission, unless told to skip: while only some of the migrations are applied.
    """
    known = {
        f"{row.content_type.app_label}.{row.codename}": row
        for row in Permission.objects.using(using).select_related("content_type").order_by("pk")
    }
    changes = []
    for role in ROLES:
        wanted = permissions(role) | (set(BESIDES) if role == ADMINISTRATOR else set())
        if unknown := sorted(wanted - known.keys()):
            if not skip_unknown:
                raise UnknownPermission(f"{role}: there is no permission {', '.join(unknown)}.")
            wanted -= set(unknown)
        group = Group.objects.using(using).filter(name=role).first()
        has = {f"{row.content_type.app_label}.{row.codename}" for row in _held(group)}
        if group and has == wanted:
            continue
        changes.append(Change(role, group is None, tuple(sorted(wanted - has)), tuple(sorted(has - wanted))))
        if write:
            group = group or Group.objects.using(using).create(name=role)
            group.permissions.set([known[name] for name in sorted(wanted)])
    return changes


def _held(group: Group | None) -> Iterable[Permission]:
    return group.permissions.select_related("content_type") if group else ()
