"""Films from outside: told by their content, measured as they are shown, cleaned without being read."""

import io
import os
import random
import re
import struct
import subprocess
import time

import pytest
from PIL import Image

from media.images import Variant, make
from media.provenance import AI_GENERATED
from media.videos import DAMAGED, ONLY_SOUND, UNPLAYABLE, Film, NotAVideo, clean, inspect, neutral_poster, poster
from tests.media.films import box, element, ftyp, moov, mp4, mvhd, tkhd, track, webm
from tests.servers import find


def film(data: bytes) -> Film:
    return inspect(io.BytesIO(data))


def refusal(data: bytes) -> str:
    with pytest.raises(NotAVideo) as refused:
        film(data)
    return str(refused.value)


def cleaned(data: bytes, *, ai_generated: bool = False) -> bytes:
    """After cleaning; it is still the same film."""
    file = io.BytesIO(data)
    clean(file, ai_generated=ai_generated)
    assert film(file.getvalue()) == film(data)
    return file.getvalue()


# --- What it is -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("moov_first", [True, False])
def test_an_mp4_says_how_large_and_how_long_it_is(moov_first):
    assert film(mp4(moov_first=moov_first)) == Film("video/mp4", "mp4", 640, 360, 2.5)


@pytest.mark.parametrize(("turn", "size"), [(0, (640, 360)), (90, (360, 640)), (180, (640, 360)), (270, (360, 640))])
@pytest.mark.parametrize("wide", [False, True])
def test_a_film_of_a_phone_is_as_large_as_it_is_shown(turn, size, wide):
    found = film(mp4(track(turn=turn, wide=wide)))
    assert (found.width, found.height) == size


def test_boxes_of_64_bits_are_understood():
    described = box(b"moov", mvhd(7, wide=True), track(wide=True), wide=True)
    data = ftyp() + box(b"mdat", b"pictures", wide=True) + described
    assert film(data) == Film("video/mp4", "mp4", 640, 360, 7)
    assert b"SECRET" not in cleaned(data)


def test_a_box_that_goes_to_the_end_of_the_file_is_understood():
    data = ftyp() + moov(track()) + struct.pack(">I4s", 0, b"mdat") + b"pictures"
    assert film(data).seconds == 2.5
    assert cleaned(data, ai_generated=True).count(b"pictures") == 1


def test_a_film_in_fragments_is_understood():
    fragments = box(b"moof", box(b"mfhd", bytes(8)), box(b"traf", box(b"tfhd", bytes(8)))) + box(b"mdat", b"pictures")
    described = moov(track(), box(b"mvex", box(b"trex", bytes(24))), head=mvhd(0))
    assert film(ftyp(b"iso5") + described + fragments * 500).seconds == 0
    with_length = box(b"mvex", box(b"mehd", bytes(4), struct.pack(">I", 9000)))
    assert film(ftyp(b"iso5") + moov(track(), with_length, head=mvhd(0)) + fragments * 500).seconds == 9


def test_unknown_is_0_seconds():
    head = box(b"mvhd", bytes(12), struct.pack(">II", 1000, 0xFFFFFFFF), bytes(80))
    assert film(mp4(head=head)).seconds == 0
    assert film(mp4(head=box(b"mvhd", bytes(12), struct.pack(">II", 0, 5000), bytes(80)))).seconds == 0


def test_of_several_tracks_of_pictures_the_one_that_is_played_counts():
    preview = track(2, size=(160, 120), enabled=False)
    assert film(mp4(preview, track(), track(3, b"soun"))).width == 640


def test_a_track_without_a_size_has_that_of_its_pictures():
    assert film(mp4(track(size=(0, 0), coded=(320, 200)))).height == 200


def test_a_webm_says_how_large_and_how_long_it_is():
    assert film(webm()) == Film("video/webm", "webm", 640, 360, 2.5)


def test_a_webm_that_a_browser_recorded_knows_no_sizes():
    assert film(webm(live=True)) == Film("video/webm", "webm", 640, 360, 0)


@pytest.mark.parametrize(
    ("video", "size"),
    [
        (element(0x54B0, 800) + element(0x54BA, 600), (800, 600)),
        (element(0x54B0, 4) + element(0x54BA, 3) + element(0x54B2, 3), (480, 360)),
    ],
)
def test_a_webm_is_as_large_as_it_is_shown(video, size):
    found = film(webm(video=video))
    assert (found.width, found.height) == size


@pytest.mark.parametrize("duration", [float("nan"), float("inf"), -5.0])
def test_a_length_that_is_no_number_is_unknown(duration):
    assert film(webm(duration=duration)).seconds == 0


# --- What is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "beginning"),
    [
        ("MOV", ftyp(b"qt  ", b"qt  ")),
        ("MOV", box(b"wide") + box(b"mdat", b"old")),
        ("MOV", box(b"moov", bytes(100))),
        ("AVI", b"RIFF\x00\x00\x10\x00AVI LIST"),
        ("MKV", webm(kind=b"matroska")),
        ("3GP", ftyp(b"3gp4", b"3gp4")),
        ("FLV", b"FLV\x01\x05"),
        ("WMV", bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")),
        ("MPEG", b"\x00\x00\x01\xba\x44"),
        ("Ogg", b"OggS\x00\x02"),
    ],
)
def test_other_containers_are_named_with_what_to_do(name, beginning):
    assert refusal(beginning + bytes(200)) == f"{name} isn’t supported. Save it as MP4."


def test_a_matroska_that_mentions_webm_is_refused():
    assert refusal(webm(kind=b"matroskawebm")) == "MKV isn’t supported. Save it as MP4."


@pytest.mark.parametrize(
    "data",
    [b"", b"\0", b"<html>", bytes(500), neutral_poster(), ftyp(b"heic", b"mif1"), b"\0\0\0\x10ftypabcd\0\0\0\0"],
    ids=["empty", "a byte", "html", "zeros", "png", "heic", "unknown brand"],
)
def test_what_is_no_film_is_told_so(data):
    assert refusal(data) == UNPLAYABLE == "That isn’t a video we can play. Save it as MP4 or WebM."


def test_only_sound_is_refused():
    assert refusal(mp4(track(1, b"soun"))) == ONLY_SOUND
    assert refusal(ftyp(b"M4A ", b"M4A ") + moov(track(1, b"soun")) + box(b"mdat", b"sound")) == ONLY_SOUND
    assert refusal(webm(tracks=(2,))) == ONLY_SOUND


WHOLE = mp4()
BROKEN = {
    "no moov": ftyp() + box(b"mdat", b"pictures"),
    "no pictures": mp4(media=b""),
    "no mdat": ftyp() + moov(track()),
    "no tracks": ftyp() + box(b"moov", mvhd()) + box(b"mdat", b"pictures"),
    "two moovs": WHOLE + moov(track()),
    "cut off": WHOLE[:-3],
    "cut off in moov": WHOLE[:200],
    "a box beyond its parent": ftyp() + box(b"moov", mvhd(), struct.pack(">I4s", 99, b"trak")) + box(b"mdat", b"xx"),
    "a box smaller than its head": ftyp() + struct.pack(">I4s", 7, b"moov") + bytes(50),
    "a wide box smaller than its head": ftyp() + struct.pack(">I4sQ", 1, b"moov", 15) + bytes(50),
    "a box of 16 exabytes": ftyp() + struct.pack(">I4sQ", 1, b"mdat", 2**64 - 1) + bytes(50),
    "an empty mvhd": mp4(head=box(b"mvhd")),
    "a short tkhd": mp4(box(b"trak", box(b"tkhd", bytes(30)))),
    "no size": mp4(track(size=(0, 0), coded=(0, 0))),
    "too large": mp4(track(size=(20_000, 100))),
    "rubbish behind": WHOLE + b"\1\2\3",
    "half a million boxes": WHOLE + box(b"free") * 500_000,
    "half a million tracks": ftyp() + box(b"moov", mvhd(), box(b"trak") * 500_000) + box(b"mdat", b"pictures"),
    "webm, cut off": webm()[:-5],
    "webm, no clusters": webm(clusters=0),
    "webm, no segment": element(0x1A45DFA3, element(0x4282, b"webm", length=1), length=1),
    "webm, no size": webm(size=(0, 0)),
    "webm, a number of nine bytes": webm(video=element(0xB0, bytes(9))),
    "webm, an element of unknown size": webm(extra=element(0x1254C367, size=-1)),
    "webm, zeros": webm() + bytes(5),
    "webm, half a million elements": webm(extra=element(0xEC, length=1) * 500_000),
    "webm, half a million blocks without a size": webm(live=True, extra=element(0xA3, length=1) * 500_000),
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)
def test_what_is_broken_is_refused_soon(data):
    began = time.process_time()
    assert refusal(data) == DAMAGED
    assert time.process_time() - began < 5


@pytest.mark.parametrize("whole", [WHOLE, webm(), webm(live=True)], ids=["mp4", "webm", "live"])
def test_broken_bytes_end_in_a_film_or_in_words(whole):
    chance, ends = random.Random(1), set()
    for _ in range(1500):
        data = bytearray(whole)
        for _ in range(chance.choice((1, 2, 8))):
            data[chance.randrange(len(data))] = chance.choice((0, 1, 0x7F, 0xFF, chance.randrange(256)))
        file = io.BytesIO(bytes(data))
        try:
            inspect(file)
            clean(file, ai_generated=True)
            inspect(file)
            ends.add("")
        except NotAVideo as words:
            ends.add(str(words))
    assert {"", DAMAGED} <= ends


# --- Nothing but the film ---------------------------------------------------------------------------------------------


def iso6709() -> bytes:
    return box(b"\xa9xyz", b"\x00\x12\x15\xc7+48.8583+002.2945/")


def test_place_time_and_camera_of_an_mp4_are_gone_wherever_they_stand():
    secret = b"SECRET +48.8583 Pixel 12"
    meta = box(b"meta", bytes(4), secret)
    data = (
        mp4(
            track(extra=box(b"udta", iso6709(), secret) + meta),
            extra=box(b"udta", iso6709(), meta) + meta + box(b"uuid", bytes(16), secret),
        )
        + box(b"uuid", bytes.fromhex("be7acfcb97a942e89c71999491e3afac"), b"<x:xmpmeta SECRET/>")
        + meta
        + box(b"free", secret)
        + box(b"sefd", secret)
        + box(b"uuid", bytes(16), secret, wide=True)
    )
    result = cleaned(data)
    for word in (b"SECRET", b"48.8583", b"Pixel", b"\xa9xyz", b"udta", b"meta", b"uuid", b"xmp"):
        assert word in data
        assert word not in result
    assert struct.pack(">I", 3_900_000_001) not in result
    assert struct.pack(">I", 3_900_000_002) not in result
    assert len(result) == len(data)  # nothing moved: no offset is wrong now
    assert b"pictures" in result


def test_a_track_of_places_is_taken_out_with_its_data():
    """Action cameras write a position for each second into a track of its own."""
    media = b"picture one GPS +48.8583 picture two GPS +48.8584 end"
    at = 8 + len(ftyp())
    places = [(match.start(), len(match[0])) for match in re.finditer(rb"GPS \+48\.858\d", media)]
    for wide in (False, True):
        gps = track(
            2, b"meta", wide=wide, sizes=tuple(n for _, n in places), offsets=tuple(at + start for start, _ in places)
        )
        data = mp4(track(), gps, media=media, moov_first=False)
        result = cleaned(data)
        assert re.sub(rb"GPS \+48\.858\d", bytes(12), media) in result
        assert len(result) == len(data)
        assert result.count(b"trak") == 1


def test_a_track_of_places_that_lies_about_where_its_data_is_breaks_nothing():
    for offsets, sizes in (((10**6,), (5,)), ((0,), (2**32 - 1,))):
        file = io.BytesIO(mp4(track(), track(2, b"meta", offsets=offsets, sizes=sizes)))
        with pytest.raises(NotAVideo) as refused:
            clean(file, ai_generated=False)
        assert str(refused.value) == DAMAGED


def test_names_and_tags_of_a_webm_are_gone():
    tags = element(
        0x1254C367, element(0x7373, element(0x67C8, element(0x45A3, b"LOCATION"), element(0x4487, b"SECRET")))
    )
    attachment = element(0x1941A469, b"SECRET attachment")
    for live in (False, True):
        data = webm(extra=tags + attachment + element(0xEC, b"SECRET void", length=1), live=live)
        result = cleaned(data)
        assert b"LOCATION" in data
        assert b"SECRET" not in result
        assert b"LOCATION" not in result
        assert len(result) == len(data)
        assert result.count(b"pictures") == 4


@pytest.mark.parametrize("data", [mp4(), mp4(moov_first=False)], ids=["moov first", "moov last"])
def test_an_mp4_that_a_model_made_says_so(data):
    result = cleaned(data, ai_generated=True)
    at = result.index(b"uuid" + bytes.fromhex("be7acfcb97a942e89c71999491e3afac"))
    assert struct.unpack_from(">I", result, at - 4)[0] == len(result) - at + 4
    assert f'Iptc4xmpExt:DigitalSourceType="{AI_GENERATED}"'.encode() in result[at:]
    assert AI_GENERATED.encode() not in cleaned(result)
    assert cleaned(data, ai_generated=True) == result


@pytest.mark.parametrize("options", [{}, {"live": True}, {"length": 2}, {"length": 4}], ids=str)
def test_a_webm_that_a_model_made_says_so(options):
    result = cleaned(webm(**options), ai_generated=True)
    assert AI_GENERATED.encode() in result
    assert result.count(b"pictures") == 4
    assert AI_GENERATED.encode() not in cleaned(result)


def test_a_webm_whose_size_has_no_room_to_grow_says_so_too():
    room = 16_382 - (len(webm(length=2)) - webm(length=2).index(b"\x18\x53\x80\x67") - 6)  # what two bytes can say
    data = webm(length=2, extra=element(0xEC, bytes(room - 9)))
    assert AI_GENERATED.encode() in cleaned(data, ai_generated=True)


def test_a_film_is_never_read_whole():
    class Counting(io.BytesIO):
        count = 0

        def read(self, size=-1):
            data = super().read(size)
            Counting.count += len(data)
            return data

    file = Counting(mp4(media=bytes(30_000_000), moov_first=False))
    inspect(file)
    clean(file, ai_generated=True)
    assert Counting.count < 10_000


# --- Real films, and their stills -------------------------------------------------------------------------------------

SCENE = ["-f", "lavfi", "-i", "testsrc=duration=2:size=320x240:rate=10"]
PLACE = ["-metadata", "location=+48.8583+002.2945/", "-metadata", "comment=SECRET", "-metadata", "title=SECRET"]
REAL = {
    "plain.mp4": ["-c:v", "libx264", "-pix_fmt", "yuv420p"],
    "fast.mp4": ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-movflags", "+faststart"],
    "fragments.mp4": ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-g", "5", "-movflags", "+frag_keyframe+empty_moov"],
    "hevc.mp4": ["-c:v", "libx265", "-pix_fmt", "yuv420p", "-tag:v", "hvc1", "-x265-params", "log-level=none"],
    "vp9.webm": ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8"],
    "live.webm": ["-c:v", "libvpx", "-deadline", "realtime", "-live", "1"],
}


def ffmpeg(*arguments) -> None:
    command = [find("ffmpeg"), "-nostdin", "-hide_banner", "-loglevel", "error", "-y", *map(str, arguments)]
    subprocess.run(command, check=True, timeout=60)


@pytest.fixture(params=REAL)
def real(request, tmp_path):
    path = tmp_path / request.param
    ffmpeg(*SCENE, *PLACE, *REAL[request.param], path)
    return path


def test_a_real_film_is_told_cleaned_and_still_plays(real):
    with real.open("r+b") as file:
        found = inspect(file)
        assert (found.extension, found.width, found.height) == (real.suffix[1:], 320, 240)
        assert found.seconds == pytest.approx(0 if real.name in ("fragments.mp4", "live.webm") else 2, abs=0.2)
        clean(file, ai_generated=True)
        assert inspect(file) == found
    data = real.read_bytes()
    assert b"SECRET" not in data
    assert b"48.8583" not in data
    assert AI_GENERATED.encode() in data
    ffmpeg("-xerror", "-i", real, "-f", "null", "-")
    still = Image.open(io.BytesIO(poster(real)))
    assert still.size == (320, 240)
    assert len(still.getcolors(100_000)) > 8


def test_the_still_of_a_turned_film_is_upright_and_as_large_as_it_says(tmp_path):
    path, flat = tmp_path / "turned.mp4", tmp_path / "flat.mp4"
    ffmpeg(*SCENE, *REAL["plain.mp4"], flat)
    data = bytearray(flat.read_bytes())
    at = data.index(b"tkhd")
    made = tkhd(1, 320, 240, 90)[4:]
    data[at + 44 : at + 80] = made[44:80]  # its matrix
    path.write_bytes(data)
    with path.open("rb") as file:
        found = inspect(file)
    assert (found.width, found.height) == (240, 320)
    assert Image.open(io.BytesIO(poster(path))).size == (240, 320)


def test_a_still_is_no_larger_than_it_is_needed_and_of_the_first_second_if_there_is_no_other(tmp_path):
    path = tmp_path / "short.mp4"
    ffmpeg("-f", "lavfi", "-i", "testsrc=duration=0.3:size=2400x1200:rate=10", *REAL["plain.mp4"], path)
    assert Image.open(io.BytesIO(poster(path))).size == (1600, 800)


def test_without_ffmpeg_there_is_no_still(real, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert poster(real) is None


def test_a_film_that_cannot_be_decoded_has_no_still(tmp_path):
    path = tmp_path / "film.mp4"
    path.write_bytes(mp4())
    assert poster(path) is None


def test_ffmpeg_that_does_not_end_is_ended(tmp_path, monkeypatch):
    slow = tmp_path / "ffmpeg"
    slow.write_text("#!/bin/sh\nexec sleep 3600\n")  # that the test comes to its end is the proof
    slow.chmod(0o755)
    path = tmp_path / "film.mp4"
    path.write_bytes(mp4())
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr("media.videos.POSTER_SECONDS", 0.2)
    assert poster(path) is None


@pytest.mark.parametrize("text", ["#EXTM3U\n#EXTINF:1,\n/etc/passwd\n", "ffconcat version 1.0\nfile /etc/passwd\n"])
def test_a_playlist_is_no_film(tmp_path, text):
    path = tmp_path / "list.mp4"
    path.write_text(text)
    assert refusal(text.encode()) == UNPLAYABLE
    assert poster(path) is None


def test_the_neutral_still_becomes_a_picture_like_any_other():
    made = make(io.BytesIO(neutral_poster()), [Variant("card", 300, 400, "middle")], ai_generated=True)
    assert next(made.pictures).data
    assert neutral_poster() == neutral_poster()
