"""The team: its roles by name, and who may touch whose account.

What a role may do stands in `staff/roles.py`, which knows every app. Here is what keeps anybody from raising
themselves: rights are handed out downwards only, never to oneself.
"""

from enum import Enum

from django.db.models import Q

from accounts.models import User

EDITOR, MODERATOR, SUPPORT, ADMINISTRATOR = "editor", "moderator", "support", "administrator"
ROLES = (EDITOR, MODERATOR, SUPPORT, ADMINISTRATOR)
LOWER = (EDITOR, MODERATOR, SUPPORT)  # those that an administrator gives and takes
SENTENCES = {
    EDITOR: "Writes the characters, tries their personas, and puts up their photos and videos.",
    MODERATOR: "Looks after safety: sees conversations, and reads one with a reason that is written down.",
    SUPPORT: "Helps members: accounts, premium, free quotas, mails. Sees payments, and changes none.",
    ADMINISTRATOR: "Everything, and who has which of the other roles. Made and unmade by superusers only.",
}
ASSIGN = "accounts.assign_roles"


def called(group: str) -> str:
    """A role's name as it is read: "Editor" for `editor`; other groups as somebody called them."""
    return group.capitalize() if group in ROLES else group


class Standing(Enum):
    """How high somebody stands, as far as others may touch their account."""

    MEMBER = "member"
    ON_TEAM = "on the team"  # with roles that an administrator gives, or none yet
    ABOVE = "above"  # administrators, superusers, and whoever has rights beside the roles


def standing(user: User) -> Standing:
    """How high they stand: by what they would be as soon as one box is ticked, too. Asked once for each instance."""
    if "_standing" not in user.__dict__:
        user._standing = _standing(user)  # type: ignore[attr-defined]
    return user._standing  # type: ignore[attr-defined]


def _standing(user: User) -> Standing:
    groups = set(user.groups.values_list("name", flat=True))
    if user.is_superuser or not groups.issubset(LOWER) or user.user_permissions.exists():
        return Standing.ABOVE
    return Standing.ON_TEAM if user.is_staff or groups else Standing.MEMBER


def is_on_team(user: User) -> bool:
    """Whether somebody works here, or would as soon as one box is ticked."""
    return standing(user) is not Standing.MEMBER


def may_change(actor: User, other: User) -> bool:
    """Whether `actor` may touch the account of `other` at all, given that they may change people.

    Members: whoever may change people. Editors, moderators and support: whoever hands out roles, but never themselves.
    Administrators, superusers and whoever has rights beside the roles: superusers only.
    """
    if actor.is_superuser:
        return True
    if actor.pk == other.pk:
        return False
    match standing(other):
        case Standing.MEMBER:
            return True
        case Standing.ON_TEAM:
            return actor.has_perm(ASSIGN)
    return False


def may_assign(actor: User, other: User) -> bool:
    """Whether `actor` may give and take the rights of `other`. Nobody their own: so no team locks itself out."""
    return actor.pk != other.pk and (actor.is_superuser or actor.has_perm(ASSIGN)) and may_change(actor, other)


def assignable(actor: User) -> Q:
    """Which groups somebody may give and take, as a condition."""
    return Q() if actor.is_superuser else Q(name__in=LOWER)
