"""The end of files: the row first, the objects later, and nothing left behind."""

import re
from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import structlog
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from config.lib.bells import ring
from media.models import File, Upload
from media.storage import StorageUnavailable, store

log = structlog.get_logger(__name__)

OURS = re.compile(r"(?:avatars|girls)/.+/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:-[a-z]+)?\.[a-z0-9]+")
ON_THE_WAY = re.compile(r"tmp/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")
LONG_AGO = timedelta(days=1)  # whoever makes something now has pointed at it by then
AT_ONCE = 500


def forget(pks: Iterable[Any]) -> None:
    """These files are shown to nobody from now on; their objects go later. Inside the caller's transaction."""
    with transaction.atomic():
        for pk in pks:
            if File.objects.ready().filter(pk=pk).update(state=File.State.GONE, due_at=Now(), lease_token=None):
                ring(File.TASK, pk)


def remove(pk: UUID) -> None:
    """Remove the objects of a file that is gone, then its row."""
    token = uuid4()
    if not File.objects.filter(state=File.State.GONE).claim(pk, token=token):
        return
    file = File.objects.get(pk=pk)
    try:
        store().delete(file.all_keys())
    except StorageUnavailable as error:
        log.warning("removal_waits", file=str(pk), attempts=file.attempts, error=repr(error))
        wait = min(timedelta(seconds=15) * 2 ** min(file.attempts - 1, 8), timedelta(hours=1))
        File.objects.postpone(pk, token=token, by=wait)
    else:
        File.objects.filter(pk=pk, lease_token=token).delete()


def sweep() -> None:
    """Remove what nobody points at any more: files without a row of any app, objects without a file."""
    forget(File.objects.unclaimed().filter(created_at__lt=Now() - LONG_AGO).values_list("pk", flat=True))
    try:
        for prefix in ("tmp", "avatars", "girls"):
            _sweep_objects(prefix)
    except StorageUnavailable as error:
        log.warning("sweep_of_objects_waits", error=repr(error))
    ended = [Upload.State.READY, Upload.State.REFUSED, Upload.State.GONE]
    Upload.objects.filter(due_at=None, state__in=ended, created_at__lt=Now() - timedelta(days=30)).delete()


def _sweep_objects(prefix: str) -> None:
    old: dict[str, UUID] = {}
    for key, changed in store().keys(prefix):
        found = ON_THE_WAY.fullmatch(key) if prefix == "tmp" else OURS.fullmatch(key)
        if found and changed < timezone.now() - LONG_AGO:
            old[key] = UUID(found[1])
        if len(old) >= AT_ONCE:
            _remove_strays(old)
            old = {}
    _remove_strays(old)


def _remove_strays(old: dict[str, UUID]) -> None:
    known = set(File.objects.filter(pk__in=old.values()).values_list("pk", flat=True))
    known |= set(Upload.objects.owed().filter(pk__in=old.values()).values_list("pk", flat=True))
    if strays := [key for key, pk in old.items() if pk not in known]:
        log.info("strays_removed", count=len(strays))
        store().delete(strays)
