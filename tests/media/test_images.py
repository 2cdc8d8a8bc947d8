"""Pictures from outside: whatever they are made of, in bounded memory, one at a time."""

import io
import subprocess
import sys

import pytest
from PIL import Image

from media.images import KEPT_PIXELS, NotAPicture, cropped, open_picture
from tests.config.processes import environment
from tests.servers import ROOT

SIX_AT_ONCE = """
import io, resource, sys, threading
from media.images import cropped, open_picture
picture = open(sys.argv[1], "rb").read()
used = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1024 if sys.platform == "linux" else 1024**2)
before, kept = used(), []
def upload():
    kept.append(open_picture(io.BytesIO(picture)))
    kept.append(cropped(kept[-1], 720, 960, top=True))
threads = [threading.Thread(target=upload) for _ in range(6)]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert len(kept) == 12
print(used() - before)
"""


def drawn(mode="RGB", size=(800, 1200), kind="PNG", **options):
    out = io.BytesIO()
    Image.linear_gradient("L").resize(size).convert(mode).save(out, kind, **options)
    out.seek(0)
    return out


@pytest.mark.parametrize(("kind", "mode"), [("JPEG", "RGB"), ("PNG", "RGBA")])
def test_six_large_pictures_at_once_cost_the_memory_of_one(tmp_path, kind, mode):
    file = tmp_path / "picture"
    with file.open("wb") as out:
        Image.new(mode, (6240, 6240), "teal").save(out, kind)
    command = [sys.executable, "-c", SIX_AT_ONCE, str(file)]
    done = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False)
    assert int(done.stdout) < 700, done.stderr  # MB; six were 2,200


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_kind_of_pixel_is_taken(mode):
    picture = open_picture(drawn(mode))
    assert (picture.mode, picture.size) == ("RGB", (800, 1200))
    assert Image.open(cropped(picture, 720, 960)).size == (720, 960)


@pytest.mark.parametrize("size", [(1, 1), (1600, 1600), (5000, 4000), (39_000, 1000), (1000, 39_000), (30_000, 1)])
def test_what_is_kept_is_enough_for_a_crop_and_no_more(size):
    picture = open_picture(drawn("L", size))
    assert picture.width * picture.height <= KEPT_PIXELS * 1.01
    assert picture.width <= size[0]
    assert abs(picture.width / picture.height - size[0] / size[1]) <= 0.01 * size[0] / size[1] or 1 in picture.size
    if min(size) >= 1600:
        assert min(picture.size) == 1600


def test_a_picture_that_lies_on_its_side_is_put_upright():
    exif = Image.Exif()
    exif[0x0112] = 6
    assert open_picture(drawn(size=(4000, 3000), kind="JPEG", exif=exif)).size == (1600, 2133)


def test_a_damaged_or_a_too_large_picture_leaves_the_way_free():
    for bad in (io.BytesIO(drawn().getvalue()[:-2000]), drawn("1", (8000, 8000))):
        with pytest.raises(NotAPicture):
            open_picture(bad)
    assert open_picture(drawn()).size == (800, 1200)
