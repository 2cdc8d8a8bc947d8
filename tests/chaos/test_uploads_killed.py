"""Uploads while processes die: each ends as one file, or as none; nothing on the way stays, nothing is made twice."""

import random
import threading
import time
from pathlib import Path

import pytest
from django.test import Client

from media import storage
from media.models import File, Upload
from tests.config.processes import Browser, until
from tests.factories import UserFactory
from tests.media.drawing import picture

PHOTOS = 24


@pytest.fixture
def ask(ask, tmp_path, settings):
    """A disk of the test's own, for its processes and for what looks at it here."""
    settings.MEDIA_ROOT = tmp_path / "media"
    storage.store.cache_clear()
    return {**ask, "MEDIA_ROOT": str(settings.MEDIA_ROOT)}


@pytest.fixture
def editor(production, transactional_db):
    """An editor's browser, signed in; no page has to be up for that."""
    client = Client()
    client.force_login(UserFactory(administrator=True))
    with Browser(production.url) as editor:
        editor.http.cookies.set("sessionid", client.cookies["sessionid"].value, domain="127.0.0.1")
        editor.http.cookies.set("csrftoken", "a" * 32, domain="127.0.0.1")
        yield editor


def put_up(editor, girl, content, name):
    """As the uploader of the page does: each step again until it is answered."""

    def again(deed):
        def answer():
            try:
                return deed()
            except Exception:  # the web process may be away
                return None

        return until(answer, what=f"an answer about {name}")

    said = {
        "purpose": "girl_media",
        "target": {"girl": girl, "surface": "gallery"},
        "name": name,
        "content_type": "image/jpeg",
        "size": len(content),
    }
    asked = again(lambda: editor.post("/media/uploads/", **said).json())

    def send():
        answer = editor.http.post(asked["url"], data=asked["fields"], files={"file": (name, content, "image/jpeg")})
        return answer.status_code == 204

    again(send)
    again(lambda: editor.post(f"/media/uploads/{asked['upload']['id']}/complete/").json())
    return asked["upload"]["id"]


def photos(seed):
    """Photos that are all different, of the size that phones send."""
    chance = random.Random(seed)
    return [picture(size=(1200 + 40 * n, 1500 + chance.randrange(90)), quality=92) for n in range(PHOTOS)]


def on_disk(folder: Path):
    """The files that have a name; one that was half written when its process died goes with a sweep, a day later."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    return {path.relative_to(folder).as_posix() for path in files}


def all_are_ready():
    """Whether there is nothing left to be killed at."""
    return Upload.objects.filter(state=Upload.State.READY, due_at=None).count() == PHOTOS


@pytest.mark.timeout(300)
def test_workers_that_are_killed_leave_every_photo_whole(production, editor, mara, tmp_path):
    production.start("redis", "web", "worker", "beat")
    uploads = []
    chance = random.Random(7)

    def sending():
        for number, content in enumerate(photos(7)):
            uploads.append(put_up(editor, mara.pk, content, f"photo-{number}.jpg"))

    sender = threading.Thread(target=sending)
    sender.start()
    kills = 0
    while kills < 6 and production.kill_at_work(Upload, chance.uniform(0, 0.5), unless=all_are_ready):
        kills += 1
        production["worker"].start()
    sender.join()
    assert len(uploads) == PHOTOS
    assert kills
    until(lambda: not Upload.objects.owed().exists(), what="an end of every upload")

    assert set(Upload.objects.values_list("state", flat=True)) == {Upload.State.READY}
    assert mara.media.count() == File.objects.count() == PHOTOS
    mara.refresh_from_db()
    keys = {key for file in File.objects.all() for key in file.all_keys()}
    assert on_disk(tmp_path / "media") == keys


@pytest.mark.timeout(300)
def test_a_web_process_that_is_killed_while_files_come_loses_none(production, editor, mara):
    production.start("redis", "web", "worker", "beat")
    uploads = []

    def sending():
        for number, content in enumerate(photos(9)[:8]):
            uploads.append(put_up(editor, mara.pk, content, f"photo-{number}.jpg"))

    sender = threading.Thread(target=sending)
    sender.start()
    for _ in range(3):
        time.sleep(1)
        production.kill("web")
        production.start("web")
    sender.join()
    until(lambda: not Upload.objects.filter(pk__in=uploads).exclude(due_at=None).exists(), what="an end of every one")
    assert mara.media.count() == File.objects.count() == 8
