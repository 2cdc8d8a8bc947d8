"""What nobody points at goes, database first; what somebody points at, or may soon, stays."""

import os
import time
import uuid
from datetime import timedelta

import pytest
from django.db.models import ProtectedError
from django.utils import timezone

from girls import publishing
from girls.models import Girl, Media
from media import files
from media.models import File, Upload
from media.storage import StorageUnavailable
from tests.factories import ConversationFactory, FileFactory, GirlFactory, MediaFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded]

DAYS = 24 * 3600


def put(disk, key, age=2 * DAYS):
    path = disk / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"bytes")
    os.utime(path, (time.time() - age, time.time() - age))
    return path


def objects_of(disk, file, **how):
    return [put(disk, key, **how) for key in file.all_keys()]


def test_objects_of_no_file_go_after_a_day(disk):
    strays = [
        put(disk, f"girls/1/media/{uuid.uuid4()}.webp"),
        put(disk, f"girls/1/media/{uuid.uuid4()}-card.avif"),
        put(disk, f"girls/1/profile/{uuid.uuid4()}-square.webp"),
        put(disk, f"avatars/1/{uuid.uuid4()}.webp"),
        put(disk, f"tmp/{uuid.uuid4()}"),
    ]
    new = [put(disk, f"girls/1/media/{uuid.uuid4()}.webp", age=DAYS / 2), put(disk, f"tmp/{uuid.uuid4()}", age=60)]
    not_ours = [put(disk, "girls/a1b2c3.webp"), put(disk, "notes.txt"), put(disk, "girls/1/media/readme.webp")]
    known = objects_of(disk, MediaFactory().file)
    files.sweep()
    assert [path.exists() for path in strays] == [False] * 5
    assert all(path.exists() for path in (*new, *not_ours, *known))


def test_what_is_still_on_its_way_is_no_stray(disk, alice):
    upload = Upload.objects.create(
        owner=alice, purpose="avatar", folder="avatars/1", kind="image", name="a", max_bytes=9,
        content_type="image/jpeg",
        due_at=timezone.now() + timedelta(hours=1),
    )  # fmt: skip
    arrived = put(disk, upload.key)
    files.sweep()
    assert arrived.exists()


def test_files_that_no_row_of_any_app_points_at_go_after_a_day(alice, mara):
    used = [MediaFactory().file, FileFactory(purpose="avatar"), FileFactory(), FileFactory()]
    alice.avatar, mara.portrait, mara.cover = used[1:]
    alice.save()
    mara.save()
    unused, new = FileFactory(), FileFactory()
    File.objects.exclude(pk=new.pk).update(created_at=timezone.now() - timedelta(days=2))
    files.sweep()
    gone = File.objects.filter(state=File.State.GONE)
    assert [file.pk for file in gone] == [unused.pk]
    assert gone.get().due_at is not None


def test_a_character_goes_first_and_her_objects_later(disk, monkeypatch):
    girl = GirlFactory()
    item = MediaFactory(girl=girl)
    publishing.give_portrait(girl.pk, FileFactory(purpose="girl_profile"))
    girl.refresh_from_db()
    paths = [*objects_of(disk, item.file), *objects_of(disk, girl.portrait)]
    publishing.delete(girl)
    assert not Girl.objects.exists()
    assert not Media.objects.exists()
    assert set(File.objects.values_list("state", flat=True)) == {"gone"}
    assert all(path.exists() for path in paths)
    for pk in File.objects.values_list("pk", flat=True):
        files.remove(pk)
    assert not any(path.exists() for path in paths)
    assert not File.objects.exists()


def test_a_character_whom_members_know_keeps_her_files():
    talk = ConversationFactory()
    item = MediaFactory(girl=talk.girl)
    with pytest.raises(ProtectedError):
        publishing.delete(talk.girl)
    item.file.refresh_from_db()
    assert item.file.state == File.State.READY


def test_a_storage_that_is_away_is_asked_again_later(disk, monkeypatch):
    file = FileFactory()
    paths = objects_of(disk, file)

    def away(self, keys):
        raise StorageUnavailable("away")

    files.forget([file.pk])
    with monkeypatch.context() as patched:
        patched.setattr("media.local.Disk.delete", away)
        files.remove(file.pk)
    file.refresh_from_db()
    assert file.due_at > timezone.now()
    assert (file.lease_token, file.attempts) == (None, 1)
    assert all(path.exists() for path in paths)
    File.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    files.remove(file.pk)
    assert not File.objects.exists()
    assert not any(path.exists() for path in paths)


def test_a_deletion_can_be_undone_for_a_while_and_then_is_for_good(mara):
    item = MediaFactory(girl=mara)
    mine = Media.objects.filter(pk=item.pk)
    assert publishing.take_down(mine) == 1
    publishing.finish_removals()
    assert publishing.put_back(mine) == 1
    mara.refresh_from_db()
    assert mara.gallery_count == 1
    publishing.take_down(mine)
    mine.update(removed_at=timezone.now() - publishing.UNDO - timedelta(seconds=1))
    publishing.finish_removals()
    assert not mine.exists()
    item.file.refresh_from_db()
    assert item.file.state == File.State.GONE
    mara.refresh_from_db()
    assert mara.gallery_count == 0
