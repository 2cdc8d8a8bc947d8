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


def publish(girls: GirlQuerySet) -> list[Girl]:
    """Show these characters to visitors. Answers those that were hidden until now."""
    return _turn(girls, is_active=True)


def unpublish(girls: GirlQuerySet) -> list[Girl]:
    """Hide these characters: their pages are gone, conversations with them stay. Answers those that were shown."""
    return _turn(girls, is_active=False)


@transaction.atomic
def _turn(girls: GirlQuerySet, *, is_active: bool) -> list[Girl]:
    turned = list(girls.filter(is_active=not is_active).order_by("pk").select_for_update(of=("self",), no_key=True))
    Girl.objects.filter(pk__in=[girl.pk for girl in turned]).update(is_active=is_active, updated_at=timezone.now())
    return turned


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
