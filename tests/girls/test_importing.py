"""`manage.py import_media`, as an operator types it."""

import os
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from girls import importing, publishing
from girls.models import Girl, Media
from media import processing
from media.models import File, Upload
from media.storage import StorageUnavailable
from tests.factories import UserFactory
from tests.media.conftest import Uploader, disk, editor  # noqa: F401 - fixtures
from tests.media.drawing import picture

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.embedded,
    pytest.mark.usefixtures("disk", "editor", "transactional_db"),
]


@pytest.fixture
def folder(tmp_path):
    """Two photos, one of them a folder further down."""
    folder = tmp_path / "shoot"
    put(folder / "a.jpg", picture(size=(80, 100)))
    put(folder / "beach" / "b.png", picture("PNG", size=(60, 60)))
    return folder


def put(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


class Ran:
    """What a run said, and how it ended."""

    def __init__(self, *arguments, out=None):
        out = out or StringIO()
        self.error = ""
        try:
            call_command("import_media", *map(str, arguments), stdout=out)
        except CommandError as error:
            self.error, self.status = str(error), error.returncode
        self.said = out.getvalue()
        self.first_line = self.said.partition("\n")[0]


def test_a_folder_becomes_a_gallery_that_nobody_sees_yet(mara, folder, editor):  # noqa: F811
    ran = Ran("mara", folder)
    assert (ran.said, ran.error) == ("2 came in, 0 there already, 0 refused.\n", "")
    items = Media.objects.order_by("pk")
    assert [(item.girl, item.surface, item.published) for item in items] == [(mara, "gallery", False)] * 2
    assert [Upload.objects.get(pk=item.file_id).name for item in items] == ["a.jpg", "b.png"]
    assert {item.file.owner for item in items} == {editor}
    assert not Upload.objects.owed().exists()


def test_published_with_captions_and_locations(client, mara, folder):
    put(
        folder / "captions.csv", 'file,caption,location\nbeach/b.png,"Salt, sun","Alfama, Lisbon"\n'.encode("utf-8-sig")
    )
    assert Ran("mara", folder, "--surface", "post", "--publish").error == ""
    told = Media.objects.order_by("pk").values_list("text", "location", "published")
    assert list(told) == [("", "", True), ("Salt, sun", "Alfama, Lisbon", True)]
    assert Girl.objects.get().post_count == 2
    assert client.get(Media.objects.first().file.card_url).status_code == 302


def test_twice_is_once_and_what_is_new_comes_in(mara, folder):
    Ran("mara", folder)
    put(folder / "copy of a.jpg", (folder / "a.jpg").read_bytes())
    put(folder / "c.jpg", picture(size=(90, 90)))
    assert Ran("mara", folder).first_line == "1 came in, 3 there already, 0 refused."
    assert Ran("mara", folder, "--surface", "post").first_line == "3 came in, 1 there already, 0 refused."
    assert (Media.objects.filter(surface="gallery").count(), Media.objects.filter(surface="post").count()) == (3, 3)


def test_what_an_editor_deleted_can_be_brought_in_again(mara, folder):
    Ran("mara", folder)
    publishing.take_down(Media.objects.all())
    assert Ran("mara", folder).first_line == "2 came in, 0 there already, 0 refused."


@pytest.mark.parametrize("moment", ["before it was made ready", "before it was said to be there"])
def test_killed_in_the_middle_the_next_run_goes_on(mara, folder, disk, monkeypatch, moment):  # noqa: F811
    with monkeypatch.context() as dying:
        if moment == "before it was made ready":
            dying.setattr(processing, "see_to", die)
        else:
            dying.setattr(importing.uploading, "complete", die)
        with pytest.raises(SystemExit):
            Ran("mara", folder)
    assert Ran("mara", folder).first_line == "2 came in, 0 there already, 0 refused."
    assert Media.objects.count() == File.objects.count() == 2
    if moment == "before it was made ready":
        assert Upload.objects.count() == 2


def die(*_):
    raise SystemExit


def test_stopped_by_hand_it_says_what_came_in(mara, folder, monkeypatch):
    real = processing.see_to

    def stop_at_the_second(pk):
        if Media.objects.exists() and Upload.objects.get(pk=pk).state == Upload.State.ARRIVED:
            raise KeyboardInterrupt
        real(pk)

    monkeypatch.setattr(processing, "see_to", stop_at_the_second)
    ran = Ran("mara", folder)
    assert (ran.first_line, ran.status) == ("1 came in, 0 there already, 0 refused.", 130)
    assert ran.error == "Stopped. Run it again, and it goes on."


def test_a_storage_that_is_away_ends_it_and_the_next_run_goes_on(mara, folder, monkeypatch):
    def away(*_, **__):
        raise StorageUnavailable("away")

    with monkeypatch.context() as broken:
        broken.setattr("media.local.Disk.put", away)
        ran = Ran("mara", folder)
        assert (ran.error, ran.status) == ("The storage doesn’t answer. Run it again, and it goes on.", 1)
    assert Ran("mara", folder).first_line == "2 came in, 0 there already, 0 refused."


def test_later_leaves_the_work_to_the_workers(mara, folder, rung):
    assert Ran("mara", folder, "--later").first_line.startswith("2 left to the workers")
    assert set(Upload.objects.values_list("state", flat=True)) == {"arrived"}
    assert len(rung) == 2
    assert Ran("mara", folder, "--later").first_line.endswith("2 there already, 0 refused.")
    processing.see_to_all()
    assert Media.objects.count() == 2
    assert Ran("mara", folder).first_line == "0 came in, 2 there already, 0 refused."


def test_a_dry_run_changes_nothing(mara, folder, disk):  # noqa: F811
    put(folder / "scan.tiff", b"II*\x00")
    ran = Ran("mara", folder, "--dry-run")
    assert ran.first_line == "2 would come in, 0 there already, 1 refused."
    assert not Upload.objects.exists()
    assert not disk.exists()


def test_what_is_refused_is_named_with_the_reason_and_the_rest_comes_in(mara, folder):
    put(folder / "empty.jpg", b"")
    put(folder / "scan.tiff", b"II*\x00")
    put(folder / "page.jpg", b"<html>")
    (folder / "loop.jpg").symlink_to("loop.jpg")
    (folder / "gone.jpg").symlink_to("nowhere.jpg")
    os.mkfifo(folder / "pipe.jpg")
    put(folder / "bell\x07.bmp", b"BM")
    ran = Ran("mara", folder)
    assert ran.first_line == "2 came in, 0 there already, 7 refused."
    said = dict(line.strip().split(": ", 1) for line in ran.said.splitlines()[1:])
    assert said["empty.jpg"] == "That file is empty."
    assert said["scan.tiff"] == "TIFF isn’t supported. Save it as JPG or PNG."
    assert said["pipe.jpg"] == "It isn’t a file."
    assert said["gone.jpg"].startswith("It can’t be read: ")
    assert said["loop.jpg"].startswith("It can’t be read: ")
    assert "bell�.bmp" in said
    assert said["page.jpg"]
    assert (ran.error, ran.status) == ("Not everything came in.", 1)


def test_links_lead_nowhere_outside_and_hidden_files_stay_hidden(mara, folder, tmp_path):
    put(tmp_path / "private.jpg", picture(size=(70, 70)))
    put(tmp_path / "others" / "one.jpg", picture(size=(71, 71)))
    (folder / "link.jpg").symlink_to(tmp_path / "private.jpg")
    (folder / "others").symlink_to(tmp_path / "others")
    (folder / "same.jpg").symlink_to(folder / "a.jpg")
    put(folder / ".hidden.jpg", picture(size=(72, 72)))
    put(folder / ".thumbs" / "t.jpg", picture(size=(73, 73)))
    ran = Ran("mara", folder)
    assert ran.first_line == "2 came in, 1 there already, 2 refused."
    assert "link.jpg: It’s a link to something outside of the folder." in ran.said
    assert "others: It’s a link to something outside of the folder." in ran.said


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"name,words\na.jpg,Hi\n", "captions.csv begins with the line: file,caption,location"),
        (b"", "captions.csv begins with the line"),
        (b"file,caption\na.jpg,\xff\n", "captions.csv can’t be read as CSV in UTF-8"),
        (b"file,caption\na.jpg," + b"x" * 301, "captions.csv, line 2: that’s 301 characters; 300 fit."),
        (b"file,caption,location\na.jpg,Salt, sun, and more\n", "captions.csv, line 2: more than 3 columns."),
        (b"file,caption,location\na.jpg,Hi,Lisbon\n", "captions.csv, line 2: only posts have a location."),
    ],
)
def test_captions_that_cannot_be_used_stop_it_before_it_begins(mara, folder, content, words):
    put(folder / "captions.csv", content)
    assert words in Ran("mara", folder).error
    assert not Upload.objects.exists()


def test_captions_of_files_that_are_not_there_are_named(mara, folder):
    put(folder / "captions.csv", b"file,caption\na.jpg,Hi\nsummer.jpg,Hot\n")
    ran = Ran("mara", folder)
    assert "captions.csv names files that are not here: summer.jpg." in ran.said
    assert ran.error == ""


def test_a_caption_finds_its_file_however_the_disk_writes_accents(mara, folder):
    put(folder / "cafe\u0301.jpg", picture(size=(50, 50)))
    put(folder / "captions.csv", "file,caption\ncaf\u00e9.jpg,Milk first\n".encode())
    Ran("mara", folder)
    assert Media.objects.filter(text="Milk first").count() == 1


def test_a_name_that_is_no_text_comes_in(mara, tmp_path):
    put(tmp_path / "odd" / os.fsdecode(b"sea-\xff.jpg"), picture(size=(50, 50)))
    assert Ran("mara", tmp_path / "odd").first_line == "1 came in, 0 there already, 0 refused."
    assert Upload.objects.get().name == "sea-\N{REPLACEMENT CHARACTER}.jpg"


@pytest.mark.parametrize(
    "more", [{"publish": True}, {"digest": "0" * 64}, {"fields": "x"}, {"fields": {"publish": True}}]
)
def test_no_browser_says_what_only_an_import_may(client, mara, editor, more):  # noqa: F811
    client.force_login(editor)
    answer = Uploader(client).ask(purpose="girl_media", target={"girl": mara.pk, "surface": "gallery", **more})
    assert answer.status_code in {400, 404}
    assert not Upload.objects.exists()


def test_who_may_not_edit_characters_brings_nothing_in(mara, folder, alice):
    assert Ran("mara", folder, "--as", alice.email).error == "alice@example.com may not edit characters."
    assert "Nobody has the e-mail address" in Ran("mara", folder, "--as", "nobody@example.com").error
    assert not Upload.objects.exists()


def test_they_belong_to_whom_one_says(mara, folder):
    other = UserFactory(administrator=True, username="other")
    Ran("mara", folder, "--as", "other@example.com")
    assert {file.owner for file in File.objects.all()} == {other}


def test_without_character_folder_or_administrator_it_says_so(mara, folder, editor):  # noqa: F811
    assert Ran("nobody", folder).error == "There is no character at /girls/nobody/."
    assert Ran("mara", folder / "a.jpg").error.endswith("is not a folder.")
    editor.delete()
    assert "create_admin --superuser" in Ran("mara", folder).error


def test_only_a_terminal_gets_a_bar(mara, folder):
    class Terminal(StringIO):
        def isatty(self):
            return True

    assert "[##########..........] 2 of 2  beach/b.png" in Ran("mara", folder, "--dry-run", out=Terminal()).said
    assert "[#" not in Ran("mara", folder, "--dry-run").said


def test_a_large_folder_is_not_held_in_memory(mara, tmp_path, monkeypatch):
    """Ten thousand names, and no file of them open while the next is looked at."""
    for number in range(300):
        put(tmp_path / "many" / f"{number:04}.jpg", b"%d" % number)
    opened = []
    real = importing.Path.open

    def counted(path, *arguments, **options):
        opened.append(real(path, *arguments, **options))
        assert sum(not file.closed for file in opened) == 1
        return opened[-1]

    monkeypatch.setattr(importing.Path, "open", counted)
    (tmp_path / "many" / "captions.csv").write_text("file,caption\n")
    assert Ran("mara", tmp_path / "many", "--dry-run").first_line == "300 would come in, 0 there already, 0 refused."
