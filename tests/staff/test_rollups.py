"""Figures of a day follow from its rows: as often as they are counted, by however many, whatever dies in between."""

import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.utils import timezone

from accounts.models import User
from chat.models import Message
from config.lib import bells
from payments.models import Purchase
from staff import histograms, rollups
from staff.models import DailyGirl, DailyPlan, Day
from staff.rollups import Outcome
from staff.tasks import count_days
from tests.factories import GirlFactory
from tests.racing import needs_postgres, race
from tests.staff.conftest import erase
from tests.staff.days import at, bought, joined, replied, said, talk

pytestmark = pytest.mark.django_db(transaction=True)

DAY = date(2026, 3, 14)
NEXT = DAY + timedelta(days=1)
LAST = at(DAY, 23, 59, 59, 999_999)


@pytest.fixture
def ines(db):
    return GirlFactory(name="Inês", slug="ines")


def counted(day=DAY):
    assert rollups.count(day) == Outcome.COUNTED
    return Day.objects.get(day=day)


def plans():
    rows = DailyPlan.objects.order_by("day", "currency", "product_id")
    return list(rows.values_list("day", "product_id", "currency", "sales", "amount", "refunds", "refunded"))


# --- What counts where -----------------------------------------------------------------------------------------


def test_a_message_counts_on_the_day_on_which_it_was_sent(mara, ines):
    first, second = talk(mara), talk(ines)
    for conversation, moment, sender in [
        (first, LAST, "user"),
        (first, at(NEXT, 0), "ai"),
        (first, at(DAY, 0), "ai"),
        (second, at(DAY, 9), "user"),
        (second, at(DAY, 9), "site"),  # the site's own lines are no talk
    ]:
        said(conversation, moment, sender)
    day, after = counted(), counted(NEXT)
    assert (day.messages, day.conversations, after.messages, after.conversations) == (3, 2, 1, 1)
    each = dict(DailyGirl.objects.filter(day=DAY).values_list("girl", "messages"))
    assert each == {mara.pk: 2, ines.pk: 1}


def test_a_reply_counts_on_the_day_on_which_it_ended(mara):
    conversation = talk(mara)
    replied(conversation, at(NEXT, 0, 0, 1), seconds=5)  # owed before midnight
    replied(conversation, at(DAY, 8), provider="fallback")
    replied(conversation, at(DAY, 9), state="failed", provider="")
    replied(conversation, at(DAY, 10), state="stopped")
    replied(conversation, at(DAY, 11), state="failed", provider="fallback")  # nobody was answered by it
    day, after = counted(), counted(NEXT)
    assert (day.replies_done, day.replies_failed, day.replies_stopped, day.by_fallback) == (1, 2, 1, 1)
    assert (after.replies_done, after.by_fallback) == (1, 0)


def test_tokens_and_cost_follow_the_prices_of_each_host(mara, ines, settings):
    settings.LLM_PRICES = {
        "primary": {"input": 1.0, "cached": 0.1, "output": 2.0},
        "fallback": {"input": 10.0, "cached": 0.0, "output": 0.0},
    }
    replied(talk(mara), at(DAY), tokens_in=1_000_000, tokens_cached=500_000, tokens_out=100_000)
    replied(talk(mara), at(DAY), tokens_in=None, tokens_out=None)
    replied(talk(ines), at(DAY), tokens_in=200_000, tokens_out=5, provider="fallback")
    replied(talk(ines), at(DAY), tokens_in=7, tokens_out=7, provider="scripted")
    day = counted()
    assert (day.tokens_in, day.tokens_cached, day.tokens_out) == (1_200_007, 500_000, 100_012)
    costs = dict(DailyGirl.objects.values_list("girl", "cost"))
    assert costs == {mara.pk: Decimal("0.75"), ines.pk: Decimal("2")}
    assert day.cost == Decimal("2.75")


def test_without_prices_no_cost_is_claimed(mara):
    replied(talk(mara), at(DAY), tokens_in=1000, tokens_out=100)
    assert counted().cost is None


def test_new_accounts_and_who_paid_for_the_first_time(mara):
    joined(at(DAY, 0))
    joined(LAST)
    regular, new, erased = joined(at(NEXT, 0)), joined(at(NEXT, 1)), joined(at(NEXT, 2))
    bought(at(DAY - timedelta(days=9)), user=regular)
    bought(at(DAY), user=regular)
    bought(at(DAY, 3), user=new)
    bought(at(DAY, 4), user=new)  # twice on one day is one person
    bought(at(DAY, 5), user=new, status="expired", paid_at=None)
    Purchase.objects.filter(pk=bought(at(DAY), user=erased).pk).update(user=None, pseudonym="p1")
    assert (counted().accounts, counted().first_purchases) == (2, 2)
    assert (counted(NEXT).accounts, counted(NEXT).first_purchases) == (3, 0)


# --- How long people waited ------------------------------------------------------------------------------------


def test_percentiles_of_many_days_are_exact_to_two_and_a_half_percent(mara):
    conversation = talk(mara)
    seconds = [0.2 * 1.12**n for n in range(50)]
    for n, each in enumerate(seconds):
        replied(conversation, at(NEXT if n % 2 else DAY, 12), seconds=each)
    counted()
    counted(NEXT)
    all_of_them = histograms.together(Day.objects.values_list("reply_ms", flat=True))
    assert sum(all_of_them.values()) == 50
    for share in (0.5, 0.95, 1):
        exact = sorted(seconds)[math.ceil(50 * share) - 1] * 1000
        assert histograms.percentile(all_of_them, share) == pytest.approx(exact, rel=0.025)


def test_words_are_waited_for_from_the_message_on_not_from_when_a_worker_had_time(mara):
    """Owed for 10 s, of which a worker had it for the last 4, and spoke after one: seven seconds of silence."""
    replied(talk(mara), at(DAY), seconds=10, first_token_ms=1000, total_ms=4000)
    replied(talk(mara), at(DAY), seconds=60, state="failed", first_token_ms=9, total_ms=60_000)  # no reply, no time
    day = counted()
    assert histograms.percentile(histograms.together([day.first_word_ms]), 0.5) == pytest.approx(7000, rel=0.025)
    assert histograms.percentile(histograms.together([day.reply_ms]), 0.5) == pytest.approx(10_000, rel=0.025)


def test_clocks_that_run_backwards_take_no_time(mara):
    replied(talk(mara), at(DAY), seconds=-5)
    assert counted().reply_ms == {"0": 1}


def test_a_percentile_of_nothing_is_nothing():
    assert histograms.percentile({}, 0.95) is None


# --- Sales, and what goes back ---------------------------------------------------------------------------------


def test_currencies_and_plans_are_never_added():
    bought(at(DAY))
    bought(at(DAY), amount=1000)  # with a coupon
    bought(at(DAY), currency="eur")
    bought(at(DAY), product="prod_7", amount=999)
    bought(LAST + timedelta(microseconds=1), amount=1)
    rollups.count_sales(DAY, NEXT)
    assert plans() == [
        (DAY, "prod_30", "eur", 1, 2999, 0, 0),
        (DAY, "prod_30", "usd", 2, 3999, 0, 0),
        (DAY, "prod_7", "usd", 1, 999, 0, 0),
        (NEXT, "prod_30", "usd", 1, 1, 0, 0),
    ]


def test_what_goes_back_later_is_taken_off_the_day_of_the_sale():
    whole, part, disputed = (bought(at(DAY)) for _ in range(3))
    rollups.count_sales(DAY, DAY)
    assert plans() == [(DAY, "prod_30", "usd", 3, 8997, 0, 0)]
    Purchase.objects.filter(pk=whole.pk).update(status="refunded", amount_refunded=2999)
    Purchase.objects.filter(pk=part.pk).update(amount_refunded=100)
    Purchase.objects.filter(pk=disputed.pk).update(status="disputed")
    rollups.count_sales(DAY, DAY)
    assert plans() == [(DAY, "prod_30", "usd", 3, 8997, 3, 2999 + 100 + 2999)]
    Purchase.objects.filter(pk=disputed.pk).update(status="paid")  # won
    rollups.count_sales(DAY, DAY)
    assert plans() == [(DAY, "prod_30", "usd", 3, 8997, 2, 3099)]


def test_a_sale_that_was_none_goes_away_and_others_stay():
    gone = bought(at(DAY))
    bought(at(NEXT))
    rollups.count_sales(DAY, NEXT)
    Purchase.objects.filter(pk=gone.pk).update(paid_at=None, status="expired")
    rollups.count_sales(DAY, DAY)
    assert plans() == [(NEXT, "prod_30", "usd", 1, 2999, 0, 0)]


# --- As often as one likes -------------------------------------------------------------------------------------


def everything():
    days = [{**row, "counted_at": None} for row in Day.objects.order_by("day").values()]
    girls = [{**row, "id": None} for row in DailyGirl.objects.order_by("day", "girl").values()]
    return days, girls, plans()


def a_day_of(mara, ines, day=DAY):
    joined(at(day))
    for girl in (mara, ines):
        conversation = talk(girl)
        said(conversation, at(day))
        said(conversation, at(day), "ai")
        replied(conversation, at(day), tokens_in=5, tokens_out=6)
    bought(at(day))


def test_twice_is_the_same_as_once(mara, ines):
    a_day_of(mara, ines)
    for _ in range(2):
        counted()
        rollups.count_sales(DAY, DAY)
        seen = everything()
    counted()
    rollups.count_sales(DAY, DAY)
    assert everything() == seen
    assert (Day.objects.get().messages, DailyGirl.objects.count(), DailyPlan.objects.count()) == (4, 2, 1)


@needs_postgres
def test_many_workers_at_once_count_what_one_does(mara, ines):
    a_day_of(mara, ines)
    answers = race(lambda n: (rollups.count(DAY, wait=n % 2 == 0), rollups.count_sales(DAY, DAY)), 6)
    assert {answer[0] for answer in answers} <= {Outcome.COUNTED, Outcome.BUSY}
    assert answers[0][0] == Outcome.COUNTED
    day = Day.objects.get()
    assert (day.messages, day.replies_done, DailyGirl.objects.count()) == (4, 2, 2)
    assert plans() == [(DAY, "prod_30", "usd", 1, 2999, 0, 0)]


def test_who_is_killed_in_the_middle_leaves_the_day_as_it_was(mara, ines):
    a_day_of(mara, ines)
    counted()
    seen = everything()
    a_day_of(mara, ines)

    def killed(execute, sql, *rest):
        if sql.startswith('INSERT INTO "staff_dailygirl"'):
            raise SystemExit
        return execute(sql, *rest)

    with connection.execute_wrapper(killed), pytest.raises(SystemExit):
        rollups.count(DAY)
    assert everything() == seen
    assert counted().messages == 8


# --- By itself, at its times -----------------------------------------------------------------------------------


@pytest.fixture
def now(monkeypatch):
    """What time it is, which tests set."""

    class Clock:
        moment = at(NEXT, 10)

        def __call__(self):
            return self.moment

    clock = Clock()
    monkeypatch.setattr(timezone, "now", clock)
    return clock


def final():
    return sorted(Day.objects.filter(is_final=True).values_list("day", flat=True))


def test_the_clock_calls_it_in_production_and_on_a_laptop():
    assert django_settings.SCHEDULE["staff.tasks.count_days"] == 300
    task = django_settings.CELERY_BEAT_SCHEDULE["staff.tasks.count_days"]["task"]
    assert bells.tasks[task] is count_days


def test_today_is_counted_again_and_again_and_is_never_final(mara, now):
    conversation = talk(mara, user=joined(at(NEXT, 1)))
    for n in range(1, 3):
        said(conversation, now.moment)
        rollups.keep_up()
        today = Day.objects.get(day=NEXT)
        assert (today.messages, today.is_final, today.counted_at) == (n, False, now.moment)


def test_a_day_is_final_when_whatever_was_under_way_has_ended(mara, now):
    conversation = talk(mara, user=joined(at(DAY, 1)))
    now.moment = at(NEXT, 0, 14)
    rollups.keep_up()
    assert final() == []
    said(conversation, LAST)  # its transaction took a while
    now.moment = at(NEXT, 0, 16)
    rollups.keep_up()
    assert final() == [DAY]
    assert Day.objects.get(day=DAY).messages == 1


def test_days_that_were_missed_are_made_up_for_the_latest_first(now, mara):
    joined(at(DAY - timedelta(days=9)))
    rollups.keep_up()
    assert final() == [NEXT - timedelta(days=n) for n in range(7, 0, -1)]
    rollups.keep_up()
    assert final() == [NEXT - timedelta(days=n) for n in range(10, 0, -1)]
    assert rollups.missing() == []


def test_a_site_without_anybody_counts_today(now):
    rollups.keep_up()
    assert list(Day.objects.values_list("day", flat=True)) == [NEXT]


def test_what_is_erased_later_changes_nothing_in_a_day_that_is_over(now, mara, settings, disk):
    leaving = joined(at(DAY), username="leaving")
    conversation = talk(mara, user=leaving)
    said(conversation, at(DAY))
    replied(conversation, at(DAY))
    bought(at(DAY), user=leaving)
    joined(at(DAY))
    rollups.keep_up()
    seen = everything()
    timezone_now = now.moment
    now.moment = datetime.now(UTC)  # the end of an account compares with the database's clock
    erase(leaving)
    assert not User.objects.filter(pk=leaving.pk).exists()
    assert not Message.objects.exists()
    now.moment = timezone_now
    rollups.keep_up()
    day = Day.objects.get(day=DAY)
    assert (day.messages, day.replies_done, day.accounts, day.first_purchases) == (1, 1, 2, 1)
    assert everything()[2] == seen[2]
    assert rollups.count(DAY, keep=True) == Outcome.KEPT
    assert Day.objects.get(day=DAY).messages == 1
    assert rollups.count(DAY) == Outcome.COUNTED  # whoever insists
    assert Day.objects.get(day=DAY).messages == 0
