"""A film that is paused for longer than its address is good for."""

import subprocess

import pytest
from playwright.sync_api import expect

from girls.models import Girl
from media.models import key_of
from media.storage import store
from tests.config.processes import Dusk, until
from tests.e2e.conftest import of_these_tests
from tests.factories import FileFactory, GirlFactory, MediaFactory
from tests.servers import ROOT, find

LATER = 400  # seconds; an address is good for 300 at most
SECONDS = 90
SCENE = f"testsrc2=size=480x270:rate=24:duration={SECONDS},noise=alls=50:allf=t"  # too much for a browser to keep ahead


@pytest.fixture
def film(characters, tmp_path):
    """A post with a film of some ninety megabytes."""
    path = tmp_path / "film.mp4"
    command = [find("ffmpeg"), "-nostdin", "-loglevel", "error", "-f", "lavfi", "-i", SCENE, "-c:v", "libx264"]
    command += ["-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "24", "-b:v", "8M", "-maxrate", "8M"]
    subprocess.run([*command, "-bufsize", "8M", "-movflags", "+faststart", str(path)], check=True, timeout=100)
    girl = GirlFactory(name="Lia")
    file = FileFactory(video=True, folder=f"girls/{girl.pk}/media", width=480, height=270)
    with path.open("rb") as content:
        store().put(key_of(file.folder, file.pk, "full", "mp4"), content, content_type="video/mp4")
    MediaFactory(girl=girl, file=file, kind="video", post=True)
    yield girl
    Girl.objects.filter(pk=girl.pk).update(is_active=False)
    girl.media.all().delete()
    store().delete(file.all_keys())


@pytest.fixture
def site(tmp_path):
    """A server whose clock can be put forward."""
    clock = tmp_path / "clock"
    clock.write_text("0")
    wrong = {"CLOCK": str(clock), "PYTHONPATH": str(ROOT / "tests" / "clocks"), "AGE_GATE": "0"}
    with Dusk(tmp_path, **of_these_tests(), **wrong) as server:
        yield server, clock


def test_it_goes_on_where_it_was(site, film, new_browser, complaints):
    complaints.expect("status of 403|status of 404")  # its address is over; it has no still
    server, clock = site
    page = new_browser()
    parts = []
    page.on("response", lambda answer: answer.status == 206 and parts.append(answer.url))
    page.goto(f"{server.url}/girls/{film.slug}/posts/")
    video = page.locator("video")
    video.evaluate("film => film.play()")
    until(lambda: video.evaluate("film => film.currentTime > 0.3"), what="its beginning")
    video.evaluate("film => film.pause()")
    clock.write_text(str(LATER))

    video.evaluate("film => { film.currentTime = 80; film.play().catch(() => {}); }")
    until(lambda: video.evaluate("film => film.currentTime > 80.3"), what="what comes after")
    expect(video).to_have_js_property("paused", False)
    # It asked for what it had not kept, and for that by another address: the first one is over.
    assert len(set(parts)) == 2
    assert page.request.get(parts[0]).status == 403
