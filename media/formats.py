"""What a file is, told by its first bytes; its name and what the browser says of it are never asked."""

from collections.abc import Iterable

HEAD = 1024  # bytes that are enough to tell

PICTURES = ("JPEG", "PNG", "WebP", "HEIC")  # what we read

_BEGINNINGS = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF8", "GIF"),
    (b"II\x2b\x00", "TIFF"),
    (b"MM\x00\x2b", "TIFF"),
    (b"MM\x00\x2a", "TIFF"),
    (b"%PDF-", "PDF"),
    (b"8BPS", "PSD"),
    (b"FUJIFILMCCD-RAW", "RAW"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\x00\x00\x00\x0cJXL ", "JPEG XL"),
    (b"\x00\x00\x00\x0cjP  ", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"\x00\x00\x01\x00", "ICO"),
    (b"%!PS", "EPS"),
    (b"OggS", "Ogg"),
    (b"FLV\x01", "FLV"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "WMV"),
    (b"\x00\x00\x01\xba", "MPEG"),
    (b"\x00\x00\x01\xb3", "MPEG"),
)
_OF_PICTURES = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
_OF_MP4 = {b"isom", b"mp41", b"mp42", b"avc1", b"M4V ", b"M4A ", b"MSNV", b"dash", b"iso2", b"iso3", b"iso4"}
_OF_MP4 |= {b"iso5", b"iso6", b"iso7", b"iso8", b"iso9", b"cmfc", b"hvc1", b"av01"}
_OLD_QUICKTIME = {b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"}  # its files may begin without a name


def recognise(head: bytes) -> str:
    """The name of the format that begins like this, as people know it; "" for what we do not know."""
    for beginning, name in _BEGINNINGS:
        if head.startswith(beginning):
            return name
    if head.startswith(b"II\x2a\x00"):
        return "RAW" if head[8:10] == b"CR" else "TIFF"
    if head.startswith(b"RIFF"):
        return {b"WEBP": "WebP", b"AVI ": "AVI"}.get(head[8:12], "")
    if head.startswith(b"BM") and head[6:10] == bytes(4):
        return "BMP"
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return "WebM" if b"webm" in head[:64] else "MKV"
    if head[4:8] == b"ftyp":
        return _by_brands(head)
    if head[4:8] in _OLD_QUICKTIME:
        return "MOV"
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith((b"<?xml", b"<!DOCTYPE svg", b"<!--", b"<svg")) and b"<svg" in text:
        return "SVG"
    return ""


def _by_brands(head: bytes) -> str:
    """Of the family of MP4, whose members name themselves: first the one they are, then those they also obey."""
    size = min(int.from_bytes(head[:4], "big"), len(head))
    major, others = head[8:12], {head[at : at + 4] for at in range(16, size - 3, 4)}
    if major in (b"avif", b"avis") or (major in (b"mif1", b"msf1") and others & {b"avif", b"avis"}):
        return "AVIF"
    if major in _OF_PICTURES:
        return "HEIC"
    if major == b"crx ":
        return "RAW"
    if major == b"qt  ":
        return "MOV"
    if {major, *others} & _OF_MP4:
        return "MP4"
    return "3GP" if major.startswith(b"3g") else ""


def unsupported(name: str, instead: Iterable[str]) -> str:
    """The sentence for somebody whose file is of a format that we do not read."""
    return f"{name} isn’t supported. Save it as {' or '.join(instead)}."
