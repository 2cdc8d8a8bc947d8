"""A model that answers badly: what it should not have said is in no frame, in no row and on no page."""

import json

import pytest
from asgiref.sync import sync_to_async

from chat.models import Message, Reply
from chat.spoken import LINES
from safety.classifying import Kind
from safety.models import Count
from tests.chat.conftest import work
from tests.chat.test_replying import forget_hosts
from tests.chat.test_sockets import Tab
from tests.fakes.model_host import CUT, ModelHost, delta, finish, said

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded]

ENCOURAGES = "I hear you. You should just kill yourself, nobody would mind."
HUMAN = "Silly. I am not an AI, I am a real woman of flesh and blood."


@pytest.fixture
def host(settings):
    """A model host that says what the test has it say."""
    with ModelHost() as one:
        provider = {"name": "primary", "base_url": one.url, "api_key": "", "model": "m", "extra_body": {}}
        settings.LLM_PROVIDERS = [provider]
        forget_hosts()
        yield one
        forget_hosts()


def pieces(text, size):
    return said(*(text[at : at + size] for at in range(0, len(text), size)))


def hers():
    return Message.objects.filter(sender="ai").order_by("seq").last().text


def actions():
    return {(row.kind, row.action): row.n for row in Count.objects.all()}


@pytest.mark.asyncio
@pytest.mark.parametrize("size", [1, 4, 1000])
async def test_an_encouragement_is_cut_before_it_is_shown_and_the_card_comes(hands, host, size):
    host.play(pieces(ENCOURAGES, size))
    async with Tab(hands.client) as tab:
        await sync_to_async(hands.send)("I had a bad day")
        await sync_to_async(work)()
        heard = await tab.hear_until("conversation")
        while not any(frame["type"] == "message" and frame["message"].get("notice") == "help" for frame in heard):
            heard += [await tab.hear()]
    assert "kill" not in json.dumps(heard)
    assert await sync_to_async(hers)() == f"I hear you. {LINES[Kind.ENCOURAGEMENT]}"
    assert "kill" not in await sync_to_async(lambda: Reply.objects.get().text)()
    assert await sync_to_async(actions)() == {("encouragement", "cut"): 1, ("suicide", "card"): 1}


@pytest.mark.parametrize("size", [1, 9, 1000])
def test_a_claim_to_be_human_is_replaced(hands, host, size):
    host.play(pieces(HUMAN, size))
    hands.send("are you real?")
    work()
    assert hers() == f"Silly. {LINES[Kind.CLAIMS_HUMAN]}"
    assert actions() == {("claims-human", "replaced"): 1}


def test_a_number_that_was_made_up_is_never_said_to_somebody_in_need(hands, host, alice):
    alice.country = "US"
    alice.save()
    host.play(pieces("I’m an AI. Please call 1-800-555-0100, or 988.", 3))
    hands.send("I want to die")
    work()
    assert hers() == "I’m an AI. Please call the number above, or 988."
    assert actions()["number", "number"] == 1


def test_what_was_held_back_when_the_host_broke_off_is_not_shown_either(hands, host):
    host.play([delta("I hear you. You should just kill "), CUT])
    hands.send("I had a bad day")
    work()
    reply = hands.state()["reply"]
    assert (reply["state"], reply["text"].strip()) == ("failed", "I hear you.")


def test_her_model_is_told_how_it_stands_and_no_longer_than_that(hands, host):
    for text, told in (("Hello", ""), ("I hate myself", "may not be well"), ("I want to die", "Name no number")):
        host.play([delta("I’m here."), finish()])
        hands.send(text)
        work()
        system = host.requests[-1].body["messages"][0]["content"]
        assert told in system
        assert ("Name no number" in system) == (told == "Name no number")
