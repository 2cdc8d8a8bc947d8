"""Free messages fill up again: exactly, once for each reset, and open pages see it at once."""

from datetime import UTC, datetime, timedelta

import pytest
from channels.db import database_sync_to_async as in_database
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from chat import resetting, tasks
from chat.models import Conversation, Message, QuotaReset
from chat.resetting import Wish
from config.lib import database
from tests.chat.test_sockets import Tab, _connections_are_given_back  # noqa: F401
from tests.factories import ConversationFactory, PremiumGrantFactory
from tests.racing import needs_postgres, race

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded]


def numbers(conversation):
    return Conversation.objects.values_list("free_text", "free_media", "free_audio").get(pk=conversation.pk)


def talk_with(text=10, media=2, audio=3, **fields):
    # Older than a reset that begins now by more than SQLite's clock can tell.
    fields.setdefault("created_at", timezone.now() - timedelta(minutes=1))
    return ConversationFactory(free_text=text, free_media=media, free_audio=audio, **fields)


def carried_out(**who):
    run = resetting.begin(Wish(), **who)
    assert resetting.carry_out(run.pk)
    run.refresh_from_db()
    assert (run.finished_at is not None, run.due_at) == (True, None)
    return run.changed


# --- What becomes of the numbers ---


def test_numbers_are_filled_up_and_whoever_has_more_keeps_it():
    out, rich, full = talk_with(0, 1, 3), talk_with(50, 0, 3), talk_with()
    assert resetting.reset(Conversation.objects.all()) == 2
    assert [numbers(each) for each in (out, rich, full)] == [(10, 2, 3), (50, 2, 3), (10, 2, 3)]


def test_to_a_number_they_are_that_number():
    out, rich, has_it = talk_with(0), talk_with(50), talk_with(5)
    assert resetting.reset(Conversation.objects.all(), Wish(("text",), to=5)) == 2
    assert [numbers(each)[0] for each in (out, rich, has_it)] == [5, 5, 5]


def test_only_what_is_used_up_changes_each_kind_for_itself():
    out, low = talk_with(0, 1, 0), talk_with(1, 0, 3)
    assert resetting.reset(Conversation.objects.all(), Wish(only_exhausted=True)) == 2
    assert (numbers(out), numbers(low)) == ((10, 1, 3), (1, 2, 3))


def test_kinds_that_are_not_asked_for_stay():
    out = talk_with(0, 0, 0)
    resetting.reset(Conversation.objects.all(), Wish(("media",)))
    assert numbers(out) == (0, 2, 0)


def test_what_has_to_change_takes_the_next_version_and_nothing_else_does():
    out, full = talk_with(0, version=7), talk_with(version=7)
    resetting.reset(Conversation.objects.all())
    assert [Conversation.objects.get(pk=each.pk).version for each in (out, full)] == [8, 7]


def test_premium_is_another_book(alice):
    PremiumGrantFactory(user=alice)
    before = (alice.premium_until, list(alice.premium_grants.values()))
    resetting.reset_person(talk_with(0, user=alice).user_id)
    alice.refresh_from_db()
    assert (alice.premium_until, list(alice.premium_grants.values())) == before


def test_of_one_person_with_all_or_with_one(alice, mara):
    with_mara, with_another, of_another = talk_with(0, user=alice, girl=mara), talk_with(0, user=alice), talk_with(0)
    assert resetting.reset_person(alice.pk, mara.pk) == 1
    assert [numbers(each)[0] for each in (with_mara, with_another, of_another)] == [10, 0, 0]
    assert resetting.reset_person(alice.pk, kinds=("text",), to=3) == 2
    assert [numbers(each)[0] for each in (with_mara, with_another, of_another)] == [3, 3, 0]


# --- Those who look ---


async def test_an_open_page_sees_the_new_numbers_at_once(hands, client):
    await in_database(Conversation.objects.update)(free_text=0)
    version = (await in_database(Conversation.objects.get)()).version
    async with Tab(client) as tab:
        await tab.watch(hands.conversation, version)
        await tab.hear_until("thread")
        assert await in_database(resetting.reset)(Conversation.objects.all()) == 1
        (*_, told) = await tab.hear_until("conversation")
    assert told["conversation"]["free_remaining"]["text"] == 10
    assert told["conversation"]["version"] == version + 1


def test_a_page_that_heard_nothing_asks_and_is_told(hands):
    Conversation.objects.update(free_text=0)
    before = hands.state()["conversation"]["version"]
    resetting.reset(Conversation.objects.all())
    assert hands.state(after=before)["conversation"]["free_remaining"]["text"] == 10
    assert hands.send().status_code == 201


def test_for_those_who_are_not_here_nothing_is_read(django_assert_num_queries):
    for _ in range(3):
        talk_with(0)
    with django_assert_num_queries(6):  # the next ones; begin, lock, change, commit; the next ones
        resetting.reset(Conversation.objects.all())


# --- A reset of many ---


def test_a_reset_of_everybody_or_with_one_character_or_of_the_silent(mara):
    long_ago = timezone.now() - timedelta(days=40)
    hers, silent, lively = talk_with(0, girl=mara), talk_with(0, last_message_at=long_ago), talk_with(0)
    assert carried_out(girl_id=mara.pk) == 1
    assert [numbers(each)[0] for each in (hers, silent, lively)] == [10, 0, 0]
    assert carried_out(idle_since=timezone.now() - timedelta(days=30)) == 1
    assert [numbers(each)[0] for each in (hers, silent, lively)] == [10, 10, 0]
    assert carried_out() == 1
    assert numbers(lively)[0] == 10


def test_a_conversation_that_is_newer_than_the_reset_is_left_alone():
    run = resetting.begin(Wish())
    newer = talk_with(0, created_at=timezone.now() + timedelta(hours=1))
    assert resetting.carry_out(run.pk)
    assert numbers(newer)[0] == 0


class _Killed(BaseException):
    pass


def _killed_after_the_first_batch(run):
    def die(changed):
        raise _Killed

    with pytest.raises(_Killed):
        resetting.carry_out(run.pk, die)
    run.refresh_from_db()


def test_after_a_death_another_goes_on_and_resets_nobody_twice(monkeypatch):
    monkeypatch.setattr(resetting, "BATCH", 2)
    talks = sorted((talk_with(0) for _ in range(5)), key=lambda talk: talk.pk)
    run = resetting.begin(Wish())
    _killed_after_the_first_batch(run)
    assert [numbers(talk)[0] for talk in talks] == [10, 10, 0, 0, 0]
    Conversation.objects.filter(pk=talks[0].pk).update(free_text=1)  # who has it again uses it
    assert not resetting.carry_out(run.pk), "it is in somebody's hands until the lease is over"
    QuotaReset.objects.update(due_at=Now())
    tasks.reset_quotas(str(run.pk))
    run.refresh_from_db()
    assert [numbers(talk)[0] for talk in talks] == [1, 10, 10, 10, 10]
    assert (run.changed, run.due_at, run.finished_at is not None) == (5, None, True)
    assert not resetting.carry_out(run.pk), "it is done"


def test_whoever_lost_it_changes_nothing_more(monkeypatch):
    monkeypatch.setattr(resetting, "BATCH", 1)
    talks = sorted((talk_with(0) for _ in range(3)), key=lambda talk: talk.pk)
    run = resetting.begin(Wish())

    def lose(changed):
        QuotaReset.objects.update(lease_token="00000000-0000-0000-0000-000000000001")

    assert not resetting.carry_out(run.pk, lose)
    assert [numbers(talk)[0] for talk in talks] == [10, 0, 0]


def test_who_interrupts_it_ends_it_and_can_go_on(monkeypatch):
    monkeypatch.setattr(resetting, "BATCH", 1)
    talk_with(0)
    talk_with(0)

    def interrupt(changed):
        raise KeyboardInterrupt

    run = resetting.begin(Wish())
    with pytest.raises(KeyboardInterrupt):
        resetting.carry_out(run.pk, interrupt)
    assert not resetting.carry_out(run.pk), "nobody goes on unasked"
    assert resetting.resume().pk == run.pk
    assert resetting.carry_out(run.pk)
    assert not Conversation.objects.filter(free_text=0).exists()
    assert resetting.resume() is None


# --- While people are chatting ---


@needs_postgres
def test_a_reset_amid_sends_is_exact(hands):
    def deed(number):
        return resetting.reset(Conversation.objects.all(), Wish(to=9)) if number == 4 else hands.send().status_code

    answers = race(deed, 9)
    assert answers.pop(4) == 1
    assert answers == [201] * 8
    said = set(Message.objects.values_list("version", flat=True))
    conversation = Conversation.objects.get()
    (reset_at,) = set(range(1, conversation.version + 1)) - said
    assert conversation.free_text == 9 - sum(version > reset_at for version in said)


@needs_postgres
def test_two_resets_at_once_do_not_tear_each_other():
    for _ in range(40):
        talk_with(0)
    assert sum(race(lambda number: resetting.reset(Conversation.objects.all()), 4)) == 40


# --- By the calendar ---


@pytest.fixture
def daily(settings):
    """The setting was on yesterday, too."""
    settings.QUOTA_RESET = "daily"
    QuotaReset.objects.create(period="daily 2026-01-01", kinds="text,media,audio", due_at=None, finished_at=Now())


def test_never_means_never(settings):
    assert settings.QUOTA_RESET == "never"
    tasks.keep_calendar()
    assert not QuotaReset.objects.exists()


@pytest.mark.parametrize("often", ["daily", "monthly"])
def test_the_period_in_which_it_is_turned_on_has_none(settings, heard, often):
    settings.QUOTA_RESET = often
    out = talk_with(0)
    tasks.keep_calendar()
    tasks.keep_calendar()
    assert numbers(out)[0] == 0
    assert QuotaReset.objects.get().period.startswith(often)


def test_each_day_has_one_reset_and_who_comes_late_makes_it(daily, heard):
    out, rich = talk_with(0), talk_with(50)
    tasks.keep_calendar()
    assert (numbers(out)[0], numbers(rich)[0]) == (10, 50)
    Conversation.objects.update(free_text=F("free_text") - 10)
    tasks.keep_calendar()
    assert (numbers(out)[0], numbers(rich)[0]) == (0, 40)


@needs_postgres
def test_two_clocks_make_one_reset(daily, rung):
    race(lambda number: tasks.keep_calendar(), 4)
    assert [task for task, *_ in rung] == ["chat.tasks.reset_quotas"]
    assert QuotaReset.objects.filter(due_at__isnull=False).count() == 1


def test_periods_are_days_and_months_of_the_database_clock(settings):
    assert abs(database.now() - datetime.now(UTC)) < timedelta(hours=1)
    moment = datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC)
    for often, now, then in (
        ("daily", "daily 2026-11-30", "daily 2026-12-01"),
        ("monthly", "monthly 2026-11", "monthly 2026-12"),
    ):
        settings.QUOTA_RESET = often
        assert [resetting.period_of(moment), resetting.period_of(moment + timedelta(seconds=1))] == [now, then]
