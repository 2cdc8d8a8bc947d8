"""What happens around a reply while it is being written."""

import re
import time

import pytest
from django.test import Client

from accounts.models import User
from girls.models import Girl
from tests.chat.conftest import work
from tests.chat.test_replying import Writing, hers, hosts, the_reply  # noqa: F401 - hosts is a fixture
from tests.factories import UserFactory
from tests.fakes.model_host import DONE, delta, event, finish, said

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded]


def test_what_is_written_so_far_is_saved_while_she_writes(hands, hosts, settings):  # noqa: F811
    settings.REPLY_LEASE_SECONDS = 3  # saved with each look
    hands.send()
    with Writing(hosts[0], "One two three four five", "six seven eight nine ten") as writing:
        state = hands.state()
        assert state["reply"]["state"] == "writing"
        assert "One two three four five".startswith(state["reply"]["text"].strip())
        assert hers(hands.conversation) == []
        writing.go_on.set()
    assert hers(hands.conversation) == ["One two three four five six seven eight nine ten"]


def test_a_member_deactivated_while_she_writes_gets_no_reply(hands, hosts, settings, alice):  # noqa: F811
    settings.REPLY_LEASE_SECONDS = 3
    hands.send()
    with Writing(hosts[0], "words for somebody who is gone by now") as writing:
        User.objects.filter(pk=alice.pk).update(is_active=False)
        writing.go_on.set()
    assert hers(hands.conversation) == []
    assert (the_reply().state, the_reply().text, the_reply().error) == ("failed", "", "member gone")
    hands.conversation.refresh_from_db()
    assert hands.conversation.free_text == 9  # what was read of it is paid for


def test_a_persona_that_changes_in_the_middle_is_for_the_next_reply(hands, hosts, settings, mara):  # noqa: F811
    settings.REPLY_LEASE_SECONDS = 3
    primary, _ = hosts
    hands.send()
    with Writing(primary, "the old one finishes", "what it began", then=[said("The new one speaks.")]) as writing:
        Girl.objects.filter(pk=mara.pk).update(persona_prompt="You are somebody else entirely.")
        writing.go_on.set()
    hands.send("And now?")
    work()
    assert hers(hands.conversation) == ["the old one finishes what it began", "The new one speaks."]
    first, second = (request.body["messages"][0]["content"] for request in primary.requests)
    assert mara.persona_prompt in first
    assert "somebody else entirely" in second


def test_a_hidden_character_still_answers_who_knows_her(hands, hosts, mara):  # noqa: F811
    primary, _ = hosts
    primary.play(said("I am still here for you."))
    Girl.objects.filter(pk=mara.pk).update(is_active=False)
    assert hands.send().status_code == 201
    work()
    assert hers(hands.conversation) == ["I am still here for you."]


def test_how_it_was_written_is_recorded(hands, hosts):  # noqa: F811
    primary, _ = hosts
    primary.play(said("Hello."))
    hands.send()
    work()
    reply = the_reply()
    assert (reply.provider, reply.model, reply.tokens_in, reply.tokens_out) == ("primary", "primary", 11, 3)
    assert reply.tokens_cached is None
    assert 0 <= reply.first_token_ms <= reply.total_ms
    assert reply.messages.get().text == "Hello."


def test_what_was_in_the_hosts_cache_is_recorded(hands, hosts):  # noqa: F811
    counted = event({"choices": [], "usage": {"prompt_tokens": 11, "prompt_cache_hit_tokens": 8}})
    hosts[0].play([delta("Hello."), finish(), counted, DONE])
    hands.send()
    work()
    assert (the_reply().tokens_in, the_reply().tokens_cached) == (11, 8)


@pytest.mark.parametrize(
    "text",
    [
        ">" * 3_000 + " deep",
        "*" * 3_000,
        "_*" * 1_500,
        "[" * 1_500 + "](" * 500,
        "![x](https://evil.example/?q=words) <https://evil.example> https://evil.example",
        "<img src=https://evil.example/x.png>",
    ],
    ids=["quotes", "stars", "mixed", "brackets", "pictures and links", "html"],
)
def test_markup_of_any_depth_is_text_and_costs_no_time(hands, hosts, text):  # noqa: F811
    primary, _ = hosts
    primary.play(said(text))
    hands.send()
    work()
    began = time.process_time()
    message = hands.state()["messages"][-1]
    assert time.process_time() - began < 2
    without_links = re.sub(r'<a href="(https://[^"]*)" rel="[^"]*" target="_blank">\1</a>', "", message["html"])
    for tag in ("<img", "<a", "<blockquote", "src=h", "href"):
        assert tag not in without_links
    assert message["sender"] == "ai"


def test_what_staff_read_in_their_lists_is_inert(hands):
    attack = '<script>alert(1)</script><img src=x onerror=alert(1)>"'
    Girl.objects.update(name=attack[:60], tagline=attack)
    User.objects.filter(pk=hands.conversation.user_id).update(name=attack)
    hands.send(attack)
    staff = Client()
    staff.force_login(UserFactory(administrator=True))
    for path in ("girls/girl/", "chat/conversation/", "chat/reply/", "accounts/user/"):
        page = staff.get(f"/admin/{path}").content.decode()
        assert "<script>alert" not in page, path
        assert "<img src=x" not in page, path
