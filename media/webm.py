"""WebM films, element by element (EBML, RFC 8794): what they are, and how to take out what was written on them.

What no player needs becomes a Void of the same size, so that nothing moves.
"""

import math
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO

from media.mp4 import Broken
from media.provenance import AI_GENERATED

MAX_ELEMENTS = 200_000  # clusters without a size are walked block by block: an hour has 100,000
MAX_NUMBER = 8  # bytes

EBML, DOC_TYPE = 0x1A45DFA3, 0x4282
SEGMENT, SEEK_HEAD, INFO, TRACKS = 0x18538067, 0x114D9B74, 0x1549A966, 0x1654AE6B
CLUSTER, CUES, TAGS, CHAPTERS, ATTACHMENTS = 0x1F43B675, 0x1C53BB6B, 0x1254C367, 0x1043A770, 0x1941A469
OF_A_SEGMENT = {SEEK_HEAD, INFO, TRACKS, CLUSTER, CUES, TAGS, CHAPTERS, ATTACHMENTS}
VOID, CRC = 0xEC, 0xBF
TIMESTAMP_SCALE, DURATION, MUXER, WRITER = 0x2AD7B1, 0x4489, 0x4D80, 0x5741
TRACK, TRACK_TYPE, TRACK_NAME, CODEC_NAME, VIDEO = 0xAE, 0x83, 0x536E, 0x258688, 0xE0
PIXEL_WIDTH, PIXEL_HEIGHT, DISPLAY_WIDTH, DISPLAY_HEIGHT, DISPLAY_UNIT = 0xB0, 0xBA, 0x54B0, 0x54BA, 0x54B2
TAG, TARGETS, SIMPLE_TAG, TAG_NAME, TAG_STRING = 0x7373, 0x63C0, 0x67C8, 0x45A3, 0x4487
KEPT_OF_INFO = {TIMESTAMP_SCALE, DURATION, MUXER, WRITER}


@dataclass(frozen=True)
class Element:
    """Where one lies in the file; the body is from `body` to `end`."""

    id: int
    start: int
    body: int
    end: int
    sized: bool = True


@dataclass
class Movie:
    """What the elements say."""

    kind: str = ""
    segment: Element | None = None
    size: tuple[int, int] = (0, 0)
    seconds: float = 0
    pictures: bool = False  # not only sound
    clusters: int = 0
    spare: list[Element] = field(default_factory=list)
    names: list[Element] = field(default_factory=list)  # must be there, but may be empty


def read(file: IO[bytes]) -> Movie:
    """Walk over the elements of a film. Raises Broken; reads nothing of what is seen and heard."""
    movie, end, budget = Movie(), file.seek(0, os.SEEK_END), iter(range(MAX_ELEMENTS))
    for element in _elements(file, 0, end, budget):
        if element.id == EBML:
            for part in _elements(file, element.body, element.end, budget):
                if part.id == DOC_TYPE:
                    movie.kind = _bytes(file, part, 32).rstrip(b"\0").decode("ascii", "replace")
        elif element.id == SEGMENT and not movie.segment:
            movie.segment = element
            _read_segment(file, movie, element, budget)
        else:
            movie.spare.append(element)
    return movie


def clean(file: IO[bytes], *, ai_generated: bool) -> None:
    """Empty what no player needs; then say that a model made it, if it did. Raises Broken."""
    movie = read(file)
    for element in movie.names:
        _zero(file, element.body, element.end)
    for element in movie.spare:
        _void(file, element)
    if ai_generated:
        _append_tag(file, movie)
    file.flush()


# --- Reading ------------------------------------------------------------------------------------------------------


def _read_segment(file: IO[bytes], movie: Movie, segment: Element, budget: Iterator[int]) -> None:
    scale, duration = 1_000_000, 0.0
    for element in _elements(file, segment.body, segment.end, budget):
        match element.id:
            case _ if element.id == INFO:
                for part in _elements(file, element.body, element.end, budget):
                    if part.id == TIMESTAMP_SCALE:
                        scale = _number(file, part)
                    elif part.id == DURATION:
                        duration = _float(file, part)
                    elif part.id in (MUXER, WRITER):
                        movie.names.append(part)
                    if part.id not in KEPT_OF_INFO:
                        movie.spare.append(part)
            case _ if element.id == TRACKS:
                for part in _elements(file, element.body, element.end, budget):
                    if part.id == TRACK:
                        _read_track(file, movie, part, budget)
                    else:
                        movie.spare.append(part)
            case _ if element.id == CLUSTER:
                movie.clusters += element.end > element.body
            case _ if element.id not in (SEEK_HEAD, CUES):
                movie.spare.append(element)
    seconds = duration * scale / 1e9
    movie.seconds = seconds if math.isfinite(seconds) and seconds > 0 else 0.0


def _read_track(file: IO[bytes], movie: Movie, track: Element, budget: Iterator[int]) -> None:
    kind, numbers = 0, {}
    for part in _elements(file, track.body, track.end, budget):
        if part.id == TRACK_TYPE:
            kind = _number(file, part)
        elif part.id in (TRACK_NAME, CODEC_NAME, CRC):
            movie.spare.append(part)
        elif part.id == VIDEO:
            for one in _elements(file, part.body, part.end, budget):
                if one.id in (PIXEL_WIDTH, PIXEL_HEIGHT, DISPLAY_WIDTH, DISPLAY_HEIGHT, DISPLAY_UNIT):
                    numbers[one.id] = _number(file, one)
    if kind == 1 and not movie.pictures:
        movie.pictures = True
        width, height = numbers.get(PIXEL_WIDTH, 0), numbers.get(PIXEL_HEIGHT, 0)
        shown = numbers.get(DISPLAY_WIDTH, 0), numbers.get(DISPLAY_HEIGHT, 0)
        if all(shown) and numbers.get(DISPLAY_UNIT, 0) == 0:
            width, height = shown
        elif all(shown):  # only a shape
            width = max(1, round(height * shown[0] / shown[1]))
        movie.size = width, height


def _elements(file: IO[bytes], start: int, end: int, budget: Iterator[int]) -> Iterator[Element]:
    while start < end:
        if next(budget, None) is None:
            raise Broken
        file.seek(start)
        head = file.read(min(12, end - start))
        id_length = _length(head, 4)
        id = int.from_bytes(head[:id_length], "big")
        size_length = _length(head[id_length:], 8)
        body = start + id_length + size_length
        if body > end:
            raise Broken
        size = int.from_bytes(head[id_length : id_length + size_length], "big") & ((1 << 7 * size_length) - 1)
        sized = size != (1 << 7 * size_length) - 1
        if sized:
            stop = body + size
        elif id == SEGMENT:
            stop = end
        elif id == CLUSTER:
            stop = _end_of_cluster(file, body, end, budget)
        else:
            raise Broken
        if stop > end:
            raise Broken
        yield Element(id, start, body, stop, sized)
        start = stop


def _end_of_cluster(file: IO[bytes], start: int, end: int, budget: Iterator[int]) -> int:
    """Where one ends that a browser recorded and could not go back to: at the next element of the segment."""
    file.seek(start)
    while start < end:
        file.seek(start)
        if int.from_bytes(file.read(4), "big") in OF_A_SEGMENT:
            break
        start = next(_elements(file, start, end, budget)).end
    return start


def _length(head: bytes, most: int) -> int:
    """Of a number of variable length: as many bytes as its first has leading zeros, and one."""
    length = 9 - head[0].bit_length() if head else 9
    if length > most or length > len(head):
        raise Broken
    return length


def _bytes(file: IO[bytes], element: Element, most: int) -> bytes:
    if element.end - element.body > most:
        raise Broken
    file.seek(element.body)
    return file.read(element.end - element.body)


def _number(file: IO[bytes], element: Element) -> int:
    return int.from_bytes(_bytes(file, element, MAX_NUMBER), "big")


def _float(file: IO[bytes], element: Element) -> float:
    data = _bytes(file, element, MAX_NUMBER)
    form = {4: ">f", 8: ">d"}.get(len(data))
    return float(struct.unpack(form, data)[0]) if form else 0.0


# --- Emptying -------------------------------------------------------------------------------------------------------


def _void(file: IO[bytes], element: Element) -> None:
    length = element.end - element.start
    head = bytes([VOID]) + (_size(length - 9, 8) if length >= 9 else _size(length - 2, 1))
    file.seek(element.start)
    file.write(head)
    _zero(file, element.start + len(head), element.end)


def _zero(file: IO[bytes], start: int, end: int) -> None:
    file.seek(start)
    while start < end:
        start += file.write(bytes(min(1 << 20, end - start)))


def _size(size: int, length: int) -> bytes:
    return (size | 1 << 7 * length).to_bytes(length, "big")


def _element(id: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return id.to_bytes((id.bit_length() + 7) // 8, "big") + _size(len(body), 8) + body


def _append_tag(file: IO[bytes], movie: Movie) -> None:
    """WebM has no place for XMP: the same words stand in a tag."""
    segment = movie.segment
    assert segment is not None
    words = _element(TAG_NAME, b"DIGITAL_SOURCE_TYPE"), _element(TAG_STRING, AI_GENERATED.encode())
    tags = _element(TAGS, _element(TAG, _element(TARGETS), _element(SIMPLE_TAG, *words)))
    file.seek(segment.end)
    file.write(tags)
    file.truncate()
    if segment.sized:
        length = segment.body - segment.start - 4
        size = segment.end - segment.body + len(tags)
        unknown = (1 << 7 * length) - 1  # to the end of the file, where it does not fit
        file.seek(segment.start + 4)
        file.write(_size(min(size, unknown), length))
