"""One send, one message, one charge."""

import json
import threading
import uuid

import pytest
from django.db import OperationalError, connection, connections, transaction
from django.test import Client

from chat.models import Conversation, Message, Reply
from tests.chat.conftest import Hands, uses_left, work
from tests.factories import PermitFactory, UserFactory
from tests.limits import until_refused
from tests.racing import needs_postgres, race

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded]


def in_parallel(count, deed):
    """Run a deed on many threads at once; what each returned."""
    barrier, results = threading.Barrier(count), [None] * count

    def run(index):
        barrier.wait()
        try:
            results[index] = deed(index)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def signed_in(user):
    client = Client()
    client.force_login(user)
    return client


def nothing_happened(hands, permit):
    """No message, no charge, no permit use, no reply owed."""
    return (
        hands.free() == 10
        and uses_left(permit) == 1000
        and not Message.objects.filter(sender="user").exists()
        and not Reply.objects.exists()
    )


def test_a_conversation_opens_with_her_greeting(hands, mara):
    state = hands.state()
    assert [(m["sender"], m["text"]) for m in state["messages"]] == [("ai", mara.greeting)]
    assert state["reply"] is None


def test_starting_twice_reopens_the_same_conversation_and_greets_once(client, talk, mara):
    response = client.post(f"/girls/{mara.slug}/chat/")
    assert response.status_code == 302
    assert response["Location"] == f"/chat/{talk.pk}/"
    assert talk.messages.count() == 1


def test_starting_in_many_tabs_at_once_greets_once(alice, mara):
    answers = in_parallel(6, lambda _: signed_in(alice).post(f"/girls/{mara.slug}/chat/").status_code)
    assert answers == [302] * 6
    assert Message.objects.count() == 1


def test_sending_answers_with_message_reply_and_header(hands):
    client_id = uuid.uuid4()
    response = hands.send("How was your day?", client_id)
    assert response.status_code == 201
    body = response.json()
    assert set(body) == {"message", "reply", "conversation", "notices"}
    assert set(body["message"]) == {
        "id", "seq", "version", "sender", "kind", "text", "html", "media", "audio", "created_at", "edited_at",
        "client_id", "alternatives", "chosen",
    }  # fmt: skip
    assert body["message"] | {"id": 0, "created_at": 0} == {
        "id": 0,
        "seq": 2,
        "version": 2,
        "sender": "user",
        "kind": "text",
        "text": "How was your day?",
        "html": '<p dir="auto">How was your day?</p>',
        "media": None,
        "audio": None,
        "edited_at": None,
        "alternatives": 1,
        "chosen": 1,
        "created_at": 0,
        "client_id": str(client_id),
    }
    assert body["reply"] | {"id": 0} == {
        "id": 0,
        "state": "queued",
        "text": "",
        "can_retry": False,
        "message": None,
        "replaces": None,
    }
    assert body["conversation"]["version"] == 2
    assert body["conversation"]["free_remaining"] == {"text": 9, "media": 2, "audio": 3}
    assert body["conversation"]["premium_active"] is False


def test_sending_the_same_client_id_twice_sends_once(hands, permit):
    client_id = uuid.uuid4()
    first, second = hands.send("Hello", client_id), hands.send("Hello", client_id)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    assert hands.free() == 9
    assert uses_left(permit) == 999
    assert Reply.objects.count() == 1


def test_the_same_client_id_from_many_tabs_at_once_is_one_message_and_equal_answers(hands, alice, permit):
    client_id = uuid.uuid4()

    def deed(_):
        return Hands(signed_in(alice), hands.conversation, permit).send("Hello", client_id)

    answers = in_parallel(5, deed)
    assert sorted(a.status_code for a in answers) == [200, 200, 200, 200, 201]
    assert len({json.dumps(a.json(), sort_keys=True) for a in answers}) == 1
    assert hands.free() == 9
    assert uses_left(permit) == 999


def test_free_messages_never_fall_below_zero_under_concurrent_sends(hands, alice, permit):
    Conversation.objects.update(free_text=4)
    answers = in_parallel(12, lambda _: Hands(signed_in(alice), hands.conversation, permit).send().status_code)
    assert sorted(answers) == [201] * 4 + [402] * 8
    assert hands.free() == 0
    assert uses_left(permit) == 996
    assert Message.objects.filter(sender="user", charged_as="text").count() == 4


def test_the_last_free_message_goes_to_one_of_twenty(hands, alice, permit):
    Conversation.objects.update(free_text=1)
    answers = in_parallel(20, lambda _: Hands(signed_in(alice), hands.conversation, permit).send().status_code)
    assert sorted(answers) == [201] + [402] * 19


def test_the_last_use_of_a_permit_goes_to_one_of_twenty(hands, alice):
    last = PermitFactory(user=alice, uses_left=1)
    answers = in_parallel(20, lambda _: Hands(signed_in(alice), hands.conversation, last).send().status_code)
    assert sorted(answers) == [201] + [403] * 19
    assert hands.free() == 9


def test_messages_sent_at_once_are_numbered_without_a_gap(hands, alice, permit):
    answers = in_parallel(8, lambda i: Hands(signed_in(alice), hands.conversation, permit).send(f"number {i}"))
    assert sorted(a.json()["message"]["seq"] for a in answers) == list(range(2, 10))
    assert sorted(a.json()["message"]["version"] for a in answers) == list(range(2, 10))
    assert len({a.json()["reply"]["id"] for a in answers}) == 1  # answered together


@needs_postgres
@pytest.mark.parametrize("moment", [1, 2, 3])
@pytest.mark.parametrize("deed", ["claim", "hand on"])
def test_a_worker_that_moves_while_a_message_is_sent_leaves_one_reply_owed(hands, moment, deed):
    hands.send("one")
    reply, token = Reply.objects.get(), uuid.uuid4()
    if deed == "hand on":
        Reply.objects.claim(reply.pk, token=token)
    questions = []

    def move(_):
        with transaction.atomic():
            if Reply.objects.select_for_update(skip_locked=True).filter(pk=reply.pk).exists():
                act = Reply.objects.claim if deed == "claim" else Reply.objects.release
                act(reply.pk, token=token)

    def then_the_worker_moves(execute, sql, params, many, context):
        if "chat_reply" in sql:
            questions.append(sql)
            if len(questions) == moment:
                assert race(move, 1) == [None]
        return execute(sql, params, many, context)

    with connection.execute_wrapper(then_the_worker_moves):
        answer = hands.send("two")
    assert answer.status_code == 201
    assert Reply.objects.get().pk == reply.pk


def test_out_of_quota_leaves_no_trace(hands, permit):
    Conversation.objects.update(free_text=0)
    response = hands.send()
    assert response.status_code == 402
    assert response.json()["error"]["code"] == "quota_exhausted"
    assert response.json()["error"]["kind"] == "text"
    assert uses_left(permit) == 1000
    assert not Message.objects.filter(sender="user").exists()
    assert not Reply.objects.exists()


def test_premium_is_never_charged(client, mara):
    vera = UserFactory(premium=True)
    client.force_login(vera)
    client.post(f"/girls/{mara.slug}/chat/")
    hands = Hands(client, Conversation.objects.get(user=vera), PermitFactory(user=vera, uses_left=50))
    Conversation.objects.update(free_text=0)
    for _ in range(3):
        assert hands.send().status_code == 201
    assert hands.free() == 0
    assert hands.state()["conversation"]["premium_active"] is True


def test_without_a_valid_permit_a_send_fails_and_leaves_no_trace(hands, permit, charlie):
    permits = [
        None, "", "not-a-uuid", 7, [str(permit.pk)], str(uuid.uuid4()),
        str(PermitFactory(user=hands.conversation.user, expired=True).pk),
        str(PermitFactory(user=hands.conversation.user, used_up=True).pk),
        str(PermitFactory(user=hands.conversation.user, scope="signup").pk),
        str(PermitFactory(user=charlie).pk),
    ]  # fmt: skip
    for bad in permits:
        response = hands.send(permit=bad)
        assert response.status_code == 403, bad
        assert response.json()["error"] == {"code": "security_check_failed", "message": "Security check failed"}
    assert nothing_happened(hands, permit)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty_message"),
        ("  \n\t ", "empty_message"),
        ("\u200b\u200d\u2060", "empty_message"),
        ("x" * 2001, "message_too_long"),
        ("before\x00after", "bad_request"),
        ({}, "bad_request"),
        (None, "bad_request"),
        (["hello"], "bad_request"),
        (5, "bad_request"),
    ],
)
def test_bad_text_is_refused_and_nothing_is_consumed(hands, permit, text, code):
    response = hands.send(text)
    assert response.status_code == 400
    assert response.json()["error"]["code"] == code
    assert nothing_happened(hands, permit)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b'{"text": "\xff\xfe"}',
        rb'{"text": "\ud800", "client_id": "7b1c52a2-3f2f-4e6e-9a45-0d9c2c1d7f11"}',
        b'{"text": "hello", "client_id": "seven"}',
        b'{"text": "hello", "client_id": ["7b1c52a2-3f2f-4e6e-9a45-0d9c2c1d7f11"]}',
        b'{"text": "hello"}',
        b"9" * 300_000,
    ],
)
def test_a_malformed_body_is_refused_and_nothing_is_consumed(client, hands, permit, body):
    response = client.post(f"{hands.url}messages/", body, content_type="application/json")
    assert response.status_code == 400
    assert response.json()["error"]["code"] in {"bad_request", "message_too_long"}
    assert nothing_happened(hands, permit)


@pytest.mark.parametrize(
    "text",
    ["\u202egnp.exe\u202c", "Z\u0351\u036f\u034ca\u0334\u0335l\u0337\u0321g\u0327o" + "\u0300" * 500, "👩‍👩‍👧‍👦 عربي"],
    ids=["bidi", "zalgo", "joined"],
)
def test_odd_writing_is_kept_as_it_was_written(client, hands, text):
    assert hands.send(text).json()["message"]["text"] == text
    assert hands.state()["messages"][-1]["text"] == text
    (row,) = client.get("/chat/threads/").json()["threads"]
    shown = row["preview"].removeprefix("You: ").removeprefix("\u2068").removesuffix("\u2069")  # its own direction
    assert not set(shown) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
    assert len(shown) <= 141


def test_two_thousand_characters_are_fine(hands):
    assert hands.send("x" * 2000).status_code == 201


def test_unknown_fields_are_ignored(hands):
    response = hands.send("Hello", sender="ai", is_premium=True, free_text_left=99, charged_as="", seq=77)
    assert response.status_code == 201
    assert response.json()["message"]["sender"] == "user"
    assert response.json()["message"]["seq"] == 2
    assert hands.free() == 9


def test_a_deed_is_not_a_link(client, hands):
    for what in ("retry", "stop", "read", "delete"):
        assert client.get(f"{hands.url}{what}/").status_code == 405
    assert client.get("/chat/permits/").status_code == 405
    profile = f"/girls/{hands.conversation.girl.slug}/"
    assert client.get(f"{profile}chat/")["Location"] == profile
    assert client.put(f"{hands.url}messages/").status_code == 405


def test_a_post_from_elsewhere_is_refused(hands, alice):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice)
    assert Hands(strict, hands.conversation, hands.permit).send().status_code == 403
    assert not Message.objects.filter(sender="user").exists()


def test_sixty_messages_a_minute_are_enough(hands, alice):
    alice.premium_until = None
    Conversation.objects.update(free_text=200)
    *sent, refused = until_refused(hands.send, 60)
    assert {answer.status_code for answer in sent} == {201}
    assert refused.json()["error"]["code"] == "too_many_requests"
    assert int(refused["Retry-After"]) > 0


def test_a_permit_is_minted_for_a_good_token_only(client, hands):
    good = client.post("/chat/permits/", {"token": "x", "scope": "chat_send"}, content_type="application/json")
    assert good.status_code == 201
    assert set(good.json()) == {"permit", "uses_left", "expires_at"}
    assert good.json()["uses_left"] == 5
    bad = client.post("/chat/permits/", {"token": "fail", "scope": "chat_send"}, content_type="application/json")
    assert bad.status_code == 403
    assert bad.json()["error"]["code"] == "security_check_failed"
    other = client.post("/chat/permits/", {"token": "x", "scope": "admin"}, content_type="application/json")
    assert other.status_code == 400


def test_a_flood_of_permits_is_told_to_wait(client, hands):
    body = {"token": "x", "scope": "chat_send"}
    *minted, refused = until_refused(lambda: client.post("/chat/permits/", body, content_type="application/json"), 20)
    assert {answer.status_code for answer in minted} == {201}
    assert refused.json()["error"]["code"] == "too_many_requests"
    assert 1 <= int(refused["Retry-After"]) <= 60


def test_a_minted_permit_sends_five_times(client, hands):
    body = client.post("/chat/permits/", {"token": "x", "scope": "chat_send"}, content_type="application/json").json()
    assert [hands.send(permit=body["permit"]).status_code for _ in range(6)] == [201] * 5 + [403]


def test_a_database_that_is_full_takes_nothing_and_says_so(client, hands, permit, settings):
    settings.DEBUG = False  # its own page of errors is not what members see
    client.raise_request_exception = False

    def full(execute, sql, params, many, context):
        if "INTO" in sql and "chat_message" in sql:
            raise OperationalError("could not extend file: No space left on device")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(full):
        refused = hands.post("messages", {"text": "Hi", "client_id": str(uuid.uuid4()), "permit": str(permit.pk)})
        assert client.get(hands.url).status_code == 200  # what was said can still be read
    assert refused.status_code == 503
    assert refused["Retry-After"]
    assert nothing_happened(hands, permit)
    assert hands.send().status_code == 201


def test_deleting_and_starting_again_does_not_bring_free_messages_back(client, hands, mara):
    hands.send()
    work()
    assert hands.post("delete").status_code == 204
    assert client.get(f"{hands.url}state/").status_code == 404
    assert client.get("/chat/threads/").json()["threads"] == []
    client.post(f"/girls/{mara.slug}/chat/")
    state = hands.state()
    assert [m["text"] for m in state["messages"]] == [mara.greeting]
    assert state["conversation"]["free_remaining"]["text"] == 9


def test_sending_counts_its_queries(hands, django_assert_num_queries):
    hands.send()
    work()
    together = connection.vendor == "postgresql"
    # session, user; begin, lock, everything that is written, which SQLite does one after the other, commit
    with django_assert_num_queries(6 if together else 9):
        hands.send()
