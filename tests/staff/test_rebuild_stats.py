"""`manage.py rebuild_stats`: the figures of any range anew, without losing what cannot be counted any more."""

import io
from datetime import date, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from chat.models import Message
from staff import rollups
from staff.models import DailyGirl, DailyPlan, Day
from tests.racing import needs_postgres, together
from tests.staff.days import at, bought, joined, replied, said, talk

pytestmark = pytest.mark.django_db(transaction=True)

DAY = date(2026, 3, 14)
NEXT = DAY + timedelta(days=1)


def rebuild(*words, answer=None, monkeypatch=None):
    out = io.StringIO()
    if monkeypatch:
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{answer}\n"))
    call_command("rebuild_stats", *words, stdout=out)
    return out.getvalue()


def test_it_says_what_it_will_do_does_it_and_says_what_it_did(mara):
    said(talk(mara), at(DAY))
    bought(at(NEXT))
    assert rebuild("--from", "2026-03-13", "--to", "2026-03-15", "--yes") == (
        "This counts 3 days anew, from 2026-03-13 to 2026-03-15. No day loses anything.\n"
        "1 of 3 days\n2 of 3 days\n3 of 3 days\n3 days counted.\n"
    )
    assert list(Day.objects.order_by("day").values_list("messages", "is_final")) == [(0, True), (1, True), (0, True)]
    assert DailyGirl.objects.get().day == DAY
    assert DailyPlan.objects.get().day == NEXT


def test_by_itself_it_counts_from_the_first_account_to_today():
    joined(at(rollups.today() - timedelta(days=3)))
    assert "4 days counted." in rebuild("--yes")


def test_days_outside_of_the_range_stay_as_they_are(mara):
    Day.objects.create(day=DAY - timedelta(days=1), messages=7)
    Day.objects.create(day=NEXT, messages=8)
    said(talk(mara), at(DAY))
    rebuild("--from", str(DAY), "--to", str(DAY), "--yes")
    assert list(Day.objects.order_by("day").values_list("messages", flat=True)) == [7, 1, 8]


def test_prices_of_now_are_put_on_tokens_of_then(mara, settings):
    replied(talk(mara), at(DAY), tokens_in=1_000_000, tokens_out=0)
    rollups.count(DAY)
    assert Day.objects.get().cost is None
    settings.LLM_PRICES = {"primary": {"input": 3.0, "cached": 0.0, "output": 1.0}}
    rebuild("--from", str(DAY), "--to", str(DAY), "--yes")
    assert Day.objects.get().cost == 3


def test_a_day_whose_rows_were_erased_is_kept_and_named_unless_one_insists(mara):
    conversation = talk(mara)
    said(conversation, at(DAY))
    said(conversation, at(NEXT))
    for day in (DAY, NEXT):
        rollups.count(day)
    Message.objects.filter(created_at__lt=at(NEXT, 0)).delete()
    words = ("--from", str(DAY), "--to", str(NEXT), "--yes")
    out = rebuild(*words)
    assert "1 day left as before, something was erased since: 2026-03-14.\n1 day counted.\n" in out
    assert list(Day.objects.order_by("day").values_list("messages", flat=True)) == [1, 1]
    assert DailyGirl.objects.filter(day=DAY, messages=1).exists()
    assert "A day that would lose something loses it." in rebuild(*words, "--lower")
    assert list(Day.objects.order_by("day").values_list("messages", flat=True)) == [0, 1]


def test_without_a_yes_nothing_is_done(monkeypatch, mara):
    said(talk(mara), at(DAY))
    with pytest.raises(CommandError, match="Not confirmed") as refused:
        rebuild("--from", str(DAY), answer="y", monkeypatch=monkeypatch)
    assert refused.value.returncode == 130
    assert not Day.objects.exists()
    assert "1 day counted." in rebuild("--from", str(DAY), "--to", str(DAY), answer="YES", monkeypatch=monkeypatch)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--from", "2026-03-15", "--to", "2026-03-14"], "is after"),
        (["--to", "2999-01-01"], "nor has it begun"),
        (["--from", "14.3.2026"], "a day as in 2026-03-14 is wanted, not 14.3.2026"),
        (["--from", "2026-02-30"], "a day as in"),
        (["--to", "today"], "a day as in"),
    ],
)
def test_what_is_no_range_is_refused(words, why):
    with pytest.raises(CommandError, match=why):
        rebuild(*words, "--yes")
    assert not Day.objects.exists()


def test_whoever_stops_it_is_told_how_to_go_on_and_keeps_what_is_done(mara):
    for n in range(3):
        said(talk(mara), at(DAY + timedelta(days=n)))
    counted = []

    def stop(execute, sql, params, many, context):
        if sql.startswith('INSERT INTO "staff_dailygirl"'):
            counted.append(sql)
            if len(counted) == 2:
                raise KeyboardInterrupt
        return execute(sql, params, many, context)

    with (
        connection.execute_wrapper(stop),
        pytest.raises(CommandError, match="rebuild_stats --from 2026-03-15 --to 2026-03-16") as stopped,
    ):
        rebuild("--from", "2026-03-14", "--to", "2026-03-16", "--yes")
    assert stopped.value.returncode == 130
    assert list(Day.objects.filter(counted_at__isnull=False).values_list("day", "messages")) == [(DAY, 1)]
    rebuild("--from", "2026-03-15", "--to", "2026-03-16", "--yes")
    assert list(DailyGirl.objects.order_by("day").values_list("messages", flat=True)) == [1, 1, 1]


@needs_postgres
def test_workers_count_meanwhile_and_people_talk(mara):
    today = rollups.today()
    conversation = talk(mara, user=joined(at(today - timedelta(days=2))))
    said(conversation, at(today - timedelta(days=1)))

    def talking():
        for _ in range(20):
            conversation.write("user", "Hello.")

    together(lambda: rebuild("--from", str(today - timedelta(days=2)), "--yes"), rollups.keep_up, talking)
    rollups.keep_up()
    days = list(Day.objects.order_by("day").values_list("messages", flat=True))
    assert days == [0, 1, 20]
