"""The member's side of an upload: ask, send it to the storage, say that it is there; or give it up."""

from datetime import timedelta
from typing import IO, Any
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from config.lib.bells import ring
from config.lib.text import is_blank
from media import purposes
from media.models import Kind, Upload
from media.purposes import MB
from media.storage import Form, store

FORM_SECONDS = 15 * 60  # to begin sending; a browser asks right before it sends
NAME_CHARACTERS = 150
TYPES = {
    "image/jpeg": Kind.IMAGE,
    "image/png": Kind.IMAGE,
    "image/webp": Kind.IMAGE,
    "image/heic": Kind.IMAGE,
    "image/heif": Kind.IMAGE,
    "video/mp4": Kind.VIDEO,
    "video/webm": Kind.VIDEO,
}
ENDINGS = {  # for browsers that do not know a type: most say nothing of HEIC
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "heic": "image/heic",
    "heif": "image/heif",
    "mp4": "video/mp4",
    "m4v": "video/mp4",
    "webm": "video/webm",
}
FILMS = ("mov", "avi", "mkv", "wmv", "mpg", "mpeg", "3gp")  # what people try, and are told what to do with
OTHERS = {"tif": "TIFF", "tiff": "TIFF", "gif": "GIF", "svg": "SVG", "bmp": "BMP", "pdf": "PDF", "psd": "PSD"}


class BadUpload(Exception):
    """It will not be taken; the words are for the person."""


class NotSent(Exception):
    """It was said to be there, and nothing is."""


def ask(user: Any, *, purpose: str, target: dict[str, Any], name: str, content_type: str, size: int) -> Upload:
    """Let a person put up one file. Raises NotAllowed, and BadUpload for what would be refused anyway."""
    use = purposes.named(purpose)
    folder, target = use.allow(user, target)
    content_type, kind = check(use, name=name, content_type=content_type, size=size)
    name = " ".join(name.replace("\x00", "").split())[-NAME_CHARACTERS:]
    return Upload.objects.create(
        owner=user,
        purpose=purpose,
        target=target,
        folder=folder,
        kind=kind,
        name="" if is_blank(name) else name,
        content_type=content_type,
        max_bytes=use.max_bytes(kind),
        due_at=Now() + Upload.UNCLAIMED,
    )


def check(use: purposes.Purpose, *, name: str, content_type: str, size: int) -> tuple[str, Kind]:
    """The type and the kind of a file, as far as its name and size tell. Raises BadUpload."""
    ending = name.rpartition(".")[2].strip().lower()
    if content_type not in TYPES:
        content_type = ENDINGS.get(ending, content_type)
    kind = TYPES.get(content_type)
    if kind not in use.limits:
        raise BadUpload(_unsupported(ending, kind, use))
    assert kind is not None
    most = use.max_bytes(kind)
    if size < 1:
        raise BadUpload("That file is empty.")
    if size > most:
        raise BadUpload(f"That file is over {most // MB} MB. Save it smaller.")
    return content_type, kind


def _unsupported(ending: str, kind: Kind | None, use: purposes.Purpose) -> str:
    if kind is Kind.VIDEO:
        return "Videos can’t be used here. Choose a photo."
    instead = "JPG, PNG or WebP" if Kind.VIDEO not in use.limits else "JPG, PNG, WebP or MP4"
    if ending in FILMS:
        return f"{ending.upper()} isn’t supported. Save it as MP4."
    if ending in OTHERS:
        return f"{OTHERS[ending]} isn’t supported. Save it as JPG or PNG."
    return f"That kind of file isn’t supported. Save it as {instead}."


def form(upload: Upload) -> Form:
    """What the browser sends the file with. Raises StorageUnavailable."""
    return store().upload_form(
        upload.key, content_type=upload.content_type, max_bytes=upload.max_bytes, seconds=FORM_SECONDS
    )


def complete(upload: Upload) -> None:
    """The browser says that the file is there: from now on somebody makes it ready, whatever dies. Again is fine.

    Raises NotSent, and StorageUnavailable when nobody can tell.
    """
    if upload.state == Upload.State.ISSUED and not store().size(upload.key):
        raise NotSent
    _go_on(upload, Upload.State.ISSUED)


def put_up(user: Any, file: IO[bytes], *, more: dict[str, Any], **asking: Any) -> Upload:
    """All of it for a file that is here: asked for, sent and completed. `asking` is what ask() takes.

    `more` goes into the target: what our own code tells the purpose, and no browser may. Raises as ask() does, and
    StorageUnavailable.
    """
    upload = ask(user, **asking)
    upload.target = {**upload.target, **more}
    upload.save(update_fields=["target"])
    store().put(upload.key, file, content_type=upload.content_type)
    complete(upload)
    return upload


def retry(upload: Upload) -> None:
    """Try once more what failed for reasons of ours."""
    _go_on(upload, Upload.State.FAILED)


def _go_on(upload: Upload, state: Upload.State) -> None:
    with transaction.atomic():
        changed = {"state": Upload.State.ARRIVED, "error": "", "due_at": Now(), "lease_token": None, "attempts": 0}
        if Upload.objects.filter(pk=upload.pk, state=state).update(**changed):
            ring(Upload.TASK, upload.pk)
    upload.refresh_from_db()


def cancel(upload: Upload) -> None:
    """Give it up, unless it is a file already."""
    with transaction.atomic():
        on_the_way = [Upload.State.ISSUED, Upload.State.ARRIVED, Upload.State.FAILED, Upload.State.REFUSED]
        mine = Upload.objects.filter(pk=upload.pk, state__in=on_the_way)
        if mine.update(state=Upload.State.GONE, due_at=Now(), lease_token=None):
            ring(Upload.TASK, upload.pk)
    upload.refresh_from_db()


def of(user: Any, *pks: UUID) -> Any:
    """A person's own uploads among these, as a queryset."""
    return Upload.objects.filter(pk__in=pks, owner=user)


def asked_lately(user: Any, purpose: str, within: timedelta) -> int:
    """How many this person asked for lately."""
    return Upload.objects.filter(owner=user, purpose=purpose, created_at__gt=Now() - within).count()
