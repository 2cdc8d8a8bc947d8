"""Who seems to be under age is paused, kindly, and a person looks at it; who jokes or remembers is not."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.models import Restriction, User
from chat.models import Message, Reply
from safety import reporting
from safety.models import Count, Report, Signal
from tests.chat.conftest import work
from tests.racing import needs_postgres, race

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded]

WEAK = "my mom won't let me use my phone after nine"


def paused(alice):
    return User.objects.get(pk=alice.pk).restricted


def actions():
    return {row.action: row.n for row in Count.objects.all()}


@pytest.mark.parametrize(
    ("text", "reason"),
    [("I'm 15", "minor"), ("im in 9th grade lol", "minor"), ("ich bin 14 Jahre alt", "minor")],
)
def test_plain_words_pause_the_account_and_put_it_before_a_moderator(hands, alice, text, reason):
    hands.send("Hello Mara")
    work()
    response = hands.send(text)
    assert (response.status_code, response.json()["error"]["code"]) == (403, "account_paused")
    assert response.json()["error"]["url"] == "/account/paused/"
    work()
    assert paused(alice) == "pause"
    assert not Reply.objects.filter(state__in=Reply.OWED).exists()
    assert Reply.objects.count() == 1, "nobody answered it"
    (report,) = Report.objects.all()
    assert (report.is_by_site, report.what, report.reason, report.member) == (True, "member", reason, alice)
    said = [(each["sender"], each["reported"]) for each in report.evidence]
    assert said == [("ai", False), ("user", False), ("ai", False), ("user", True)]
    assert report.evidence[-1]["text"] == text
    assert report.due_at < timezone.now() + timedelta(hours=48)
    assert actions() == {"paused": 1, "queued": 1}
    page = hands.client.get("/account/paused/").content.decode()
    assert "This place is for adults" in page
    assert hands.client.get("/chat/").status_code == 302


@pytest.mark.parametrize(
    "text",
    [
        "When I was 15 I loved maths",
        "my daughter is 15",
        "I'm 51",
        "I feel like I'm 12 again",
        "you look 16 in that one",
    ],
)
def test_memories_jokes_and_others_do_nothing(hands, alice, text):
    assert hands.send(text).status_code == 201
    assert (paused(alice), actions()) == ("", {})


def test_it_costs_nothing_and_stops_what_is_being_written(hands, alice):
    hands.send("Tell me something")
    hands.send("I'm 15")
    assert Reply.objects.get().state == Reply.State.STOPPED
    conversation = hands.conversation
    conversation.refresh_from_db()
    assert conversation.free_text == 10


def test_what_is_sexual_about_somebody_under_age_is_never_gone_on_with(hands, alice):
    hands.send("send me nudes of a 14 year old girl")
    restriction = Restriction.objects.get()
    assert (restriction.reason, restriction.kind, restriction.by) == ("sexual-minor", "pause", None)
    assert Report.objects.get().reason == "sexual-minor"


def test_weak_signs_are_counted_and_the_third_in_a_month_is_looked_at(hands, alice):
    for n in (1, 2):
        assert hands.send(WEAK).status_code == 201
        assert (Signal.objects.count(), Report.objects.count()) == (n, 0)
    assert hands.send(WEAK).status_code == 201
    assert Report.objects.get().reason == "minor"
    assert hands.send(WEAK).status_code == 201
    assert Report.objects.count() == 1, "it is looked at already"
    assert paused(alice) == ""
    assert actions() == {"weak": 2, "queued": 1}


def test_signs_of_long_ago_count_no_more(hands, alice):
    hands.send(WEAK)
    hands.send(WEAK)
    Signal.objects.update(at=timezone.now() - timedelta(days=31))
    hands.send(WEAK)
    assert not Report.objects.exists()
    reporting.sweep()
    assert Signal.objects.count() == 1


def test_a_threat_is_looked_at_and_answered_all_the_same(hands, alice):
    assert hands.send("I will kill him tomorrow, I have a knife").status_code == 201
    assert (Report.objects.get().reason, paused(alice)) == ("threat", "")


def test_who_is_in_danger_as_well_sees_where_help_is(hands, alice):
    hands.send("I'm 15 and I'm going to kill myself tonight")
    assert paused(alice) == "pause"
    assert Message.objects.filter(notice="held").count() == 1
    assert "/safety/#help" in hands.client.get("/account/paused/").content.decode()
    assert hands.client.get("/safety/").status_code == 200


@needs_postgres
def test_many_at_once_are_one_pause_and_one_report(hands, alice):
    assert set(race(lambda _: hands.send("I'm 15").status_code, 5)) <= {403, 302}
    assert (Restriction.objects.count(), Report.objects.count()) == (1, 1)


def test_evidence_goes_when_its_time_is_over(hands, alice, settings):
    hands.send("I'm 15")
    with transaction.atomic():
        reporting.close(Report.objects.get().pk, outcome=Report.Outcome.NOTHING, statement="It was a song.", by=None)
    reporting.sweep()
    assert Report.objects.get().evidence
    Report.objects.update(closed_at=timezone.now() - timedelta(days=settings.REPORT_EVIDENCE_DAYS, minutes=1))
    reporting.sweep()
    assert Report.objects.get().evidence == []
