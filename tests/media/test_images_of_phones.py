"""What phones, cameras and picture editors really write, and what somebody makes of it to break us."""

import io
import struct
import zlib

import pillow_heif
import pytest
from PIL import Image, ImageCms, ImageDraw

from media.decoding import DAMAGED, MOVES, SRGB, TOO_LARGE, UNREADABLE
from media.images import Variant
from tests.media.films import mp4
from tests.media.large import LARGE, large
from tests.media.test_images import FULL, SECRETS, colour_of, made, near, photo, refusal, saved, shown

ONLY_FULL = Variant("full", 1000, 1000, avif=False)
RED, GREEN, BLUE, WHITE = (254, 0, 0), (0, 255, 1), (0, 0, 254), (255, 255, 255)


def signpost(size=(240, 160)) -> Image.Image:
    """Red above to the left, green above to the right, blue below to the left, white below to the right."""
    picture = Image.new("RGB", size, "white")
    draw, (width, height) = ImageDraw.Draw(picture), size
    draw.rectangle((0, 0, width // 2, height // 2), "red")
    draw.rectangle((width // 2, 0, width, height // 2), (0, 255, 0))
    draw.rectangle((0, height // 2, width // 2, height), "blue")
    return picture


def corners(file) -> list[tuple[int, ...]]:
    return [colour_of(file, at) for at in ((0.2, 0.2), (0.8, 0.2), (0.2, 0.8), (0.8, 0.8))]


def assert_upright(file, size=(240, 160)):
    result, pictures = made(file, ONLY_FULL)
    assert (result.width, result.height) == size
    assert (pictures[0].width, pictures[0].height) == size
    for found, expected in zip(corners(file), (RED, GREEN, BLUE, WHITE), strict=True):
        assert near(found, expected, 12)


# What the camera saw lies in the file like this, when its EXIF says that.
LIES = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def lying(orientation: int) -> tuple[Image.Image, bytes]:
    exif = Image.Exif()
    exif[0x0112] = orientation
    turn = LIES[orientation]
    return (signpost().transpose(turn) if turn is not None else signpost()), exif.tobytes()


@pytest.mark.parametrize("orientation", LIES)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_that_lies_on_its_side_is_put_upright(kind, orientation):
    picture, exif = lying(orientation)
    assert_upright(saved(picture, kind, exif=exif, quality=95))


@pytest.mark.parametrize("exif", [b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0" + bytes(60_000)])
def test_a_broken_exif_is_as_good_as_none(exif):
    assert_upright(saved(signpost(), "JPEG", exif=exif, quality=95))


@pytest.mark.parametrize("value", [0, 9, 6000])
def test_an_orientation_that_there_is_not_is_as_good_as_none(value):
    exif = Image.Exif()
    exif[0x0112] = value
    assert_upright(saved(signpost(), "JPEG", exif=exif.tobytes(), quality=95))


def test_a_panorama_is_as_wide_as_it_is():
    result, pictures = made(saved(signpost((12_000, 2_400)), "JPEG"), ONLY_FULL, Variant("card", 300, 400, "middle"))
    assert (result.width, result.height) == (12_000, 2_400)
    assert [(p.width, p.height) for p in pictures if p.extension == "webp"] == [(1000, 200), (300, 400)]


# --- HEIC -----------------------------------------------------------------------------------------------------------


def heic(picture: Image.Image, *others: Image.Image, **options) -> io.BytesIO:
    out = io.BytesIO()
    file = pillow_heif.from_pillow(picture)
    for other in others:
        file.add_from_pillow(other)
    file.save(out, **{"quality": 90, "chroma": 444, **options})
    out.seek(0)
    return out


@pytest.mark.parametrize("orientation", LIES)
def test_a_heic_is_turned_once_although_two_places_say_so(orientation):
    picture, exif = lying(orientation)
    file = heic(picture, exif=exif)
    assert (b"irot" in file.getvalue()) == (orientation in (3, 5, 6, 7, 8))
    assert (b"imir" in file.getvalue()) == (orientation in (2, 4, 5, 7))
    assert_upright(file)


def test_an_exif_that_contradicts_a_heic_is_not_heard():
    """The turn is a property of the picture there; what EXIF says besides was true of another file."""
    file = heic(signpost(), exif=lying(1)[1])
    data = file.getvalue()
    entry = struct.pack("<HHI", 0x0112, 3, 1) if b"II*\0" in data else struct.pack(">HHI", 0x0112, 3, 1)
    at = data.index(entry) + 8
    assert_upright(io.BytesIO(data[:at] + bytes(data[at : at + 2]).replace(b"\1", b"\6") + data[at + 2 :]))


def test_a_heic_of_tiles_is_one_picture():
    file = heic(signpost((1300, 900)), tile_size=512)
    assert b"grid" in file.getvalue()
    result, _ = made(file, ONLY_FULL)
    assert (result.width, result.height) == (1300, 900)
    assert near(corners(file)[0], RED, 12)
    assert near(corners(file)[3], WHITE, 12)


def test_where_a_heic_was_taken_is_gone():
    exif = Image.Exif()
    exif[0x010F] = "SECRET phone"
    exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 51.0, 29.9)})
    file = heic(photo((400, 300)), exif=exif.tobytes(), xmp=b"<x:xmpmeta SECRET/>")
    assert file.getvalue().count(b"SECRET") >= 1
    for picture in made(file)[1]:
        assert not [word for word in (*SECRETS, b"GPSL") if word in picture.data]
        assert not {"exif", "xmp"} & set(shown(picture).info)


def test_a_heic_with_depth_bursts_and_thumbnails_is_its_main_picture():
    file = heic(Image.new("RGB", (80, 80), "blue"), signpost(), Image.new("RGB", (90, 90)), primary_index=1)
    assert_upright(file)


@pytest.mark.parametrize("mode", ["L", "RGBA", "LA"])
def test_a_heic_without_colour_or_with_glass_is_taken(mode):
    picture = Image.new("RGBA", (120, 80), (255, 0, 0, 128)).convert(mode)
    expected = {"L": (76, 76, 76), "LA": (165, 165, 165), "RGBA": (255, 127, 127)}[mode]
    assert near(colour_of(heic(picture)), expected, 6)


def test_a_heic_of_ten_bits_is_taken():
    out = io.BytesIO()
    samples = struct.pack("<3H", 0xFFFF, 0x8000, 0) * (80 * 60)
    pillow_heif.encode("RGB;16", (80, 60), samples, out, quality=95, chroma=444)
    assert near(colour_of(io.BytesIO(out.getvalue())), (255, 128, 0), 8)


@pytest.mark.parametrize("brand", [b"hevc", b"hevx", b"msf1"])
def test_a_heic_that_moves_is_refused(brand):
    data = heic(signpost()).getvalue()
    assert refusal(data[:8] + brand + data[12:]) == MOVES


@pytest.mark.parametrize("part", [0.95, 0.5, 0.05])
def test_a_heic_that_is_cut_off_is_refused(part):
    data = heic(photo((400, 300))).getvalue()
    assert refusal(data[: int(len(data) * part)]) == DAMAGED


def with_size(data: bytes, size: tuple[int, int], other: tuple[int, int]) -> bytes:
    said = b"ispe" + bytes(4) + struct.pack(">II", *size)
    assert said in data
    return data.replace(said, b"ispe" + bytes(4) + struct.pack(">II", *other))


def test_a_heic_that_lies_about_its_size_is_refused_before_it_is_decoded():
    one, tiled = heic(signpost()).getvalue(), heic(signpost((1300, 900)), tile_size=512).getvalue()
    assert refusal(with_size(one, (240, 160), (8000, 5001))) == TOO_LARGE
    assert refusal(with_size(one, (240, 160), (64, 64))) == DAMAGED
    assert refusal(with_size(one, (240, 160), (0, 160))) == DAMAGED
    at = tiled.index(b"idat") + 4  # a grid says itself how large it is
    huge = tiled[: at + 4] + struct.pack(">HH", 65_000, 65_000) + tiled[at + 8 :]
    assert refusal(huge) == TOO_LARGE
    assert refusal(with_size(tiled, (512, 512), (6000, 5000))) == TOO_LARGE


def test_a_collage_of_pictures_over_each_other_is_refused():
    data = heic(signpost((1300, 900)), tile_size=512).getvalue()
    assert refusal(data.replace(b"grid", b"iovl")) == DAMAGED


# --- JPEG -----------------------------------------------------------------------------------------------------------


def test_of_a_portrait_with_its_depth_the_portrait_is_taken():
    depth = Image.new("RGB", (120, 80), "gray")
    file = saved(signpost(), "MPO", save_all=True, append_images=[depth, depth], quality=95)
    assert file.getvalue().count(b"\xff\xd8\xff") == 3
    assert_upright(file)


def test_a_photo_with_a_film_behind_it_is_a_photo():
    data = saved(signpost(), "JPEG", quality=95).getvalue()
    assert_upright(io.BytesIO(data + mp4()))
    assert_upright(io.BytesIO(data + bytes(100_000)))


@pytest.mark.parametrize("options", [{"progressive": True}, {"subsampling": 0}, {"subsampling": 2, "optimize": True}])
def test_every_kind_of_jpeg_is_taken(options):
    assert_upright(saved(signpost(), "JPEG", quality=95, **options))


def test_the_inks_of_a_press_become_colours():
    """Photoshop writes them inverted, and says so by a segment of Adobe's."""
    picture = Image.new("CMYK", (240, 160), (0, 0, 0, 0))
    picture.paste((0, 255, 255, 0), (0, 0, 120, 80))
    picture.paste((255, 0, 255, 0), (120, 0, 240, 80))
    picture.paste((255, 255, 0, 0), (0, 80, 120, 160))
    file = saved(picture, "JPEG", quality=95)
    assert b"Adobe" in file.getvalue()
    assert_upright(file)
    assert_upright(saved(picture, "JPEG", quality=95, progressive=True))
    assert_upright(saved(picture, "JPEG", quality=95, icc_profile=SRGB.tobytes()))  # of other colours: not heard


def display_p3() -> bytes:
    """iPhones' profile: sRGB's with the primaries of Display P3."""
    data = bytearray(SRGB.tobytes())
    tags = {bytes(data[n : n + 4]): n for n in range(132, 132 + 12 * int.from_bytes(data[128:132], "big"), 12)}
    primaries = {b"rXYZ": (33758, 15807, -69), b"gXYZ": (19135, 45369, 2745), b"bXYZ": (10296, 4363, 51385)}
    for tag, values in primaries.items():
        at = int.from_bytes(data[tags[tag] + 4 : tags[tag] + 8], "big")
        data[at + 8 : at + 20] = struct.pack(">3i", *values)
    return bytes(data)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIC"])
def test_the_wider_colours_of_an_iphone_are_converted(kind):
    """sRGB's purest red is written (234, 51, 35) in Display P3; taken as it stands it would look dull."""
    assert ImageCms.getProfileName(ImageCms.ImageCmsProfile(io.BytesIO(display_p3())))
    picture = Image.new("RGB", (64, 64), (234, 51, 35))
    file = (
        heic(picture, icc_profile=display_p3())
        if kind == "HEIC"
        else saved(picture, kind, icc_profile=display_p3(), quality=95)
    )
    assert near(colour_of(file), (255, 0, 0), 8)


# --- PNG and WebP -----------------------------------------------------------------------------------------------------


def interlaced(picture: Image.Image) -> io.BytesIO:
    """PNG that comes in seven passes, each finer than the one before."""
    rows = bytearray()
    for left, top, across, down in (
        (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2),
    ):  # fmt: skip
        for y in range(top, picture.height, down):
            rows += b"\0" + b"".join(bytes(picture.getpixel((x, y))) for x in range(left, picture.width, across))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", *picture.size, 8, 2, 0, 0, 1)
    data = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(rows))) + chunk(b"IEND", b"")
    return io.BytesIO(b"\x89PNG\r\n\x1a\n" + data)


def test_an_interlaced_png_is_taken():
    assert_upright(interlaced(signpost()))


def test_a_png_that_could_move_but_has_one_picture_is_taken():
    data = saved(signpost()).getvalue()
    control = b"acTL" + struct.pack(">II", 1, 0)
    chunk = struct.pack(">I", 8) + control + struct.pack(">I", zlib.crc32(control))
    assert_upright(io.BytesIO(data[:33] + chunk + data[33:]))


def test_a_lossless_webp_with_glass_is_taken():
    picture = signpost().convert("RGBA")
    picture.paste((0, 0, 0, 0), (120, 80, 240, 160))
    assert_upright(saved(picture, "WEBP", lossless=True))


# --- Two things at once ---------------------------------------------------------------------------------------------


def test_a_gif_that_is_also_a_jpeg_is_a_gif():
    jpeg = saved(signpost(), "JPEG").getvalue()
    assert refusal(b"GIF89a" + jpeg) == "GIF isn’t supported. Save it as JPG or PNG."


def test_a_picture_that_is_also_a_page_is_only_a_picture_afterwards():
    page = b"<html><script>alert(1)</script>"
    for kind in ("JPEG", "PNG"):
        options = {"comment": page} if kind == "JPEG" else {}
        file = saved(photo((400, 300)), kind, **options)
        for picture in made(io.BytesIO(file.getvalue() + page))[1]:
            assert b"script" not in picture.data
    assert refusal(page + saved(signpost(), "JPEG").getvalue()) == UNREADABLE


# --- Memory ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", LARGE)
def test_a_picture_of_40_million_pixels_takes_less_than_400_mb(tmp_path, which):
    path = tmp_path / "picture"
    assert large("make", which, path) == {}
    found = large("measure", path)
    width, height = LARGE[which].size
    assert found["pixels"] == width * height
    assert found["sizes"][0] == [2048, 1536]
    assert 80 < found["peak_mb"] < 400


def test_four_inks_in_passes_may_be_fewer():
    file = saved(Image.new("CMYK", (6000, 5001)), "JPEG", progressive=True)
    assert refusal(file.getvalue()) == "That CMYK picture has more than 30 million pixels. Save it in RGB."
    assert made(saved(Image.new("CMYK", (6000, 5001)), "JPEG"), FULL)[0].width == 6000
