"""The local twin of the CDN: characters' public pictures from this disk. Nothing private is served here."""

from django.core.exceptions import SuspiciousFileOperation
from django.core.files.storage import FileSystemStorage, default_storage
from django.http import FileResponse, Http404, HttpRequest
from django.views.decorators.http import require_safe

PUBLIC = "girls/"
TYPES = {".webp": "image/webp"}  # all that images.py writes


@require_safe
def serve(request: HttpRequest, path: str) -> FileResponse:
    """A public picture. Names are never used twice, so browsers may keep it for a year."""
    suffix = path[path.rfind(".") :]
    if not isinstance(default_storage, FileSystemStorage) or not path.startswith(PUBLIC) or suffix not in TYPES:
        raise Http404
    if ".." in path.split("/"):
        raise Http404
    try:
        file = default_storage.open(path)
    except (OSError, SuspiciousFileOperation, ValueError) as e:
        raise Http404 from e
    return FileResponse(
        file,
        content_type=TYPES[suffix],
        headers={"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"},
    )
