"""Who uses the site stays signed in, at one write a day; who stays away does not; nothing is kept of sessions over."""

from datetime import timedelta

import pytest
import time_machine
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db import DatabaseError, transaction
from django.db.models import F
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import sessions, tasks
from tests.accounts.test_signin import is_signed_in, sign_in
from tests.factories import ConversationFactory, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]

WEEKS = timedelta(days=14)


@pytest.fixture
def member(alice):
    sign_in(member := Client())
    return member


def days_go_by(days):
    """For the row, as the database's clock sees it."""
    Session.objects.update(expire_date=F("expire_date") - timedelta(days=days))


def lasts():
    return Session.objects.get().expire_date - timezone.now()


def test_who_comes_each_day_stays_signed_in(member):
    for _ in range(30):
        days_go_by(1)
        page = member.get("/terms/")
        assert page.wsgi_request.user.is_authenticated
        assert page.cookies["sessionid"]["max-age"] == WEEKS.total_seconds()
        assert page.cookies["sessionid"]["httponly"]
    assert is_signed_in(member)


def test_who_stays_away_for_two_weeks_is_signed_out(member):
    days_go_by(13)
    assert is_signed_in(member)
    days_go_by(14)
    assert not is_signed_in(member)


def test_a_day_costs_one_write(member):
    days_go_by(1)
    pages = [member.get("/terms/") for _ in range(5)]
    assert ["sessionid" in page.cookies for page in pages] == [True, False, False, False, False]
    assert lasts() > WEEKS - timedelta(minutes=1)


def test_of_two_requests_at_once_one_writes(member):
    days_go_by(1)
    stores = [sessions.SessionStore(member.cookies["sessionid"].value) for _ in range(2)]
    assert all("_auth_user_id" in store for store in stores)
    assert [store.prolong() for store in stores] == [True, False]


def test_what_a_page_asks_by_itself_keeps_nobody_signed_in(member, alice):
    conversation = ConversationFactory(user=alice)
    days_go_by(2)
    for path in ("/chat/threads/", "/chat/unread/", f"/chat/{conversation.pk}/state/", "/chat/session/"):
        answer = member.get(path, headers={"accept": "application/json"})
        assert answer.status_code == 200
        assert "sessionid" not in answer.cookies
    assert lasts() < WEEKS - timedelta(days=1)


def test_what_somebody_does_keeps_them_signed_in(member, alice):
    conversation = ConversationFactory(user=alice)
    days_go_by(2)
    answer = member.post(
        f"/chat/{conversation.pk}/read/", {"seq": 0}, "application/json", headers={"accept": "application/json"}
    )
    assert answer.status_code == 204
    assert answer.cookies["sessionid"]["max-age"] == WEEKS.total_seconds()


def test_who_signs_out_in_the_same_moment_is_signed_out(member):
    days_go_by(1)
    store = sessions.SessionStore(member.cookies["sessionid"].value)
    assert "_auth_user_id" in store
    member.post("/accounts/logout/")
    assert not store.prolong()
    assert not Session.objects.exists()


def test_a_visitor_s_session_is_not_prolonged():
    visitor = Client()
    visitor.cookies["sessionid"] = visitor.session.session_key
    (session := visitor.session).update({"a": 1})
    session.save()
    visitor.cookies["sessionid"] = session.session_key
    days_go_by(2)
    assert "sessionid" not in visitor.get("/terms/").cookies


def test_a_page_is_shown_when_the_write_fails(member, monkeypatch):
    days_go_by(1)

    def full(self):
        raise DatabaseError("database or disk is full")

    monkeypatch.setattr(sessions.SessionStore, "prolong", full)
    page = member.get("/terms/")
    assert page.status_code == 200
    assert "sessionid" not in page.cookies


def test_sessions_that_are_over_are_deleted_and_no_others(member, settings, monkeypatch):
    monkeypatch.setattr(sessions, "AT_ONCE", 2)
    for n in range(5):
        Session.objects.create(session_key=f"over{n}", session_data="", expire_date=timezone.now() - timedelta(hours=1))
    assert "accounts.tasks.sweep_sessions" in settings.SCHEDULE
    tasks.sweep_sessions()
    assert Session.objects.count() == 1
    assert is_signed_in(member)


def test_a_clock_that_is_behind_prolongs_nothing_twice(member):
    days_go_by(2)
    with time_machine.travel(timezone.now() - timedelta(minutes=10), tick=False):
        assert "sessionid" in member.get("/terms/").cookies
        assert "sessionid" not in member.get("/terms/").cookies


# --- Ending them --------------------------------------------------------------------------------------------------


@pytest.fixture
def ended():
    told = []

    def hear(sender, user, key, but, **kwargs):
        told.append((user.pk, key, but))

    sessions.sessions_ended.connect(hear, dispatch_uid="test")
    yield told
    sessions.sessions_ended.disconnect(dispatch_uid="test")


@pytest.mark.django_db(transaction=True)
def test_all_of_somebodys_sessions_end_but_one_and_nobody_elses(member, alice, charlie, ended):
    sign_in(phone := Client())
    sign_in(other := Client(), "charlie@example.com")
    kept = phone.session.session_key
    assert sessions.end(alice, but=kept) == 1
    assert [is_signed_in(browser) for browser in (member, phone, other)] == [False, True, True]
    assert sessions.end(alice) == 1
    assert [is_signed_in(browser) for browser in (phone, other)] == [False, True]
    assert ended == [(alice.pk, None, kept), (alice.pk, None, None)]
    assert list(UserSession.objects.values_list("user_id", flat=True)) == [charlie.pk]


def test_a_session_from_before_sessions_had_rows_ends_too(member, alice, charlie):
    (old := Client()).force_login(alice)
    (others := Client()).force_login(charlie)
    UserSession.objects.all().delete()
    assert sessions.end(alice) == 2
    assert [is_signed_in(browser) for browser in (member, old, others)] == [False, False, True]


@pytest.mark.django_db(transaction=True)
def test_what_is_rolled_back_ended_nothing(member, alice, ended):
    with transaction.atomic():
        sessions.end(alice)
        transaction.set_rollback(True)
    assert is_signed_in(member)
    assert not ended


@pytest.mark.django_db(transaction=True)
def test_who_is_deactivated_in_the_console_is_out_at_once(member, alice, ended):
    (boss := Client()).force_login(UserFactory(administrator=True))
    address = reverse("admin:person_deactivate", args=[alice.pk])
    asked = boss.get(address).context["form"]
    assert boss.post(address, asked.initial | {"reason": "They asked us to"}).status_code == 302
    assert ended == [(alice.pk, None, None)]
    assert not UserSession.objects.filter(user=alice).exists()
    assert not is_signed_in(member)
