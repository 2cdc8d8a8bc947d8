"""Two people edit a character: who saves second is told before anything is written over."""

import pytest
from django.test import Client

from girls.models import Girl
from tests.factories import UserFactory
from tests.girls.test_versions import address, form_of, save
from tests.racing import needs_postgres, race

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]
LIST = "/admin/girls/girl/"


def browser(name):
    client = Client()
    client.force_login(UserFactory(administrator=True, username=name))
    return client


@pytest.fixture
def ann():
    return browser("ann")


@pytest.fixture
def bob():
    return browser("bob")


def test_the_second_is_told_who_saved_what_and_writes_nothing(ann, bob, mara):
    where = address(mara, "persona/")
    opened = form_of(ann, where)
    save(bob, where, persona_prompt="You are Mara, by Bob.")
    answer = ann.post(where, opened | {"persona_prompt": "You are Mara, by Ann."})
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "bob saved this" in page
    assert "Bob" in page.split('id="conflict"')[1]
    assert "You are Mara, by Ann." in page  # still in the field
    mara.refresh_from_db()
    assert mara.persona_prompt == "You are Mara, by Bob."
    assert Girl.history.count() == 2


def test_saving_anyway_keeps_what_only_the_other_changed(ann, bob, mara):
    where = address(mara, "change/")
    opened = form_of(ann, where)
    save(bob, where, tagline="By Bob", bio="Bob’s bio")
    mine = opened | {"tagline": "By Ann", "work": "potter"}
    told = ann.post(where, mine).context["conflict"]
    assert {field["label"]: (field["theirs"] is not None, field["mine"] is not None) for field in told["fields"]} == {
        "Tagline": (True, True),
        "Bio": (True, False),
        "Work": (False, True),
    }
    assert ann.post(where, mine | {"save_anyway": told["stamp"]}).status_code == 302
    mara.refresh_from_db()
    assert (mara.tagline, mara.bio, mara.work) == ("By Ann", "Bob’s bio", "potter")
    assert "bob’s bio" in mara.search_text or "bob's bio" in mara.search_text
    assert "by ann" in mara.search_text


def test_saving_anyway_is_said_of_what_one_saw(ann, bob, mara):
    where = address(mara, "change/")
    opened = form_of(ann, where) | {"tagline": "By Ann"}
    save(bob, where, tagline="By Bob")
    stamp = ann.post(where, opened).context["conflict"]["stamp"]
    save(bob, where, tagline="By Bob again")
    assert ann.post(where, opened | {"save_anyway": stamp}).context["conflict"]["stamp"] != stamp
    mara.refresh_from_db()
    assert mara.tagline == "By Bob again"


def test_the_same_change_twice_is_no_conflict(ann, bob, mara):
    where = address(mara, "change/")
    opened = form_of(ann, where) | {"tagline": "The same"}
    save(bob, where, tagline="The same")
    assert ann.post(where, opened).status_code == 302


def test_tabs_and_pictures_do_not_meet(ann, bob, mara):
    opened = form_of(ann, address(mara, "change/"))
    save(bob, address(mara, "persona/"), persona_prompt="You are Mara, by Bob.")
    Girl.objects.filter(pk=mara.pk).update(gallery_count=5)
    assert ann.post(address(mara, "change/"), opened | {"tagline": "By Ann"}).status_code == 302
    mara.refresh_from_db()
    assert (mara.tagline, mara.persona_prompt, mara.gallery_count) == ("By Ann", "You are Mara, by Bob.", 5)


def test_a_change_of_line_ends_is_no_change(ann, mara):
    Girl.objects.filter(pk=mara.pk).update(bio="One.\n\nTwo.")
    where = address(mara, "change/")
    opened = form_of(ann, where)
    crlf = {name: value.replace("\n", "\r\n") if isinstance(value, str) else value for name, value in opened.items()}
    before = Girl.history.count()
    assert ann.post(where, crlf | {"bio": "One.\r\n\r\nTwo."}).status_code == 302
    assert Girl.history.count() == before
    ann.post(where, crlf | {"bio": "One.\r\n\r\nThree."})
    mara.refresh_from_db()
    assert mara.bio == "One.\n\nThree."


def test_the_persona_says_how_long_it_is_and_about_how_many_tokens(ann, mara):
    Girl.objects.filter(pk=mara.pk).update(persona_prompt="x" * 1234, example_dialogue="")
    page = ann.get(address(mara, "persona/")).content.decode()
    assert "1,234 of 8,000 characters, about 309 tokens." in page
    assert "0 of 4,000 characters, about 0 tokens." in page


def positions(girl, seen, wanted):
    """What a browser sends of the list, with one row in it."""
    numbers = {"form-TOTAL_FORMS": "1", "form-INITIAL_FORMS": "1", "form-MIN_NUM_FORMS": "0", "form-MAX_NUM_FORMS": "9"}
    row = {"form-0-id": str(girl.pk), "initial-form-0-position": str(seen), "form-0-position": str(wanted)}
    return {**numbers, **row, "_save": "Save"}


def test_her_place_in_the_list_is_not_written_over_unseen(ann, bob, mara):
    assert bob.post(LIST, positions(mara, 0, 3)).status_code == 302
    answer = ann.post(LIST, positions(mara, 0, 5))
    assert "Somebody else set this to 3" in answer.content.decode()
    mara.refresh_from_db()
    assert mara.position == 3
    assert ann.post(LIST, positions(mara, 3, 5)).status_code == 302
    mara.refresh_from_db()
    assert mara.position == 5


@needs_postgres
@pytest.mark.django_db(transaction=True)
def test_of_many_who_save_at_once_one_writes_and_the_others_are_told(mara):
    where = address(mara, "persona/")
    browsers = [browser(f"editor_{number}") for number in range(6)]
    opened = [form_of(one, where) for one in browsers]

    def deed(number):
        sent = opened[number] | {"persona_prompt": f"You are Mara, by {number}."}
        return browsers[number].post(where, sent).status_code

    assert sorted(race(deed, 6)) == [200] * 5 + [302]
    assert Girl.history.count() == 2


@needs_postgres
@pytest.mark.django_db(transaction=True)
def test_of_many_who_move_her_at_once_one_does(mara):
    browsers = [browser(f"editor_{number}") for number in range(6)]

    def deed(number):
        answer = browsers[number].post(LIST, positions(mara, 0, number + 1))
        said = [str(message) for message in answer.wsgi_request._messages]
        return "was changed successfully" in "".join(said)

    assert race(deed, 6).count(True) == 1
    mara.refresh_from_db()
    assert mara.position in range(1, 7)
