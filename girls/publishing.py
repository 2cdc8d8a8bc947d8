"""The editor's verbs: show a character, hide her, give her pictures, take her away."""

from functools import partial
from typing import Any

from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone
from PIL import Image

from girls.models import Girl, GirlQuerySet
from media.images import cropped

PORTRAIT = (720, 960)
SQUARE = (192, 192)
COVER = (1600, 560)


def publish(girls: GirlQuerySet) -> int:
    """Show these characters to visitors. Answers how many were hidden until now."""
    return girls.filter(is_active=False).update(is_active=True, updated_at=timezone.now())


def unpublish(girls: GirlQuerySet) -> int:
    """Hide these characters: their pages are gone, conversations with them stay. Answers how many were shown."""
    return girls.filter(is_active=True).update(is_active=False, updated_at=timezone.now())


def give_portrait(girl: Girl, picture: Image.Image) -> None:
    """Put a portrait and the small square cut from it on the character; the caller saves her."""
    _forget(girl, "avatar", "avatar_square")
    girl.avatar = cropped(picture, *PORTRAIT, top=True)
    girl.avatar_square = cropped(picture, *SQUARE, top=True)


def give_cover(girl: Girl, picture: Image.Image) -> None:
    """Put a wide picture behind her profile; the caller saves her."""
    _forget(girl, "background")
    girl.background = cropped(picture, *COVER)


def take_portrait(girl: Girl) -> None:
    """Go back to the drawing, or to the placeholder; the caller saves her."""
    _forget(girl, "avatar", "avatar_square")
    girl.avatar = girl.avatar_square = ""


def take_cover(girl: Girl) -> None:
    """Leave her profile without a wide picture; the caller saves her."""
    _forget(girl, "background")
    girl.background = ""


def delete(girl: Girl) -> None:
    """Take a character away with her pictures.

    Raises ProtectedError while members have conversations with her: hide her instead.
    """
    with transaction.atomic():
        _forget(girl, "avatar", "avatar_square", "background")
        girl.delete()


def _forget(girl: Girl, *fields: str) -> None:
    """Delete the files she has in these fields now, as soon as nothing names them any more."""
    if girl.pk is None:
        return
    kept: dict[str, Any] = Girl.objects.filter(pk=girl.pk).values(*fields).get()
    for name in filter(None, kept.values()):
        transaction.on_commit(partial(default_storage.delete, name), robust=True)
