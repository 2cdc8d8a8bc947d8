"""What a character's files are for: her portrait, her cover, and what she shows. Who may put up, and who may see."""

from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry

from config.lib import auditing
from girls import publishing
from girls.models import Girl, Media
from media.images import Variant
from media.models import File, Kind, Upload
from media.purposes import NotAllowed, Purpose, register


def _edits(user: Any) -> bool:
    return user.is_active and user.is_staff and user.has_perm("girls.change_girl")


def _her(user: Any, target: dict[str, Any], *fields: str) -> int:
    """The character that an editor puts something on. Raises NotAllowed."""
    girl_id = target.get("girl")
    if not _edits(user) or set(target) != {"girl", *fields} or type(girl_id) is not int or not 0 < girl_id < 2**31:
        raise NotAllowed
    if not Girl.objects.filter(pk=girl_id).exists():
        raise NotAllowed
    return girl_id


def allow_portrait(user: Any, target: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Editors, for any character."""
    return f"girls/{_her(user, target)}/profile", target


def allow_cover(user: Any, target: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Editors, for any character."""
    return f"girls/{_her(user, target)}/background", target


def allow_media(user: Any, target: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Editors who may add media, for any character and surface."""
    if target.get("surface") not in Media.Surface.values or not user.has_perm("girls.add_media"):
        raise NotAllowed
    return f"girls/{_her(user, target, 'surface')}/media", target


def may_see(user: Any, file: File, variant: str) -> bool:
    """Editors see everything; everybody else what they may see whole on her pages."""
    return _edits(user) or Media.objects.visible_to(user).filter(file=file).exists()


def staff_may_see(user: Any, file: File, variant: str) -> bool:
    """Through this door only editors: everybody else has the public address."""
    return _edits(user)


def claim_portrait(upload: Upload, file: File) -> None:
    """Her face from now on."""
    publishing.give_portrait(upload.target["girl"], file)
    _note(upload, "Gave her another portrait.")


def claim_cover(upload: Upload, file: File) -> None:
    """Her cover from now on."""
    publishing.give_cover(upload.target["girl"], file)
    _note(upload, "Gave her another cover.")


def claim_media(upload: Upload, file: File) -> None:
    """One more on that surface; unpublished and without words, but for what our own code puts up."""
    media = publishing.add(upload.target["girl"], file, upload.target["surface"], **upload.target.get("fields", {}))
    _note(upload, f"{media.get_surface_display()}: added “{upload.name or media}”.")


def _note(upload: Upload, words: str) -> None:
    """A line in the character's history: a file becomes hers long after the request that brought it."""
    girls = Girl.objects.without_persona().filter(pk=upload.target["girl"])
    LogEntry.objects.log_actions(upload.owner_id, girls, CHANGE, words, single_object=True)
    for girl in girls:
        auditing.tell(upload.owner, girl, words)


PORTRAIT = Purpose(
    "girl_profile",
    limits={Kind.IMAGE: "IMAGE_MAX_MB"},
    variants=(
        Variant("full", 720, 960, crop="top", avif=False),
        Variant("card", 360, 480, crop="top", avif=False),
        Variant("square", 192, 192, crop="top", avif=False),
    ),
    allow=allow_portrait,
    claim=claim_portrait,
    may_see=[staff_may_see],
)
COVER = Purpose(
    "girl_background",
    limits={Kind.IMAGE: "IMAGE_MAX_MB"},
    variants=(Variant("full", 1600, 560, crop="middle", avif=False),),
    allow=allow_cover,
    claim=claim_cover,
    may_see=[staff_may_see],
)
MEDIA = Purpose(
    "girl_media",
    limits={Kind.IMAGE: "IMAGE_MAX_MB", Kind.VIDEO: "VIDEO_MAX_MB"},
    variants=(
        Variant("full", 2048, 2048),
        Variant("card", 640, 960),
        Variant("thumb", 192, 192, crop="middle", avif=False),
    ),
    allow=allow_media,
    claim=claim_media,
    may_see=[may_see],
)


def register_all() -> None:
    """Make them known."""
    for purpose in (PORTRAIT, COVER, MEDIA):
        register(purpose)
