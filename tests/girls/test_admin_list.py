"""The list of characters in the console: what it says, how it is narrowed down, what is done from it."""

import csv
import io
from datetime import date, timedelta

import pytest
from django.utils import timezone

from girls.models import Girl
from staff.models import Audit, DailyGirl
from tests.factories import ConversationFactory, GirlFactory, MediaFactory, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]
LIST = "/admin/girls/girl/"


@pytest.fixture
def staff(client):
    client.force_login(UserFactory(administrator=True))
    return client


def names(answer):
    return {girl.name for girl in answer.context["cl"].result_list}


def do(client, action, *girls):
    return client.post(LIST, {"action": action, "_selected_action": [girl.pk for girl in girls]}, follow=True)


def test_a_row_says_who_she_is_and_how_she_stands(staff):
    mara = GirlFactory(name="Mara", tagline="Ceramicist with a slow-Sunday kind of calm", voice_id="")
    MediaFactory.create_batch(3, girl=mara, asset=True)
    Girl.objects.update(updated_at=timezone.now() - timedelta(days=1))
    page = staff.get(LIST).content.decode()
    for words in ("Mara", "29", "Ceramicist with a slow-Sunday", "Live", "3, low", "None", "Yesterday"):
        assert words in page, words
    assert "SECRET" not in page


def test_chips_narrow_the_list_down_and_say_how_many_there_are(staff):
    rich = GirlFactory(name="Rich")
    Girl.objects.filter(pk=rich.pk).update(asset_count=20)
    GirlFactory(name="Poor")
    GirlFactory(name="Shy", unpublished=True)
    GirlFactory(name="Gone", unpublished=True, retired_at=timezone.now())
    shown = {
        "": {"Rich", "Poor", "Shy", "Gone"},
        "?is=live": {"Rich", "Poor"},
        "?is=hidden": {"Shy"},
        "?is=retired": {"Gone"},
        "?is=media": {"Poor", "Shy"},
        "?is=nonsense": {"Rich", "Poor", "Shy", "Gone"},
    }
    for query, expected in shown.items():
        assert names(staff.get(LIST + query)) == expected, query
    (chips,) = staff.get(LIST).context["cl"].filter_specs
    counts = {choice["display"]: choice["count"] for choice in chips.choices(staff.get(LIST).context["cl"])}
    assert counts == {"All": 4, "Live": 2, "Hidden": 1, "Retired": 1, "Needs media": 2}


@pytest.mark.parametrize("words", ["inês", "INES", "deep talks", "deep-talks ines", "  ines "])
def test_she_is_found_by_name_and_tag_however_it_is_typed(staff, words):
    GirlFactory(name="Inês", slug="ines", tags=["Deep talks"])
    GirlFactory(name="Yuna", slug="yuna", tags=["Calm"])
    assert names(staff.get(LIST, {"q": words})) == {"Inês"}


def test_publish_hide_and_retire_leave_what_they_changed_in_the_audit(staff):
    mara = GirlFactory(name="Mara")
    for action, status in (("retire", "retired"), ("publish", "live"), ("unpublish", "hidden")):
        do(staff, action, mara)
        mara.refresh_from_db()
        assert mara.status == status
    told = list(Audit.objects.order_by("pk").values_list("did", "before__status", "after__status"))
    assert told == [
        ("Retired.", "live", "retired"),
        ("Published.", "retired", "live"),
        ("Hidden.", "live", "hidden"),
    ]


def test_what_is_done_already_is_not_done_again(staff):
    mara = GirlFactory()
    assert "nobody" in do(staff, "publish", mara).content.decode()
    assert not Audit.objects.exists()


def test_a_duplicate_has_the_words_and_nothing_else(staff):
    mara = GirlFactory(name="Mara", slug="mara", starters=["One?", "Two?"], example_dialogue="A: b", position=3)
    MediaFactory(girl=mara)
    answer = staff.post(LIST, {"one": f"duplicate:{mara.pk}"})
    copy = Girl.objects.exclude(pk=mara.pk).get()
    assert answer["Location"] == f"{LIST}{copy.pk}/change/"
    same = ("age", "tagline", "bio", "tags", "greeting", "starters", "persona_prompt", "example_dialogue", "voice_id")
    assert [getattr(copy, name) for name in same] == [getattr(mara, name) for name in same]
    assert (copy.name, copy.slug, copy.status, copy.gallery_count) == ("Mara (copy)", "mara-copy", "hidden", 0)
    assert not copy.media.exists()
    assert copy.created_by.is_superuser
    assert Audit.objects.get().did == "Duplicated from Mara."
    do(staff, "duplicate", mara, copy)
    assert set(Girl.objects.values_list("slug", flat=True)) == {"mara", "mara-copy", "mara-copy-2", "mara-copy-copy"}
    assert max(len(girl.name) for girl in Girl.objects.all()) == len("Mara (copy)")


def test_a_copy_of_who_has_the_longest_name_fits(staff):
    long = GirlFactory(name="M" * 60, slug="m" * 60)
    do(staff, "duplicate", long)
    copy = Girl.objects.exclude(pk=long.pk).get()
    assert copy.name == "M" * 53 + " (copy)"


@pytest.mark.parametrize(("query", "expected"), [("", ["=1+1", "Yuna"]), ("?is=live", ["=1+1"]), ("?q=yuna", ["Yuna"])])
def test_the_export_is_the_list_and_no_cell_is_a_formula(staff, query, expected):
    GirlFactory(name="=1+1", slug="sum", tagline="@SUM(A1)", position=1)
    GirlFactory(name="Yuna", slug="yuna", unpublished=True, position=2)
    answer = staff.get(f"{LIST}export/{query}")
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["name"].removeprefix("'") for row in rows] == expected
    assert not any(cell.startswith(("=", "@")) for row in rows for cell in row.values())
    assert "SECRET" not in text
    assert "attachment" in answer["Content-Disposition"]


def test_chosen_rows_are_exported(staff):
    mara, _ = GirlFactory(name="Mara"), GirlFactory(name="Yuna")
    answer = staff.post(LIST, {"action": "export_chosen", "_selected_action": [mara.pk]})
    text = b"".join(answer.streaming_content).decode()
    assert "Mara" in text
    assert "Yuna" not in text


@pytest.mark.parametrize("deed", ["publish", "unpublish", "retire", "duplicate"])
def test_who_may_only_look_does_nothing(client, deed):
    mara = GirlFactory(unpublished=deed == "publish")
    watcher = UserFactory(staff=True)
    watcher.user_permissions.add(*_permissions("view_girl"))
    client.force_login(watcher)
    before = mara.status
    page = client.get(LIST).content.decode()
    assert f"{deed}:{mara.pk}" not in page
    client.post(LIST, {"one": f"{deed}:{mara.pk}"})
    client.post(LIST, {"action": deed, "_selected_action": [mara.pk]})
    mara.refresh_from_db()
    assert (mara.status, Girl.objects.count()) == (before, 1)
    assert not Audit.objects.exists()


def test_who_may_not_look_exports_nothing(client):
    client.force_login(UserFactory(staff=True))
    assert client.get(f"{LIST}export/").status_code == 403


def _permissions(*names):
    from django.contrib.auth.models import Permission

    return Permission.objects.filter(codename__in=names)


def test_the_list_says_how_much_she_is_talked_with(staff):
    mara = GirlFactory(name="Mara")
    for days in (0, 3, 9):
        ConversationFactory(girl=mara, last_message_at=timezone.now() - timedelta(days=days))
    GirlFactory(name="Yuna")
    shown = {girl.name: girl.talked["week"] for girl in staff.get(LIST).context["cl"].result_list}
    assert shown == {"Mara": 2, "Yuna": 0}
    text = b"".join(staff.get(f"{LIST}export/").streaming_content).decode()
    assert f"2,{timezone.now().date().isoformat()}" in text


def test_who_was_silent_for_longer_is_known_from_the_counted_days(staff):
    mara = GirlFactory(name="Mara")
    for day, messages in (("2026-03-01", 4), ("2026-03-04", 2), ("2026-03-09", 0)):
        DailyGirl.objects.create(day=day, girl=mara.pk, messages=messages)
    (row,) = staff.get(LIST).context["cl"].result_list
    assert row.talked == {"week": 0, "last": date(2026, 3, 4)}
    ConversationFactory(girl=mara, last_message_at=timezone.now() - timedelta(days=1))
    (row,) = staff.get(LIST).context["cl"].result_list
    assert row.talked == {"week": 1, "last": timezone.now().date() - timedelta(days=1)}


@pytest.mark.parametrize("number", [3, 30])
def test_the_list_costs_the_same_for_many(staff, django_assert_max_num_queries, number):
    for _ in range(number):
        ConversationFactory()
    with django_assert_max_num_queries(10):  # session, user, factor, chips, counts, rows, days, chats, badges
        assert staff.get(LIST).status_code == 200
