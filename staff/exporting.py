"""Everything that is a member's, as a zip: asked for once a day, made by a worker, there for a week."""

import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from tempfile import TemporaryFile
from typing import IO
from uuid import UUID, uuid4
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import structlog
from django.db import transaction
from django.db.models.functions import Now
from django.template.loader import render_to_string
from django.utils import timezone

import accounts.privacy
import chat.privacy
import girls.privacy
import media.privacy
import payments.privacy
import safety.privacy
import staff.privacy
from accounts import emails
from accounts.models import User
from config.lib import owed
from config.lib.bells import ring
from config.lib.privacy import Document, Part
from media.storage import StorageUnavailable, store
from staff.models import Export

log = structlog.get_logger(__name__)

# In the order in which one would read it.
PARTS: tuple[Part, ...] = (
    accounts.privacy,
    chat.privacy,
    girls.privacy,
    media.privacy,
    payments.privacy,
    safety.privacy,
    staff.privacy,
)
EACH = timedelta(days=1)  # another one may be asked for
DOWNLOAD = timedelta(minutes=5)  # an address of it is good for so long
MAX_TRIES = 6  # with the waits below, about five minutes
CHECK_SECONDS = 1.0  # how often whoever makes one looks whether it is still theirs
LONG_AGO = timedelta(days=1)
NO_ROOM = "We couldn’t make your file just now. Try again in a while."
BROKEN = "We couldn’t make your file. Try again."


class TooSoon(Exception):
    """There was one within the last day."""


def latest(user: User) -> Export | None:
    """The one that a page shows."""
    return user.exports.exclude(state=Export.State.GONE).order_by("-asked_at").first()


def may_ask(export: Export | None) -> bool:
    """Whether another one may be asked for: one that failed does not count."""
    if export is None or export.state == Export.State.FAILED:
        return True
    return export.state == Export.State.READY and export.asked_at <= timezone.now() - EACH


def ask(user: User) -> Export:
    """Owe one. While one is made, that is the one. The former one goes when this is asked for. Raises TooSoon."""
    with transaction.atomic(durable=True):
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        former = latest(user)
        if former is not None and former.state == Export.State.ASKED:
            return former
        if not may_ask(former):
            raise TooSoon
        for pk in user.exports.exclude(state=Export.State.GONE).values_list("pk", flat=True):
            Export.objects.filter(pk=pk).update(state=Export.State.GONE, due_at=Now(), lease_token=None, attempts=0)
            ring(Export.TASK, pk)
        export = Export.objects.create(user=user)
        ring(Export.TASK, export.pk)
    return export


def address(export: Export) -> str:
    """Where it can be fetched for five minutes. Raises StorageUnavailable."""
    name = f"dusk-{export.asked_at:%Y-%m-%d}.zip"
    return store().download_url(export.key, name=name, seconds=int(DOWNLOAD.total_seconds()))


# --- The worker's side -----------------------------------------------------------------------------------------


def see_to(pk: UUID) -> None:
    """Do what is owed for one, if it is due: make it, or remove it."""
    token = uuid4()
    if not Export.objects.claim(pk, token=token):
        return
    export = Export.objects.select_related("user").get(pk=pk)
    try:
        if export.state == Export.State.ASKED:
            _make(export, token)
        else:
            _remove(export, token)
    except owed.Lost:
        log.info("export_lost", export=str(pk))
    except StorageUnavailable as error:
        _wait(export, token, error)


def _make(export: Export, token: UUID) -> None:
    if export.attempts > MAX_TRIES:  # whoever tries it dies of it, perhaps
        return _fail(export, token, BROKEN)
    try:
        with owed.kept(export, token) as check, TemporaryFile(prefix="dusk-export-") as file:
            write(export.user, file, check)
            check()
            size = file.seek(0, 2)
            store().put(export.key, file, content_type="application/zip")
    except OSError as error:  # no room on this machine
        log.error("export_has_no_room", export=str(export.pk), error=repr(error))
        return _fail(export, token, NO_ROOM)
    with transaction.atomic():
        ready = {"state": Export.State.READY, "size": size, "ready_at": Now(), "error": "", "attempts": 0}
        is_mine = Export.objects.postpone(export.pk, token=token, by=Export.KEPT, **ready)
        if is_mine:
            emails.owe("export_ready", {"days": Export.KEPT.days}, user=export.user)
    if not is_mine and not Export.objects.filter(pk=export.pk).exists():
        store().delete([export.key])  # its person was erased while it was made


def write(user: User, file: IO[bytes], check: Callable[[], None] = lambda: None) -> None:
    """The zip, written piece by piece into an empty file. What `check` raises ends it."""
    looked = time.monotonic()
    made: list[str] = []
    with ZipFile(file, "w") as archive:

        def add(path: str, pieces: Iterable[str | bytes]) -> None:
            nonlocal looked
            about = ZipInfo(path, timezone.now().timetuple()[:6])
            about.compress_type, about.external_attr = ZIP_DEFLATED, 0o644 << 16
            with archive.open(about, "w", force_zip64=True) as out:
                for piece in pieces:
                    out.write(piece.encode() if isinstance(piece, str) else piece)
                    if time.monotonic() - looked > CHECK_SECONDS:
                        check()
                        looked = time.monotonic()

        for document in documents(user):
            add(*document)
            made.append(document.path)
        page = {"user": user, "paths": made, "made_at": timezone.now()}
        add("index.html", [render_to_string("staff/export/index.html", page)])


def documents(user: User) -> Iterable[Document]:
    """All that is theirs, as each app has it."""
    for part in PARTS:
        yield from part.export(user)


def _fail(export: Export, token: UUID, words: str) -> None:
    """It does not come; whoever asked may ask again at once. What is left of it in the storage goes."""
    Export.objects.settle(export.pk, token=token, state=Export.State.FAILED, error=words)


def _remove(export: Export, token: UUID) -> None:
    store().delete([export.key])
    Export.objects.filter(pk=export.pk, lease_token=token).delete()


def _wait(export: Export, token: UUID, error: StorageUnavailable) -> None:
    log.warning("export_waits", export=str(export.pk), attempts=export.attempts, error=repr(error))
    if export.state == Export.State.ASKED and export.attempts >= MAX_TRIES:
        return _fail(export, token, NO_ROOM)
    wait = min(timedelta(seconds=5) * 2 ** min(export.attempts - 1, 10), timedelta(hours=1))
    Export.objects.postpone(export.pk, token=token, by=wait)


def sweep() -> None:
    """Remove what lies in the storage and is no export: of somebody who was erased in the middle of one."""
    old = {key for key, changed in store().keys("exports") if changed < timezone.now() - LONG_AGO}
    known = {export.key for export in Export.objects.exclude(state=Export.State.FAILED)}
    if strays := old - known:
        log.info("exports_removed", count=len(strays))
        store().delete(sorted(strays))
