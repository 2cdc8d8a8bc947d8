"""From a stranger's file to upright sRGB pixels, in bounded memory and time.

A decoded picture of 40 million pixels is 160 MB. So it exists once: a JPEG is decoded smaller where that is enough,
everything else is made smaller strip by strip, and only strips are ever converted.
"""

import re
import struct
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import IO, Any

import pillow_heif
from PIL import Image, ImageCms

from media.formats import HEAD, PICTURES, recognise, unsupported

MAX_PIXELS = 40_000_000
MAX_WEBP_PIXELS = 18_000_000  # libwebp's decoder and Pillow hold four copies: as much memory as 40 million elsewhere
MAX_CMYK_PIXELS = 30_000_000  # of a progressive JPEG, which is held whole in all its inks while it is decoded
MAX_PROFILE = 4 * 1024 * 1024  # bytes; those of printing presses have two and a half
MAX_SEGMENTS = 2000  # of a JPEG before its pixels; XMP of 20 MB comes in 320
MAX_SCANS = 100  # of a progressive JPEG, each a pass over all pixels; cameras make ten
MAX_CHUNKS = 25_000  # of a PNG; libpng cuts 20 MB into 2,500
STRIP = 1 << 20  # pixels

LANCZOS = Image.Resampling.LANCZOS
UPRIGHT = {  # what EXIF's orientation asks for
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))

UNREADABLE = "That isn’t a picture we can read. Save it as JPG, PNG or WebP."
DAMAGED = "That picture is damaged. Save it again and try once more."
MOVES = "Animated pictures aren’t supported. Save one frame as JPG or PNG."
TOO_LARGE = "That picture has more than 40 million pixels. Save it smaller."
TOO_LARGE_WEBP = "That WebP has more than 18 million pixels. Save it as JPG or PNG."
TOO_LARGE_CMYK = "That CMYK picture has more than 30 million pixels. Save it in RGB."

Size = tuple[int, int]


class NotAPicture(Exception):
    """It cannot be used; the words say why, and what would do instead."""


@dataclass(frozen=True)
class _Source:
    """A picture that was opened and found fit to be decoded."""

    size: Size  # as it lies in the file
    rows: Callable[[int, int], Image.Image]  # decodes when it is first called
    icc: bytes | None = None
    orientation: int = 1
    at_least: Callable[[Size], Size] = lambda size: size  # may decode smaller than the size, but not than this

    @property
    def lies(self) -> bool:
        """Whether width and height change places when it is put upright."""
        return self.orientation >= 5


def decoded(file: IO[bytes], needed: Callable[[Size], Size]) -> tuple[Image.Image, Size]:
    """The picture upright, in sRGB, on white, without metadata, and how large the original is.

    `needed` says how large it must be, from how large it is: the same shape, or smaller. Raises NotAPicture.
    """
    file.seek(0)
    kind = recognise(file.read(HEAD))
    if kind not in PICTURES:
        raise NotAPicture(unsupported(kind, ("JPG", "PNG")) if kind else UNREADABLE)
    file.seek(0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's limits are above ours; of odd EXIF nobody needs to hear
            source = _OPENERS[kind](file)
            upright = (source.size[1], source.size[0]) if source.lies else source.size
            size = needed(upright)
            picture = _made_smaller(source, (size[1], size[0]) if source.lies else size)
            picture = _in_srgb(picture, source.icc)
    except NotAPicture:
        raise
    except Exception as e:  # decoders meet files made to break them, and raise whatever they come upon
        raise NotAPicture(DAMAGED) from e
    if source.orientation in UPRIGHT:
        picture = picture.transpose(UPRIGHT[source.orientation])
    return picture, upright


# --- Opening: cheap, and refuses what would be dear -------------------------------------------------------


def _check_size(width: int, height: int, limit: int = MAX_PIXELS, words: str = TOO_LARGE) -> None:
    if width < 1 or height < 1:
        raise NotAPicture(DAMAGED)
    if width * height > limit:
        raise NotAPicture(words)


def _open(file: IO[bytes], name: str) -> Image.Image:
    picture: Image.Image = Image.open(file, formats=[name])
    _check_size(*picture.size)
    return picture


def _source(picture: Image.Image, at_least: Callable[[Size], Size] | None = None) -> _Source:
    def rows(top: int, bottom: int) -> Image.Image:
        return picture.crop((0, top, picture.width, bottom))

    try:
        orientation = int(picture.getexif().get(0x0112, 1))
    except Exception:  # a broken EXIF is as good as none
        orientation = 1
    icc = picture.info.get("icc_profile")
    if orientation not in UPRIGHT:
        orientation = 1
    return _Source(picture.size, rows, icc, orientation, at_least or (lambda size: picture.size))


def _jpeg(file: IO[bytes]) -> _Source:
    _check_jpeg(file.read())
    picture = _open(file, "JPEG")  # the first of those in one file: phones put depth and previews behind it
    if picture.mode == "CMYK" and "progressive" in picture.info:
        _check_size(*picture.size, MAX_CMYK_PIXELS, TOO_LARGE_CMYK)

    def draft(size: Size) -> Size:
        picture.draft(None, size)
        return picture.size

    return _source(picture, draft)


def _check_jpeg(data: bytes) -> None:
    """Walk over its markers: none of the segments and passes that exist only to cost time."""
    at, scans = 2, 0
    for _ in range(MAX_SEGMENTS):
        at = data.find(b"\xff", at)
        if at < 0 or at + 4 > len(data):
            return  # the decoder says that it is cut off
        marker = data[at + 1]
        if marker in (0x00, 0x01, 0xFF) or 0xD0 <= marker <= 0xD8:
            at += 1 if marker == 0xFF else 2
            continue
        if marker == 0xD9:
            return
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == 0xDA:
            scans += 1
            if scans > MAX_SCANS:
                raise NotAPicture(DAMAGED)
            found = _AFTER_PIXELS.search(data, at)
            if found is None:
                return
            at = found.start()
    raise NotAPicture(DAMAGED)


_AFTER_PIXELS = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")


def _png(file: IO[bytes]) -> _Source:
    _check_png(file)
    return _source(_open(file, "PNG"))


def _check_png(file: IO[bytes]) -> None:
    """Walk over its chunks: not too many, and none that make it move."""
    at = 8
    for _ in range(MAX_CHUNKS):
        file.seek(at)
        head = file.read(16)
        if len(head) < 12 or head[4:8] == b"IEND":
            return  # the decoder says whether it is cut off
        if head[4:8] == b"acTL" and int.from_bytes(head[8:12], "big") > 1:
            raise NotAPicture(MOVES)
        at += 12 + int.from_bytes(head[:4], "big")
    raise NotAPicture(DAMAGED)


def _webp(file: IO[bytes]) -> _Source:
    head = file.read(30)
    _check_size(*_webp_size(head), MAX_WEBP_PIXELS, TOO_LARGE_WEBP)
    picture = _open(file, "WEBP")
    if getattr(picture, "n_frames", 1) > 1:
        raise NotAPicture(MOVES)
    _check_size(*picture.size, MAX_WEBP_PIXELS, TOO_LARGE_WEBP)
    return _source(picture)


def _webp_size(head: bytes) -> Size:
    """As its header says; opening it allocates that much at once."""
    match head[12:16]:
        case b"VP8X":
            return int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1
        case b"VP8L":
            bits = int.from_bytes(head[21:25], "little")
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8 ":
            return int.from_bytes(head[26:28], "little") & 0x3FFF, int.from_bytes(head[28:30], "little") & 0x3FFF
    raise NotAPicture(DAMAGED)


def _heic(file: IO[bytes]) -> _Source:
    data = file.read()
    if data[8:12] in (b"hevc", b"hevx", b"hevm", b"hevs", b"msf1"):
        raise NotAPicture(MOVES)
    _check_heic(data)
    heif = pillow_heif.open_heif(data)
    picture = heif[heif.primary_index]
    _check_size(*picture.size)
    if tiles := picture.info.get("tiling"):
        _check_tiles(tiles)
    # libheif has turned and mirrored it already; an orientation in its EXIF says the same again.

    def rows(top: int, bottom: int) -> Image.Image:
        stride = picture.stride
        part = bytes(memoryview(picture.data)[top * stride : bottom * stride])
        return Image.frombytes(picture.mode, (picture.size[0], bottom - top), part, "raw", picture.mode, stride)

    icc = picture.info.get("icc_profile")
    return _Source(picture.size, rows, icc if isinstance(icc, bytes) else None)


def _check_heic(data: bytes) -> None:
    """Each picture in it says how large it is, and is not decoded larger: none may be too large, seen or not."""
    for found in _HEIC_SIZE.finditer(data):
        width, height = struct.unpack(">II", found[1])
        _check_size(width, height)
    if _HEIC_COLLAGE.search(data):  # many pictures over each other; no camera makes one
        raise NotAPicture(DAMAGED)


_HEIC_SIZE = re.compile(rb"ispe\0{4}(.{8})", re.DOTALL)
_HEIC_COLLAGE = re.compile(rb"infe[\2\3].{3}(?:..|.{4})..iovl", re.DOTALL)


def _check_tiles(tiles: Any) -> None:
    """Phones cut a picture into tiles; what these add up to is said apart from the size of the whole."""
    _check_size(tiles["image_width"], tiles["image_height"])
    across, down = tiles["num_columns"] * tiles["tile_width"], tiles["num_rows"] * tiles["tile_height"]
    _check_size(across, down, 2 * MAX_PIXELS)


_OPENERS: dict[str, Callable[[IO[bytes]], _Source]] = {"JPEG": _jpeg, "PNG": _png, "WebP": _webp, "HEIC": _heic}


# --- Pixels ---------------------------------------------------------------------------------------------


def _made_smaller(source: _Source, size: Size) -> Image.Image:
    """Decoded and resampled: across strip by strip, then down, which is what Pillow does with the whole."""
    width, height = source.at_least(size)
    step = max(1, STRIP // width)
    narrow: Image.Image | None = None
    for top in range(0, height, step):
        bottom = min(top + step, height)
        strip = _plain(source.rows(top, bottom)).resize((size[0], bottom - top), LANCZOS)
        if narrow is None:
            narrow = Image.new(strip.mode, (size[0], height))
        narrow.paste(strip, (0, top))
    assert narrow is not None
    return narrow.resize(size, LANCZOS)


def _plain(strip: Image.Image) -> Image.Image:
    """Grey, RGB or CMYK of eight bits; what shines through lies on white."""
    if strip.has_transparency_data:
        strip = strip.convert("RGBA")
        paper = Image.new("RGB", strip.size, "white")
        paper.paste(strip, mask=strip)
        return paper
    if strip.mode.startswith("I"):  # 16 bits of grey
        return strip.convert("I").point(lambda value: value / 257).convert("L")
    if strip.mode in ("L", "RGB", "CMYK"):
        return strip
    return strip.convert("L" if strip.mode == "1" else "RGB")


def _in_srgb(picture: Image.Image, icc: bytes | None) -> Image.Image:
    """RGB as screens show it. A profile that is broken, or of other pixels than these, is as good as none."""
    if icc and len(icc) <= MAX_PROFILE:
        try:
            profile = ImageCms.ImageCmsProfile(BytesIO(icc))
            converted = ImageCms.profileToProfile(
                picture,
                profile,
                SRGB,
                ImageCms.Intent.RELATIVE_COLORIMETRIC,
                "RGB",
                flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
            )
            assert converted is not None
            converted.info.clear()
            return converted
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            pass
    picture = picture.convert("RGB")
    picture.info.clear()
    return picture
