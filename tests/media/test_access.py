"""Who may see which file: one door, every kind of person, every kind of file. Foreign is like absent: 404."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from girls.models import Girl, Media
from media.models import File
from tests.factories import FileFactory, GirlFactory, MediaFactory, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]

ITEMS = {
    "in the gallery": {"surface": "gallery"},
    "a post": {"surface": "post"},
    "premium": {"surface": "gallery", "premium_only": True},
    "not published": {"surface": "gallery", "published": False},
    "deleted": {"surface": "gallery", "removed_at": timezone.now()},
    "of a hidden character": {"surface": "gallery", "girl__is_active": False},
    "a premium item of a hidden character": {"surface": "gallery", "premium_only": True, "girl__is_active": False},
    "reply media": {"surface": "asset", "can_be_liked": False},
    "mature reply media": {"surface": "asset", "can_be_liked": False, "mature": True},
}
SEEN = {
    "visitor": {"in the gallery", "a post"},
    "member": {"in the gallery", "a post"},
    "lapsed": {"in the gallery", "a post"},
    "premium": {"in the gallery", "a post", "premium"},
    "premium who asks for mature": {"in the gallery", "a post", "premium"},
    "staff without permissions": {"in the gallery", "a post"},
    "editor": set(ITEMS),
}


@pytest.fixture
def people():
    return {
        "visitor": None,
        "member": UserFactory(),
        "lapsed": UserFactory(lapsed=True),
        "premium": UserFactory(premium=True),
        "premium who asks for mature": UserFactory(premium=True, show_mature=True),
        "staff without permissions": UserFactory(staff=True),
        "editor": UserFactory(administrator=True),
    }


def looks_at(client, user, file, variant="full", **headers):
    client.logout()
    if user:
        client.force_login(user)
    return client.get(f"/media/{file.pk}/{variant}", headers=headers)


@pytest.mark.parametrize("who", SEEN)
def test_each_person_sees_what_is_theirs_to_see_and_nothing_else(client, people, settings, who):
    settings.MATURE_CONTENT = True
    for name, fields in ITEMS.items():
        item = MediaFactory(**{"published": True, **fields})
        for variant in ("full", "card", "thumb"):
            answer = looks_at(client, people[who], item.file, variant)
            assert answer.status_code == (302 if name in SEEN[who] else 404), (who, name, variant)
            assert answer.status_code == 404 or "no-store" in answer["Cache-Control"]
            if answer.status_code == 404:
                said = answer.content.decode() + str(answer.headers)
                assert item.file.folder not in said
                assert "signed" not in said


def test_when_premium_ends_the_door_is_closed_at_once(client, people):
    item, user = MediaFactory(published=True, premium_only=True), people["premium"]
    assert looks_at(client, user, item.file).status_code == 302
    type(user).objects.filter(pk=user.pk).update(premium_until=timezone.now() - timedelta(seconds=1))
    assert looks_at(client, user, item.file).status_code == 404


def test_when_an_item_or_its_character_is_hidden_the_door_is_closed_at_once(client, people):
    item = MediaFactory(published=True)
    assert looks_at(client, None, item.file).status_code == 302
    Girl.objects.filter(pk=item.girl_id).update(is_active=False)
    assert looks_at(client, None, item.file).status_code == 404
    Girl.objects.filter(pk=item.girl_id).update(is_active=True)
    Media.objects.update(published=False)
    assert looks_at(client, None, item.file).status_code == 404


def test_an_avatar_is_its_members_and_of_staff_who_may_look_at_members(client, people, alice):
    file = FileFactory(purpose="avatar", owner=alice, folder=f"avatars/{alice.pk}")
    alice.avatar = file
    alice.save()
    assert looks_at(client, alice, file, "thumb").status_code == 302
    assert looks_at(client, people["editor"], file, "thumb").status_code == 302
    for who in ("visitor", "member", "premium", "staff without permissions"):
        assert looks_at(client, people[who], file, "thumb").status_code == 404, who


def test_a_file_that_is_gone_or_of_no_known_purpose_is_not_there(client, people):
    for file in (FileFactory(state=File.State.GONE), FileFactory(purpose="something else")):
        assert looks_at(client, people["editor"], file).status_code == 404


@pytest.mark.parametrize("variant", ["none", "w", "h", "webp", "full.webp", "Full", "-", "__proto__"])
def test_a_variant_that_there_is_not(client, people, variant):
    item = MediaFactory(published=True)
    assert looks_at(client, None, item.file, variant).status_code == 404


def test_an_id_that_is_none(client):
    for wrong in (uuid.uuid4(), "1", "None", "../1"):
        assert client.get(f"/media/{wrong}/full").status_code == 404


def test_browsers_that_know_avif_get_it_where_there_is_one(client):
    item = MediaFactory(published=True)
    item.file.variants["card"]["avif"] = 10
    item.file.save()
    knows = {"Accept": "image/avif,image/webp,*/*"}
    answers = [
        looks_at(client, None, item.file, "card", **knows),
        looks_at(client, None, item.file, "card", Accept="image/webp,*/*"),
        looks_at(client, None, item.file, "full", **knows),
    ]
    keys = [_key(answer["Location"]) for answer in answers]
    assert keys == [f"{item.file.folder}/{item.file.pk}{end}" for end in ("-card.avif", "-card.webp", ".webp")]
    assert "Accept" in answers[0]["Vary"]


def _key(address):
    from media import local

    return local.view_ticket(address.rpartition("/")[2])[0]


def test_nothing_is_written_by_looking(client):
    item = MediaFactory(published=True)
    assert client.post(f"/media/{item.file.pk}/full").status_code == 405
    assert client.head(f"/media/{item.file.pk}/full").status_code == 302


def test_a_look_costs_what_it_says(client, alice, django_assert_num_queries):
    item = MediaFactory(published=True)
    with django_assert_num_queries(2):  # the file, whether it is shown
        client.get(f"/media/{item.file.pk}/full")
    client.force_login(alice)
    with django_assert_num_queries(4):  # session, user, the file, whether it is shown
        client.get(f"/media/{item.file.pk}/full")


def test_a_face_is_public_and_asks_nobody(client, disk, django_assert_num_queries):
    girl = GirlFactory()
    path = disk / f"girls/{girl.pk}/profile/face.webp"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"bytes")
    with django_assert_num_queries(0):
        assert client.get(f"/media/girls/{girl.pk}/profile/face.webp").status_code == 200
