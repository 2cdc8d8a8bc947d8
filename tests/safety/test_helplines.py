"""Who helps in which country: the links that ring, the file as the floor, and what a new release may change."""

import re
import tomllib
import warnings
from datetime import date, timedelta

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction
from django.test import Client

from safety import helplines, loading
from safety.models import OLD, Helpline
from tests.factories import UserFactory

ROWS = tomllib.loads(loading.FILE.read_text())["helpline"]
COUNTRIES = sorted({row["country"] for row in ROWS} - {""})
EMERGENCY_ALONE = {
    "DK",
    "FI",
    "IT",
    "PL",
    "PT",
    "ZA",
}  # their stored sources contradict each other, or one alone says it


def links(html):
    """What rings and what texts, in the order of the page."""
    return re.findall(r'href="((?:tel|sms):[^"]*)"', html)


def expected(country):
    rows = [row for row in ROWS if row["country"] == country]
    found = []
    for row in sorted(rows, key=lambda row: ("emergency", "line", "text", "chat").index(row["kind"])):
        if row.get("tel"):
            found.append(f"tel:{row['tel']}")
        if row.get("sms"):
            found.append(f"sms:{row['sms']}" + (f"?body={row['sms_word']}" if row.get("sms_word") else ""))
    return found


# --- What is shipped ----------------------------------------------------------------------------------------------


def test_there_are_countries_enough_and_each_has_an_emergency_number():
    assert len(COUNTRIES) >= 25
    assert {row["country"] for row in ROWS if row["kind"] == "emergency"} == set(COUNTRIES)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["seed"])
def test_a_row_says_where_it_is_from_and_that_nobody_checked_it(row):
    assert all(address.startswith(("https://", "http://")) for address in row["source"])
    assert len(row["source"]) >= (2 if row["kind"] in ("line", "text") else 1)
    assert row["verified_by"] == "stored sources"
    assert row["status"] == "to be checked by the operator"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["seed"])
def test_a_number_rings_inside_its_country(row):
    Helpline(**row | {"source": "\n".join(row["source"])}).clean()
    for number in (row.get("tel", ""), row.get("sms", "")):
        assert re.fullmatch(r"\d*", number), "what is shipped is dialled inside the country"


def test_what_contradicts_itself_is_not_shipped():
    with_lines = {row["country"] for row in ROWS if row["kind"] in ("line", "text")}
    assert set(COUNTRIES) - with_lines == EMERGENCY_ALONE


def test_the_file_asks_to_be_looked_at_when_it_is_a_year_old():
    old = [row["seed"] for row in ROWS if row["verified_at"] < date.today() - OLD]
    if old:  # time alone must not turn a build red; its last lines say so
        warnings.warn(f"Helplines that nobody looked at for a year: {', '.join(old)}", UserWarning, stacklevel=1)


@pytest.mark.parametrize(
    ("languages", "spoken"),
    [
        ("", ""),
        ("en", "English"),
        ("de, fr, it", "German, French, Italian"),
        ("ja; others at certain hours", "Japanese; others at certain hours"),
        ("20 languages", "20 languages"),
        ("xx", "xx"),
    ],
)
def test_languages_are_named(languages, spoken):
    assert helplines.Line("A line", languages=languages).spoken == spoken


# --- The page -----------------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("country", COUNTRIES)
def test_the_page_links_what_the_table_says(country):
    html = Client().get("/safety/", {"country": country}).content.decode()
    assert links(html) == expected(country) != []
    assert "findahelpline.com" in html


@pytest.mark.django_db
@pytest.mark.parametrize("country", ["", "ZZ", "x", "<script>", "\x00"])
def test_an_unknown_country_is_told_where_others_are(country):
    said = Client().get("/safety/", {"country": country})
    html = said.content.decode()
    assert said.status_code == 200
    assert links(html) == []
    assert 'href="https://findahelpline.com/"' in html


@pytest.mark.django_db
def test_the_country_of_the_account_goes_before_that_of_the_browser():
    member = Client()
    member.force_login(UserFactory(country="DE"))
    irish = {"Accept-Language": "en-IE,en;q=0.9"}
    assert links(member.get("/safety/", headers=irish).content.decode()) == expected("DE")
    assert links(Client().get("/safety/", headers=irish).content.decode()) == expected("IE")
    assert links(Client().get("/safety/").content.decode()) == []


@pytest.mark.django_db
def test_nothing_is_sold_beside_a_helpline():
    html = Client().get("/safety/").content.decode()
    main = html[html.index("<main") : html.index("</main")]
    assert "/plans/" not in main


@pytest.mark.parametrize(
    ("country", "accepted", "where"),
    [
        ("at", "de-DE", "AT"),
        ("", "de-CH,de;q=0.9,en-GB;q=0.8", "CH"),
        ("", "en;q=0.9,en-US;q=0.5,fr-BE;q=0.8", "BE"),
        ("", "zh-Hant-TW", "TW"),
        ("", "en-UK", "GB"),
        ("", "en,de", ""),
        ("", "en-ZZ", ""),
        ("", ";;q=,-,en-;q=x", ""),
        ("", "", ""),
    ],
)
def test_where_somebody_is(country, accepted, where):
    assert helplines.country_of(country, accepted) == where


# --- What may be said ---------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_her_mouth_may_say_what_is_in_the_table():
    assert helplines.numbers("US") == {"911", "988", "741741"}
    assert helplines.numbers("NL") == {"112", "113", "08000113"}
    assert helplines.numbers("") == frozenset()


@pytest.mark.django_db
def test_what_staff_hide_is_neither_shown_nor_said():
    Helpline.objects.filter(seed="us-988").update(shown=False)
    assert [line.tel for line in helplines.for_country("US").lines] == []
    assert "988" not in helplines.numbers("us")


@pytest.mark.django_db
def test_without_a_database_the_file_is_the_floor():
    def away(execute, sql, params, many, context):
        raise OperationalError("gone")

    with connection.execute_wrapper(away):
        assert [line.tel for line in helplines.for_country("GB").lines] == ["116123"]
    Helpline.objects.all().delete()
    assert helplines.for_country("GB").emergency[0].call == "tel:999"


@pytest.mark.django_db
def test_the_table_is_read_once_a_minute(django_assert_num_queries):
    with django_assert_num_queries(1):  # the table
        helplines.for_country("GB")
        helplines.numbers("US")
        helplines.countries()


# --- A new release ------------------------------------------------------------------------------------------------


def release(seed, **changes):
    """The shipped rows, with one of them otherwise; `without` it when nothing is said."""
    rows = []
    for row in loading.shipped():
        if row.seed != seed:
            rows.append(row)
        elif changes:
            said = {name: getattr(row, name) for name in ("seed", "position", "verified_at", "verified_by", "status")}
            new = Helpline(**said | {name: row.said[name] for name in row.said} | changes)
            new.shipped = new.said
            rows.append(new)
    return rows


@pytest.mark.django_db
def test_loading_again_changes_nothing():
    before = list(Helpline.objects.values())
    assert list(loading.load().lines()) == []
    assert list(Helpline.objects.values()) == before
    assert len(before) == len(ROWS)


@pytest.mark.django_db
def test_what_staff_left_alone_follows_the_release():
    said = loading.load(release("nz-1737", hours="by day"))
    assert said.changed == ("NZ 1737, Need to talk? 1737",)
    assert Helpline.objects.get(seed="nz-1737").hours == "by day"


@pytest.mark.django_db
def test_what_staff_made_theirs_stays_and_the_difference_is_told():
    Helpline.objects.filter(seed="nz-1737").update(hours="ask them")
    said = loading.load(release("nz-1737", hours="by day"))
    kept = Helpline.objects.get(seed="nz-1737")
    assert said.conflicts == ("NZ 1737, Need to talk? 1737",)
    assert (kept.hours, kept.shipped["hours"], kept.edited) == ("ask them", "by day", True)
    assert loading.load(release("nz-1737", hours="by day")).conflicts == ()


@pytest.mark.django_db
def test_what_a_release_withdraws_goes_unless_somebody_here_stands_for_it():
    Helpline.objects.filter(seed="gb-85258").update(status="checked", verified_by="mona", verified_at=date.today())
    assert loading.load(release("gb-85258")).withdrawn == ()
    assert loading.load(release("nz-1737")).withdrawn == ("NZ 1737, Need to talk? 1737",)
    assert not Helpline.objects.filter(seed="nz-1737").exists()


@pytest.mark.django_db
def test_a_line_that_staff_wrote_down_first_is_not_doubled():
    Helpline.objects.filter(seed="nz-1737").update(seed=None, shipped=None)
    assert loading.load().added == ()


# --- What cannot be ------------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    "wrong",
    [
        {"tel": "+988", "display": "988"},
        {"tel": "98 8"},
        {"sms": "+85258"},
        {"display": "call 988"},
        {"country": "us"},
        {"tel": ""},
        {"kind": "text", "tel": ""},
        {"kind": "chat", "tel": ""},
        {"country": "US", "tel": "988", "sms": "988", "chat_url": "https://988lifeline.org/"},  # is there
    ],
)
def test_what_does_not_ring_is_refused(wrong):
    right = {"country": "LU", "name": "SOS Détresse", "kind": "line", "display": "454545", "tel": "454545"}
    with pytest.raises(IntegrityError), transaction.atomic():
        Helpline.objects.create(**right | wrong)
    Helpline.objects.create(**right)


@pytest.mark.django_db
def test_a_year_is_long():
    today = date.today()
    Helpline.objects.update(status="checked", verified_at=today, verified_by="mona")
    assert not Helpline.objects.to_be_checked().exists()
    Helpline.objects.filter(seed="gb-116123").update(verified_at=today - OLD - timedelta(days=1))
    assert [row.seed for row in Helpline.objects.to_be_checked()] == ["gb-116123"]
    assert Helpline.objects.get(seed="gb-116123").needs_a_check
