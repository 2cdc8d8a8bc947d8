"""Uploads at the door, from the asking to the file that is shown."""

import io
import uuid
from datetime import timedelta

import pytest
from django.utils import timezone
from PIL import Image

from accounts.models import User
from girls.models import Girl, Media
from media import files, processing
from media.models import File, Upload
from tests.media.drawing import picture

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]


@pytest.fixture(autouse=True)
def _commits_are_commits(transactional_db):
    """Bells ring on commit."""


def on_disk(disk):
    return sorted(path.relative_to(disk).as_posix() for path in disk.rglob("*") if path.is_file())


def test_a_member_puts_up_an_avatar_and_sees_it(uploader, client, alice, disk, heard):
    client.force_login(alice)
    upload = uploader.put_up(picture())
    assert (upload["state"], upload["error"]) == ("ready", "")
    alice.refresh_from_db()
    file = alice.avatar
    assert file.key == f"avatars/{alice.pk}/{upload['id']}.webp"
    assert on_disk(disk) == [f"avatars/{alice.pk}/{upload['id']}{end}.webp" for end in ("-thumb", "")]
    answer = client.get(alice.avatar_url)
    assert answer.status_code == 302
    assert "no-store" in answer["Cache-Control"]
    shown = client.get(answer["Location"])
    assert Image.open(io.BytesIO(b"".join(shown.streaming_content))).size == (96, 96)
    assert Upload.objects.get().due_at is None


def test_a_new_avatar_takes_the_place_of_the_old_one(uploader, client, alice, disk, heard):
    client.force_login(alice)
    uploader.put_up(picture())
    second = uploader.put_up(picture(size=(600, 600)))
    assert [key for key in on_disk(disk) if second["id"] not in key] == []
    assert str(File.objects.get().pk) == second["id"]


def test_an_editor_puts_up_a_portrait_a_cover_and_photos(uploader, client, editor, mara, disk, heard):
    client.force_login(editor)
    for purpose, target in (
        ("girl_profile", {"girl": mara.pk}),
        ("girl_background", {"girl": mara.pk}),
        ("girl_media", {"girl": mara.pk, "surface": "gallery"}),
    ):
        upload = uploader.put_up(picture(), purpose=purpose, target=target)
        assert upload["state"] == "ready", upload
    girl = Girl.objects.get()
    assert girl.avatar.startswith(f"girls/{girl.pk}/profile/")
    assert girl.background.startswith(f"girls/{girl.pk}/background/")
    photo = Media.objects.select_related("file").get()
    assert (photo.surface, photo.published, photo.file.folder) == ("gallery", False, f"girls/{girl.pk}/media")
    client.logout()
    for url in (girl.portrait_url, girl.avatar_url, girl.card_url, girl.cover_url):
        answer = client.get(url)
        assert answer.status_code == 200, url
        assert answer["Cache-Control"] == "public, max-age=31536000, immutable"
        b"".join(answer.streaming_content)
    assert client.get(photo.file.url("card")).status_code == 404  # not published
    assert client.get(f"/media/{photo.file.key}").status_code == 404


@pytest.mark.parametrize("purpose", ["girl_profile", "girl_background", "girl_media", "nonsense"])
def test_only_editors_put_something_on_characters(uploader, client, alice, mara, purpose):
    client.force_login(alice)
    answer = uploader.ask(purpose=purpose, target={"girl": mara.pk})
    assert answer.status_code == 404
    assert not Upload.objects.exists()


def test_a_visitor_puts_up_nothing(uploader):
    assert uploader.ask().status_code == 401


@pytest.mark.parametrize(
    ("asking", "words"),
    [
        ({"size": 0}, "That file is empty."),
        ({"size": 5 * 1024 * 1024 + 1}, "That file is over 5 MB. Save it smaller."),
        ({"name": "scan.tiff", "content_type": "image/tiff"}, "TIFF isn’t supported. Save it as JPG or PNG."),
        ({"name": "a.exe", "content_type": "application/x-msdownload"}, "That kind of file isn’t supported."),
        ({"name": "a.mp4", "content_type": "video/mp4"}, "Videos can’t be used here. Choose a photo."),
        ({"name": "a.mov", "content_type": "video/quicktime"}, "MOV isn’t supported. Save it as MP4."),
    ],
)
def test_what_would_be_refused_is_refused_before_it_is_sent(uploader, client, alice, asking, words):
    client.force_login(alice)
    answer = uploader.ask(**asking)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith(words)
    assert not Upload.objects.exists()


def test_the_disk_takes_only_what_was_signed(uploader, client, alice, settings):
    client.force_login(alice)
    settings.AVATAR_MAX_MB = 1
    asked = uploader.ask().json()
    assert uploader.send(asked, b"").status_code == 400
    assert uploader.send(asked, b"x" * (1024 * 1024 + 1)).status_code == 400
    assert uploader.send(asked, b"x", key="tmp/another").status_code == 403
    assert uploader.send(asked, b"x", **{"Content-Type": "text/html"}).status_code == 403
    assert uploader.send(asked, b"x", acl="public-read").status_code == 403
    assert uploader.send({**asked, "url": asked["url"][:-3] + "abc"}, b"x").status_code == 403
    assert uploader.complete(asked).status_code == 409
    assert uploader.send(asked, b"x").status_code == 204


def test_an_address_to_send_to_ends(uploader, client, alice, time_machine):
    client.force_login(alice)
    asked = uploader.ask().json()
    time_machine.move_to(timezone.now() + timedelta(minutes=16))
    assert uploader.send(asked, b"x").status_code == 403


def test_others_uploads_are_like_none(uploader, client, alice, charlie):
    client.force_login(alice)
    asked = uploader.ask().json()
    client.force_login(charlie)
    address = f"/media/uploads/{asked['upload']['id']}/"
    assert client.get(address).status_code == 404
    for deed in ("complete", "cancel", "retry"):
        assert uploader.post(f"{address}{deed}/").status_code == 404


def test_to_complete_twice_is_to_complete_once(uploader, client, alice, heard):
    client.force_login(alice)
    asked = uploader.ask(picture()).json()
    uploader.send(asked, picture())
    assert [uploader.complete(asked).status_code for _ in range(2)] == [200, 200]
    assert File.objects.count() == 1


@pytest.mark.parametrize(
    "content",
    [b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"<html><script>alert(1)</script>", b"MZ\x90\x00", picture()[:500]],
    ids=["svg", "html", "exe", "cut off"],
)
def test_what_is_no_picture_is_refused_and_nothing_stays(uploader, client, alice, disk, heard, content):
    client.force_login(alice)
    upload = uploader.put_up(content)
    assert upload["state"] == "refused"
    assert upload["error"]
    assert on_disk(disk) == []
    assert not File.objects.exists()
    assert Upload.objects.get().due_at is None


def test_the_same_photo_is_not_put_up_twice(uploader, client, editor, mara, disk, heard):
    client.force_login(editor)
    asking = {"purpose": "girl_media", "target": {"girl": mara.pk, "surface": "gallery"}}
    first, second = (uploader.put_up(picture(), **asking) for _ in range(2))
    assert (first["state"], second["state"]) == ("ready", "refused")
    assert second["error"] == "This is in Gallery already."
    assert all(first["id"] in key for key in on_disk(disk))
    assert File.objects.count() == 1


def test_what_was_given_up_leaves_nothing(uploader, client, alice, disk, heard):
    client.force_login(alice)
    asked = uploader.ask().json()
    uploader.send(asked, b"x")
    assert uploader.post(f"/media/uploads/{asked['upload']['id']}/cancel/").json()["upload"]["state"] == "gone"
    assert on_disk(disk) == []
    assert uploader.complete(asked).json()["upload"]["state"] == "gone"


def test_nobody_completes_it_so_it_ends(uploader, client, alice, disk):
    client.force_login(alice)
    asked = uploader.ask().json()
    uploader.send(asked, b"x")
    processing.see_to_all()
    assert on_disk(disk) != []
    Upload.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    processing.see_to_all()
    assert on_disk(disk) == []
    assert uploader.state(asked)["state"] == "gone"


def test_a_member_who_is_erased_leaves_no_file(uploader, client, alice, disk, heard):
    client.force_login(alice)
    uploader.put_up(picture())
    User.objects.filter(pk=alice.pk).delete()
    File.objects.update(created_at=timezone.now() - timedelta(days=2))
    files.sweep()
    assert on_disk(disk) == []
    assert not File.objects.exists()


def test_a_page_asks_once_for_all_that_it_waits_for_and_hears_of_nobody_elses(uploader, client, alice, charlie, disk):
    client.force_login(charlie)
    theirs = uploader.ask(picture()).json()["upload"]["id"]
    client.force_login(alice)
    mine = [uploader.ask(picture()).json()["upload"]["id"] for _ in range(2)]
    ids = ",".join([*mine, theirs, str(uuid.uuid4())])
    told = client.get(f"/media/uploads/?ids={ids}").json()["uploads"]
    assert {upload["id"]: upload["state"] for upload in told} == dict.fromkeys(mine, "issued")
    assert client.get("/media/uploads/?ids=x").status_code == 400
    assert client.get("/media/uploads/").json() == {"uploads": []}
    client.logout()
    assert client.get(f"/media/uploads/?ids={ids}").status_code == 401
