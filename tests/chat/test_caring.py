"""Whoever speaks of harm to themselves gets help before anything else."""

import asyncio
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from django.db import transaction
from django.test import Client
from django.utils import timezone

from chat import replying
from chat.models import Conversation, Message, Reply
from safety import helplines, loading
from safety.models import Count, Helpline
from tests.chat.conftest import Hands, work
from tests.chat.test_sockets import Tab
from tests.factories import PermitFactory, UserFactory
from tests.racing import needs_postgres, race, together

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded]

PLAN = "I'm going to kill myself tonight"
DISTRESS = "I want to die"
NOTE = "I hate myself"


def counted():
    return {(row.action, row.level): row.n for row in Count.objects.all()}


def kinds(hands):
    """What stands in the thread, as who or what it is of."""
    return [message.get("notice") or message["sender"] for message in hands.state()["messages"]]


def card_of(hands):
    return next(message for message in reversed(hands.state()["messages"]) if "help" in message)


def set_free(hands, n):
    Conversation.objects.filter(pk=hands.conversation.pk).update(free_text=n)


# --- A plan, means, now ---


def test_a_plan_brings_the_card_in_place_of_her_reply_and_costs_nothing(hands):
    response = hands.send(PLAN)
    assert response.status_code == 201
    (card,) = response.json()["notices"]
    assert (card["sender"], card["kind"], card["notice"]) == ("site", "notice", "held")
    assert response.json()["conversation"]["care"] == "held"
    work()
    assert kinds(hands) == ["ai", "user", "held"]
    assert not Reply.objects.exists(), "no model was asked"
    assert hands.free() == 10
    assert counted() == {("interrupted", 3): 1}


def test_she_is_silent_until_the_member_goes_on_and_then_answers_all_of_it(hands):
    hands.send(PLAN)
    assert hands.send("are you there?").status_code == 201
    work()
    assert kinds(hands) == ["ai", "user", "held", "user"]
    response = hands.post("go-on")
    assert response.json()["conversation"]["care"] == "near"
    assert response.json()["reply"]["state"] == "queued"
    assert Reply.objects.get().answers_through == 4
    work()
    assert kinds(hands) == ["ai", "user", "held", "user", "ai"]
    assert hands.free() == 10
    assert counted() == {("interrupted", 3): 1, ("resumed", 3): 1}
    assert hands.send("thank you").status_code == 201
    assert hands.free() == 9, "from then on it is as ever"


def test_going_on_twice_is_going_on_once(hands):
    hands.send(PLAN)
    answers = race(lambda _: signed_in(hands).post("go-on").status_code, 4)
    assert answers == [200] * 4
    assert Reply.objects.count() == 1
    assert counted()["resumed", 3] == 1


def signed_in(hands):
    """The same member in another tab."""
    client = Client()
    client.force_login(hands.conversation.user)
    return Hands(client, hands.conversation, PermitFactory(user=hands.conversation.user, uses_left=100))


def test_going_on_with_nothing_held_does_nothing(hands):
    version = hands.state()["conversation"]["version"]
    assert hands.post("go-on").status_code == 200
    assert hands.state()["conversation"]["version"] == version
    assert counted() == {}


def test_strangers_and_visitors_cannot_go_on_for_somebody(hands):
    hands.send(PLAN)
    stranger = Client()
    assert stranger.post(f"{hands.url}go-on/", content_type="application/json").status_code == 401
    stranger.force_login(UserFactory())
    assert stranger.post(f"{hands.url}go-on/", content_type="application/json").status_code == 404
    assert hands.state()["conversation"]["care"] == "held"


def test_without_javascript_the_page_has_the_card_and_a_form_that_goes_on(hands):
    hands.send(PLAN)
    html = hands.client.get(hands.url).content.decode()
    assert "You don’t have to carry this alone" in html
    assert 'data-care="held"' in html
    assert f'action="{hands.url}go-on/"' in html
    response = hands.client.post(f"{hands.url}go-on/")
    assert response["Location"] == hands.url
    assert hands.state()["conversation"]["care"] == "near"


def test_what_she_was_saying_ends_there(hands):
    hands.send("Tell me a story")
    reply = Reply.objects.get()
    Reply.objects.filter(pk=reply.pk).update(state="writing", text="Once upon a time ", due_at=timezone.now())
    hands.send(PLAN)
    reply.refresh_from_db()
    assert reply.state == Reply.State.STOPPED
    assert [(m["sender"], m["text"]) for m in hands.state()["messages"]][-3:-1] == [
        ("ai", "Once upon a time"),
        ("user", PLAN),
    ]
    assert hands.free() == 9, "what was read of it is paid for"


def test_what_she_had_not_begun_costs_nothing(hands):
    hands.send("Tell me a story")
    hands.send(PLAN)
    assert Reply.objects.get().state == Reply.State.STOPPED
    assert hands.free() == 10
    hands.post("go-on")
    work()
    assert kinds(hands)[-1] == "ai"


def test_who_deletes_it_all_begins_anew_without_a_card_or_a_trace_of_it(hands, client):
    hands.send(PLAN)
    hands.post("delete")
    client.post("/girls/mara/chat/")
    assert hands.state()["conversation"]["care"] == ""
    assert (Conversation.objects.get().care_level, Conversation.objects.get().care_at) == (0, None)
    assert hands.send("Hello").json()["reply"]["state"] == "queued"


def test_a_chat_that_is_brought_back_has_its_card_and_is_still_held(hands, client):
    hands.send(PLAN)
    hands.post("delete")
    client.post(f"{hands.url}restore/")
    assert hands.state()["conversation"]["care"] == "held"
    assert kinds(hands) == ["ai", "user", "held"]


def test_a_reply_that_had_failed_is_not_asked_again_while_the_card_stands(hands):
    hands.send("Hello")
    Reply.objects.update(state="failed", due_at=None)
    hands.send(PLAN)
    assert hands.post("retry").status_code == 400
    assert not Reply.objects.filter(state__in=Reply.OWED).exists()


def test_the_same_message_again_is_the_same_answer(hands):
    first = hands.send(PLAN, "5d1a8f40-7f53-4d8e-9a3e-1c1a5b0f2f11")
    again = hands.send(PLAN, "5d1a8f40-7f53-4d8e-9a3e-1c1a5b0f2f11")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert counted() == {("interrupted", 3): 1}


@needs_postgres
def test_many_tabs_at_once_bring_one_card(hands):
    tabs = [signed_in(hands) for _ in range(6)]
    assert race(lambda number: tabs[number].send(PLAN).status_code, 6) == [201] * 6
    assert kinds(hands).count("held") == 1
    assert hands.free() == 10


@needs_postgres
def test_a_worker_that_ends_its_reply_at_that_moment_owes_no_next_one(hands):
    other = signed_in(hands)
    for number in range(5):
        hands.send(f"Hello {number}")
        together(work, lambda: other.send(PLAN))
        assert not Reply.objects.filter(state__in=Reply.OWED).exists()
        last = Message.objects.filter(conversation=hands.conversation).order_by("seq").last()
        assert Conversation.objects.get().held_at
        assert last.sender != "user" or last.text == PLAN
        hands.post("go-on")
        work()


# --- Clear distress ---


def test_distress_brings_the_card_above_her_reply_and_costs_nothing(hands):
    response = hands.send(DISTRESS)
    assert [notice["notice"] for notice in response.json()["notices"]] == ["help"]
    assert response.json()["reply"]["state"] == "queued"
    work()
    assert kinds(hands) == ["ai", "user", "help", "ai"]
    assert hands.free() == 10
    assert counted() == {("card", 2): 1}


def test_the_card_does_not_come_again_within_half_an_hour_however_often_it_is_said(hands):
    hands.send(DISTRESS)
    for minutes in (10, 10, 5):
        earlier(hands, minutes)
        hands.send(DISTRESS)
        assert kinds(hands).count("help") == 1
    earlier(hands, 6)
    hands.send(DISTRESS)
    assert kinds(hands).count("help") == 2
    assert hands.free() == 10
    assert counted() == {("card", 2): 2, ("noted", 2): 3}


def test_what_is_graver_is_never_kept_back(hands):
    hands.send(DISTRESS)
    hands.send(PLAN)
    assert kinds(hands)[-1] == "held"


def earlier(hands, minutes):
    """Let so much time go by."""
    by = timedelta(minutes=minutes)
    for message in Message.objects.all():
        Message.objects.filter(pk=message.pk).update(created_at=message.created_at - by)
    for row in Conversation.objects.exclude(care_at=None):
        Conversation.objects.filter(pk=row.pk).update(care_at=row.care_at - by)


# --- A note ---


def test_a_note_shows_nothing_and_costs_as_ever(hands):
    response = hands.send(NOTE)
    assert response.json()["notices"] == []
    assert response.json()["conversation"]["care"] == ""
    assert hands.free() == 9
    assert counted() == {("noted", 1): 1}
    assert Conversation.objects.get().care_level == 1


def test_ordinary_words_leave_no_trace(hands):
    hands.send("I'm dying to see you, that joke killed me")
    assert counted() == {}
    assert Conversation.objects.get().care_level == 0


# --- Nothing is sold, and nobody is stopped ---


@pytest.mark.parametrize("text", [PLAN, DISTRESS])
def test_without_a_free_message_left_it_is_sent_all_the_same(hands, text):
    set_free(hands, 0)
    assert hands.send("Hello").status_code == 402
    assert hands.send(text).status_code == 201
    assert hands.send("and there is more").status_code == 201
    assert hands.free() == 0
    html = hands.client.get(hands.url).content.decode()
    assert 'data-quota="care"' in html


def test_an_hour_later_the_quota_is_back(hands):
    set_free(hands, 0)
    hands.send(DISTRESS)
    earlier(hands, 31)
    assert hands.send("Hello").status_code == 402


def test_asking_again_after_a_failure_costs_nothing_either(hands):
    hands.send(DISTRESS)
    Reply.objects.update(state="failed", due_at=None)
    set_free(hands, 0)
    assert hands.post("retry").status_code == 201
    assert hands.free() == 0


# --- Where it is seen ---


@pytest.mark.asyncio
async def test_every_open_tab_is_told(hands):
    async with Tab(hands.client) as one, Tab(hands.client) as other:
        await sync_to_async(hands.send)(PLAN)
        for tab in (one, other):
            heard = await tab.hear_until("thread")
            said = [frame["message"] for frame in heard if frame["type"] == "message"]
            assert [message.get("notice") for message in said] == [None, "held"]
            assert said[1]["help"]["ways"]
            assert next(frame for frame in heard if frame["type"] == "conversation")["conversation"]["care"] == "held"
            assert heard[-1]["thread"]["preview"] == f"You: {PLAN}"
            assert not heard[-1]["thread"]["unread"]
        await asyncio.gather(sync_to_async(hands.post)("go-on"), one.hear_until("reply"), other.hear_until("reply"))


def test_with_redis_away_the_card_is_in_the_answer(hands, settings):
    settings.REDIS_URL, settings.BELLS = "redis://127.0.0.1:1/0", "celery"
    layer = {"BACKEND": "config.lib.layers.RedisLayer", "CONFIG": {"url": settings.REDIS_URL, "prefix": "dusk:test"}}
    settings.CHANNEL_LAYERS = {"default": layer}
    response = hands.send(PLAN)
    assert response.status_code == 201
    assert [notice["notice"] for notice in response.json()["notices"]] == ["held"]
    assert response.json()["notices"][0]["help"]["ways"]


def test_the_card_is_of_the_members_country_and_else_of_their_browsers(hands, alice):
    hands.send(DISTRESS)
    assert card_of(hands)["help"]["number"] == ""
    assert [way["kind"] for way in card_of(hands)["help"]["ways"]] == ["web"]
    hands.client.defaults["HTTP_ACCEPT_LANGUAGE"] = "en-GB,en;q=0.8"
    hands.send(PLAN)
    assert card_of(hands)["help"]["number"] == "999"


def test_numbers_of_the_card_are_those_of_the_table_in_every_country(hands):
    hands.send(PLAN)
    codes = [code for code, _ in helplines.countries()]
    assert len(codes) >= 25
    for code in codes:
        Message.objects.filter(notice="held").update(country=code)
        there, shown = helplines.for_country(code), card_of(hands)["help"]
        ways = {kind: [way["url"] for way in shown["ways"] if way["kind"] == kind] for kind in ("call", "text")}
        assert ways["call"] == [line.call for line in (*there.lines, *there.texts) if line.call][:3]
        assert ways["text"] == [line.text for line in (*there.lines, *there.texts) if line.text][:3]
        assert shown["url"] == there.emergency[0].call
        assert shown["number"].replace(" ", "") == there.emergency[0].tel
    Message.objects.filter(notice="held").update(country="ZZ")
    assert [way["kind"] for way in card_of(hands)["help"]["ways"]] == ["web"]


def test_a_corrected_number_is_right_in_old_cards_too(hands, alice):
    loading.load()
    helplines.forget()
    alice.country = "US"
    alice.save()
    hands.send(PLAN)
    assert "Call 988" in [way["title"] for way in card_of(hands)["help"]["ways"]]
    Helpline.objects.filter(country="US", tel="988").update(tel="989", display="989")
    helplines.forget()
    assert "Call 989" in [way["title"] for way in card_of(hands)["help"]["ways"]]
    helplines.forget()


def test_the_thread_list_and_the_search_show_what_was_said_and_never_the_card(hands):
    hands.send(PLAN)
    (thread,) = hands.client.get("/chat/threads/").json()["threads"]
    assert PLAN in thread["preview"]
    assert hands.client.get("/chat/search/", {"q": "emergency"}).json()["found"] == []


def test_deleting_what_was_said_last_does_not_show_the_card_as_preview(hands):
    hands.send("Hello")
    hands.send(PLAN)
    conversation = Conversation.objects.get()
    with transaction.atomic():
        conversation = Conversation.objects.locked(conversation.pk)
        conversation.erase(conversation.messages.get(text=PLAN))
    assert hands.client.get("/chat/threads/").json()["threads"][0]["preview"] == "You: Hello"


def test_her_model_never_reads_the_sites_lines(hands, monkeypatch):
    hands.send(DISTRESS)
    asked = []
    build = replying.build_request
    monkeypatch.setattr(replying, "build_request", lambda **said: asked.append(said) or build(**said))
    work()
    assert DISTRESS in str(asked)
    assert "free and in private" not in str(asked)
