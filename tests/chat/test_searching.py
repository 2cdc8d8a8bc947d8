"""Finding what was said, in one's own conversations."""

from urllib.parse import urlencode

import pytest

from tests.factories import ConversationFactory, GirlFactory, MessageFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded]


def search(client, words, **more):
    return client.get(f"/chat/search/?{urlencode({'q': words, **more})}")


def hits(client, words):
    return [(hit["girl"]["name"], hit["seq"], hit["text"]) for hit in search(client, words).json()["found"]]


def test_words_are_found_in_what_both_said_the_newest_place_first(client, hands):
    MessageFactory(conversation=hands.conversation, text="The kiln was hot.", hers=True)
    MessageFactory(conversation=hands.conversation, text="What is a KILN, really?")
    assert hits(client, "kiln") == [("Mara", 3, "You: What is a KILN, really?")]
    assert hits(client, "was hot") == [("Mara", 2, "The kiln was hot.")]
    assert hits(client, "unheard of") == []


def test_one_sees_where_in_a_long_message_it_was_said(client, hands):
    MessageFactory(conversation=hands.conversation, text="word " * 100 + "the needle " + "hay " * 100, hers=True)
    ((_, _, text),) = hits(client, "needle")
    assert text.startswith("…word")
    assert text.endswith("…")
    assert "the needle hay" in text


def test_nobody_finds_what_others_said(client, hands, charlie):
    MessageFactory(conversation=ConversationFactory(user=charlie), text="A secret of Charlie's", hers=True)
    assert hits(client, "secret") == []


def test_what_was_deleted_is_not_found(client, hands):
    hands.send("A secret")
    message = hands.conversation.messages.get(text="A secret")
    assert hits(client, "secret")
    hands.conversation.refresh_from_db()
    hands.conversation.erase(message)
    assert hits(client, "secret") == []
    MessageFactory(conversation=hands.conversation, text="Another secret")
    hands.post("delete")
    assert hits(client, "secret") == []


@pytest.mark.parametrize("words", ["100%", "a_b", "back\\slash", "'; DROP TABLE", "[x]^-|$", "(?i)x"])
def test_words_are_words_whatever_they_look_like(client, hands, words):
    assert hits(client, words) == []
    MessageFactory(conversation=hands.conversation, text=f"so {words} it is", hers=True)
    assert len(hits(client, words)) == 1


@pytest.mark.parametrize("words", ["", "   ", "\t"])
def test_nothing_is_found_by_nothing(client, hands, words):
    assert hits(client, words) == []


def test_odd_questions_are_refused(client, hands):
    assert search(client, "a\x00b").status_code == 400
    assert search(client, "a", before="nonsense").status_code == 400
    assert search(client, "x" * 10_000).status_code in {200, 400, 414}


def test_pages_follow_each_other_without_gap_or_repeat(client, hands, alice):
    for number in range(45):
        conversation = ConversationFactory(user=alice, girl=GirlFactory(name=f"Girl {number}"))
        MessageFactory(conversation=conversation, text="the same words", hers=True)
    seen, before = [], {}
    while True:
        page = search(client, "same words", **before).json()
        seen += [hit["conversation"] for hit in page["found"]]
        if page["next"] is None:
            break
        before = {"before": page["next"]}
    assert len(seen) == len(set(seen)) == 45


def test_searching_costs_four_queries_however_much_is_found(client, hands, alice, django_assert_num_queries):
    for _ in range(5):
        MessageFactory(conversation=ConversationFactory(user=alice), text="the same words", hers=True)
    with django_assert_num_queries(4):  # session, user, conversations, messages
        assert len(hits(client, "same words")) == 5
