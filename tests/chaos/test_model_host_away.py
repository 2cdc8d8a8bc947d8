"""The model host hangs or is dead: a visible failure, nothing spent, and a way to ask again."""

import pytest

from chat.models import Reply
from tests.config.processes import until
from tests.fakes.model_host import CUT, HANG, Head, delta, http, said
from tests.racing import needs_postgres
from tests.servers import free_port

pytestmark = needs_postgres

FAULTS = {
    "hangs before a word": [HANG],
    "hangs in the middle": [delta("Well, "), HANG],
    "hangs up": [CUT],
    "is broken": http(500),
    "sends a page": [Head(200, {"content-type": "text/html"}), b"<h1>Welcome</h1>"],
}


@pytest.fixture
def ask(ask):
    # Somebody else could be asked, so that silence ends soon; nobody is there.
    away = {"LLM_BASE_URL_FALLBACK": f"http://127.0.0.1:{free_port()}", "LLM_MODEL_FALLBACK": "away"}
    return {**ask, **away, "LLM_FIRST_TOKEN_SECONDS": "4", "LLM_TOTAL_SECONDS": "8", "LLM_READ_SECONDS": "8"}


def fails_visibly(member, conversation, free):
    state = member.settled(conversation)
    assert state["reply"]["state"] == "failed"
    assert state["reply"]["can_retry"]
    assert state["conversation"]["free_remaining"]["text"] == free
    reply = Reply.objects.latest("created_at")
    assert (reply.finished_at - reply.created_at).total_seconds() < 90
    assert not Reply.objects.owed().exists()


def test_a_model_host_that_fails_in_any_way_costs_nothing_and_can_be_asked_again(production, member, host):
    production.start("redis", "web", "worker", "beat")
    conversation = member.open_chat()
    free = member.state(conversation)["conversation"]["free_remaining"]["text"]
    for fault in FAULTS.values():
        host.play(fault)
        member.try_to_send(conversation)
        fails_visibly(member, conversation, free)
    host.play(said("Here I am."))
    member.retry(conversation)
    state = member.settled(conversation)
    assert state["reply"]["state"] == "done"
    assert [m["text"] for m in state["messages"] if m["sender"] == "ai"][1:] == ["Here I am."]
    # Asking again charges what it answers: every message that had been given back.
    assert state["conversation"]["free_remaining"]["text"] == free - len(FAULTS)


def test_a_model_host_that_is_not_there_is_replaced_by_the_fallback(production, member, host):
    production.env |= {
        "LLM_BASE_URL_PRIMARY": f"http://127.0.0.1:{free_port()}",
        "LLM_BASE_URL_FALLBACK": host.url,
        "LLM_MODEL_FALLBACK": "test",
    }
    host.play(said("From the other one."))
    production.start("redis", "web", "worker")
    conversation = member.open_chat()
    member.try_to_send(conversation)
    assert member.settled(conversation)["messages"][-1]["text"] == "From the other one."
    until(lambda: not Reply.objects.owed().exists(), what="an end")
