"""What was done in a year, in numbers: for the law by a command, for everybody on a page, and of nobody."""

import json
from datetime import date
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError
from django.utils import timezone

from safety import figures
from safety.counting import count
from safety.models import Count

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]

A = Count.Action
YEAR = timezone.now().year


@pytest.fixture(autouse=True)
def _counted_anew():
    figures.forget()
    yield
    figures.forget()


def happened(**times):
    """So often each, of suicide, in two countries."""
    for name, n in times.items():
        for number in range(n):
            count(A[name], "suicide", level=2, country=("US", "DE")[number % 2])


def report(*args):
    out = StringIO()
    call_command("safety_report", *args, stdout=out)
    return out.getvalue()


def test_what_is_done_twice_is_counted_twice_in_one_row():
    happened(CARD=4)
    assert sorted(Count.objects.values_list("country", "n")) == [("DE", 2), ("US", 2)]


def test_the_command_prints_what_was_done():
    happened(CARD=6, INTERRUPTED=5, RESUMED=3, CUT=1)
    said = report(str(YEAR))
    assert f"Safety report for {YEAR}, which is not over" in said
    assert "       11  Times a crisis referral was shown" in said
    assert "        5    of these, in place of a reply" in said
    assert "       11  referrals for suicide" in said


def test_kinds_are_not_told_where_one_is_few():
    happened(CARD=9)
    count(A.CARD, "eating disorder", level=2)
    said = report(str(YEAR))
    assert "eating disorder" not in said
    assert "not given" in said
    told = json.loads(report(str(YEAR), "--json"))
    assert (told["referrals"], told["referrals_by_kind"]) == (10, {})


def test_another_year_is_another_year():
    happened(CARD=7)
    Count.objects.update(day=date(2025, 12, 31))
    assert "        7  Times a crisis" in report("2025")
    assert "not over" not in report("2025")
    assert "        0  Times a crisis" in report(str(YEAR))


@pytest.mark.parametrize("year", [str(YEAR + 1), "26", "x", "-1"])
def test_a_year_that_is_none_is_refused(year):
    with pytest.raises((CommandError, SystemExit)):
        report(year)


def test_everybody_can_read_how_often_help_was_shown_and_no_small_sum(client):
    happened(CARD=6, INTERRUPTED=4)
    page = client.get("/safety/").content.decode()
    assert f"{YEAR} so far:</strong> help was shown 10 times; fewer than 5 times in place" in page


def test_the_page_is_there_without_the_figures(client, monkeypatch):
    def away(year):
        raise DatabaseError

    monkeypatch.setattr(figures, "of_year", away)
    page = client.get("/safety/")
    assert page.status_code == 200
    assert "Nothing can be told at the moment" in page.content.decode()


def test_the_page_counts_once_for_all_who_look(client, django_assert_num_queries):
    client.get("/safety/")
    with django_assert_num_queries(0):
        client.get("/safety/")
