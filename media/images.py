"""Pictures from outside: verified, then written anew, so that nothing but pixels stays of them."""

import uuid
import warnings
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import IO, Any

from django.core.files.base import ContentFile
from PIL import Image, ImageOps, UnidentifiedImageError

FORMATS = ("JPEG", "PNG", "WEBP")
MAX_PIXELS = 40_000_000
MAX_BYTES = 20 * 1024 * 1024
KEPT_SIDE, KEPT_PIXELS = 1600, 6_000_000  # what any crop of it needs; more only costs memory
QUALITY = 84
AS_THEY_ARE = ("L", "RGB", "RGBA", "CMYK")  # modes that can be made smaller without becoming another first

# A decoded picture is up to 160 MB, and editors upload side by side. One thread, so that its memory is used again: each
# thread of its own would keep some.
_one_at_a_time = ThreadPoolExecutor(1, "picture")


class NotAPicture(Exception):
    """It cannot be used; the words say why, and what would do instead."""


def open_picture(file: IO[bytes] | Any) -> Image.Image:
    """The decoded picture, upright, and no larger than crops of it need. Looks at the content, never at the name.

    Raises NotAPicture.
    """
    if file.seek(0, 2) > MAX_BYTES:
        raise NotAPicture("That file is over 20 MB. Save it smaller.")
    file.seek(0)
    return _one_at_a_time.submit(_decoded, file).result()


def _decoded(file: Any) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own limit is lower, and is checked
            picture: Image.Image = Image.open(file, formats=FORMATS)
            if picture.width * picture.height > MAX_PIXELS:
                raise NotAPicture("That picture has more than 40 million pixels. Save it smaller.")
            size = _kept(picture)
            picture.draft("RGB", size)  # a JPEG can be decoded smaller; the others cannot
            if picture.mode not in AS_THEY_ARE:
                picture = picture.convert("RGB")
            picture.thumbnail(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
            picture.load()
    except (UnidentifiedImageError, Image.DecompressionBombError) as e:
        raise NotAPicture("That isn’t a picture we can read. Save it as JPG, PNG or WebP.") from e
    except (OSError, SyntaxError, ValueError, EOFError) as e:
        raise NotAPicture("That picture is damaged. Save it again and try once more.") from e
    return ImageOps.exif_transpose(picture).convert("RGB")


def _kept(picture: Image.Image) -> tuple[int, int]:
    scale = max(KEPT_SIDE / picture.width, KEPT_SIDE / picture.height)
    scale = min(1.0, scale, (KEPT_PIXELS / (picture.width * picture.height)) ** 0.5)
    return max(1, round(picture.width * scale)), max(1, round(picture.height * scale))


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
