"""A tab that was away misses nothing; nobody reads what is not theirs."""

import uuid
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from chat.models import Conversation, Message
from tests.chat.conftest import Hands, work
from tests.factories import ConversationFactory, GirlFactory, MessageFactory, PermitFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded]


def test_a_hard_refresh_keeps_everything(client, hands):
    hands.send("What are you making?")
    work()
    page = client.get(hands.url)
    assert page.status_code == 200
    text = page.content.decode()
    for message in hands.state()["messages"]:
        assert message["id"] in text
    assert "no-store" in page["Cache-Control"]


def test_a_tab_that_knew_a_version_ends_like_a_fresh_page(hands):
    known = hands.state()
    hands.send("one")
    work()
    hands.send("two")
    hands.post("read", {"seq": 3})
    changes = hands.state(after=known["conversation"]["version"])
    merged = {m["seq"]: m for m in known["messages"]} | {m["seq"]: m for m in changes["messages"]}
    fresh = hands.state()
    assert [merged[seq] for seq in sorted(merged)] == fresh["messages"]
    assert changes["conversation"] == fresh["conversation"]
    assert changes["reply"] == fresh["reply"]
    assert hands.state(after=fresh["conversation"]["version"])["messages"] == []


def test_a_tab_far_behind_is_told_to_start_again(hands):
    Message.objects.bulk_create(
        Message(conversation=hands.conversation, seq=n, version=n, sender="ai", text="x") for n in range(2, 300)
    )
    Conversation.objects.update(version=299, last_seq=299)
    changes = hands.state(after=1)
    assert changes["has_more"] is True
    assert changes["messages"] == []
    assert hands.state(after=150)["has_more"] is False


def test_older_messages_come_fifty_at_a_time_without_gap_or_repeat(client, hands):
    for n in range(120):
        MessageFactory(conversation=Conversation.objects.get(), text=f"message {n}")
    fresh = hands.state()
    assert fresh["has_more"] is True
    seqs = [m["seq"] for m in fresh["messages"]]
    assert len(seqs) == 50
    while True:
        answer = client.get(f"{hands.url}messages/", {"before": seqs[0]}).json()
        seqs = [m["seq"] for m in answer["messages"]] + seqs
        if not answer["has_more"]:
            break
    assert seqs == list(range(1, 122))


@pytest.mark.parametrize("query", ["after=x", "after=-1", "after=1e3", "after=" + "9" * 40, "after=٣"])
def test_a_senseless_version_is_refused(client, hands, query):
    assert client.get(f"{hands.url}state/?{query}").json()["error"]["code"] == "bad_request"


def test_the_thread_list_shows_preview_and_unread_which_clears_on_read(client, hands):
    hands.post("read", {"seq": 1})
    hands.send("Tell me something")
    (row,) = client.get("/chat/threads/").json()["threads"]
    assert set(row) == {"conversation", "girl", "preview", "last_message_at", "unread", "typing"}
    assert row["preview"] == "You: Tell me something"
    assert (row["unread"], row["typing"]) == (False, True)
    work()
    (row,) = client.get("/chat/threads/").json()["threads"]
    answer = hands.state()["messages"][-1]
    assert answer["text"].replace("*", "").startswith(row["preview"].rstrip("…")[:40])
    assert (row["unread"], row["typing"]) == (True, False)
    assert hands.post("read", {"seq": answer["seq"]}).status_code == 204
    (after,) = client.get("/chat/threads/").json()["threads"]
    assert after["unread"] is False
    assert after["last_message_at"] == row["last_message_at"]  # reading changes no order


def test_reading_never_goes_backwards_or_beyond(hands):
    hands.send()
    hands.post("read", {"seq": 99})
    assert hands.state()["conversation"]["last_read_seq"] == 2
    hands.post("read", {"seq": 1})
    assert hands.state()["conversation"]["last_read_seq"] == 2
    assert hands.post("read", {"seq": "x"}).status_code == 400


def test_threads_are_paged_newest_first(client, alice):
    client.force_login(alice)
    for n in range(60):
        MessageFactory(conversation=ConversationFactory(user=alice, girl=GirlFactory()), text=f"hi {n}")
    first = client.get("/chat/threads/").json()
    rest = client.get("/chat/threads/", {"before": first["next"]}).json()
    assert (len(first["threads"]), len(rest["threads"])) == (50, 10)
    assert (rest["has_more"], rest["next"]) == (False, None)
    assert [t["preview"] for t in first["threads"] + rest["threads"]] == [f"You: hi {n}" for n in range(59, -1, -1)]


def test_threads_of_one_and_the_same_moment_are_all_listed_once(client, alice):
    client.force_login(alice)
    moment = datetime(2026, 3, 1, 9, 5, 7, 123456, tzinfo=UTC)
    mine = {str(ConversationFactory(user=alice, girl=GirlFactory()).pk) for _ in range(120)}
    Conversation.objects.update(last_message_at=moment)
    pages = [client.get("/chat/threads/").json()]
    while pages[-1]["next"]:
        pages.append(client.get("/chat/threads/", {"before": pages[-1]["next"]}).json())
    assert [len(page["threads"]) for page in pages] == [50, 50, 20]
    listed = [row["conversation"] for page in pages for row in page["threads"]]
    assert len(listed) == len(set(listed))
    assert set(listed) == mine


def test_the_pages_themselves_say_where_the_list_goes_on(client, hands, alice):
    for _ in range(50):
        ConversationFactory(user=alice, girl=GirlFactory())
    for url in ("/chat/", hands.url):
        started = client.get(url).context["state_json"]
        rest = client.get("/chat/threads/", {"before": started["next"]}).json()["threads"]
        assert len(started["threads"]) == 50
        assert [row["conversation"] for row in rest] == [str(hands.conversation.pk)]


def test_a_tab_from_before_the_deploy_pages_by_time(client, alice):
    client.force_login(alice)
    for minute in range(3):
        talk = ConversationFactory(user=alice, girl=GirlFactory())
        Conversation.objects.filter(pk=talk.pk).update(last_message_at=datetime(2026, 3, 1, 9, minute, tzinfo=UTC))
    for before in ("2026-03-01T09:02:00Z", "2026-03-01T10:02:00+01:00"):
        rows = client.get(f"/chat/threads/?before={before}").json()["threads"]
        assert [row["last_message_at"] for row in rows] == ["2026-03-01T09:01:00Z", "2026-03-01T09:00:00Z"]


@pytest.mark.parametrize(
    "before",
    [
        "",
        "soon",
        "2026-03-01",
        "2026-03-01T09:00:00",
        "2026-13-01T09:00:00Z",
        "2026-03-01T09:00:00Z~x",
        "~",
        "0001-01-01T00:00:00+10:00",
    ],
)
def test_a_senseless_place_in_the_list_is_refused(client, alice, before):
    client.force_login(alice)
    answer = client.get("/chat/threads/", {"before": before})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request")


def test_previews_are_one_short_line_without_controls(client, hands):
    MessageFactory(conversation=Conversation.objects.get(), text="a\u202eb\n\n*c*   d " + "x" * 300, sender="ai")
    (row,) = client.get("/chat/threads/").json()["threads"]
    assert row["preview"].startswith("ab c d xxx")
    assert len(row["preview"]) == 141
    assert row["preview"].endswith("…")


def private_doors(pk, slug):
    return [
        ("get", "/chat/"),
        ("get", "/chat/latest/"),
        ("get", "/chat/threads/"),
        ("post", "/chat/permits/"),
        ("post", f"/girls/{slug}/chat/"),
        *[("get", f"/chat/{pk}/{what}") for what in ("", "state/", "messages/?before=5")],
        *[("post", f"/chat/{pk}/{what}/") for what in ("messages", "read", "retry", "stop", "delete")],
    ]


def test_a_visitor_is_sent_to_sign_in_from_every_private_door(hands, mara, settings):
    settings.AGE_GATE = False
    visitor = Client()
    for method, url in private_doors(hands.conversation.pk, mara.slug):
        response = getattr(visitor, method)(url)
        assert response.status_code in {302, 401}, url
        if response.status_code == 302:
            begins = url == f"/girls/{mara.slug}/chat/"  # what a visitor wants of her survives sign-up
            door = "/accounts/signup/" if begins else "/accounts/login/"
            assert response["Location"].startswith(door), url


def test_a_strangers_every_request_is_answered_like_an_absent_one(hands, alice, charlie):
    hands.send("private words")
    work()
    stranger = Client()
    stranger.force_login(charlie)
    theirs, absent = str(hands.conversation.pk), str(uuid.uuid4())
    permit = PermitFactory(user=charlie)
    body = {"text": "hi", "client_id": str(uuid.uuid4()), "permit": str(permit.pk), "seq": 1, "seen": 0}
    for what in ("", "state/", "state/?after=0", "messages/?before=9"):
        foreign, missing = (stranger.get(f"/chat/{pk}/{what}") for pk in (theirs, absent))
        assert foreign.status_code == missing.status_code == 404, what
        if what:
            assert foreign.content == missing.content, what
    for what in ("messages", "read", "retry", "stop", "delete"):
        urls = [f"/chat/{pk}/{what}/" for pk in (theirs, absent)]
        foreign, missing = (stranger.post(url, body, content_type="application/json") for url in urls)
        assert foreign.status_code == missing.status_code == 404, what
        assert foreign.content == missing.content, what
    assert Message.objects.count() == 3
    assert stranger.get("/chat/threads/").json()["threads"] == []


def test_persona_and_voice_never_leave_the_server(client, hands):
    hands.send()
    work()
    for url in ("/chat/", hands.url, f"{hands.url}state/", "/chat/threads/", "/chat/latest/"):
        assert b"SECRET-" not in client.get(url).content, url


def test_queries_are_constant_in_history_and_in_threads(client, hands, alice, django_assert_num_queries):
    def counted():
        # session, user, conversation (overdue?), reply, messages, threads, lowest price
        with django_assert_num_queries(7):
            client.get(hands.url)
        with django_assert_num_queries(3):  # session, user, conversations + girl + user + typing
            client.get("/chat/")
        with django_assert_num_queries(3):
            client.get("/chat/threads/")
        with django_assert_num_queries(5):  # session, user, conversation (overdue?), reply, messages
            client.get(f"{hands.url}state/")
        with django_assert_num_queries(5):
            client.get(f"{hands.url}state/", {"after": 1})
        with CaptureQueriesContext(connection) as sent:
            hands.send()
        work()
        return len(sent)

    hands.send()
    work()
    few = counted()
    start = Conversation.objects.get().last_seq + 1
    Message.objects.bulk_create(
        Message(conversation=hands.conversation, seq=n, version=n, sender="ai", text="x") for n in range(start, 10_000)
    )
    Conversation.objects.update(last_seq=9_999)
    for _ in range(49):
        ConversationFactory(user=alice, girl=GirlFactory())
    assert counted() == few  # what a send costs is said in test_sending


def test_hands_of_a_fresh_client_see_the_same(hands, alice, permit):
    hands.send()
    other = Client()
    other.force_login(alice)
    assert Hands(other, hands.conversation, permit).state() == hands.state()
