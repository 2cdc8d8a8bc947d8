"""A file of this disk, whole or in parts, as browsers ask for films. Never read whole."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseNotModified,
    StreamingHttpResponse,
)

from media.models import TYPES

PART = 256 * 1024
ONE_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Content-Disposition": "inline",
    "Accept-Ranges": "bytes",
}


def file_response(request: HttpRequest, path: Path, *, cache: str, save_as: str = "") -> HttpResponseBase:
    """The file, or the part of it that is asked for. Raises Http404. Content types are those that we write.

    With `save_as` the browser puts it on the disk, under this name.
    """
    content_type = {**TYPES, "zip": "application/zip"}.get(path.suffix[1:])
    if content_type is None:
        raise Http404
    try:
        file = path.open("rb")
        size = file.seek(0, 2)
    except OSError as e:
        raise Http404 from e
    tag = f'"{path.stem}-{size}"'  # what lies at a key never changes
    if request.headers.get("If-None-Match") == tag:
        file.close()
        response: HttpResponseBase = HttpResponseNotModified()
    else:
        asked = _asked(request, tag, size)
        first, last = asked or (0, size - 1)
        if first > last:
            file.close()
            response = HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
        else:
            response = StreamingHttpResponse(_parts(file, first, last), content_type=content_type)
            response._resource_closers.append(file.close)  # type: ignore[attr-defined]  # also when nobody reads it
            response["Content-Length"] = str(last - first + 1)
            if asked:
                response.status_code = 206
                response["Content-Range"] = f"bytes {first}-{last}/{size}"
    for name, value in {**HEADERS, "ETag": tag, "Cache-Control": cache}.items():
        response[name] = value
    if save_as:
        response["Content-Disposition"] = f'attachment; filename="{save_as}"'
    return response


def _asked(request: HttpRequest, tag: str, size: int) -> tuple[int, int] | None:
    """First and last byte; the first after the last when there is no such part. None: all of it."""
    found = ONE_RANGE.fullmatch(request.headers.get("Range", ""))
    if not found or not any(found.groups()) or request.headers.get("If-Range", tag) != tag:
        return None
    first, last = found.groups()
    if not first:
        return (max(0, size - int(last)), size - 1) if int(last) else (1, 0)
    return int(first), min(int(last), size - 1) if last else size - 1


def _parts(file: IO[bytes], first: int, last: int) -> Iterator[bytes]:
    with file:
        file.seek(first)
        left = last - first + 1
        while left and (part := file.read(min(PART, left))):
            left -= len(part)
            yield part
