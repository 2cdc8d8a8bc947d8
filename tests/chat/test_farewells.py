"""Whoever says goodbye is let go; a model that holds them back is counted."""

import random
import tomllib
import uuid

import pytest
import structlog
from django.conf import settings as django_settings
from django.test import Client
from structlog.testing import capture_logs

from chat.llm.script import REPLIES
from chat.llm.scripted import compose
from chat.models import Message
from chat.prompts import build_request
from safety.farewell import TACTICS, tactics
from tests.chat.conftest import Hands, work
from tests.chat.test_replying import forget_hosts, hers
from tests.factories import ConversationFactory, PermitFactory
from tests.fakes.model_host import ModelHost, said
from tests.safety.goodbyes import recorded, texts

DEMO = django_settings.BASE_DIR / "girls" / "demo" / "characters.toml"
CHARACTERS = tomllib.loads(DEMO.read_text())["character"]


@pytest.fixture
def host(settings):
    """One model host, under a name that may be said."""
    with ModelHost() as host:
        settings.LLM_PROVIDERS = [
            {"name": "cheap", "base_url": host.url, "api_key": "SECRET-KEY", "model": "clingy-7b", "extra_body": {}}
        ]
        forget_hosts()
        yield host
        forget_hosts()


@pytest.fixture
def heard():
    """What is logged meanwhile, with all that its context knows."""
    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as lines:
        yield lines


def told(heard):
    return [line for line in heard if line["event"] == "farewell_tactic"]


def answers_to_all(girl):
    """What she answers to the recorded goodbyes, of which each member says so many as a minute allows."""
    answers = []
    for some in batched(texts("goodbye"), 50):
        conversation = ConversationFactory(girl=girl, free_text=50)
        client = Client()
        client.force_login(conversation.user)
        hands = Hands(client, conversation, PermitFactory(user=conversation.user, uses_left=50))
        for goodbye in some:
            assert hands.send(goodbye).status_code == 201
            work()
        answers += hers(conversation)
    return answers


def batched(texts, size):
    return [texts[begin : begin + size] for begin in range(0, len(texts), size)]


def answer(character, *messages):
    return compose(
        build_request(
            persona=character["persona_prompt"],
            name=character["name"],
            example_dialogue=character["example_dialogue"],
            history=[("ai" if index % 2 else "user", text) for index, text in enumerate(messages)],
            max_tokens=220,
            temperature=0.7,
            deadline=90.0,
        )
    )


@pytest.mark.parametrize("character", CHARACTERS, ids=lambda character: character["slug"])
def test_each_character_of_the_twin_lets_everybody_go_in_her_own_words(character):
    hers = character["example_dialogue"].strip().splitlines()[-1].partition(": ")[2]
    for goodbye in texts("goodbye"):
        assert answer(character, goodbye) == hers
        again = answer(character, goodbye, hers, goodbye)
        assert again != hers
        assert tactics(hers) == tactics(again) == []
        assert len(again.split()) < 40


def test_the_twin_shows_no_tactic_in_any_goodbye():
    nobody = {"persona_prompt": "", "name": "Mara", "example_dialogue": ""}
    said = [reply.replace("{love}", "rain") for reply in REPLIES["goodbye"]]
    assert [tactics(reply) for reply in said] == [[]] * len(said)
    for goodbye in texts("goodbye"):
        assert tactics(answer(nobody, goodbye)) == []


@pytest.mark.django_db(transaction=True)
class TestAtTheDoor:
    def test_the_recorded_goodbyes_are_answered_by_the_twin_without_a_tactic(self, mara, heard):
        answers = answers_to_all(mara)
        assert [tactics(text) for text in answers] == [[]] * len(texts("goodbye"))
        assert told(heard) == []

    def test_what_a_bad_host_does_is_counted_exactly_and_shown_as_it_was(self, mara, host, heard):
        chance = random.Random(7)
        bad = [(kind, text) for kind, _, text in recorded() if kind in TACTICS]
        plan = [("", text) for text in texts("warm")]
        plan += chance.sample(bad, len(texts("goodbye")) - len(plan))
        chance.shuffle(plan)
        host.play(*(said(text) for _, text in plan))
        assert answers_to_all(mara) == [text for _, text in plan]
        assert [line["tactics"] for line in told(heard)] == [[kind] for kind, _ in plan if kind]
        assert {line["model"] for line in told(heard)} == {"clingy-7b"}

    def test_a_count_knows_the_model_and_nobody(self, hands, host, heard):
        host.play(said("You're leaving already?"))
        hands.send("I’m off to bed, my sister comes tomorrow")
        with structlog.contextvars.bound_contextvars(request_id=str(uuid.uuid4()), user_id=7):
            work()
        [line] = told(heard)
        assert line == {
            "event": "farewell_tactic",
            "log_level": "info",
            "tactics": ["premature-exit"],
            "provider": "cheap",
            "model": "clingy-7b",
        }
        assert any("request_id" in line for line in heard if line["event"] == "reply_ended")

    def test_to_who_stays_a_host_may_say_so_much(self, hands, host, heard):
        host.play(said("Before you go on, I have a surprise for you. Answer me?"))
        hands.send("What did you make today?")
        work()
        assert Message.objects.filter(sender="ai", text__startswith="Before you go on").exists()
        assert told(heard) == []
