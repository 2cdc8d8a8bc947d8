"""Pauses and bans hold from the moment they are written down, and say why."""

import threading
from datetime import timedelta
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from accounts import restricting
from accounts.models import Restriction, User
from accounts.tasks import sweep_restrictions
from chat.models import Conversation, Message, Reply
from chat.sending import AccountRestricted, send_message
from tests.chat.conftest import Hands, work
from tests.chat.test_sockets import Tab
from tests.factories import PASSWORD, ConversationFactory, PermitFactory, UserFactory
from tests.people import come_in
from tests.racing import needs_postgres

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded]

PAUSE, BAN, OTHER = Restriction.Kind.PAUSE, Restriction.Kind.BAN, Restriction.Reason.OTHER
PAGE = "/account/paused/"
WORDS = "We have to look at something first."


@pytest.fixture
def member(alice):
    """Alice's browser, in which she has a conversation."""
    browser = Client()
    browser.force_login(alice)
    browser.user, browser.talk = alice, ConversationFactory(user=alice)
    return browser


def restrict(user, kind=PAUSE, reason=OTHER, **how):
    return restricting.restrict(user, kind, reason, words=WORDS, **how)


def hands(browser):
    return Hands(browser, browser.talk, PermitFactory(user=browser.user, uses_left=100))


def comes_back(user):
    browser = Client()
    come_in(browser, user.email, PASSWORD)
    return browser


def test_they_are_signed_out_and_find_one_page_that_says_why(member):
    restrict(member.user)
    assert member.get("/chat/").status_code == 302
    browser = comes_back(member.user)
    for path in ("/", "/chat/", "/plans/", "/account/", f"/chat/{member.talk.pk}/", "/girls/nobody/"):
        assert browser.get(path)["Location"] == PAGE, path
    html = browser.get(PAGE).content.decode()
    assert "Your account is paused" in html
    assert WORDS in html
    assert "/safety/#help" in html


def test_scripts_are_told_with_the_way_to_the_page(member):
    restrict(member.user, signs_out=False)
    for kind, code in ((PAUSE, "account_paused"), (BAN, "account_banned")):
        restrict(member.user, kind, signs_out=False)
        for path in ("/chat/session/", "/chat/threads/", f"/chat/{member.talk.pk}/state/"):
            answer = member.get(path, headers={"Accept": "application/json"})
            assert (answer.status_code, answer.json()["error"]["code"]) == (403, code)
            assert answer.json()["error"]["url"] == PAGE
    htmx = member.get("/", headers={"HX-Request": "true"})
    assert (htmx.status_code, htmx["HX-Redirect"]) == (403, PAGE)


def test_help_ones_data_and_the_way_out_stay_open(member):
    restrict(member.user, signs_out=False)
    for path in ("/safety/", "/terms/", "/privacy/", "/account/data/", PAGE):
        assert member.get(path).status_code == 200, path
    assert member.post("/accounts/logout/").status_code == 302


def test_the_console_is_closed_as_well(db):
    boss = UserFactory(administrator=True)
    browser = Client()
    browser.force_login(boss)
    restrict(boss, BAN, signs_out=False)
    assert browser.get("/admin/")["Location"] == PAGE


def test_nobody_else_sees_the_page(member):
    assert member.get(PAGE)["Location"] == "/"
    assert Client().get(PAGE).status_code == 302


def test_nothing_is_sent_or_answered(member):
    restrict(member.user, signs_out=False)
    member.defaults["HTTP_ACCEPT"] = "application/json"
    assert hands(member).send("Hello").status_code == 403
    assert not Message.objects.filter(sender="user").exists()


def test_the_graver_counts_and_each_is_written_once(alice):
    restrict(alice)
    restrict(alice, BAN)
    restrict(alice, BAN)
    alice.refresh_from_db()
    assert (alice.restricted, alice.restrictions.count()) == ("ban", 2)
    restricting.lift(alice, alice.restrictions.filter(kind=BAN), why="It was somebody else.")
    alice.refresh_from_db()
    assert alice.restricted == "pause"
    assert list(restricting.standing(alice).values_list("kind", flat=True)) == ["pause"]
    restricting.lift(alice, restricting.standing(alice), why="Done.")
    alice.refresh_from_db()
    assert alice.restricted == ""


def test_one_whose_time_is_over_ends_by_itself(member):
    restrict(member.user, until=timezone.now() + timedelta(hours=1), signs_out=False)
    sweep_restrictions()
    assert User.objects.get(pk=member.user.pk).restricted == "pause"
    assert "It ends by itself then" in member.get(PAGE).content.decode()
    Restriction.objects.update(until=timezone.now() - timedelta(seconds=1))
    sweep_restrictions()
    assert User.objects.get(pk=member.user.pk).restricted == ""
    assert member.get("/chat/").status_code == 200


@pytest.mark.asyncio
async def test_open_sockets_close_and_no_new_one_is_let_in(member):
    async with Tab(member) as one, Tab(member) as other:
        await sync_to_async(restrict)(member.user, signs_out=False)
        assert await one.closed_with() == 4401
        assert await other.closed_with() == 4401
    async with Tab(member) as late:
        assert await late.closed_with() == 4401


@needs_postgres
def test_a_send_that_waited_for_the_lock_is_refused_or_never_answered(member):
    """The person's row is read with the statement that waits, so it may be told as it was before that."""
    locked, done, answers = threading.Event(), threading.Event(), []

    def holder():
        with transaction.atomic():
            Conversation.objects.locked(member.talk.pk)
            locked.set()
            done.wait(30)
        connection.close()

    def sender():  # it was past the gate already
        try:
            permit = PermitFactory(user=member.user)
            send_message(member.user, member.talk.pk, text="Hello", client_id=uuid4(), permit=permit.pk)
        except Exception as error:
            answers.append(type(error))
        connection.close()

    threads = [threading.Thread(target=target) for target in (holder, sender)]
    threads[0].start()
    locked.wait(30)
    threads[1].start()
    restrict(member.user, signs_out=False)
    done.set()
    for thread in threads:
        thread.join(30)
    assert answers in ([], [AccountRestricted])
    work()
    assert not Message.objects.filter(sender="ai").exists()
    assert not Reply.objects.exclude(state=Reply.State.FAILED).exists()
