"""A member's own picture."""

from typing import Any

from django.db import transaction

from accounts.models import User
from media import files
from media.images import Variant
from media.models import File, Kind, Upload
from media.purposes import NotAllowed, Purpose, register

NAME = "avatar"


def allow(user: Any, target: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Everybody may put up their own, and nothing else."""
    if target:
        raise NotAllowed
    return f"avatars/{user.pk}", {}


def claim(upload: Upload, file: File) -> None:
    """It is the member's picture from now on; the one before is gone."""
    former = _take_off(upload.owner_id)
    User.objects.filter(pk=upload.owner_id).update(avatar=file)
    files.forget(former)


def remove(user: User) -> None:
    """The member has no picture any more."""
    with transaction.atomic():
        files.forget(_take_off(user.pk))


def _take_off(user_id: int) -> list[Any]:
    locked = User.objects.select_for_update(of=("self",), no_key=True).filter(pk=user_id)
    former = [pk for pk in locked.values_list("avatar_id", flat=True) if pk]
    User.objects.filter(pk=user_id).update(avatar=None)
    return former


def may_see(user: Any, file: File, variant: str) -> bool:
    """The member themself, and staff who may look at members."""
    return user.is_authenticated and (file.owner_id == user.pk or user.has_perm("accounts.view_user"))


AVATAR = Purpose(
    NAME,
    limits={Kind.IMAGE: "AVATAR_MAX_MB"},
    variants=(
        Variant("full", 512, 512, crop="middle", avif=False),
        Variant("thumb", 96, 96, crop="middle", avif=False),
    ),
    allow=allow,
    claim=claim,
    may_see=[may_see],
    ai_generated=False,
    personal=True,
)


def register_it() -> None:
    """Make it known."""
    register(AVATAR)
