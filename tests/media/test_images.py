"""Pictures from outside: whatever they are made of, in bounded memory, one at a time, nothing but pixels."""

import base64
import io
import random
import zlib

import pytest
from PIL import Image, ImageCms, PngImagePlugin

from media.decoding import DAMAGED, MOVES, SRGB, TOO_LARGE, TOO_LARGE_WEBP, UNREADABLE
from media.images import Made, NotAPicture, Picture, Variant, make
from media.provenance import AI_GENERATED
from tests.media.large import large

FULL = Variant("full", 1000, 1000)
CARD = Variant("card", 300, 400, "top")
SQUARE = Variant("square", 100, 100, "middle", avif=False)
ALL = (FULL, CARD, SQUARE)


def drawn(mode="RGB", size=(800, 1200), kind="PNG", **options):
    out = io.BytesIO()
    Image.linear_gradient("L").resize(size).convert(mode).save(out, kind, **options)
    out.seek(0)
    return out


def saved(picture: Image.Image, kind="PNG", **options):
    out = io.BytesIO()
    picture.save(out, kind, **options)
    out.seek(0)
    return out


def made(file, *variants, ai_generated=False) -> tuple[Made, list[Picture]]:
    result = make(file, variants or ALL, ai_generated=ai_generated)
    return result, list(result.pictures)


def shown(picture: Picture) -> Image.Image:
    return Image.open(io.BytesIO(picture.data))


def colour_of(file, at=(0.5, 0.5)) -> tuple[int, ...]:
    """What is seen at this place of the picture that we make of a file."""
    picture = shown(made(file, Variant("full", 1000, 1000, avif=False))[1][0]).convert("RGB")
    return picture.getpixel((int(at[0] * (picture.width - 1)), int(at[1] * (picture.height - 1))))


def near(one, other, by=4):
    return all(abs(a - b) <= by for a, b in zip(one, other, strict=True))


def noise(size, spread: float, seed: int = 0) -> Image.Image:
    """Grain, and the same each time: what stands in its bytes by chance stands there always, or never."""
    grain = Image.frombytes("L", size, random.Random(seed).randbytes(size[0] * size[1]))
    return grain.point(lambda value: round(128 + (value - 128) * spread))


def photo(size=(1500, 3000)) -> Image.Image:
    """Soft shapes with some grain, as lenses make them."""
    soft = noise((16, 16), 1).resize(size, Image.Resampling.BICUBIC)
    return Image.merge("RGB", [Image.blend(soft, noise(size, 0.5, part), part / 10) for part in (1, 2, 3)])


def refusal(data: bytes) -> str:
    with pytest.raises(NotAPicture) as refused:
        made(io.BytesIO(data))
    return str(refused.value)


# --- What is made ---------------------------------------------------------------------------------------


def test_every_variant_is_made_as_webp_and_as_avif_where_that_is_smaller():
    result, pictures = made(saved(photo(), "JPEG"))
    assert (result.width, result.height) == (1500, 3000)
    webp = {p.variant: p for p in pictures if p.extension == "webp"}
    avif = {p.variant: p for p in pictures if p.extension == "avif"}
    assert {name: (p.width, p.height) for name, p in webp.items()} == {
        "full": (500, 1000),
        "card": (300, 400),
        "square": (100, 100),
    }
    assert "square" not in avif
    assert "full" in avif
    for name, picture in avif.items():
        assert len(picture.data) < len(webp[name].data)
    for picture in pictures:
        assert shown(picture).format == picture.extension.upper()
        assert shown(picture).size == (picture.width, picture.height)
        assert picture.content_type == f"image/{picture.extension}"


def test_an_avif_that_is_larger_is_not_kept():
    _, pictures = made(io.BytesIO(drawn(size=(2, 2)).getvalue()))  # a container of 300 bytes around four pixels
    assert {p.extension for p in pictures} == {"webp"}


def test_a_crop_is_cut_from_the_middle_or_from_the_top():
    picture = Image.new("RGB", (300, 900), "red")
    picture.paste("blue", (0, 300, 300, 600))
    _, (top, middle) = made(
        saved(picture), Variant("top", 200, 200, "top", avif=False), Variant("middle", 200, 200, "middle", avif=False)
    )
    assert near(shown(top).convert("RGB").getpixel((100, 100)), (254, 0, 0))
    assert near(shown(middle).convert("RGB").getpixel((100, 100)), (0, 0, 254))


def test_nothing_is_enlarged():
    _, pictures = made(drawn(size=(60, 50)), *ALL)
    assert {(p.variant, p.width, p.height) for p in pictures} == {
        ("full", 60, 50),
        ("card", 38, 50),
        ("square", 50, 50),
    }


@pytest.mark.parametrize("size", [(1, 1), (1, 40_000), (40_000, 1), (7_999, 5_000), (39_000, 1000), (2, 3)])
def test_every_shape_has_every_variant(size):
    result, pictures = made(drawn("L", size))
    assert (result.width, result.height) == size
    assert {p.variant for p in pictures} == {"full", "card", "square"}
    for picture in pictures:
        shown(picture).load()
        assert picture.width >= 1
        assert picture.height >= 1


def test_the_files_are_made_while_they_are_asked_for(monkeypatch):
    result = make(drawn(size=(200, 200)), ALL, ai_generated=False)
    encoded = []
    save = Image.Image.save
    monkeypatch.setattr(Image.Image, "save", lambda self, *a, **kw: encoded.append(self.size) or save(self, *a, **kw))
    assert next(result.pictures).variant == "full"
    assert encoded == [(200, 200)]


def test_the_file_may_be_closed_before_the_variants_are_made():
    file = drawn()
    result = make(file, ALL, ai_generated=False)
    file.close()
    assert {p.variant for p in result.pictures} == {"full", "card", "square"}


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_the_same_picture_gives_the_same_bytes(kind):
    file = drawn(kind=kind)
    first, second = made(file, ai_generated=True), made(file, ai_generated=True)
    assert first[1] == second[1]
    assert first[0].blur == second[0].blur


# --- The blur -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(3000, 500), (500, 3000), (1, 1), (900, 900)])
def test_the_blur_is_tiny_and_always_of_the_same_shape(size):
    noise = Image.frombytes("RGB", (30, 30), random.Random(7).randbytes(2700)).resize(size)
    blur = make(saved(noise), [FULL], ai_generated=True).blur
    assert len(blur) < 400
    kind, data = blur.split(",")
    assert kind == "data:image/webp;base64"
    picture = Image.open(io.BytesIO(base64.b64decode(data)))
    assert (picture.format, picture.size) == ("WEBP", (16, 20))


def test_nothing_is_recognised_in_the_blur():
    """Stripes an eighth of the picture wide are gone, but the colour of its halves stays."""
    picture = Image.new("RGB", (800, 1000), "white")
    for left in range(0, 800, 100):
        picture.paste("black", (left, 0, left + 50, 1000))
    picture.paste("red", (0, 500, 800, 1000))
    blur = make(saved(picture), [FULL], ai_generated=False).blur
    seen = Image.open(io.BytesIO(base64.b64decode(blur.split(",")[1]))).convert("RGB")
    row = [seen.getpixel((x, 2))[0] for x in range(16)]
    assert max(row) - min(row) < 20
    assert 100 < row[8] < 155
    red, green, _ = seen.getpixel((8, 18))
    assert red - green > 150


# --- Kinds of pixels and colours --------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGB", "RGBA"])
def test_every_kind_of_pixel_keeps_its_brightness(mode):
    for at, expected in ((0.25, 64), (0.5, 128), (0.75, 191)):
        assert near(colour_of(drawn(mode), (0.5, at)), (expected,) * 3, 6)


def test_black_and_white_stay_so():
    picture = Image.new("1", (60, 60), 0)
    picture.paste(1, (0, 0, 60, 30))
    assert near(colour_of(saved(picture), (0.5, 0.1)), (255, 255, 255))
    assert near(colour_of(saved(picture), (0.5, 0.9)), (0, 0, 0))


def png_of_16_bits(colour_type: int, samples: list[int], size=(40, 40)) -> io.BytesIO:
    row = b"\0" + b"".join(sample.to_bytes(2, "big") for sample in samples) * size[0]

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    head = size[0].to_bytes(4, "big") + size[1].to_bytes(4, "big") + bytes([16, colour_type, 0, 0, 0])
    data = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(row * size[1])) + chunk(b"IEND", b"")
    return io.BytesIO(b"\x89PNG\r\n\x1a\n" + data)


@pytest.mark.parametrize(
    ("colour_type", "samples", "expected"),
    [
        (0, [0x8080], (128, 128, 128)),
        (2, [0xFFFF, 0x8080, 0], (255, 128, 0)),
        (4, [0, 0x8080], (127, 127, 127)),
        (6, [0xFFFF, 0, 0, 0x8080], (255, 127, 127)),
    ],
)
def test_sixteen_bits_become_eight(colour_type, samples, expected):
    assert near(colour_of(png_of_16_bits(colour_type, samples)), expected)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_what_shines_through_lies_on_white(kind):
    glass = Image.new("RGBA", (100, 100), (255, 0, 0, 128))
    glass.paste((0, 255, 0, 0), (0, 0, 50, 100))
    file = saved(glass, kind, lossless=True)
    assert near(colour_of(file, (0.2, 0.5)), (255, 255, 255))
    assert near(colour_of(file, (0.8, 0.5)), (255, 127, 127))


def test_a_transparent_colour_of_a_palette_lies_on_white():
    picture = Image.new("P", (60, 60), 0)
    picture.putpalette([0, 0, 0, 0, 0, 255])
    picture.paste(1, (0, 0, 60, 30))
    file = saved(picture, transparency=0)
    assert near(colour_of(file, (0.5, 0.9)), (255, 255, 255))
    assert near(colour_of(file, (0.5, 0.1)), (0, 0, 255))


def wide_gamut() -> bytes:
    """A profile that sRGB's green lies well inside of."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()


def swapped_profile() -> bytes:
    """sRGB with red and blue in each other's place: what a profile does is then seen at a glance."""
    data = bytearray(SRGB.tobytes())
    at = {bytes(data[n : n + 4]): n for n in range(132, 132 + 12 * int.from_bytes(data[128:132], "big"), 12)}
    red, blue = at[b"rXYZ"], at[b"bXYZ"]
    data[red + 4 : red + 12], data[blue + 4 : blue + 12] = data[blue + 4 : blue + 12], data[red + 4 : red + 12]
    return bytes(data)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_colours_are_converted_by_the_pictures_own_profile(kind):
    red = saved(Image.new("RGB", (64, 64), (255, 0, 0)), kind, icc_profile=swapped_profile(), quality=95)
    assert near(colour_of(red), (0, 0, 255), 6)


@pytest.mark.parametrize(
    "profile",
    [b"no profile", swapped_profile()[:200], wide_gamut(), bytes(5_000_000), b""],
    ids=["words", "cut off", "of other pixels", "zeroes", "nothing"],  # profiles tell when they were made
)
def test_a_profile_that_is_broken_or_does_not_fit_is_as_good_as_none(profile):
    file = saved(Image.new("RGB", (64, 64), (200, 30, 40)), "WEBP", icc_profile=profile, lossless=True)
    assert near(colour_of(file), (200, 30, 40), 6)


# --- Nothing but pixels -----------------------------------------------------------------------------------------

# Four letters at the least: three stand somewhere in one of fifty photographs.
SECRETS = [b"Canon", b"SECRET", b"Exif", b"48.8583", b"Photoshop", b"XMP ", b"xmpmeta", b"adobe"]


def with_secrets(kind: str) -> io.BytesIO:
    exif = Image.Exif()
    exif[0x010F] = "Canon SECRET"
    exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 51.0, 29.9)})
    options: dict = {"exif": exif, "xmp": b"<x:xmpmeta SECRET 48.8583 Photoshop/>"}
    picture = photo((300, 400))
    if kind == "JPEG":
        options["comment"] = b"SECRET comment"
    if kind == "PNG":
        options["pnginfo"] = info = PngImagePlugin.PngInfo()
        info.add_text("SECRET", "prompt: SECRET, by Photoshop", zip=True)
        info.add_itxt("XML:com.adobe.xmp", "SECRET 48.8583")
    file = saved(picture, kind, **options)
    file.seek(0, 2)
    file.write(b"SECRET trailing bytes")
    file.seek(0)
    return file


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_place_camera_comments_and_what_was_put_behind_are_gone(kind):
    file = with_secrets(kind)
    assert b"SECRET" in file.getvalue()
    result, pictures = made(file)
    for data in [*(p.data for p in pictures), base64.b64decode(result.blur.split(",")[1])]:
        assert not [secret for secret in SECRETS if secret in data]
        assert not {"exif", "icc_profile", "xmp"} & set(Image.open(io.BytesIO(data)).info)


def test_what_a_model_made_says_so():
    _, pictures = made(with_secrets("JPEG"), FULL, CARD, ai_generated=True)
    assert {p.extension for p in pictures} == {"webp", "avif"}
    for picture in pictures:
        xmp = Image.open(io.BytesIO(picture.data)).getxmp()
        assert xmp["xmpmeta"]["RDF"]["Description"]["DigitalSourceType"] == AI_GENERATED
        assert b"SECRET" not in picture.data


# --- What is refused ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "beginning"),
    [
        ("TIFF", b"II\x2a\x00\x08\x00\x00\x00"),
        ("TIFF", b"MM\x00\x2a\x00\x00\x00\x08"),
        ("TIFF", b"II\x2b\x00\x08\x00\x00\x00"),
        ("RAW", b"II\x2a\x00\x10\x00\x00\x00CR\x02\x00"),
        ("GIF", b"GIF89a\x01\x00\x01\x00"),
        ("PDF", b"%PDF-1.7\n"),
        ("PSD", b"8BPS\x00\x01"),
        ("BMP", b"BM\x36\x00\x03\x00\x00\x00\x00\x00\x36\x00"),
        ("AVIF", b"\x00\x00\x00\x20ftypavif\x00\x00\x00\x00avifmif1miaf"),
        ("AVIF", b"\x00\x00\x00\x1cftypmif1\x00\x00\x00\x00avifmif1miaf"),
        ("SVG", b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>'),
        ("SVG", b"\xef\xbb\xbf  <svg onload='alert(1)'/>"),
        ("JPEG XL", b"\xff\x0a\xfa\x1f"),
        ("JPEG 2000", b"\x00\x00\x00\x0cjP  \r\n\x87\n"),
        ("ICO", b"\x00\x00\x01\x00\x01\x00\x10\x10"),
        ("MP4", b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isommp42"),
        ("MOV", b"\x00\x00\x00\x14ftypqt  \x00\x00\x02\x00qt  "),
        ("WebM", b"\x1a\x45\xdf\xa3\x9f\x42\x82\x84webm"),
    ],
)
def test_other_formats_are_named_with_what_to_do(name, beginning):
    assert refusal(beginning + bytes(200)) == f"{name} isn’t supported. Save it as JPG or PNG."


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"<!DOCTYPE html><script>alert(1)</script>",
        b"MZ\x90\x00" + bytes(500),
        b"PK\x03\x04" + bytes(500),
        bytes(2000),
        b"RIFF\x10\x00\x00\x00WAVEfmt ",
        b"BM is how a letter may begin",
        b"\x00" + drawn(kind="JPEG").getvalue(),
    ],
    ids=["empty", "one byte", "html", "exe", "zip", "zeros", "wave", "text", "a byte before a JPEG"],
)
def test_what_is_no_picture_is_told_so_whatever_it_is_called(data):
    assert refusal(data) == UNREADABLE == "That isn’t a picture we can read. Save it as JPG, PNG or WebP."


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_what_moves_is_refused(kind):
    frames = [Image.new("RGB", (50, 50), colour) for colour in ("red", "green", "blue")]
    file = saved(frames[0], kind, save_all=True, append_images=frames[1:], duration=100)
    assert refusal(file.getvalue()) == "Animated pictures aren’t supported. Save one frame as JPG or PNG."


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("part", [0.99, 0.5, 0.1])
def test_what_is_cut_off_is_refused(kind, part):
    data = saved(noise((300, 300), 0.8), kind).getvalue()
    assert refusal(data[: int(len(data) * part)]) == DAMAGED


def outcome(data: bytes) -> str:
    """What comes of a file: the words of its refusal, or nothing."""
    try:
        _, pictures = made(io.BytesIO(data), SQUARE)
    except NotAPicture as words:
        return str(words)
    assert [p.variant for p in pictures] == ["square"]
    return ""


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_broken_bytes_end_in_a_picture_or_in_words(kind):
    chance, whole, ends = random.Random(kind), with_secrets(kind).getvalue(), set()
    for _ in range(60):
        data = bytearray(whole)
        for _ in range(chance.choice((1, 5, 50))):
            data[chance.randrange(len(data))] = chance.randrange(256)
        ends.add(outcome(bytes(data)).partition(".")[0])
    assert DAMAGED.partition(".")[0] in ends
    assert ends <= {"", *(words.partition(".")[0] for words in (DAMAGED, UNREADABLE, TOO_LARGE, TOO_LARGE_WEBP, MOVES))}


def test_too_many_pixels_are_refused_before_they_are_decoded():
    bomb = drawn("1", (8000, 5001))
    assert refusal(bomb.getvalue()) == "That picture has more than 40 million pixels. Save it smaller."
    huge = bytearray(drawn(kind="WEBP", size=(20, 20), lossless=True).getvalue())
    huge[21:25] = (0x3FFF | 0x3FFF << 14).to_bytes(4, "little")
    assert refusal(bytes(huge)) == "That WebP has more than 18 million pixels. Save it as JPG or PNG."


def test_text_that_unpacks_to_gigabytes_is_refused():
    info = PngImagePlugin.PngInfo()
    info.add_text("bomb", "0" * 20_000_000, zip=True)
    assert refusal(saved(Image.new("L", (9, 9)), pnginfo=info).getvalue()) == DAMAGED


def test_a_progressive_jpeg_of_endless_passes_is_refused_at_once():
    data = saved(Image.new("L", (2000, 2000), 128), "JPEG", progressive=True).getvalue()
    start = data.rindex(b"\xff\xda")
    again = data[start:-2]  # its last pass, over and over
    assert refusal(data[:-2] + again * 2000 + b"\xff\xd9") == DAMAGED


def test_endless_segments_and_chunks_are_refused():
    jpeg = drawn(kind="JPEG", size=(9, 9)).getvalue()
    assert refusal(jpeg[:2] + b"\xff\xfe\x00\x02" * 100_000 + jpeg[2:]) == DAMAGED
    png = drawn(size=(9, 9)).getvalue()
    chunk = b"\x00\x00\x00\x00tEXt" + zlib.crc32(b"tEXt").to_bytes(4, "big")
    assert refusal(png[:33] + chunk * 100_000 + png[33:]) == DAMAGED


def test_a_damaged_or_a_too_large_picture_leaves_the_way_free():
    for bad in (drawn().getvalue()[:-2000], drawn("1", (8000, 8000)).getvalue()):
        assert refusal(bad)
    assert made(drawn())[0].width == 800


# --- Memory -------------------------------------------------------------------------------------------------------


def test_three_large_pictures_at_once_cost_hardly_more_than_one(tmp_path):
    path = tmp_path / "picture"
    large("make", "png, alpha", path)
    assert large("measure", path, 3)["peak_mb"] < 400  # three side by side are 900
