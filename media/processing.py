"""The worker's side of an upload: check what came, make it anew, put it where it stays, tidy up.

Each step begins from what the row says and may be done twice: variants are written to keys that follow from the
upload's id, so whoever takes over writes the same again.
"""

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any
from uuid import UUID, uuid4

import structlog
from django.db import transaction

from config.lib import bells, owed
from config.lib.owed import Lost
from media import files, images, purposes, videos
from media.images import NotAPicture
from media.models import TYPES, File, Kind, Upload, key_of
from media.purposes import MB, Unwanted
from media.storage import StorageUnavailable, store
from media.videos import NotAVideo

log = structlog.get_logger(__name__)

MAX_TRIES = 6  # with the waits below, about five minutes
KEPT = timedelta(hours=6)  # what failed for reasons of ours, for another try
AWAY = "Our storage didn’t answer. Try again."
BROKEN = "We couldn’t process this file. Try again, or save it anew."

_at_work = threading.Lock()  # one at a time in a process: a picture may take a few hundred MB while it is made smaller
_stopping = threading.Event()
bells.before_stopping(_stopping.set)


def see_to_all() -> None:
    """See to every upload that is due, the longest due first, one at a time.

    A bell for one wakes whoever sees to all, so fifty bells hold one thread and not fifty.
    """
    while not _stopping.is_set() and _next() is not None:
        if not _at_work.acquire(blocking=False):
            return  # whoever is at work looks again before they end
        try:
            while not _stopping.is_set() and (pk := _next()) is not None:
                see_to(pk)
        finally:
            _at_work.release()


def _next() -> UUID | None:
    first: UUID | None = Upload.objects.due().order_by("due_at").values_list("pk", flat=True).first()
    return first


def see_to(pk: UUID) -> None:
    """Do what is owed for one upload, if it is due."""
    token = uuid4()
    if not Upload.objects.claim(pk, token=token):
        return
    upload = Upload.objects.select_related("owner").get(pk=pk)
    try:
        if upload.state == Upload.State.ARRIVED:
            _make(upload, token)
        else:
            _tidy(upload, token)
    except Lost:
        log.info("upload_lost", upload=str(pk))
    except StorageUnavailable as error:
        _wait(upload, token, error)
    except Exception:
        # The row is due again when the lease ends: what breaks each time is given up there after a few tries.
        log.exception("upload_broke", upload=str(pk), state=upload.state, attempts=upload.attempts)


def _make(upload: Upload, token: UUID) -> None:
    if upload.attempts > MAX_TRIES:  # whoever tries it dies of it, perhaps
        return _end(upload, token, Upload.State.FAILED, BROKEN)
    try:
        with owed.kept(upload, token) as check, store().open(upload.key) as file:
            made = _made(upload, file, check)
    except FileNotFoundError:
        return _end(upload, token, Upload.State.REFUSED, "The file didn’t arrive. Put it up again.")
    except (NotAPicture, NotAVideo) as refusal:
        return _end(upload, token, Upload.State.REFUSED, str(refusal))
    with transaction.atomic():
        state, why = Upload.State.READY, ""
        made.save(force_insert=True)
        try:
            with transaction.atomic():
                purposes.named(upload.purpose).claim(upload, made)
        except Unwanted as refusal:
            files.forget([made.pk])
            state, why = Upload.State.REFUSED, str(refusal)
        _must_be_mine(Upload.objects.postpone(upload.pk, token=token, by=timedelta(0), state=state, error=why))
        bells.ring(Upload.TASK, upload.pk)


def _made(upload: Upload, file: IO[bytes], check: Callable[[], None]) -> File:
    """Put all variants where they stay, and answer the row that says so."""
    size = file.seek(0, 2)
    if not 1 <= size <= upload.max_bytes:
        raise NotAPicture("That file is empty." if not size else f"That file is over {upload.max_bytes // MB} MB.")
    file.seek(0)
    digest = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]  # typeshed wants readinto
    file.seek(0)
    use = purposes.named(upload.purpose)
    variants: dict[str, dict[str, int]] = {}

    def keep(variant: str, extension: str, content: IO[bytes], width: int, height: int) -> None:
        check()
        content_type = TYPES[extension]
        store().put(key_of(upload.folder, upload.pk, variant, extension), content, content_type=content_type)
        variants.setdefault(variant, {"w": width, "h": height})[extension] = content.seek(0, 2)

    seconds = 0.0
    if upload.kind == Kind.IMAGE:
        made = images.make(file, use.variants, ai_generated=use.ai_generated)
        for picture in made.pictures:
            keep(picture.variant, picture.extension, BytesIO(picture.data), picture.width, picture.height)
    else:
        with _on_disk(file) as path:
            with path.open("r+b") as film_file:
                film = videos.inspect(film_file)
                videos.clean(film_file, ai_generated=use.ai_generated)
                keep("full", film.extension, film_file, film.width, film.height)
            still = BytesIO(videos.poster(path) or videos.neutral_poster())
        seconds = film.seconds
        stills = tuple(variant for variant in use.variants if variant.name != "full")
        made = images.make(still, stills, ai_generated=use.ai_generated)
        for picture in made.pictures:
            keep(picture.variant, picture.extension, BytesIO(picture.data), picture.width, picture.height)
    full = variants["full"]
    return File(
        pk=upload.pk,
        purpose=upload.purpose,
        owner=upload.owner,
        folder=upload.folder,
        kind=upload.kind,
        size=sum(value for one in variants.values() for name, value in one.items() if name in TYPES),
        width=full["w"],
        height=full["h"],
        seconds=seconds,
        blur=made.blur,
        variants=variants,
        ai_generated=use.ai_generated,
        digest=digest,
    )


@contextmanager
def _on_disk(file: IO[bytes]) -> Iterator[Path]:
    """A copy of our own, which may be changed, and which other programs can open."""
    with TemporaryDirectory(prefix="dusk-film-") as folder:
        path = Path(folder) / "film"
        with path.open("wb") as copy:
            while part := file.read(1024 * 1024):
                copy.write(part)
        yield path


def _must_be_mine(done: Any) -> None:
    if not done:
        raise Lost


def _end(upload: Upload, token: UUID, state: Upload.State, words: str) -> None:
    """No file comes of it. What failed for reasons of ours is kept for another try."""
    later = KEPT if state == Upload.State.FAILED else timedelta(0)
    log.warning("upload_ended", upload=str(upload.pk), state=state.value, why=words)
    with transaction.atomic():
        _must_be_mine(Upload.objects.postpone(upload.pk, token=token, by=later, state=state, error=words, attempts=0))
        bells.ring(Upload.TASK, upload.pk)


def _tidy(upload: Upload, token: UUID) -> None:
    """Remove what was on the way; of an upload that came to nothing also what was made of it."""
    over = {Upload.State.ISSUED, Upload.State.FAILED}  # nobody completed it, or tried again, in time
    state = Upload.State.GONE if upload.state in over else upload.state
    left = [upload.key]
    if state != Upload.State.READY and not File.objects.filter(pk=upload.pk).exists():
        left += [
            key_of(upload.folder, upload.pk, variant.name, extension)
            for variant in (*purposes.named(upload.purpose).variants, images.Variant("full", 1, 1))
            for extension in TYPES
        ]
    store().delete(left)
    Upload.objects.settle(upload.pk, token=token, state=state)


def _wait(upload: Upload, token: UUID, error: StorageUnavailable) -> None:
    log.warning("upload_waits", upload=str(upload.pk), attempts=upload.attempts, error=repr(error))
    if upload.state == Upload.State.ARRIVED and upload.attempts >= MAX_TRIES:
        return _end(upload, token, Upload.State.FAILED, AWAY)
    wait = min(timedelta(seconds=5) * 2 ** min(upload.attempts - 1, 10), timedelta(hours=1))
    Upload.objects.postpone(upload.pk, token=token, by=wait)
