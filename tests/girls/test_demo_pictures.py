"""The photos of `manage.py demo`: drawn, put up like any other, and taken away again."""

import hashlib
import sqlite3
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from girls import publishing
from girls.demo import characters, pictures
from girls.models import Girl, Media
from media import processing
from media.models import File, Upload
from media.storage import StorageUnavailable
from tests.config.processes import Browser, Dusk, until
from tests.factories import ConversationFactory, GirlFactory
from tests.media.conftest import disk  # noqa: F401 - a fixture

pytestmark = [pytest.mark.django_db, pytest.mark.embedded, pytest.mark.usefixtures("disk", "transactional_db")]
FEW = """
[mara]
gallery = [
  { art = "dawn tall plain", text = "First" },
  { art = "coffee right plain", text = "Second", premium_only = true },
]
posts = [{ art = "sea wide gold", location = "Lisbon", days_ago = 2.5, text = "A post" }]
[vera]
assets = [{ art = "me close plain", text = "Vera at her desk" }]
"""


@pytest.fixture(autouse=True)
def _on_a_laptop(settings):
    settings.DEBUG = True


@pytest.fixture
def few(tmp_path, monkeypatch):
    """Four photos, where the real demo has 136."""
    path = tmp_path / "pictures.toml"
    path.write_text(FEW)
    monkeypatch.setattr(pictures, "PICTURES", path)


def demo(*arguments):
    out = StringIO()
    call_command("demo", *arguments, stdout=out)
    return out.getvalue()


def objects(disk):  # noqa: F811
    return sorted(path.relative_to(disk).as_posix() for path in disk.rglob("*") if path.is_file())


# --- What they show --------------------------------------------------------------------------------------


@pytest.mark.parametrize("slug", [fields["slug"] for fields in characters()])
def test_each_character_has_a_gallery_posts_and_what_she_can_send(slug):
    hers = pictures.pictures_of(slug)
    gallery, posts, assets = ([one for one in hers if one.surface == name] for name in ("gallery", "post", "asset"))
    assert 6 <= len(gallery) <= 9
    assert 1 <= sum(one.fields.get("premium_only", False) for one in gallery) <= 2
    assert 3 <= len(posts) <= 4
    assert 6 <= len(assets) <= 8
    assert len({one.fields["text"] for one in hers}) == len(hers)
    days_here = next(timezone.now() - fields["created_at"] for fields in characters() if fields["slug"] == slug).days
    assert all(one.fields["location"] and 0 < one.days_ago < days_here for one in posts)
    assert [one.days_ago for one in posts] == sorted(one.days_ago for one in posts)


def test_no_two_pictures_of_a_character_are_the_same():
    for slug in ("mara", "lucia"):
        drawn = [hashlib.sha256(pictures.drawing(slug, one.art)).digest() for one in pictures.pictures_of(slug)]
        assert len(set(drawn)) == len(drawn)
    for fields in characters():
        arts = [one.art for one in pictures.pictures_of(fields["slug"])]
        assert len(set(arts)) == len(arts), fields["slug"]


# --- Loading ---------------------------------------------------------------------------------------------


def test_photos_are_put_up_and_become_ready_like_any_other(few, client, disk):  # noqa: F811
    assert "Photos drawn, for the workers to make ready: Mara, Vera." in demo()
    assert set(Upload.objects.values_list("state", flat=True)) == {"arrived"}
    processing.see_to_all()
    mara = Girl.objects.get(slug="mara")
    assert (mara.gallery_count, mara.post_count) == (2, 1)
    told = mara.media.order_by("surface", "position").values_list("surface", "text", "premium_only", "location")
    assert list(told) == [
        ("gallery", "First", False, ""),
        ("gallery", "Second", True, ""),
        ("post", "A post", False, "Lisbon"),
    ]
    post = mara.media.get(surface="post")
    assert 2.4 < (timezone.now() - post.published_at).total_seconds() / 86400 < 2.6
    assert client.get(post.file.card_url).status_code == 302
    assert set(Media.objects.values_list("like_count", flat=True)) == {0}
    assert not [key for key in objects(disk) if key.startswith("tmp/")]


def test_twice_is_once(few, disk):  # noqa: F811
    demo()
    assert "Photos" not in demo()  # also before they are ready
    processing.see_to_all()
    before = list(Media.objects.order_by("pk").values()), objects(disk)
    assert "Photos" not in demo()
    processing.see_to_all()
    assert (list(Media.objects.order_by("pk").values()), objects(disk)) == before


def test_what_an_editor_took_away_stays_away(few):
    demo()
    processing.see_to_all()
    publishing.take_down(Media.objects.all())
    assert "Photos" not in demo()


def test_killed_while_it_draws_the_next_start_goes_on(few, monkeypatch):
    real, drawn = pictures.drawing, []

    def die_at_veras(slug, art):
        if slug == "vera":
            raise SystemExit
        drawn.append(art)
        return real(slug, art)

    with monkeypatch.context() as dying:
        dying.setattr(pictures, "drawing", die_at_veras)
        with pytest.raises(SystemExit):
            demo()
    assert len(drawn) == 3
    assert "Photos drawn, for the workers to make ready: Vera." in demo()
    assert Upload.objects.count() == 4


def test_a_storage_that_is_away_leaves_characters_without_photos_until_the_next_time(few, monkeypatch):
    def away(*_, **__):
        raise StorageUnavailable("away")

    with monkeypatch.context() as broken:
        broken.setattr("media.local.Disk.put", away)
        with pytest.raises(CommandError, match="The storage doesn’t answer"):
            demo()
    assert Girl.objects.count() == 8
    assert "Mara, Vera" in demo()


def test_characters_of_ones_own_get_none(few):
    mine = GirlFactory(slug="mara", name="My own Mara")
    demo()
    processing.see_to_all()
    assert not mine.media.exists()


# --- Removing --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("when", ["ready", "on the way"])
def test_removing_leaves_nothing_in_the_storage(few, disk, when):  # noqa: F811
    demo()
    if when == "ready":
        processing.see_to_all()
    assert objects(disk)
    demo("--remove")
    assert objects(disk) == []
    assert not File.objects.exists()
    assert not Media.objects.exists()


def test_a_character_whom_members_know_keeps_her_photos(few, disk):  # noqa: F811
    demo()
    processing.see_to_all()
    ConversationFactory(girl=Girl.objects.get(slug="vera"))
    demo("--remove")
    assert [media.girl.slug for media in Media.objects.all()] == ["vera"]
    assert all(key.startswith(f"girls/{Girl.objects.get(slug='vera').pk}/media/") for key in objects(disk))


# --- make run --------------------------------------------------------------------------------------------


def test_the_page_is_there_before_the_photos_and_stopping_in_between_loses_none(tmp_path):
    wanted = sum(len(pictures.pictures_of(fields["slug"])) for fields in characters())
    with Dusk(tmp_path, DEMO_PHOTOS="1", MEDIA_ROOT=str(tmp_path / "media")) as dusk:
        with Browser(dusk.url) as browser:
            assert browser.http.get("/").status_code == 200
        assert rows(tmp_path, "girls_media") < wanted
        until(lambda: rows(tmp_path, "media_upload") > 0, what="a photo put up")
        dusk.stop()
        assert rows(tmp_path, "girls_media") < wanted  # it did not wait for all of them
        dusk.start()
        # All of them take a minute: those of the first character, who was interrupted, and one of the next will do.
        first = len(pictures.pictures_of(next(iter(characters()))["slug"]))
        until(lambda: rows(tmp_path, "girls_media") > first, what="the first character's photos, and the next one's")


def rows(folder, table):
    with sqlite3.connect(folder / "dusk.sqlite3") as connection:
        return connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
