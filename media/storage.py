"""Where files are: a bucket when one is configured, else this disk. Both sign uploads, sign views, and delete.

Keys are ours, never a person's words. Nothing here decides who may see what.
"""

import math
import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from functools import cache
from typing import IO, NamedTuple, Protocol

from django.conf import settings
from django.utils.module_loading import import_string

VIEW_SECONDS = 300  # a signed address is good for at most so long
WINDOW = 150  # and for at least so long: within one window it is the same, so that browsers can keep what it leads to


class StorageUnavailable(Exception):
    """The storage is away, slow, or in trouble: it may be tried again."""


class Form(NamedTuple):
    """What a browser sends, as multipart/form-data: the fields first, then the file as `file`."""

    url: str
    fields: dict[str, str]


class Store(Protocol):
    """A place for files. Everything raises StorageUnavailable when it does not answer."""

    def upload_form(self, key: str, *, content_type: str, max_bytes: int, seconds: int) -> Form:
        """Let a browser put one file at this key: of 1 to `max_bytes` bytes, of this type, within `seconds`."""

    def size(self, key: str) -> int | None:
        """Bytes of what is there; None when nothing is."""

    def open(self, key: str) -> AbstractContextManager[IO[bytes]]:
        """What is there, as a file on this disk. Raises FileNotFoundError."""

    def put(self, key: str, file: IO[bytes], *, content_type: str) -> None:
        """Put something there, whatever was there before."""

    def delete(self, keys: Iterable[str]) -> None:
        """Remove what is there; what is not, is fine."""

    def keys(self, prefix: str) -> Iterator[tuple[str, datetime]]:
        """What there is below a prefix, and since when."""

    def view_url(self, key: str, *, until: datetime) -> str:
        """An address that shows it to whoever has it, until then."""

    def download_url(self, key: str, *, name: str, seconds: int) -> str:
        """An address that saves it as a file of this name, for whoever has it, for so many seconds from now."""

    def public_url(self, key: str) -> str:
        """The address of what everybody may see, for ever the same."""

    def answers(self) -> None:
        """Nothing, if files could be kept there now."""


@cache
def store() -> Store:
    """The one that is configured."""
    if settings.AWS_S3_BUCKET:
        bucket: Store = import_string("media.s3.BucketStore")()  # boto3 takes half a second to import
        return bucket
    from media.local import Disk

    return Disk()


def window_end() -> datetime:
    """When an address that is signed now ends: in 150 to 300 seconds, on the clock's grid."""
    return datetime.fromtimestamp((math.floor(time.time() / WINDOW) + VIEW_SECONDS // WINDOW) * WINDOW, UTC)
