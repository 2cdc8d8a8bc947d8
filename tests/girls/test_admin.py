"""The staff console's page about a character."""

from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from girls.models import Girl
from tests.factories import ConversationFactory, GirlFactory, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]
ADD = "/admin/girls/girl/add/"
FIELDS = {
    "name": "Mara",
    "slug": "mara",
    "age": "29",
    "is_active": "on",
    "position": "1",
    "tagline": "Ceramicist",
    "tags": "Warm,  Deep   talks , warm",
    "bio": "Clay.",
    "speaks": "English",
    "greeting": "Hi",
    "starters": "How was it?\n\n  Tell me more \n",
    "persona_prompt": "You are Mara.",
}


@pytest.fixture
def staff(client, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    client.force_login(UserFactory(administrator=True))
    return client


def picture(kind="JPEG", size=(1200, 1000), **options):
    out = BytesIO()
    Image.new("RGB", size, "#90235e").save(out, kind, **options)
    return SimpleUploadedFile("../../evil.jpg", out.getvalue(), "text/html")


def test_an_editor_writes_a_character(staff, tmp_path, django_capture_on_commit_callbacks):
    exif = Image.Exif()
    exif[0x010E] = "taken at home"
    answer = staff.post(ADD, {**FIELDS, "avatar": picture(exif=exif), "background": picture("PNG")})
    assert answer.status_code == 302
    girl = Girl.objects.get()
    assert girl.tags == ["Warm", "Deep talks"]
    assert girl.starters == ["How was it?", "Tell me more"]
    assert girl.created_by.is_superuser
    for field, ratio in ((girl.avatar, 3 / 4), (girl.avatar_square, 1), (girl.background, 1600 / 560)):
        assert field.name.startswith("girls/")
        assert field.name.endswith(".webp")
        image = Image.open(field.path)
        assert image.format == "WEBP"
        assert image.width / image.height == pytest.approx(ratio, rel=0.01)
        assert not image.getexif()
        assert b"taken at home" not in (tmp_path / field.name).read_bytes()
    served = staff.get(girl.avatar.url)
    assert served["Content-Type"] == "image/webp"
    assert served["X-Content-Type-Options"] == "nosniff"
    assert "immutable" in served["Cache-Control"]
    old = [girl.avatar.path, girl.avatar_square.path]
    change = f"/admin/girls/girl/{girl.pk}/change/"
    with django_capture_on_commit_callbacks(execute=True):
        assert staff.post(change, {**FIELDS, "avatar": picture("WEBP", (300, 400))}).status_code == 302
    new = Girl.objects.get()
    assert sorted(p.name for p in (tmp_path / "girls").iterdir()) == sorted(
        f.name.removeprefix("girls/") for f in (new.avatar, new.avatar_square, new.background)
    )
    assert new.avatar.path not in old
    with django_capture_on_commit_callbacks(execute=True):
        staff.post(change, {**FIELDS, "avatar-clear": "on"})
    assert not Girl.objects.get().avatar
    assert len(list((tmp_path / "girls").iterdir())) == 1
    with django_capture_on_commit_callbacks(execute=True):
        staff.post(f"/admin/girls/girl/{girl.pk}/delete/", {"post": "yes"})
    assert not Girl.objects.exists()
    assert not list((tmp_path / "girls").iterdir())


def test_a_character_whom_members_know_cannot_be_deleted(staff):
    talk = ConversationFactory()
    answer = staff.post(f"/admin/girls/girl/{talk.girl_id}/delete/", {"post": "yes"})
    assert "Cannot delete character" in answer.content.decode()
    staff.post("/admin/girls/girl/", {"action": "delete_selected", "_selected_action": [talk.girl_id], "post": "yes"})
    assert Girl.objects.filter(pk=talk.girl_id).exists()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"age": "17"}, "greater than or equal to 18"),
        ({"tags": "new"}, "leave the tag “New” out"),
        ({"tags": ",".join(f"tag {n}" for n in range(9))}, "At most 8 tags"),
        ({"tags": "x" * 25}, "is too long"),
        ({"tags": "!!"}, "needs a letter or a digit"),
        ({"starters": "a\nb\nc\nd\ne"}, "At most 4 lines"),
        ({"starters": "a" * 121}, "at most 120 characters"),
        ({"persona_prompt": ""}, "This field is required"),
    ],
)
def test_what_is_wrong_is_said_beside_the_field(staff, wrong, words):
    answer = staff.post(ADD, {**FIELDS, **wrong})
    assert words in answer.content.decode()
    assert not Girl.objects.exists()


@pytest.mark.parametrize(
    "file",
    [
        SimpleUploadedFile("a.jpg", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "image/jpeg"),
        SimpleUploadedFile("a.jpg", picture().read()[:400], "image/jpeg"),
        picture("GIF"),
        picture("TIFF"),
        picture("PNG", (8000, 5001)),
    ],
    ids=["svg", "cut off", "gif", "tiff", "over 40 megapixels"],
)
def test_only_pictures_that_are_pictures_come_in(staff, tmp_path, file):
    file.name = "a.jpg"
    answer = staff.post(ADD, {**FIELDS, "avatar": file})
    assert answer.status_code == 200
    assert answer.context["adminform"].form.errors["avatar"]
    assert not Girl.objects.exists()
    assert not list(tmp_path.rglob("*.*"))


def test_editors_publish_and_hide_from_the_list(staff):
    mara = GirlFactory(unpublished=True)
    for action, shown in (("publish", True), ("unpublish", False)):
        staff.post("/admin/girls/girl/", {"action": action, "_selected_action": [mara.pk]})
        mara.refresh_from_db()
        assert mara.is_active is shown


@pytest.mark.parametrize("number", [3, 30])
def test_the_list_costs_the_same_for_many(staff, django_assert_max_num_queries, number):
    GirlFactory.create_batch(number)
    with django_assert_max_num_queries(7):  # session, user, counts, rows, dates of the filter
        assert staff.get("/admin/girls/girl/?q=mara").status_code == 200


def test_the_persona_is_for_staff_with_the_permission(client, mara):
    client.force_login(UserFactory(staff=True))
    assert client.get(f"/admin/girls/girl/{mara.pk}/change/").status_code == 403
