"""The review queue: what is due first, evidence behind a reason, one decision with its deed, all of it written down."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from accounts import restricting
from accounts.models import Restriction, User
from girls.models import Girl, Media
from safety.models import Report
from staff.models import Audit
from tests.factories import GirlFactory, MediaFactory, UserFactory
from tests.racing import needs_postgres, race
from tests.staff.conftest import sign_in
from tests.staff.console import team

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded]

LIST = "/admin/safety/report/"
WHY = "Ticket 4711, as reported"
SAID = "What you reported breaks our rules, and it is gone. You can write to us about it."
MODERATOR = (
    *("safety.view_report", "safety.review_report", "safety.read_evidence"),
    *("accounts.view_user", "accounts.restrict_user"),
)
SECRET = "SECRET-SENTENCE"


@pytest.fixture
def moderator(db):
    return team(*MODERATOR, username="mo")


def made(**fields):
    told = {"what": "member", "target": "member:1", "reason": "minor", "due_at": timezone.now() + timedelta(hours=5)}
    evidence = [{"seq": 1, "sender": "user", "text": SECRET, "at": "2026-11-27T10:00:00+00:00", "reported": True}]
    return Report.objects.create(**{**told, "evidence": evidence, "about": "Member alice", **fields})


def at(report, page="change"):
    return f"{LIST}{report.pk}/{page}/"


def decide(browser, report, **form):
    told = {"outcome": "nothing", "deed": "", "statement": SAID, "days": "", "reason": WHY}
    return browser.post(at(report, "decide"), {**told, **form})


def test_what_is_due_first_stands_first_and_what_is_decided_is_out_of_the_way(moderator):
    late, soon = made(due_at=timezone.now() - timedelta(hours=2)), made(target="member:2")
    closed = {"state": "closed", "outcome": "nothing", "statement": SAID, "closed_at": timezone.now()}
    made(target="member:3", **closed)
    page = moderator.get(LIST)
    assert [row.pk for row in page.context["cl"].result_list] == [late.pk, soon.pk]
    assert "Overdue by 2" in page.content.decode()
    assert moderator.get(LIST, {"state": "closed"}).context["cl"].result_count == 1
    assert moderator.get(LIST, {"state": "all"}).context["cl"].result_count == 3


def test_the_navigation_says_how_many_wait(moderator):
    made()
    made(target="member:2")
    (badge,) = re.findall(r"Reports</span><span[^>]*>(\d+)", moderator.get("/admin/safety/report/").content.decode())
    assert badge == "2"


def test_evidence_is_shown_after_a_reason_for_a_while_to_that_session_alone(moderator, monkeypatch):
    report = made()
    assert SECRET not in moderator.get(at(report)).content.decode()
    assert moderator.post(at(report, "reveal"), {"reason": "short"}).context["form"].errors
    assert moderator.post(at(report, "reveal"), {"reason": WHY})["Location"] == at(report)
    page = moderator.get(at(report))
    assert SECRET in page.content.decode()
    assert "no-store" in page["Cache-Control"]
    (line,) = Audit.objects.all()
    assert (line.actor, line.did, line.reason) == (
        moderator.user,
        "Read the evidence of a report: A member seems to be under 18",
        WHY,
    )
    assert SECRET not in str(line.__dict__)
    colleague = team(*MODERATOR, username="max")
    assert SECRET not in colleague.get(at(report)).content.decode()
    other = made(target="member:9")
    assert SECRET not in moderator.get(at(other)).content.decode()
    moderator.user.user_permissions.remove(Permission.objects.get(codename="read_evidence"))
    assert SECRET not in moderator.get(at(report)).content.decode()


@pytest.mark.parametrize("page", ["reveal", "take", "decide"])
def test_who_may_only_look_does_nothing(page, alice):
    report = made()
    looker = team("safety.view_report")
    assert looker.get(at(report)).status_code == 200
    assert looker.post(at(report, page), {"reason": WHY}).status_code == 403
    for browser in (sign_in(alice), Client()):
        assert browser.post(at(report, page), {"reason": WHY}).status_code == 302
    report.refresh_from_db()
    assert (report.state, Audit.objects.count()) == ("new", 0)


def test_it_is_taken_in_hand_and_decided_with_reasons(moderator):
    report = made()
    moderator.post(at(report, "take"))
    report.refresh_from_db()
    assert (report.state, report.taken_by) == ("acting", moderator.user)
    assert decide(moderator, report, statement="Too short").context["form"].errors
    assert decide(moderator, report, outcome="").context["form"].errors
    assert decide(moderator, report)["Location"] == LIST
    report.refresh_from_db()
    assert (report.state, report.outcome, report.statement) == ("closed", "nothing", SAID)
    assert (report.closed_by, report.closed_at is not None) == (moderator.user, True)
    assert [line.did for line in Audit.objects.all()] == ["Decided a report.", "Took a report in hand."]
    assert Audit.objects.first().reason == WHY
    assert decide(moderator, report, outcome="removed")["Location"] == at(report), "a decision stands"
    report.refresh_from_db()
    assert report.outcome == "nothing"


def test_a_picture_is_taken_down_with_the_decision(moderator, mara):
    photo = MediaFactory(girl=mara, published=True)
    report = made(what="photo", target=f"photo:{photo.pk}", reason="intimate", media=photo, girl=mara)
    decide(moderator, report, outcome="removed", deed="hide")
    assert not Media.objects.get(pk=photo.pk).published


def test_a_character_is_hidden_with_the_decision(moderator):
    girl = GirlFactory(name="Nia")
    report = made(what="character", target=f"character:{girl.pk}", reason="hate", girl=girl)
    decide(moderator, report, outcome="removed", deed="unpublish")
    assert not Girl.objects.get(pk=girl.pk).is_active


def test_a_member_is_banned_with_the_decision_and_told_why(moderator, alice):
    member = sign_in(alice)
    report = made(member=alice, reason="sexual-minor")
    decide(moderator, report, outcome="restricted", deed="ban")
    restriction = Restriction.objects.get()
    assert (restriction.kind, restriction.reason, restriction.words) == ("ban", "sexual-minor", SAID)
    assert member.get("/chat/").status_code == 302
    assert User.objects.get(pk=alice.pk).restricted == "ban"


def test_who_was_paused_wrongly_is_let_in_again(moderator, alice):
    restricting.restrict(alice, Restriction.Kind.PAUSE, Restriction.Reason.MINOR, words="We look at it.")
    report = made(member=alice)
    decide(moderator, report, outcome="unfounded", deed="let_in")
    assert User.objects.get(pk=alice.pk).restricted == ""


def test_nobody_restricts_the_team_by_a_report(moderator):
    boss = UserFactory(administrator=True)
    report = made(member=boss)
    assert decide(moderator, report, outcome="restricted", deed="ban").context["form"].errors
    assert User.objects.get(pk=boss.pk).restricted == ""


def test_what_fails_leaves_the_report_as_it_was(moderator, alice, monkeypatch):
    report = made(member=alice)
    monkeypatch.setattr("accounts.sessions.end", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        decide(moderator, report, outcome="restricted", deed="pause")
    report.refresh_from_db()
    assert (report.state, Restriction.objects.count(), Audit.objects.count()) == ("new", 0, 0)


@needs_postgres
def test_of_two_who_decide_at_once_one_does(moderator):
    report, colleague = made(), team(*MODERATOR, username="max")
    two = (moderator, colleague)
    race(lambda n: decide(two[n], report, outcome=("nothing", "unfounded")[n]), 2)
    assert [line.did for line in Audit.objects.all()] == ["Decided a report."]
