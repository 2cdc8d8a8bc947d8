"""`{% uploader "girl_media" target %}`: the uploader, for any purpose that an app has registered."""

import json
from typing import Any

from django.template import Library

from media import purposes
from media.models import Kind
from media.purposes import MB

register = Library()


@register.inclusion_tag("media/_uploader.html")
def uploader(
    purpose: str,
    target: dict[str, Any] | None = None,
    what: str = "",
    *,
    multiple: bool = False,
    everywhere: bool = False,
) -> dict[str, Any]:
    """Files for this purpose and target. `everywhere`: the whole page takes drops and pastes."""
    use = purposes.named(purpose)
    return {
        "purpose": purpose,
        "target": json.dumps(target or {}),
        "what": what,
        "multiple": multiple,
        "everywhere": everywhere,
        "videos": Kind.VIDEO in use.limits,
        "image_mb": use.max_bytes(Kind.IMAGE) // MB,
        "video_mb": use.max_bytes(Kind.VIDEO) // MB if Kind.VIDEO in use.limits else 0,
    }
