"""Who is started again looks at once what is left to do, whenever the next regular sweep would be."""

import pytest

from chat.models import Reply
from config.lib.owed import UNHEARD
from tests.chaos.conftest import slowly
from tests.config.processes import Browser, Dusk, until
from tests.racing import needs_postgres


@pytest.fixture
def ask(ask):
    return {**ask, "SWEEP_SECONDS": "3600"}


@needs_postgres
def test_a_worker_that_was_killed_in_mid_reply_takes_it_up_again_when_it_is_back(production, member, host):
    host.play(slowly(*["word "] * 300), slowly("Here ", "I ", "am."))
    production.start("redis", "web", "worker", "beat")
    conversation = member.open_chat()
    member.try_to_send(conversation)
    until(lambda: Reply.objects.filter(state="writing").exclude(text="").exists(), what="a reply in the middle")
    production.kill("worker")
    production.start("worker")
    state = member.settled(conversation)
    assert state["reply"]["state"] == "done"
    assert state["messages"][-1]["text"] == "Here I am."


@pytest.mark.embedded
def test_the_one_process_of_a_laptop_does_so_too(tmp_path, ask, host):
    host.play(slowly(*["word "] * 300), slowly("Here ", "I ", "am."))
    dusk = Dusk(tmp_path, **ask, REPLY_LEASE_SECONDS="3")
    dusk.start()
    try:
        with Browser(dusk.url) as browser:
            browser.sign_in()
            conversation = browser.open_chat()
            browser.send(conversation, "Good evening.")
            until(lambda: browser.state(conversation)["reply"]["text"], what="a reply in the middle")
            dusk.kill()
            dusk.start()
            assert browser.answer(conversation) == "Here I am."
    finally:
        dusk.end()


@needs_postgres
def test_beat_sweeps_when_it_starts(production, member):
    production.start("redis", "web", "worker")
    conversation = member.open_chat()
    production.kill("redis")
    assert member.try_to_send(conversation).status_code == 201  # nobody hears of it
    production.start("redis")
    until(Reply.objects.due(UNHEARD).exists, what="a bell that was not heard")
    production.start("beat")
    assert member.settled(conversation)["reply"]["state"] == "done"
