"""A folder of photos and videos becomes a character's gallery, posts or reply media.

Each file goes the way of every upload. What it is, is told by its content's hash: what is there already is not put up
again, so an import that was stopped is simply run again.
"""

import csv
import hashlib
import os
import stat
import time
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import IO, Any

from girls import publishing
from girls.models import Girl, Media
from girls.purposes import MEDIA
from media import processing, uploading
from media.models import Upload

CAPTIONS = "captions.csv"
FIELDS = {"text": "caption", "location": "location"}  # of Media, and their columns
LENGTHS = {field.name: field.max_length or 0 for field in Media._meta.fields}
COLUMNS = ["file", *FIELDS.values()]
LOOK_AGAIN = 0.2  # seconds, while a worker has what we wait for


class BadCaptions(Exception):
    """The captions cannot be used; the words say where and why."""


class Result(Enum):
    """What became of a file."""

    CAME_IN = "came in"
    THERE = "there already"
    REFUSED = "refused"


class _Refused(Exception):
    """The words are for the operator."""


@dataclass
class Import:
    """One import: whose, where to, by whom, and how."""

    girl: Girl
    surface: str
    user: Any
    folder: Path
    captions: dict[str, dict[str, str]]
    publish: bool = False
    later: bool = False
    dry_run: bool = False

    def __post_init__(self) -> None:
        self.target = {"girl": self.girl.pk, "surface": self.surface}
        MEDIA.allow(self.user, self.target)  # before the first file. Raises NotAllowed
        # Put up before, by an import that was stopped or that left it to the workers.
        arrived = Upload.objects.owed().filter(purpose=MEDIA.name, state=Upload.State.ARRIVED)
        mine = arrived.filter(target__girl=self.girl.pk, target__surface=self.surface)
        self.on_the_way: dict[str, Upload] = {upload.target.get("digest", ""): upload for upload in mine}
        self.seen: set[str] = set()

    def take(self, path: Path) -> tuple[Result, str]:
        """Bring in one file; the words say why one was refused. Raises StorageUnavailable."""
        try:
            return self._take(path), ""
        except (_Refused, uploading.BadUpload) as refusal:
            return Result.REFUSED, str(refusal)
        except OSError as error:
            return Result.REFUSED, f"It can’t be read: {error.strerror or error}."

    def _take(self, path: Path) -> Result:
        status = path.stat()
        if path.is_symlink() and not path.resolve().is_relative_to(self.folder.resolve()):
            raise _Refused("It’s a link to something outside of the folder.")
        if not stat.S_ISREG(status.st_mode):
            raise _Refused("It isn’t a file." if not path.is_dir() else "Links to folders aren’t followed.")
        uploading.check(MEDIA, name=path.name, content_type="", size=status.st_size)
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            if digest in self.seen or publishing.there(self.girl.pk, self.surface, digest):
                return Result.THERE
            self.seen.add(digest)
            upload = self.on_the_way.get(digest)
            if upload and self.later:
                return Result.THERE
            if self.dry_run:
                return Result.CAME_IN
            upload = upload or self._put_up(path, file, status.st_size, digest)
        if not self.later:
            self._finish(upload, digest)
        return Result.CAME_IN

    def _put_up(self, path: Path, file: IO[bytes], size: int, digest: str) -> Upload:
        words = self.captions.get(name_in(self.folder, path), {})
        return uploading.put_up(
            self.user,
            file,
            more={"digest": digest, "fields": {"publish": self.publish, **words}},
            purpose=MEDIA.name,
            target=self.target,
            name=printable(path.name),
            content_type="",
            size=size,
        )

    def _finish(self, upload: Upload, digest: str) -> None:
        """Make it ready here, or wait for the worker that was quicker."""
        while True:
            processing.see_to(upload.pk)
            upload.refresh_from_db()
            if upload.state != Upload.State.ARRIVED:
                break
            time.sleep(LOOK_AGAIN)
        processing.see_to(upload.pk)  # what was on the way goes, unless a worker has it
        if upload.state != Upload.State.READY and not publishing.there(self.girl.pk, self.surface, digest):
            raise _Refused(upload.error or "It was given up.")


def files_in(folder: Path) -> Iterator[Path]:
    """What an import looks at, in order: everything below the folder but what is hidden, and the captions."""
    for inside, folders, names in os.walk(folder):
        here = Path(inside)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        links = [name for name in folders if (here / name).is_symlink()]
        for name in sorted([*names, *links]):
            if not name.startswith(".") and here / name != folder / CAPTIONS:
                yield here / name


def name_in(folder: Path, path: Path) -> str:
    """How captions call a file: by its path in the folder, with slashes, however its disk writes accents."""
    return _plain(path.relative_to(folder).as_posix())


def printable(name: str) -> str:
    """A file's name as terminals and databases take it: it may be any bytes, also such as move the cursor."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name)


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", name.strip().replace("\\", "/").removeprefix("./"))


def read_captions(folder: Path, surface: str) -> dict[str, dict[str, str]]:
    """Fields of Media by the names of the files, from the folder's captions.csv if it has one. Raises BadCaptions."""
    path = folder / CAPTIONS
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            if not {"file", "caption"} <= set(rows.fieldnames or []) <= set(COLUMNS):
                raise BadCaptions(f"{CAPTIONS} begins with the line: {','.join(COLUMNS)}")
            return {_plain(row["file"] or ""): _words(row, rows.line_num, surface) for row in rows}
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadCaptions(f"{CAPTIONS} can’t be read as CSV in UTF-8: {error}") from error


def _words(row: dict[str, Any], line: int, surface: str) -> dict[str, str]:
    words = {
        "text": " ".join((row["caption"] or "").split()),
        "location": " ".join((row.get("location") or "").split()),
    }
    for name, text in words.items():
        if len(text) > (most := LENGTHS[name]):
            raise BadCaptions(f"{CAPTIONS}, line {line}: that’s {len(text)} characters; {most} fit.")
    if None in row:
        raise BadCaptions(f"{CAPTIONS}, line {line}: more than {len(COLUMNS)} columns. Put quotes around the caption.")
    if words["location"] and surface != Media.Surface.POST:
        raise BadCaptions(f"{CAPTIONS}, line {line}: only posts have a location.")
    return words
