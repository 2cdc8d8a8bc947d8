"""Films for tests, written box by box: what cameras make, without a camera."""

import struct

MATRIX = {0: (1, 0, 0, 1), 90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}


# --- MP4 ------------------------------------------------------------------------------------------------------------


def box(kind: bytes, *parts: bytes, wide: bool = False) -> bytes:
    """A box, with a size of 64 bits if it is wide."""
    body = b"".join(parts)
    if wide:
        return struct.pack(">I4sQ", 1, kind, len(body) + 16) + body
    return struct.pack(">I4s", len(body) + 8, kind) + body


def ftyp(major: bytes = b"isom", *others: bytes) -> bytes:
    """What it says it is."""
    return box(b"ftyp", major, bytes(4), *(others or (b"isom", b"mp42")))


def mvhd(seconds: float = 2.5, wide: bool = False) -> bytes:
    """How long it is, and when it was made."""
    made = (3_900_000_001, 3_900_000_002)
    if wide:
        return box(b"mvhd", b"\1\0\0\0", struct.pack(">QQIQ", *made, 1000, int(seconds * 1000)), bytes(80))
    return box(b"mvhd", bytes(4), struct.pack(">IIII", *made, 1000, int(seconds * 1000)), bytes(80))


def tkhd(number: int, width: float, height: float, turn: int, enabled: bool = True, wide: bool = False) -> bytes:
    """Size and turn of a track."""
    a, b, c, d = (value * 65536 for value in MATRIX[turn])
    matrix = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 0x40000000)
    times = (
        struct.pack(">QQIIQ", 3_900_000_001, 3_900_000_002, number, 0, 2500)
        if wide
        else struct.pack(">IIIII", 3_900_000_001, 3_900_000_002, number, 0, 2500)
    )
    size = struct.pack(">II", int(width * 65536), int(height * 65536))
    return box(b"tkhd", bytes([wide, 0, 0, enabled]), times, bytes(16), matrix, size)


def track(
    number: int = 1,
    handler: bytes = b"vide",
    *,
    size: tuple[float, float] = (640, 360),
    coded: tuple[int, int] = (640, 360),
    turn: int = 0,
    enabled: bool = True,
    wide: bool = False,
    sizes: tuple[int, ...] = (),
    offsets: tuple[int, ...] = (),
    extra: bytes = b"",
) -> bytes:
    """A track with one sample in each chunk."""
    if handler == b"vide":
        name = b"\x0bSECRET lens".ljust(32, b"\0")
        entry = box(b"avc1", bytes(6), b"\0\1", bytes(16), struct.pack(">HH", *coded), bytes(14), name, bytes(4))
    else:
        entry = box(b"mp4a", bytes(6), b"\0\1", bytes(20))
    stbl = box(
        b"stbl",
        box(b"stsd", bytes(4), struct.pack(">I", 1), entry),
        box(b"stts", bytes(8)),
        box(b"stsc", bytes(4), struct.pack(">IIII", 1, 1, 1, 1)),
        box(b"stsz", bytes(4), struct.pack(">II", 0, len(sizes)), *(struct.pack(">I", n) for n in sizes)),
        box(b"co64", bytes(4), struct.pack(">I", len(offsets)), *(struct.pack(">Q", n) for n in offsets))
        if wide
        else box(b"stco", bytes(4), struct.pack(">I", len(offsets)), *(struct.pack(">I", n) for n in offsets)),
    )
    mdhd = box(b"mdhd", bytes(4), struct.pack(">IIII", 3_900_000_001, 3_900_000_002, 1000, 2500), bytes(4))
    hdlr = box(b"hdlr", bytes(8), handler, bytes(12), b"SECRET Camera\0")
    head = tkhd(number, *(size if handler == b"vide" else (0, 0)), turn, enabled, wide)
    return box(b"trak", head, box(b"mdia", mdhd, hdlr, box(b"minf", stbl)), extra)


def moov(*tracks: bytes, head: bytes | None = None, extra: bytes = b"") -> bytes:
    """The description of a film."""
    return box(b"moov", mvhd() if head is None else head, *tracks, extra)


def mp4(*tracks: bytes, media: bytes = b"pictures", moov_first: bool = True, **options) -> bytes:
    """A film of one track, or of these."""
    described, data = moov(*(tracks or (track(),)), **options), box(b"mdat", media)
    return ftyp() + (described + data if moov_first else data + described)


# --- WebM -----------------------------------------------------------------------------------------------------------


def element(id: int, *parts: bytes | int, length: int = 8, size: int | None = None) -> bytes:
    """An element; its size is written in so many bytes, and may lie. -1: unknown."""
    body = b"".join(part if isinstance(part, bytes) else part.to_bytes(4, "big") for part in parts)
    size = len(body) if size is None else size
    known = (size if size >= 0 else (1 << 7 * length) - 1) | 1 << 7 * length
    return id.to_bytes((id.bit_length() + 7) // 8, "big") + known.to_bytes(length, "big") + body


def webm(
    *,
    kind: bytes = b"webm",
    size: tuple[int, int] = (640, 360),
    video: bytes = b"",
    duration: float = 2500.0,
    tracks: tuple[int, ...] = (1, 2),
    live: bool = False,
    length: int = 8,
    extra: bytes = b"",
    clusters: int = 2,
) -> bytes:
    """A film; `live` as browsers record: nothing knows its size."""
    head = element(0x1A45DFA3, element(0x4282, kind, length=1), length=1)
    info = element(
        0x1549A966,
        element(0xBF, b"\1\2\3\4", length=1),
        element(0x2AD7B1, 1_000_000),
        b"" if live else element(0x4489, struct.pack(">d", duration)),
        element(0x4D80, b"SECRET muxer"),
        element(0x5741, b"SECRET Camera 3"),
        element(0x7BA9, b"SECRET title"),
        element(0x4461, struct.pack(">q", 123456789)),
    )
    described = []
    for number, which in enumerate(tracks, 1):
        picture = element(0xE0, element(0xB0, size[0]), element(0xBA, size[1]), video, length=1) if which == 1 else b""
        name = element(0x536E, b"SECRET name")
        described.append(element(0xAE, element(0xD7, number), element(0x83, which), name, picture))
    block = element(0xA3, b"\x81\0\0\x80pictures", length=1)
    body = [info, element(0x1654AE6B, *described)]
    body += [element(0x1F43B675, element(0xE7, n), block, block, size=-1 if live else None) for n in range(clusters)]
    return head + element(0x18538067, *body, extra, length=length, size=-1 if live else None)
