"""The overview says what the rows say: each figure against rows made by hand, and nobody sees more than they may."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import emails
from accounts.models import Mail
from chat.models import Reply
from payments.models import StripeEvent
from safety.models import Helpline, Report
from staff import attention, overview, rollups
from staff.models import Day, Erasure, Export
from tests.factories import GirlFactory, ReplyFactory, UserFactory
from tests.staff.days import at, bought, joined, replied, said, talk

pytestmark = pytest.mark.django_db


def member_of_the_team(*permissions, **fields):
    """Somebody who may do this and nothing else, in a browser."""
    user = UserFactory(staff=True, **fields)
    for permission in permissions:
        app, codename = permission.split(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    browser = Client()
    browser.force_login(user)
    return browser


@pytest.fixture
def boss():
    browser = Client()
    browser.force_login(UserFactory(administrator=True, date_joined=at(rollups.today() - timedelta(days=500))))
    return browser


@pytest.fixture
def today():
    return rollups.today()


def ago(days):
    """Noon of a day, so long ago."""
    return at(rollups.today() - timedelta(days=days))


def counted(days=70):
    """All days are counted, as the clock would have them."""
    last = rollups.today()
    for n in range(days):
        rollups.count(last - timedelta(days=n))
    rollups.count_sales(last - timedelta(days=200), last)


def counted_at():
    return Day.objects.get(day=rollups.today()).counted_at


def seen(browser, **asked):
    page = browser.get(reverse("admin:index"), asked)
    assert page.status_code == 200
    return page


def figure(page, name):
    (found,) = [figure for figure in page.context["figures"] if figure.name == name]
    return found


def lines(page):
    return {line["name"]: line for line in page.context["replies"]}


def looks(page):
    return {(item.level, item.words, item.count) for item in page.context["look"]}


# --- Figures ---------------------------------------------------------------------------------------------------


def test_new_accounts_of_this_period_beside_the_one_before(boss):
    for days in (0, 1, 6, 7, 8, 13, 14):  # the last seven, the seven before, one too old
        joined(ago(days))
    counted(20)
    found = figure(seen(boss, days=7), "New accounts")
    assert found.value == "3"
    # Today is not over, so neither it nor the day across from it counts for the change: 2 of 6 days, and 2.
    assert (found.change.words, found.change.way) == ("as before", "")
    joined(ago(2))
    counted(20)
    change = figure(seen(boss, days=7), "New accounts").change
    assert (change.words, change.way, change.is_good) == ("50.0% more", "up", True)


def test_revenue_is_net_of_what_went_back_and_never_adds_currencies(boss):
    bought(ago(1), amount=100_000)
    bought(ago(2), amount=50_000, status="refunded", amount_refunded=50_000)
    bought(ago(3), amount=2999, amount_refunded=1000)
    bought(ago(4), amount=7777, currency="eur")
    bought(ago(31), amount=203_998)
    counted()
    found = figure(seen(boss), "Revenue")
    assert found.value == "$1,020"  # 1,000.00 + 19.99
    assert found.more == "and €77.77"
    assert (found.change.words, found.change.way, found.change.is_good) == (
        "50.0% less than the previous 30 days",
        "down",
        False,
    )


def test_the_currency_that_sells_most_stands_first(boss):
    bought(ago(1), amount=500_000)
    for _ in range(2):
        bought(ago(1), amount=999, currency="jpy")
    counted(5)
    found = figure(seen(boss, days=7), "Revenue")
    assert (found.value, found.more) == ("¥1,998", "and $5,000")


def test_free_to_premium_is_first_payments_for_each_hundred_accounts(boss):
    people = [joined(ago(2)) for _ in range(8)]
    bought(ago(1), user=people[0])
    bought(ago(1), user=people[0])
    earlier = [joined(ago(9)) for _ in range(10)]
    bought(ago(8), user=earlier[0])
    bought(ago(1), user=earlier[0])  # not the first time
    counted(20)
    found = figure(seen(boss, days=7), "Free to premium")
    assert (found.value, found.change.words, found.change.is_good) == ("12.5%", "2.5 points more", True)


def test_reply_times_are_percentiles_of_the_whole_range(boss, mara):
    conversation = talk(mara)
    for n in range(20):
        replied(conversation, ago(1 + n % 2), seconds=1, first=400)
    replied(conversation, ago(3), seconds=30, first=9000)
    replied(conversation, ago(3), seconds=30, first=9000)
    for _ in range(5):
        replied(conversation, ago(8), seconds=40)
    counted(20)
    found = figure(seen(boss, days=7), "Reply time, p95")
    assert (found.value, found.more) == ("30.3 s", "p50 1.0 s, first words p95 8.9 s")
    assert (found.change.way, found.change.is_good) == ("down", True)
    assert found.change.words.endswith("s faster")


def test_slower_is_bad_though_it_is_more(boss, mara):
    replied(talk(mara), ago(1), seconds=20)
    replied(talk(mara), ago(8), seconds=2)
    counted(20)
    change = figure(seen(boss, days=7), "Reply time, p95").change
    assert (change.way, change.is_good, change.words.endswith("s slower")) == ("up", False, True)


@pytest.mark.parametrize(
    ("now", "was", "words", "way", "good"),
    [
        (0, 0, "none before either", "", None),
        (5, 0, "none before", "up", True),
        (0, 5, "100.0% less", "down", False),
        (5, 5, "as before", "", None),
        (1_000_000, 1, "over 1,000% more", "up", True),
        (3, -2, "none before", "up", True),  # more went back than was sold
    ],
)
def test_changes_in_words(now, was, words, way, good):
    assert overview.change(now, was) == overview.Change(words, way, good)


def test_failed_replies_fallback_tokens_and_cost(boss, mara, settings):
    settings.LLM_PRICES = {name: {"input": 1.0, "cached": 0.5, "output": 2.0} for name in ("primary", "fallback")}
    conversation = talk(mara)
    for n in range(8):
        tokens = {"tokens_in": 1_000_000, "tokens_cached": 500_000, "tokens_out": 100_000}
        replied(conversation, ago(n % 3), provider="fallback" if n < 2 else "primary", **tokens)
    for days in (1, 2, 8):
        replied(conversation, ago(days), state="failed", provider="")
    counted(20)
    page = seen(boss, days=7)
    found = lines(page)
    assert (found["Failed"]["value"], found["Failed"]["more"]) == ("2", "20.0%")
    # Of seven in the days that are over, beside one of one.
    assert (found["Failed"]["change"].words, found["Failed"]["change"].is_good) == ("71.4 points less", True)
    fallback = found["Answered by the fallback"]["change"]
    assert (fallback.words, fallback.is_good) == ("nothing to compare with", None)
    assert (found["Answered by the fallback"]["value"], found["Answered by the fallback"]["more"]) == ("2", "25.0%")
    assert (found["Tokens read"]["value"], found["Tokens read"]["more"]) == ("8,000,000", "50.0% from the cache")
    assert found["Tokens written"]["value"] == "800,000"
    assert (found["Cost"]["value"], found["Cost"]["more"]) == ("$7.60", "95.00 ¢ for each reply")
    (row,) = page.context["girls"]
    assert (row["her"], row["cost"], row["replies_done"]) == (mara, Decimal("7.6"), 8)


def test_without_prices_no_cost_is_shown_and_it_says_why(boss, mara):
    replied(talk(mara), ago(1), tokens_in=1000, tokens_out=100)
    counted(5)
    page = seen(boss, days=7)
    assert "Cost" not in lines(page)
    assert b"No cost is shown" in page.content


# --- Charts and their tables -----------------------------------------------------------------------------------


def test_messages_of_each_day_stand_in_the_table_and_in_words(boss, mara):
    conversation = talk(mara)
    for days in (0, 1, 1, 1, 8):
        said(conversation, ago(days))
    counted(20)
    page = seen(boss, days=7)
    shown = page.context["said"]
    assert [row["cells"][0] for row in shown["table"]] == ["1", "3", "0", "0", "0", "0", "0"]
    assert [row["cells"][1] for row in shown["table"]] == ["0", "1", "0", "0", "0", "0", "0"]
    assert shown["told"].startswith("4 messages in 7 days, 1 in the 7 before. Most on ")
    html = page.content.decode()
    assert shown["told"] in html
    day = f"{rollups.today() - timedelta(days=1):%-d %b}"
    assert f'<th scope="row">{day}</th><td>3</td><td>1</td>' in html


def test_days_that_nobody_counted_are_days_of_nothing(boss):
    Day.objects.all().delete()
    page = seen(boss, days=90)
    assert len(page.context["said"]["table"]) == 90
    assert figure(page, "New accounts").value == "0"
    assert figure(page, "Reply time, p95").value == "–"


def test_sales_are_counted_by_plan_and_week(boss, today):
    monday = today - timedelta(days=today.weekday())
    bought(at(monday, 0))
    bought(at(monday, 0), product="prod_7", name="7 days")
    bought(at(monday - timedelta(days=1), 23, 59), currency="eur")  # a sale is a sale
    for n in range(3):
        bought(at(monday - timedelta(days=7)), product=f"prod_{n}", name=f"Plan {n}")
    counted(5)
    sales = seen(boss).context["sales"]
    assert sales["each"] == "week"
    assert sales["series"][0] == "30 days"
    assert sales["series"][-1] == "Others"
    assert len(sales["series"]) == overview.PLANS + 1
    assert sales["table"][-1]["stack"][0] == 1
    assert sum(sales["table"][-1]["stack"]) == 2
    assert sum(sales["table"][-2]["stack"]) == 4
    assert seen(boss, days=7).context["sales"]["each"] == "day"


def test_who_was_talked_to_most_stands_first(boss, mara):
    ines = GirlFactory(name="Inês")
    for girl, count in ((mara, 1), (ines, 3)):
        conversation = talk(girl)
        for _ in range(count):
            said(conversation, ago(1))
    counted(5)
    faces = seen(boss, days=7).context["faces"]
    assert [(row["her"], row["messages"], row["share"]) for row in faces] == [(ines, 3, 100), (mara, 1, 33.33)]


def test_a_character_that_is_gone_still_counts(boss, mara):
    conversation = talk(mara)
    said(conversation, ago(1))
    counted(5)
    conversation.messages.all().delete()
    conversation.delete()
    mara.delete()
    page = seen(boss, days=7)
    assert page.context["faces"][0]["her"] is None
    assert b"Somebody who is gone" in page.content


@pytest.mark.parametrize("asked", ["8", "abc", "-7", "", "7' OR 1=1", "9" * 50])
def test_another_number_of_days_is_the_usual_one(boss, asked):
    assert seen(boss, days=asked).context["days"] == 30


# --- Needs a look ----------------------------------------------------------------------------------------------


def test_what_needs_a_look_is_counted_and_leads_there(boss, mara):
    user = UserFactory()
    bought(ago(3), problem="It was made for another price.")
    StripeEvent.objects.create(id="evt_1", type="x", livemode=False, due_at=None, error="boom")
    emails.owe("erasure_kept", {"name": "x"}, address="x@example.com")
    Mail.objects.update(due_at=None, error="refused")
    Export.objects.create(user=user, state=Export.State.FAILED, due_at=None)
    stuck = timezone.now() - timedelta(minutes=6)
    Erasure.objects.create(person=7, joined_at=stuck, by="member", attempts=9, due_at=stuck)
    for n in range(25):
        replied(talk(mara), timezone.now(), provider="fallback" if n < 5 else "primary")
    replied(talk(mara), timezone.now(), state="failed")
    ReplyFactory(conversation=talk(mara))
    Reply.objects.filter(state="queued").update(due_at=timezone.now() - timedelta(minutes=1))
    for number, hours in enumerate((-1, 5, 9)):
        due = timezone.now() + timedelta(hours=hours)
        Report.objects.create(what="photo", target=f"photo:{number}", reason="hate", due_at=due)
    counted(5)
    page = seen(boss)
    assert looks(page) == {
        ("bad", "Reply waits for a worker", "1"),
        ("bad", "Payment with a problem", "1"),
        ("bad", "Event from Stripe that nobody could process", "1"),
        ("bad", "Erasure does not come to an end", "1"),
        ("warn", "Mail that could not be sent", "1"),
        ("warn", "Character low on reply media", "1"),
        ("warn", "Copy of somebody’s data that could not be made", "1"),
        ("warn", "Reply failed today", "1"),
        ("warn", "Replies used the fallback model today", "20%"),
        ("bad", "Report is overdue", "1"),
        ("warn", "Reports wait for somebody to take in hand", "2"),
        *helplines(),
        ("ok", f"Worker and beat are at work, {counted_at():%H:%M} UTC", ""),
    }
    for item in page.context["look"]:
        if item.url:
            there = boss.get(item.url)
            assert there.status_code == 200, item.url
            assert there.context["cl"].result_count >= 1, item.url


def test_when_all_is_well_it_says_so(boss):
    counted(1)
    page = seen(boss)
    when = counted_at()
    assert looks(page) == {
        ("ok", f"Worker and beat are at work, {when:%H:%M} UTC", ""),
        ("ok", f"Payments reconciled, {when:%H:%M} UTC", ""),
        ("ok", "Mails go out", ""),
        *helplines(),
    }


def helplines():
    """What is said of those that are shown, and that nobody has checked yet."""
    there = Helpline.objects.to_be_checked().count()
    return [("warn", "Helplines that nobody here has checked, or not for a year", f"{there}")] if there else []


def test_payments_that_nobody_asked_about_are_not_called_reconciled(boss):
    bought(ago(1), status="open", paid_at=None, due_at=timezone.now() - timedelta(minutes=6))
    counted(1)
    assert ("warn", "Payments that Stripe was not asked about yet", "1") in looks(seen(boss))
    assert not any("reconciled" in words for _, words, _ in looks(seen(boss)))


def test_silence_of_beat_or_the_worker_is_told(boss):
    assert ("bad", "Nothing was counted yet: beat or the worker does not run", "") in looks(seen(boss))
    counted(1)
    long_ago = timezone.now() - attention.SILENT - timedelta(seconds=1)
    Day.objects.update(counted_at=long_ago)
    assert ("bad", f"Beat or the worker is silent since {long_ago:%d %B %H:%M} UTC", "") in looks(seen(boss))


# --- Who sees what ---------------------------------------------------------------------------------------------


def test_money_is_for_those_who_may_see_payments(mara, settings):
    settings.LLM_PRICES = {"primary": {"input": 1.0, "cached": 0.0, "output": 1.0}}
    bought(ago(1), problem="Odd.")
    replied(talk(mara), ago(1), tokens_in=1_000_000, tokens_out=0)
    counted(5)
    page = seen(member_of_the_team("staff.view_overview"), days=7)
    assert [found.name for found in page.context["figures"]] == ["New accounts", "Free to premium", "Reply time, p95"]
    assert page.context["sales"] is None
    assert "Cost" not in lines(page)
    words = page.content.decode()
    assert not any(word in words for word in ("$", "Sales by plan", "Payment", "reconciled", "1.00"))
    page = seen(member_of_the_team("staff.view_overview", "payments.view_purchase"), days=7)
    assert figure(page, "Revenue").value == "$29.99"
    assert lines(page)["Cost"]["value"] == "$1.00"


def test_each_line_is_for_those_who_may_see_its_rows(mara):
    bought(ago(1), problem="Odd.")
    replied(talk(mara), timezone.now(), state="failed")
    counted(1)
    page = seen(member_of_the_team("staff.view_overview", "girls.view_girl"))
    assert {words for _, words, _ in looks(page)} == {
        "Character low on reply media",
        f"Worker and beat are at work, {counted_at():%H:%M} UTC",
    }


def test_without_the_permission_there_are_no_figures():
    page = seen(member_of_the_team("girls.view_girl"))
    assert "figures" not in page.context
    assert b"Free to premium" not in page.content
    assert reverse("admin:girls_girl_changelist") in page.content.decode()


def test_a_member_and_a_visitor_see_nothing_of_it(alice):
    browser = Client()
    assert browser.get(reverse("admin:index")).status_code == 302
    browser.force_login(alice)
    assert browser.get(reverse("admin:index"), follow=True).status_code == 403


def test_who_showed_no_second_factor_sees_nothing_of_it():
    browser = Client()
    browser.force_login(UserFactory(is_staff=True, is_superuser=True))
    assert b"Free to premium" not in browser.get(reverse("admin:index"), follow=True).content


# --- What it costs ---------------------------------------------------------------------------------------------


def test_it_asks_for_nine_things_however_much_there_is(boss, django_assert_num_queries, mara):
    for girl in (mara, GirlFactory(), GirlFactory()):
        conversation = talk(girl)
        said(conversation, ago(1))
        replied(conversation, ago(1))
        bought(ago(1))
    counted(10)
    seen(boss)
    with django_assert_num_queries(
        9
    ):  # session, person, factor, open reports; days, sales, characters, their faces; all the counts
        seen(boss, days=90)
