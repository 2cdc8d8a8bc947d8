"""Versions of a character's words: each change makes one, two can be compared, one can be brought back."""

import pytest

from girls import publishing, versions
from girls.models import VERSIONED, Girl
from staff.models import Audit
from tests.factories import GirlFactory, MediaFactory, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]


@pytest.fixture
def boss():
    return UserFactory(administrator=True, username="boss")


@pytest.fixture
def staff(client, boss):
    client.force_login(boss)
    return client


def address(girl, rest=""):
    return f"/admin/girls/girl/{girl.pk}/{rest}"


def form_of(client, where):
    """What a browser sends of the form as it stands there, with what it saw."""
    form = client.get(where).context["adminform"].form
    values = {}
    for name in form.fields:
        value = form[name].value()
        values[f"initial-{name}"] = str(value)
        if value is not None and value is not False:
            values[name] = value
    return values


def save(client, where, **changes):
    return client.post(where, form_of(client, where) | changes)


def test_each_saved_change_is_a_version_with_who_made_it(staff, boss, mara):
    assert save(staff, address(mara, "change/"), tagline="Louder").status_code == 302
    assert save(staff, address(mara, "persona/"), persona_prompt="You are Mara, louder.").status_code == 302
    told = [(row.history_user, row.tagline, row.persona_prompt) for row in Girl.history.order_by("history_id")]
    first, second, third = told
    assert first[0] is None
    assert second == (boss, "Louder", mara.persona_prompt)
    assert third == (boss, "Louder", "You are Mara, louder.")


def test_what_is_no_word_makes_no_version(staff, mara):
    before = Girl.history.count()
    MediaFactory(girl=mara)
    publishing.unpublish(Girl.objects.all())
    publishing.retire(Girl.objects.all())
    publishing.give_portrait(mara.pk, None)
    assert save(staff, address(mara, "change/"), position="7").status_code == 302
    assert save(staff, address(mara, "change/")).status_code == 302  # nothing changed
    mara.refresh_from_db()
    mara.save(update_fields=["position"])
    assert mara.position == 7
    assert Girl.history.count() == before


def test_only_words_are_in_a_version():
    assert set(VERSIONED) == {
        *("name", "slug", "age", "tagline", "work", "tags", "bio", "lives_in", "speaks"),
        *("greeting", "starters", "persona_prompt", "example_dialogue", "voice_id"),
    }


def test_the_list_of_versions_says_who_and_what(staff, mara, django_assert_max_num_queries):
    for number in range(5):
        save(staff, address(mara, "change/"), tagline=f"Number {number}", bio=f"Text {number}")
    with django_assert_max_num_queries(9):  # session, user, second factor, her, versions with who, counts, permissions
        page = staff.get(address(mara, "versions/")).content.decode()
    assert page.count("Tagline, Bio") == 5
    assert "boss" in page
    assert "The first that is known" in page


def test_old_versions_are_on_further_pages(staff, mara, monkeypatch):
    monkeypatch.setattr(versions, "PAGE", 3)
    for number in range(6):
        mara.tagline = f"Number {number}"
        mara.save()
    first = staff.get(address(mara, "versions/"))
    assert [version.row.tagline for version in first.context["versions"]] == ["Number 5", "Number 4", "Number 3"]
    last = first.context["versions"][-1].row.history_id
    second = staff.get(address(mara, f"versions/?before={last}"))
    assert [version.row.tagline for version in second.context["versions"]] == ["Number 2", "Number 1", "Number 0"]
    assert first.context["versions"][-1].changed == ["Tagline"]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("a quiet voice", "a loud voice", [("same", "a "), ("gone", "quiet"), ("new", "loud"), ("same", " voice")]),
        ("one\ntwo\n", "one\n", [("same", "one\n"), ("gone", "two\n")]),
        ("", "words", [("new", "words")]),
        ("words", "", [("gone", "words")]),
        ("the same", "the same", [("same", "the same")]),
        ("", "", []),
        ("Inês’s <b>", "Inês’s <i>", [("same", "Inês’s <"), ("gone", "b"), ("new", "i"), ("same", ">")]),
    ],
)
def test_a_difference_is_told_in_words(old, new, expected):
    assert [tuple(part) for part in versions.compare(old, new)] == expected


def test_a_difference_holds_both_texts_whole():
    old = "".join(f"Line {n} of what she is.\n" for n in range(300))
    new = old.replace("Line 7 ", "Verse 7 ").replace("Line 200 of what she is.\n", "") + "An end."
    parts = versions.compare(old, new)
    assert "".join(part.text for part in parts if part.kind != "new") == old
    assert "".join(part.text for part in parts if part.kind != "gone") == new


def test_two_versions_side_by_side_show_what_changed_and_escape_it(staff, mara):
    mara.persona_prompt = "You are Mara. <script>SECRET</script>"
    mara.save()
    new, old = Girl.history.order_by("-history_id")
    for query in (f"a={old.history_id}&b={new.history_id}", f"b={old.history_id}&a={new.history_id}"):
        page = staff.get(address(mara, f"versions/compare/?{query}")).content.decode()
        assert "[put in: </span>" in page
        assert "&lt;" in page
        assert "<script>SECRET" not in page


@pytest.mark.parametrize("query", ["", "a=1", "a=x&b=y", "a=999999999999&b=1", "a=-1&b=0"])
def test_what_is_no_version_is_not_there(staff, mara, query):
    assert staff.get(address(mara, f"versions/compare/?{query}")).status_code == 404


def test_a_version_of_somebody_else_is_not_hers(staff, mara):
    other = GirlFactory()
    row = Girl.history.get(id=other.pk)
    for rest in (f"versions/{row.history_id}/", f"versions/compare/?a={row.history_id}&b={row.history_id}"):
        assert staff.get(address(mara, rest)).status_code == 404
    assert staff.post(address(mara, f"versions/{row.history_id}/restore/")).status_code == 404


def test_bringing_one_back_is_a_new_version_and_touches_words_only(staff, boss, mara):
    MediaFactory(girl=mara)
    old = Girl.history.get()
    Girl.objects.filter(pk=mara.pk).update(is_active=False, position=9)
    mara.refresh_from_db()
    mara.tagline, mara.slug, mara.tags = "Louder", "mara-two", ["Loud"]
    mara.save()
    page = staff.get(address(mara, f"versions/{old.history_id}/")).content.decode()
    assert "Bring it back" in page
    assert "mara-two" not in page.split("<main")[1].split("diff-card", 1)[1]
    assert staff.post(address(mara, f"versions/{old.history_id}/restore/")).status_code == 302
    mara.refresh_from_db()
    assert (mara.tagline, mara.tags) == (old.tagline, old.tags)
    assert (mara.slug, mara.is_active, mara.position, mara.gallery_count) == ("mara-two", False, 9, 1)
    assert "warm" in mara.tag_keys
    newest = Girl.history.order_by("-history_id").first()
    assert (newest.history_user, newest.history_change_reason) == (boss, f"Brought back version {old.history_id}.")
    line = Audit.objects.get()
    assert (line.did, line.before["tagline"], line.after["tagline"]) == (
        *(newest.history_change_reason, "Louder"),
        old.tagline,
    )
    staff.post(address(mara, f"versions/{old.history_id}/restore/"))  # as it is already
    assert (Girl.history.count(), Audit.objects.count()) == (3, 1)


def test_bringing_back_is_no_link(staff, mara):
    assert staff.get(address(mara, f"versions/{Girl.history.get().history_id}/restore/")).status_code == 405


@pytest.mark.parametrize("permission", [None, "view_girl"])
def test_versions_are_for_who_may_edit_her(client, mara, permission):
    from django.contrib.auth.models import Permission

    somebody = UserFactory(staff=True)
    somebody.user_permissions.add(*Permission.objects.filter(codename=permission))
    client.force_login(somebody)
    row = Girl.history.get().history_id
    for rest in ("versions/", f"versions/{row}/", f"versions/compare/?a={row}&b={row}"):
        assert client.get(address(mara, rest)).status_code == 403, rest
    assert client.post(address(mara, f"versions/{row}/restore/")).status_code == 403


def test_versions_go_with_her(mara):
    publishing.delete(mara)
    assert not Girl.history.exists()


def test_a_copy_begins_with_a_version_that_says_of_whom(boss, mara):
    copy = publishing.duplicate(mara, by=boss)
    row = Girl.history.get(id=copy.pk)
    assert (row.history_user, row.history_change_reason) == (boss, "Copied from Mara.")
