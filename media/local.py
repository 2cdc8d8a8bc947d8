"""The local twin of bucket and CDN: the same flow on this disk, with signed addresses that end."""

import os
import re
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryFile
from typing import IO

from django.conf import settings
from django.core import signing
from django.core.exceptions import SuspiciousFileOperation
from django.urls import reverse
from django.utils._os import safe_join

from media.storage import Form, StorageUnavailable

UPLOADS, VIEWS = "media.upload", "media.view"
KEY = re.compile(r"[A-Za-z0-9/_.-]{1,200}")


class Disk:
    """Files below MEDIA_ROOT, at their keys."""

    def upload_form(self, key: str, *, content_type: str, max_bytes: int, seconds: int) -> Form:
        """Of our own door."""
        return upload_form(key, content_type=content_type, max_bytes=max_bytes, seconds=seconds)

    def size(self, key: str) -> int | None:
        """Bytes of what is there."""
        with _disk():
            path = self.path(key)
            return path.stat().st_size if path.is_file() else None

    def open(self, key: str) -> AbstractContextManager[IO[bytes]]:
        """What is there. Raises FileNotFoundError."""
        return self.path(key).open("rb")

    def put(self, key: str, file: IO[bytes], *, content_type: str) -> None:
        """Put it there, whole or not at all."""
        with _disk():
            path = self.path(key)
            path.parent.mkdir(parents=True, exist_ok=True)
            with NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as part:
                try:
                    file.seek(0)
                    shutil.copyfileobj(file, part, 256 * 1024)
                    part.flush()
                    os.fsync(part.fileno())
                    os.chmod(part.name, 0o644)
                    os.replace(part.name, path)
                except BaseException:
                    os.unlink(part.name)
                    raise

    def delete(self, keys: Iterable[str]) -> None:
        """Remove what is there."""
        with _disk():
            for key in keys:
                self.path(key).unlink(missing_ok=True)

    def keys(self, prefix: str) -> Iterator[tuple[str, datetime]]:
        """What there is below a prefix, and since when."""
        root = Path(settings.MEDIA_ROOT)
        for folder, _, names in os.walk(self.path(prefix)):
            for name in names:
                path = Path(folder) / name
                try:
                    changed = path.stat().st_mtime
                except FileNotFoundError:
                    continue
                yield path.relative_to(root).as_posix(), datetime.fromtimestamp(changed, UTC)

    def view_url(self, key: str, *, until: datetime) -> str:
        """Our own door again, with the key and the end signed into it; the same for the same end."""
        ticket = signing.Signer(salt=VIEWS).sign_object({"key": key, "until": round(until.timestamp())})
        return reverse("media:local_view", args=[ticket])

    def download_url(self, key: str, *, name: str, seconds: int) -> str:
        """Our own door once more, with the name that it is saved under."""
        ticket = {"key": key, "until": round(time.time() + seconds), "name": name}
        return reverse("media:local_view", args=[signing.Signer(salt=VIEWS).sign_object(ticket)])

    def public_url(self, key: str) -> str:
        """The key as it is."""
        return f"{settings.MEDIA_URL}{key}"

    def answers(self) -> None:
        """Nothing, if this disk may be written to."""
        with _disk():
            root = Path(settings.MEDIA_ROOT)
            root.mkdir(parents=True, exist_ok=True)
            with TemporaryFile(dir=root) as probe:
                probe.write(b"files can be kept here")

    def path(self, key: str) -> Path:
        """On this disk. Raises FileNotFoundError for what can be no key of ours."""
        if not KEY.fullmatch(key):
            raise FileNotFoundError(key)
        try:
            return Path(safe_join(settings.MEDIA_ROOT, key))
        except SuspiciousFileOperation as e:
            raise FileNotFoundError(key) from e


@contextmanager
def _disk() -> Iterator[None]:
    """A disk that is full or broken is a storage that is away."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as e:
        raise StorageUnavailable(str(e)) from e


def upload_form(key: str, *, content_type: str, max_bytes: int, seconds: int) -> Form:
    """The address of our own door, with what it takes signed into it. What comes there is put into whichever store."""
    until = time.time() + seconds
    ticket = {"key": key, "type": content_type, "max": max_bytes, "until": round(until)}
    signed = signing.dumps(ticket, salt=UPLOADS, compress=True)
    return Form(reverse("media:local_upload", args=[signed]), {"key": key, "Content-Type": content_type})


def upload_ticket(signed: str) -> dict[str, object]:
    """What an upload may bring. Raises signing.BadSignature."""
    ticket: dict[str, object] = signing.loads(signed, salt=UPLOADS)
    return ticket


def view_ticket(signed: str) -> tuple[str, str]:
    """The key that this address shows, and the name to save it under; none: it is looked at.

    Raises signing.BadSignature, also when the address is over.
    """
    ticket = signing.Signer(salt=VIEWS).unsign_object(signed)
    if ticket["until"] <= time.time():
        raise signing.BadSignature("over")
    return str(ticket["key"]), str(ticket.get("name", ""))
