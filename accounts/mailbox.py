"""Where mails are kept while nobody carries them: a folder on this disk, one file for each, the newest so many."""

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest

from config.lib.names import asks_from_here

KEPT = 200
ENDING = ".eml"


@dataclass(frozen=True)
class Kept:
    """A mail that is kept, as it would have arrived."""

    key: UUID
    at: datetime
    to: str
    subject: str
    text: str
    html: str


def is_open_to(request: HttpRequest) -> bool:
    """Whether this browser may read what is kept: on this machine, while DEBUG is on and nobody carries mails."""
    return settings.DEBUG and settings.EMAIL_BACKEND == "accounts.transports.Disk" and asks_from_here(request)


def path(key: UUID) -> Path:
    """The file of a mail."""
    return Path(settings.MAIL_ROOT) / f"{key}{ENDING}"


def keep(key: UUID, mail: bytes) -> None:
    """Write it down, all of it or nothing; once more is once. The oldest make room. Raises OSError."""
    folder = Path(settings.MAIL_ROOT)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=folder, prefix=".", suffix=".draft")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(mail)
        Path(draft).replace(path(key))
    except BaseException:
        with suppress(OSError):
            Path(draft).unlink()
        raise
    for _, older in list(_files())[KEPT:]:
        with suppress(OSError):  # another process was faster
            path(older).unlink()


def forget(keys: Iterable[UUID]) -> None:
    """Keep these no longer; those that are not kept are fine. Raises OSError."""
    for key in keys:
        path(key).unlink(missing_ok=True)


def newest() -> Iterator[Kept]:
    """Every mail that is kept, the newest first."""
    for _, key in _files():
        if mail := find(key):
            yield mail


def find(key: UUID) -> Kept | None:
    """One mail; None for one that is not kept, or not any more."""
    try:
        file = path(key)
        at = file.stat().st_mtime
        mail = message_from_bytes(file.read_bytes(), policy=policy.default)
    except OSError:
        return None
    return Kept(
        key=key,
        at=datetime.fromtimestamp(at, UTC),
        to=str(mail["To"] or ""),
        subject=str(mail["Subject"] or ""),
        text=_part(mail, "plain"),
        html=_part(mail, "html"),
    )


def _part(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    try:
        return str(part.get_content()) if part is not None else ""
    except (LookupError, UnicodeError):  # a file that somebody else put there
        return ""


def _files() -> list[tuple[float, UUID]]:
    """When each was kept, and its key; the newest first. Files of other names are none of ours."""
    found = []
    with suppress(OSError):
        for entry in os.scandir(settings.MAIL_ROOT):
            with suppress(OSError, ValueError):
                if entry.name.endswith(ENDING):
                    found.append((entry.stat().st_mtime, UUID(entry.name.removesuffix(ENDING))))
    return sorted(found, reverse=True)
