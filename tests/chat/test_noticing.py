"""That she is an AI is said by the site: once a day, and again after hours of use; one clock for all tabs."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from chat import noticing
from chat.models import Conversation, Message
from tests.chat.conftest import Hands, work
from tests.factories import GirlFactory, PermitFactory
from tests.racing import needs_postgres, race

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded]


@pytest.fixture
def new(alice):
    """Alice was never told anything."""
    User.objects.filter(pk=alice.pk).update(told_at=None)


def told(conversation=None):
    lines = Message.objects.filter(notice="ai")
    return lines.filter(conversation=conversation).count() if conversation else lines.count()


def ago(alice, **columns):
    """Set the clock of the notice back: hours or minutes before now."""
    now = timezone.now()
    User.objects.filter(pk=alice.pk).update(**{name: now - timedelta(minutes=m) for name, m in columns.items()})


def test_it_stands_before_her_first_word_and_costs_nothing(new, hands, mara):
    (notice,) = hands.send("Hello").json()["notices"]
    assert notice["text"] == f"{mara.name} is an AI character, not a person. Replies are generated and can be wrong."
    assert (notice["sender"], notice["kind"], notice["notice"]) == ("site", "notice", "ai")
    work()
    assert [m.get("notice") or m["sender"] for m in hands.state()["messages"]] == ["ai", "user", "ai", "ai"]
    assert [m["sender"] for m in hands.state()["messages"]] == ["ai", "user", "site", "ai"]
    assert hands.free() == 9
    assert hands.client.get("/chat/threads/").json()["threads"][0]["preview"] != notice["text"]


def test_it_is_no_unread_message_and_no_preview(new, hands):
    hands.send("Hello")
    (thread,) = hands.client.get("/chat/threads/").json()["threads"]
    assert (thread["preview"], thread["unread"]) == ("You: Hello", False)
    assert hands.client.get("/chat/unread/").json() == {"unread": 0}


def test_once_a_day_over_all_characters(new, hands, alice, client):
    hands.send("Hello")
    hands.send("Hello again")
    other = GirlFactory(slug="ines", name="Inês")
    client.post(f"/girls/{other.slug}/chat/")
    Hands(client, Conversation.objects.get(girl=other), hands.permit).send("Hello")
    assert told() == 1


def test_again_on_the_next_day_in_utc(new, hands, alice):
    hands.send("Hello")
    midnight = datetime.combine(timezone.now().astimezone(UTC).date(), datetime.min.time(), UTC)
    User.objects.filter(pk=alice.pk).update(told_at=midnight - timedelta(seconds=1), used_at=timezone.now())
    hands.send("Still here")
    assert told() == 2


@pytest.mark.parametrize(
    ("since", "last", "used", "hours", "expected"),
    [
        (181, 181, 1, 3, True),  # three hours of use, told at their beginning
        (180, 180, 1, 3, True),  # to the minute
        (179, 179, 1, 3, False),
        (400, 100, 1, 3, False),  # told in between
        (400, 181, 1, 3, True),  # three hours after that
        (400, 400, 32, 3, False),  # a pause of more than half an hour: the use begins anew
        (400, 400, 31, 3, True),  # half an hour is no pause, and it is known to the minute
        (61, 61, 1, 1, True),  # an operator may tell more often
        (400, 901, 1, 3, True),  # it was yesterday
        (5, 901, 32, 3, True),
    ],
)
def test_when_it_is_due(since, last, used, hours, expected, settings):
    settings.DISCLOSURE_HOURS = hours
    now = datetime(2026, 11, 27, 15, 0, tzinfo=UTC)
    at = {"in_use_since": since, "told_at": last, "used_at": used}
    user = User(**{name: now - timedelta(minutes=minutes) for name, minutes in at.items()})
    assert noticing.is_due(user, now) is expected


def test_again_after_three_hours_of_use(hands, alice, settings):
    settings.DISCLOSURE_HOURS = 1 / 60  # of which the test needs two minutes that are in the same day
    now = timezone.now()
    ago(alice, in_use_since=200, used_at=1)
    User.objects.filter(pk=alice.pk).update(told_at=now - timedelta(minutes=2))
    hands.send("Hello")
    assert told() == 1
    hands.send("Hello")
    assert told() == 1


def test_a_send_that_was_refused_tells_nothing(new, hands, alice):
    Conversation.objects.update(free_text=0)
    assert hands.send("Hello").status_code == 402
    assert told() == 0
    assert User.objects.get(pk=alice.pk).told_at is None


@pytest.mark.parametrize("premium", [True, False])
def test_who_has_premium_is_told_as_well(new, hands, alice, premium):
    User.objects.filter(pk=alice.pk).update(premium_until=timezone.now() + timedelta(days=premium))
    hands.send("Hello")
    assert told() == 1


def test_it_stands_above_a_crisis_card(new, hands):
    notices = hands.send("I'm going to kill myself tonight").json()["notices"]
    assert [notice["notice"] for notice in notices] == ["ai", "held"]


def test_asking_again_and_going_on_tell_nothing(hands, alice):
    hands.send("I'm going to kill myself tonight")
    User.objects.filter(pk=alice.pk).update(told_at=None)
    hands.post("go-on")
    assert told() == 0


@needs_postgres
def test_many_tabs_and_characters_at_once_tell_once(new, hands, alice, client):
    talks = [hands.conversation]
    for name in ("ines", "yuna", "noor"):
        girl = GirlFactory(slug=name)
        client.post(f"/girls/{name}/chat/")
        talks.append(Conversation.objects.get(girl=girl))

    def tab(number):
        here = Client()
        here.force_login(alice)
        return Hands(here, talks[number % 4], PermitFactory(user=alice, uses_left=9)).send("Hello").status_code

    assert race(tab, 8) == [201] * 8
    assert told() == 1


def test_an_ordinary_send_writes_nothing_for_it(hands, alice):
    ago(alice, in_use_since=5, used_at=0)
    with CaptureQueriesContext(
        connection,
    ) as asked:
        hands.send("Hello")
    assert not [q["sql"] for q in asked if q["sql"].startswith("UPDATE") and '"accounts_user"' in q["sql"]]
    ago(alice, used_at=2)
    hands.send("Hello")
    assert timezone.now() - User.objects.get(pk=alice.pk).used_at < noticing.MINUTE
