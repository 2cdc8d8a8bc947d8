"""Pictures from outside: verified, then written anew, so that nothing but pixels stays of them."""

import uuid
import warnings
from io import BytesIO
from typing import IO, Any

from django.core.files.base import ContentFile
from PIL import Image, ImageOps, UnidentifiedImageError

FORMATS = ("JPEG", "PNG", "WEBP")
MAX_PIXELS = 40_000_000
MAX_BYTES = 20 * 1024 * 1024
QUALITY = 84


class NotAPicture(Exception):
    """It cannot be used; the words say why, and what would do instead."""


def open_picture(file: IO[bytes] | Any) -> Image.Image:
    """The decoded picture, upright. Looks at the content, never at the name. Raises NotAPicture."""
    if file.seek(0, 2) > MAX_BYTES:
        raise NotAPicture("That file is over 20 MB. Save it smaller.")
    file.seek(0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own limit is lower, and is checked
            picture = Image.open(file, formats=FORMATS)
            if picture.width * picture.height > MAX_PIXELS:
                raise NotAPicture("That picture has more than 40 million pixels. Save it smaller.")
            picture.load()
    except (UnidentifiedImageError, Image.DecompressionBombError) as e:
        raise NotAPicture("That isn’t a picture we can read. Save it as JPG, PNG or WebP.") from e
    except (OSError, SyntaxError, ValueError, EOFError) as e:
        raise NotAPicture("That picture is damaged. Save it again and try once more.") from e
    return ImageOps.exif_transpose(picture).convert("RGB")


def cropped(picture: Image.Image, width: int, height: int, *, top: bool = False) -> ContentFile:
    """A WebP file of exactly this shape, filled from the middle (or from the top, where faces are).

    A picture that is too small stays as small as it is, in the right shape. Nothing of the original file's
    metadata is carried over, and the name is new.
    """
    scale = min(1.0, picture.width / width, picture.height / height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    fitted = ImageOps.fit(picture, size, Image.Resampling.LANCZOS, centering=(0.5, 0.0 if top else 0.5))
    fitted.info.clear()
    out = BytesIO()
    fitted.save(out, "WEBP", quality=QUALITY, method=4)
    return ContentFile(out.getvalue(), name=f"{uuid.uuid4().hex}.webp")
