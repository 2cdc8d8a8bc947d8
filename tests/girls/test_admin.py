"""The staff console's page about a character."""

import pytest

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
def staff(client):
    client.force_login(UserFactory(administrator=True))
    return client


def test_an_editor_writes_a_character(staff):
    assert staff.post(ADD, FIELDS).status_code == 302
    girl = Girl.objects.get()
    assert girl.tags == ["Warm", "Deep talks"]
    assert girl.starters == ["How was it?", "Tell me more"]
    assert girl.created_by.is_superuser


def test_a_character_whom_members_know_cannot_be_deleted(staff):
    talk = ConversationFactory()
    answer = staff.post(f"/admin/girls/girl/{talk.girl_id}/delete/", {"post": "yes"})
    assert "can’t be deleted" in answer.content.decode()
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


def test_editors_publish_and_hide_from_the_list(staff):
    mara = GirlFactory(unpublished=True)
    for action, shown in (("publish", True), ("unpublish", False)):
        staff.post("/admin/girls/girl/", {"action": action, "_selected_action": [mara.pk]})
        mara.refresh_from_db()
        assert mara.is_active is shown


@pytest.mark.parametrize("number", [3, 30])
def test_the_list_costs_the_same_for_many(staff, django_assert_max_num_queries, number):
    GirlFactory.create_batch(number)
    with django_assert_max_num_queries(
        9
    ):  # session, user, second factor, open reports, counts, rows, dates of the filter
        assert staff.get("/admin/girls/girl/?q=mara").status_code == 200


def test_the_persona_is_for_staff_with_the_permission(client, mara):
    client.force_login(UserFactory(staff=True))
    assert client.get(f"/admin/girls/girl/{mara.pk}/change/").status_code == 403
