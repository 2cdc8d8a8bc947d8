"""Deleting a conversation, and bringing it back."""

import threading
import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from chat import replying
from chat.models import Alternative, Conversation, Erasure, Message, Reply
from config.lib import owed
from girls.models import Girl
from tests.chat.conftest import work
from tests.chat.test_replying import Writing, hosts  # noqa: F401 - hosts is a fixture
from tests.config.processes import until
from tests.fakes.model_host import HANG, delta
from tests.fakes.model_host import said as said_by_host

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded]


@pytest.fixture
def heard_beside(settings):
    """A worker beside the test, who hears each bell."""
    settings.BELLS = "threads"
    yield
    until(lambda: not Reply.objects.owed().exists(), what="an idle worker")


def said(hands):
    return [m["text"] for m in hands.state()["messages"]]


def after_a_minute(hands):
    """The sweep comes by."""
    Erasure.objects.update(due_at=timezone.now() - timedelta(seconds=5))
    owed.sweep()


def restore(client, pk):
    return client.post(f"/chat/{pk}/restore/", follow=True)


def test_a_deleted_conversation_is_gone_at_once_and_its_words_after_a_minute(client, hands, heard):
    hands.send("A secret")
    work()
    assert hands.post("delete").status_code == 204
    assert client.get(hands.url).status_code == 404
    assert client.get("/chat/threads/").json()["threads"] == []
    assert hands.send("Are you there?").status_code == 404
    after_a_minute(hands)
    assert not Message.objects.exists()
    assert not Reply.objects.exists()
    assert not Alternative.objects.exists()
    assert not Erasure.objects.exists()
    assert Conversation.objects.get().last_message_preview == ""


def test_nothing_is_erased_before_the_minute_is_over(hands, heard):
    hands.send("A secret")
    work()
    hands.post("delete")
    owed.sweep()
    assert Message.objects.filter(text="A secret").exists()


def test_undo_brings_back_what_was_said_and_what_is_left(client, hands, heard):
    hands.send("Keep this")
    work()
    before = hands.state()
    hands.post("delete")
    page = restore(client, hands.conversation.pk)
    assert page.redirect_chain[-1][0] == hands.url
    after = hands.state()
    assert after["messages"] == before["messages"]
    assert after["conversation"]["free_remaining"] == before["conversation"]["free_remaining"]
    assert [t["conversation"] for t in client.get("/chat/threads/").json()["threads"]] == [str(hands.conversation.pk)]
    after_a_minute(hands)
    assert said(hands) == [m["text"] for m in before["messages"]]
    assert hands.send("And on").status_code == 201


def test_a_tab_that_was_open_all_along_is_whole_after_undo(client, hands):
    hands.send("Keep this")
    work()
    known = hands.state()
    hands.post("delete")
    restore(client, hands.conversation.pk)
    news = hands.state(after=known["conversation"]["version"])
    assert news["has_more"] is False
    assert news["messages"] == []


def test_a_reply_that_was_on_its_way_can_be_asked_for_again_after_undo(client, hands):
    hands.send("Hello?")
    hands.post("delete")
    restore(client, hands.conversation.pk)
    assert hands.state()["reply"]["can_retry"] is True
    assert hands.free() == 10
    assert hands.post("retry").status_code == 201


def free_now(client, hands, mara):
    """What is left when the member starts anew."""
    client.post(f"/girls/{mara.slug}/chat/")
    return hands.free()


def ended():
    return until(lambda: not Reply.objects.owed().exists(), what="an end of what was owed")


def test_what_was_read_before_one_deletes_is_not_given_back(client, hands, hosts, mara):  # noqa: F811
    hands.send("Tell me a story.")
    with Writing(hosts[0], "words that were read"):
        hands.post("delete")
    assert free_now(client, hands, mara) == 9


def test_what_was_read_and_not_saved_yet_is_not_given_back_either(
    client,
    hands,
    hosts,  # noqa: F811
    mara,
    heard_beside,
    settings,
):
    settings.REPLY_LEASE_SECONDS = 300  # saved three times in that
    hosts[0].play([delta("Once upon a time "), HANG])
    hands.send("Tell me a story.")
    until(lambda: any(draft.text for draft in list(replying.desk().drafts.values())), what="words in the tab")
    assert Reply.objects.get().text == ""
    hands.post("delete")
    assert ended()
    assert free_now(client, hands, mara) == 9


def test_who_deletes_while_nothing_comes_gets_the_message_back(client, hands, hosts, mara, heard_beside):  # noqa: F811
    hosts[0].play([HANG])
    hands.send("Hello?")
    until(lambda: hosts[0].requests, what="a question to the model")
    hands.post("delete")
    assert ended()
    assert free_now(client, hands, mara) == 10


def test_what_was_kept_is_not_given_back_by_undo_and_another_try_that_is_deleted(client, hands, hosts, mara):  # noqa: F811
    hands.send("Tell me a story.")
    with Writing(hosts[0], "words that were read"):
        hands.send("And another.")
        hands.post("delete")
    work()
    restore(client, hands.conversation.pk)
    assert hands.free() == 9  # the second was not begun
    assert hands.post("retry").status_code == 201
    assert hands.free() == 7  # asking again costs what it answers
    hands.post("delete")
    assert free_now(client, hands, mara) == 9


def test_undo_in_time_lets_her_go_on(client, hands, hosts, heard_beside):  # noqa: F811
    go_on = threading.Event()
    hosts[0].play([go_on, *said_by_host("Here I am.")])
    hands.send("Hello?")
    until(lambda: hosts[0].requests, what="a question to the model")
    hands.post("delete")
    restore(client, hands.conversation.pk)
    go_on.set()
    assert ended()
    assert said(hands)[-1] == "Here I am."


def test_undo_that_comes_too_late_says_so_and_brings_nothing_back(client, hands, heard):
    hands.send("A secret")
    work()
    hands.post("delete")
    after_a_minute(hands)
    assert "too late" in restore(client, hands.conversation.pk).text
    assert client.get(hands.url).status_code == 404


@pytest.mark.parametrize("form", ["delete", "restore"])
def test_who_had_to_sign_in_on_the_way_comes_back_to_the_chat(client, hands, form):
    asked = Client().post(f"{hands.url}{form}/")
    assert asked["Location"].partition("next=")[2] == hands.url
    assert client.get(f"{hands.url}{form}/").status_code == 405


def test_undo_pressed_twice_is_undo(client, hands):
    hands.post("delete")
    restore(client, hands.conversation.pk)
    restore(client, hands.conversation.pk)
    assert client.get(hands.url).status_code == 200


def test_who_starts_anew_does_not_get_the_old_words_back(client, hands, mara, heard):
    hands.send("A secret")
    work()
    hands.post("delete")
    client.post(f"/girls/{mara.slug}/chat/")
    assert said(hands) == [mara.greeting]
    assert "too late" in restore(client, hands.conversation.pk).text
    after_a_minute(hands)
    assert said(hands) == [mara.greeting]
    assert not Message.objects.filter(text="A secret").exists()


def test_nobody_brings_back_what_is_not_theirs(hands, charlie):
    hands.post("delete")
    other = Client()
    other.force_login(charlie)
    answers = [restore(other, pk) for pk in (hands.conversation.pk, uuid.uuid4())]
    assert [answer.redirect_chain for answer in answers] == [answers[0].redirect_chain] * 2
    assert Conversation.objects.get().deleted_at is not None


def test_the_next_page_offers_to_undo_whatever_page_that_is(client, hands):
    hands.post("delete")
    page = client.get("/plans/").text
    assert "Your chat with Mara was deleted." in page
    assert f'action="/chat/{hands.conversation.pk}/restore/"' in page
    assert "was deleted" not in client.get("/plans/").text  # once


def test_without_a_script_one_deletes_by_a_form(client, hands):
    page = client.get(hands.url).text
    assert f'action="/chat/{hands.conversation.pk}/delete/"' in page
    answer = client.post(f"{hands.url}delete/", follow=True)
    assert answer.redirect_chain[-1][0] == "/chat/"
    assert "Your chat with Mara was deleted." in answer.text
    assert client.post(f"{hands.url}delete/", follow=True).status_code == 200  # twice is as good


def test_a_character_who_was_hidden_has_no_links_that_lead_nowhere(client, hands, mara):
    link = f'href="/girls/{mara.slug}/"'
    assert client.get(hands.url).text.count(link) >= 3
    Girl.objects.filter(pk=mara.pk).update(is_active=False)
    page = client.get(hands.url)
    assert page.status_code == 200
    assert link not in page.text
    assert "is not on Dusk at the moment" in page.text
    assert hands.send("Still there?").status_code == 201


@pytest.mark.parametrize("months", [0, 13])
def test_a_chat_of_another_year_shows_its_year(client, hands, months):
    when = timezone.now() - timedelta(days=30.5 * months)
    Conversation.objects.update(last_message_at=when)
    words = f"{when.day} {when:%b}" + (f" {when.year}" if months else "")
    assert f">{words}</time>" in client.get("/chat/").text


def test_the_number_of_unread_chats_is_asked_for_with_three_queries(client, hands, django_assert_num_queries):
    assert client.get("/chat/unread/").json() == {"unread": 1}  # her greeting
    hands.post("read", {"seq": 1})
    with django_assert_num_queries(3):  # session, user, count
        assert client.get("/chat/unread/").json() == {"unread": 0}
