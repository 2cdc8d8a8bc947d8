"""What happens at once: on PostgreSQL, with threads."""

import uuid
from functools import partial
from io import BytesIO

import pytest
from django.db.models.functions import Now

from girls import publishing
from girls.models import Girl, Media
from media import avatars, files, processing, uploading
from media.models import File, Upload
from media.storage import store
from tests.factories import UserFactory
from tests.media.drawing import picture
from tests.racing import needs_postgres, together

pytestmark = [pytest.mark.django_db(transaction=True), needs_postgres]


def arrived(owner, purpose="avatar", folder="avatars/1", content=None, **target):
    """An upload whose file is there, as `complete` leaves it."""
    upload = Upload.objects.create(
        owner=owner, purpose=purpose, folder=folder, target=target, kind="image", name="a.jpg",
        content_type="image/jpeg", max_bytes=10**7, state=Upload.State.ARRIVED, due_at=Now(),
    )  # fmt: skip
    store().put(upload.key, BytesIO(content or picture()), content_type="image/jpeg")
    return upload


def test_two_workers_make_one_file(alice):
    upload = arrived(alice)
    together(*[lambda: processing.see_to(upload.pk)] * 4)
    processing.see_to_all()
    assert File.objects.count() == 1
    assert Upload.objects.get().state == Upload.State.READY


def test_avatars_put_up_at_once_leave_one(alice, disk):
    uploads = [arrived(alice, content=picture(size=(300 + n, 300))) for n in range(4)]
    together(*[lambda pk=upload.pk: processing.see_to(pk) for upload in uploads])
    processing.see_to_all()
    for pk in File.objects.filter(state=File.State.GONE).values_list("pk", flat=True):
        files.remove(pk)
    alice.refresh_from_db()
    assert [file.pk for file in File.objects.all()] == [alice.avatar_id]
    assert all(str(alice.avatar_id) in path.name for path in disk.rglob("*.webp"))


def test_an_avatar_is_taken_off_while_another_comes(alice):
    for _ in range(3):
        upload = arrived(alice)
        together(lambda upload=upload: processing.see_to(upload.pk), lambda: avatars.remove(alice))
        alice.refresh_from_db()
        assert set(File.objects.ready().values_list("pk", flat=True)) == ({alice.avatar_id} - {None})


def test_the_same_photo_from_two_editors_is_there_once(mara, disk):
    content = picture()
    target = {"girl": mara.pk, "surface": "gallery"}
    uploads = [arrived(UserFactory(), "girl_media", f"girls/{mara.pk}/media", content, **target) for _ in range(4)]
    together(*[lambda pk=upload.pk: processing.see_to(pk) for upload in uploads])
    processing.see_to_all()
    assert Media.objects.count() == 1
    assert sorted(Upload.objects.values_list("state", flat=True)) == ["ready", "refused", "refused", "refused"]


def test_numbers_are_exact_when_editors_publish_and_hide_at_once(mara):
    made = [
        Media.objects.create(girl=mara, file=a_file(), kind="image", surface=("gallery", "post")[n % 2])
        for n in range(12)
    ]
    every = Media.objects.filter(girl=mara)
    some = every.filter(pk__in=[media.pk for media in made[::3]])
    together(
        lambda: publishing.show(every), lambda: publishing.hide(some), lambda: publishing.take_down(some),
        lambda: publishing.show(some), lambda: publishing.put_back(some), lambda: publishing.show(every),
    )  # fmt: skip
    girl = Girl.objects.get()
    shown = every.filter(published=True, removed_at=None)
    assert (girl.gallery_count, girl.post_count) == tuple(
        shown.filter(surface=surface).count() for surface in ("gallery", "post")
    )


def a_file():
    return File.objects.create(
        pk=uuid.uuid4(), purpose="girl_media", folder="girls/1/media", kind="image", size=1, width=4, height=5, blur="",
        variants={"full": {"w": 4, "h": 5, "webp": 1}},
    )  # fmt: skip


def test_to_complete_at_once_is_to_complete_once(uploader, client, alice):
    client.force_login(alice)
    asked = uploader.ask(picture()).json()
    uploader.send(asked, picture())
    answers = []
    together(*[lambda: answers.append(uploader.complete(asked).status_code)] * 4)
    assert answers == [200] * 4
    processing.see_to_all()
    assert File.objects.count() == 1


def test_to_give_up_while_it_is_made_leaves_nothing_or_a_file(uploader, client, alice, disk):
    for _ in range(4):
        upload = arrived(alice, folder=f"avatars/{alice.pk}")
        together(partial(uploading.cancel, Upload.objects.get(pk=upload.pk)), partial(processing.see_to, upload.pk))
        processing.see_to_all()
        upload.refresh_from_db()
        alice.refresh_from_db()
        assert (upload.state, upload.due_at) in {("gone", None), ("ready", None)}
        assert File.objects.ready().filter(pk=upload.pk).exists() == (upload.state == "ready")
        assert not (disk / upload.key).exists()
