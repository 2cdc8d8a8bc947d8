"""MP4 films, box by box (ISO 14496-12): what they are, and how to take out where and with what they were filmed.

Only the boxes that a player needs are known here. Everything else becomes empty space of the same size, so that
nothing moves and no offset has to be written anew.
"""

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO

from media.provenance import AI_GENERATED_XMP

MAX_BOXES = 100_000  # an hour in fragments of half a second has 60,000
MAX_SAMPLES = 1_000_000  # of a track that is taken out
XMP_BOX = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
BLOCK = 1 << 20

TABLES = {b"stsd", b"stts", b"ctts", b"cslg", b"stss", b"stsh", b"stsz", b"stz2", b"stsc", b"stco", b"co64"}
TABLES |= {b"padb", b"stdp", b"sdtp", b"sbgp", b"sgpd", b"subs", b"saiz", b"saio"}
NEEDED = {  # by players, inside of each box that holds others; b"" is the file
    b"": {b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"mfra", b"sidx", b"ssix"},
    b"moov": {b"mvhd", b"trak", b"mvex"},
    b"mvex": {b"mehd", b"trex"},
    b"trak": {b"tkhd", b"edts", b"tref", b"mdia"},
    b"edts": {b"elst"},
    b"mdia": {b"mdhd", b"hdlr", b"minf", b"elng"},
    b"minf": {b"vmhd", b"smhd", b"nmhd", b"sthd", b"dinf", b"stbl"},
    b"stbl": TABLES,
    b"moof": {b"mfhd", b"traf"},
    b"traf": {b"tfhd", b"tfdt", b"trun", b"sbgp", b"sgpd", b"subs", b"saiz", b"saio", b"senc"},
}
SEEN_AND_HEARD = {b"vide", b"soun", b"sbtl", b"subt", b"text", b"clcp"}  # others carry places, times and cameras


class Broken(Exception):
    """Its boxes do not fit into each other."""


@dataclass(frozen=True)
class Box:
    """Where one lies in the file; the body is from `body` to `end`."""

    kind: bytes
    start: int
    body: int
    end: int


@dataclass
class Track:
    """One of pictures, of sound, or of something else."""

    box: Box
    handler: bytes = b""
    enabled: bool = False
    width: float = 0
    height: float = 0
    turned: bool = False
    coded: tuple[int, int] = (0, 0)
    tables: dict[bytes, Box] = field(default_factory=dict)

    @property
    def size(self) -> tuple[int, int]:
        """As it is shown."""
        width, height = (round(self.width), round(self.height)) if self.width and self.height else self.coded
        return (height, width) if self.turned else (width, height)


@dataclass
class Movie:
    """What the boxes say."""

    tracks: list[Track] = field(default_factory=list)
    seconds: float = 0
    media_bytes: int = 0
    timescale: int = 0
    spare: list[Box] = field(default_factory=list)  # no player needs them
    names: list[tuple[int, int]] = field(default_factory=list)  # where names, and times of making, stand
    last: Box | None = None


def read(file: IO[bytes]) -> Movie:
    """Walk over the boxes of a film. Raises Broken; reads nothing of what is seen and heard."""
    movie = Movie()
    size = file.seek(0, os.SEEK_END)
    budget = iter(range(MAX_BOXES))
    try:
        _walk(file, movie, b"", 0, size, budget)
    except (struct.error, EOFError, IndexError) as e:  # a box too small for what it should hold
        raise Broken from e
    return movie


def clean(file: IO[bytes], *, ai_generated: bool) -> None:
    """Empty what no player needs; then say that a model made it, if it did. Raises Broken."""
    movie = read(file)
    for track in movie.tracks:
        if track.handler not in SEEN_AND_HEARD:
            for start, end in _samples(file, track):
                _zero(file, start, end)
            movie.spare.append(track.box)
    for start, end in movie.names:
        _zero(file, start, end)
    for box in movie.spare:
        file.seek(box.start + 4)
        file.write(b"free")
        _zero(file, box.body, box.end)
    if ai_generated:
        _append(file, movie, XMP_BOX + AI_GENERATED_XMP)
    file.flush()


# --- Reading ------------------------------------------------------------------------------------------------------


def _walk(file: IO[bytes], movie: Movie, parent: bytes, start: int, end: int, budget: Iterator[int]) -> None:
    for box in _boxes(file, start, end, budget):
        if not parent:
            movie.last = box
            movie.media_bytes += (box.end - box.body) if box.kind == b"mdat" else 0
        if box.kind not in NEEDED[parent]:
            movie.spare.append(box)
            continue
        if box.kind == b"trak":
            movie.tracks.append(Track(box))
        elif box.kind == b"moov" and movie.timescale:
            raise Broken  # two movies in one file
        elif read_it := _READERS.get(box.kind):
            read_it(file, movie, box)
        elif parent == b"stbl":
            movie.tracks[-1].tables[box.kind] = box
        if box.kind in NEEDED:
            _walk(file, movie, box.kind, box.body, box.end, budget)


def _boxes(file: IO[bytes], start: int, end: int, budget: Iterator[int]) -> Iterator[Box]:
    while end - start >= 8:
        if next(budget, None) is None:
            raise Broken
        file.seek(start)
        size, kind = struct.unpack(">I4s", _exactly(file, 8))
        body = start + 8
        if size == 1:
            (size,) = struct.unpack(">Q", _exactly(file, 8))
            body += 8
        stop = start + size if size else end  # 0: to the end of the file
        if stop < body or stop > end:
            raise Broken
        yield Box(kind, start, body, stop)
        start = stop
    if start < end and any(_at(file, start, end - start)):
        raise Broken


def _exactly(file: IO[bytes], count: int) -> bytes:
    data = file.read(count)
    if len(data) < count:
        raise EOFError
    return data


def _at(file: IO[bytes], start: int, count: int) -> bytes:
    file.seek(start)
    return _exactly(file, count)


def _inside(file: IO[bytes], box: Box, most: int) -> bytes:
    return _at(file, box.body, min(most, box.end - box.body))


def _times(data: bytes, box: Box) -> tuple[int, tuple[int, int]]:
    """Whether they are of 64 bits, and where the times of making and changing it stand."""
    return data[0], (box.body + 4, box.body + (20 if data[0] else 12))


def _read_mvhd(file: IO[bytes], movie: Movie, box: Box) -> None:
    data = _inside(file, box, 32)
    wide, times = _times(data, box)
    movie.names.append(times)
    movie.timescale, duration = struct.unpack_from(">IQ" if wide else ">II", data, 20 if wide else 12)
    _last(movie, duration, wide)


def _read_mehd(file: IO[bytes], movie: Movie, box: Box) -> None:
    data = _inside(file, box, 12)
    _last(movie, struct.unpack_from(">Q" if data[0] else ">I", data, 4)[0], data[0])


def _last(movie: Movie, duration: int, wide: int) -> None:
    unknown = (1 << (64 if wide else 32)) - 1
    if duration not in (0, unknown) and movie.timescale:
        movie.seconds = duration / movie.timescale


def _read_tkhd(file: IO[bytes], movie: Movie, box: Box) -> None:
    track, data = movie.tracks[-1], _inside(file, box, 96)
    wide, times = _times(data, box)
    movie.names.append(times)
    track.enabled = bool(data[3] & 1)
    matrix = 52 if wide else 40
    a, b, _, c, d, *_ = struct.unpack_from(">9i", data, matrix)
    track.turned = not a and not d and bool(b and c)
    track.width, track.height = (side / 65536 for side in struct.unpack_from(">II", data, matrix + 36))


def _read_mdhd(file: IO[bytes], movie: Movie, box: Box) -> None:
    movie.names.append(_times(_inside(file, box, 1), box)[1])


def _read_hdlr(file: IO[bytes], movie: Movie, box: Box) -> None:
    if movie.tracks:
        movie.tracks[-1].handler = struct.unpack_from(">8x4s", _inside(file, box, 12))[0]
    if box.end > box.body + 24:
        movie.names.append((box.body + 24, box.end))


def _read_stsd(file: IO[bytes], movie: Movie, box: Box) -> None:
    """The first description of a track of pictures: their size, and the name of what packed them."""
    track = movie.tracks[-1]
    track.tables[b"stsd"] = box
    if track.handler == b"vide" and box.end - box.body >= 8 + 8 + 78:
        entry = box.body + 8
        track.coded = struct.unpack_from(">HH", _at(file, entry + 8, 28), 24)
        movie.names.append((entry + 8 + 42, entry + 8 + 74))


_READERS = {
    b"mvhd": _read_mvhd,
    b"mehd": _read_mehd,
    b"tkhd": _read_tkhd,
    b"mdhd": _read_mdhd,
    b"hdlr": _read_hdlr,
    b"stsd": _read_stsd,
}


# --- Emptying -------------------------------------------------------------------------------------------------------


def _samples(file: IO[bytes], track: Track) -> Iterator[tuple[int, int]]:
    """Where the data of a track lies, chunk by chunk."""
    size = file.seek(0, os.SEEK_END)
    wide = b"co64" in track.tables
    offsets = _table(file, track, b"co64" if wide else b"stco", ">Q" if wide else ">I")
    runs = _table(file, track, b"stsc", ">III")
    sizes = _sizes(file, track)
    at, run = 0, 0
    for number, (offset,) in enumerate(offsets, 1):
        if run + 1 < len(runs) and runs[run + 1][0] <= number:
            run += 1
        count = runs[run][1] if runs else 0
        end = offset + sum(sizes[at : at + count])
        at += count
        if end > size:
            raise Broken
        yield offset, end


def _table(file: IO[bytes], track: Track, kind: bytes, form: str) -> list[tuple[int, ...]]:
    box = track.tables.get(kind)
    if box is None:
        return []
    count = int.from_bytes(_inside(file, box, 8)[4:], "big")
    length = count * struct.calcsize(form)
    if count > MAX_SAMPLES or box.body + 8 + length > box.end:
        raise Broken
    return list(struct.iter_unpack(form, _at(file, box.body + 8, length)))


def _sizes(file: IO[bytes], track: Track) -> list[int]:
    box = track.tables.get(b"stsz")
    if box is None:
        return []
    each, count = struct.unpack_from(">II", _inside(file, box, 12), 4)
    if count > MAX_SAMPLES or (not each and box.body + 12 + 4 * count > box.end):
        raise Broken
    if each:
        return [each] * count
    return [size for (size,) in struct.iter_unpack(">I", _at(file, box.body + 12, 4 * count))]


def _zero(file: IO[bytes], start: int, end: int) -> None:
    file.seek(start)
    while start < end:
        start += file.write(bytes(min(BLOCK, end - start)))


def _append(file: IO[bytes], movie: Movie, body: bytes) -> None:
    last = movie.last
    assert last is not None
    if not int.from_bytes(_at(file, last.start, 4), "big"):  # it goes to the end of the file, which is elsewhere now
        size = last.end - last.start
        if size >= 1 << 32:
            raise Broken
        file.seek(last.start)
        file.write(size.to_bytes(4, "big"))
    file.seek(last.end)
    file.write((len(body) + 8).to_bytes(4, "big") + b"uuid" + body)
    file.truncate()
