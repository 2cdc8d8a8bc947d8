"""Films from outside: told by their content, cleaned in place, and a still picture of each."""

import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import IO, Literal

from PIL import Image, ImageDraw

from media import mp4, webm
from media.formats import HEAD, recognise, unsupported

MAX_SIDE = 16_384
POSTER_SECONDS = 20  # a film that is not decoded by then has no picture of its own
POSTER_SIDE = 1600

UNPLAYABLE = "That isn’t a video we can play. Save it as MP4 or WebM."
DAMAGED = "That video is damaged. Save it again and try once more."
ONLY_SOUND = "There is only sound in that file. Choose one with a picture."
OTHER_FILMS = {"MOV", "MKV", "AVI", "3GP", "FLV", "WMV", "MPEG", "Ogg"}


class NotAVideo(Exception):
    """It cannot be used; the words say why, and what would do instead."""


@dataclass(frozen=True)
class Film:
    """What a film is, by its content."""

    content_type: str
    extension: Literal["mp4", "webm"]
    width: int  # as it is shown: phones film lying down, and say so
    height: int
    seconds: float  # 0 when it does not say


def inspect(file: IO[bytes]) -> Film:
    """What it is. Reads only what frames the film, never the film. Raises NotAVideo."""
    try:
        return _mp4(file) if _kind(file) == "MP4" else _webm(file)
    except mp4.Broken as e:
        raise NotAVideo(DAMAGED) from e


def clean(file: IO[bytes], *, ai_generated: bool) -> None:
    """Take out, in place, where, when and with what it was filmed; say that a model made it, if it did.

    What encoders hide between the frames themselves stays. Raises NotAVideo.
    """
    try:
        (mp4 if _kind(file) == "MP4" else webm).clean(file, ai_generated=ai_generated)
    except mp4.Broken as e:
        raise NotAVideo(DAMAGED) from e


def _kind(file: IO[bytes]) -> str:
    file.seek(0)
    kind = recognise(file.read(HEAD))
    if kind in OTHER_FILMS:
        raise NotAVideo(unsupported(kind, ["MP4"]))
    if kind not in ("MP4", "WebM"):
        raise NotAVideo(UNPLAYABLE)
    return kind


def _mp4(file: IO[bytes]) -> Film:
    movie = mp4.read(file)
    if not movie.tracks or not movie.media_bytes:
        raise NotAVideo(DAMAGED)
    seen = [track for track in movie.tracks if track.handler == b"vide"]
    if not seen:
        raise NotAVideo(ONLY_SOUND)
    width, height = next((track for track in seen if track.enabled), seen[0]).size
    return _film("mp4", width, height, movie.seconds)


def _webm(file: IO[bytes]) -> Film:
    movie = webm.read(file)
    if movie.kind != "webm":
        raise NotAVideo(unsupported("MKV", ["MP4"]))
    if not movie.segment or not movie.clusters:
        raise NotAVideo(DAMAGED)
    if not movie.pictures:
        raise NotAVideo(ONLY_SOUND)
    return _film("webm", *movie.size, movie.seconds)


def _film(extension: Literal["mp4", "webm"], width: int, height: int, seconds: float) -> Film:
    if not (1 <= width <= MAX_SIDE and 1 <= height <= MAX_SIDE):
        raise NotAVideo(DAMAGED)
    return Film(f"video/{extension}", extension, width, height, round(seconds, 3))


# --- A still picture ------------------------------------------------------------------------------------------------


def poster(path: Path) -> bytes | None:
    """A frame of it, upright, as PNG; None where ffmpeg is not installed, or finds none in time."""
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None:
        return None
    with path.open("rb") as file:
        demuxer = {"MP4": "mov", "WebM": "matroska"}.get(recognise(file.read(HEAD)))
    if demuxer is None:
        return None
    for second in ("1", "0"):  # many begin with black
        if frame := _frame(ffmpeg, demuxer, path, second):
            return frame
    return None


def _frame(ffmpeg: str, demuxer: str, path: Path, second: str) -> bytes | None:
    """One frame. Whatever the film says, ffmpeg opens no other file and no connection, and grows only so large."""
    command = [ffmpeg, "-nostdin", "-hide_banner", "-loglevel", "error", "-max_alloc", str(256 * 1024 * 1024)]
    command += ["-protocol_whitelist", "file", "-f", demuxer, "-threads", "1", "-max_pixels", "40000000"]
    command += ["-ss", second, "-i", f"file:{path.resolve()}", "-map", "0:v:0", "-frames:v", "1"]
    side = f"min({POSTER_SIDE},{{}})"
    scale = f"scale='{side.format('iw')}':'{side.format('ih')}':force_original_aspect_ratio=decrease"
    command += ["-vf", scale, "-threads", "1", "-c:v", "png", "-f", "image2pipe", "pipe:1"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=POSTER_SECONDS, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 and done.stdout.startswith(b"\x89PNG") else None


@cache
def neutral_poster() -> bytes:
    """For a film of which there is no picture: dusk, and a sign that it can be played. PNG."""
    picture = Image.linear_gradient("L").resize((800, 1000))
    picture = Image.merge("RGB", [picture.point(lambda v, low=low: low + v // 8) for low in (24, 18, 34)])
    draw = ImageDraw.Draw(picture)
    draw.ellipse((300, 400, 500, 600), outline=(150, 135, 165), width=6)
    draw.polygon([(372, 450), (372, 550), (450, 500)], fill=(150, 135, 165))
    out = BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()
