"""Trying a persona: the real model host answers, as it writes, and nothing of it is kept."""

import asyncio
import json
import logging

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import Permission

from chat.models import Conversation, Message, Reply
from girls.models import Girl
from staff import playground, trying
from tests.factories import UserFactory
from tests.fakes.model_host import CUT, HANG, ModelHost, delta, http, said
from tests.limits import until_refused

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]
URL = "/admin/girls/girl/try/"
KEY = "sk-secret-1234567890"
BODY = {
    "name": "Mara",
    "persona": "You are Mara, a ceramicist. SECRET-PERSONA {{char}}",
    "example_dialogue": "Mara: Clay first.",
    "greeting": "Hi, I am {{char}}.",
    "turns": [{"sender": "user", "text": "SECRET-WORDS, hello?"}],
}


@pytest.fixture
def host():
    with ModelHost() as host:
        yield host


@pytest.fixture
def hosts(settings, host):
    """A primary that a test directs."""
    settings.LLM_PROVIDERS = [
        {"name": "primary", "base_url": host.url, "api_key": KEY, "model": "played", "extra_body": {"top_k": 3}}
    ]
    settings.LLM_PRICES = {"primary": {"input": 2.0, "cached": 0.0, "output": 10.0}}
    return host


@pytest.fixture
def editor(client):
    person = UserFactory(staff=True)
    person.user_permissions.add(Permission.objects.get(codename="try_persona"))
    client.force_login(person)
    return client


def ask(client, **changes):
    return client.post(URL, BODY | changes, content_type="application/json")


def lines(response):
    async def read():
        return b"".join([part async for part in response.streaming_content])

    return [json.loads(line) for line in async_to_sync(read)().splitlines()]


def last(response):
    return lines(response)[-1]


def test_the_answer_comes_word_by_word_with_what_was_sent_and_what_it_cost(editor, hosts):
    hosts.play(said("Clay ", "first."))
    response = ask(editor)
    assert response["Content-Type"] == "application/x-ndjson"
    assert "no-store" in response["Cache-Control"]
    request, *words, done = lines(response)
    assert (request["type"], request["provider"]) == ("request", "primary")
    assert "".join(line["text"] for line in words) == "Clay first."
    (came,) = hosts.requests
    assert request["body"] == came.body  # exactly
    assert came.headers["authorization"] == f"Bearer {KEY}"
    assert KEY not in json.dumps([request, done])
    assert (done["type"], done["provider"], done["model"]) == ("done", "primary", "played")
    assert (done["tokens_in"], done["tokens_out"], done["cost"]) == (11, 3, "0.000052")
    assert done["first_ms"] <= done["total_ms"]


def test_the_house_rules_the_persona_and_all_turns_are_in_it(editor, hosts):
    turns = [
        {"sender": "user", "text": "One"},
        {"sender": "ai", "text": "Two"},
        {"sender": "user", "text": "Three"},
    ]
    request = lines(ask(editor, turns=turns))[0]
    system, *talk = request["body"]["messages"]
    assert "You are an AI, and you never deny it." in system["content"]
    assert "SECRET-PERSONA Mara" in system["content"]
    assert "Hi, I am Mara." in system["content"]
    assert [turn["content"] for turn in talk] == ["One", "Two", "Three"]
    assert request["body"]["top_k"] == 3


def test_without_a_host_the_scripted_one_answers(editor, settings):
    settings.LLM_PROVIDERS = []
    settings.LLM_SCRIPTED_PACE = 0
    request, *_, done = lines(ask(editor))
    assert request["body"]["model"] == "scripted"
    assert (done["type"], done["provider"], done["cost"]) == ("done", "scripted", None)


def test_nothing_of_it_is_kept_or_logged(editor, hosts, caplog):
    caplog.set_level(logging.DEBUG)
    hosts.play(said("SECRET-ANSWER"), http(500))
    before = Girl.history.count()
    lines(ask(editor))
    lines(ask(editor))
    assert not any(table.objects.exists() for table in (Conversation, Message, Reply))
    assert (Girl.objects.count(), Girl.history.count()) == (0, before)
    assert "SECRET" not in caplog.text
    assert KEY not in caplog.text


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        (http(401), "The primary model host refused the key (http 401)."),
        (http(404), "does not know this model"),
        (http(400), "did not take the request"),
        (http(503), "has a trouble of its own (http 503"),
        ([CUT], "cannot be reached"),
        ([delta("Clay "), CUT], "broke off in the middle"),
    ],
)
def test_what_is_wrong_with_the_host_is_said_in_words(editor, hosts, steps, words):
    hosts.play(steps)
    said = last(ask(editor))
    assert said["type"] == "error"
    assert words in said["message"]


def test_a_host_that_hangs_is_not_waited_for(editor, hosts, monkeypatch):
    monkeypatch.setattr(trying, "SECONDS", 1.5)
    hosts.play([HANG])
    assert "did not answer in time" in last(ask(editor))["message"]


def test_the_fallback_answers_when_the_primary_cannot(editor, settings, host):
    host.play(said("From the second."))
    named = {"api_key": KEY, "model": "m", "extra_body": {}}
    settings.LLM_PROVIDERS = [
        {"name": "primary", "base_url": "http://127.0.0.1:1", **named},
        {"name": "fallback", "base_url": host.url, **named},
    ]
    found = lines(ask(editor))
    assert [line["provider"] for line in found if line["type"] == "request"][-1] == "fallback"
    assert (found[-1]["type"], found[-1]["provider"]) == ("done", "fallback")


async def test_whoever_stops_ends_the_request_to_the_host(settings, host):
    settings.LLM_PROVIDERS = [{"name": "primary", "base_url": host.url, "api_key": "", "model": "m", "extra_body": {}}]
    host.play([delta("Clay "), HANG])
    answer = trying.answer_to(playground.Trial.model_validate(BODY))
    async for line in answer:
        if json.loads(line)["type"] == "text":
            break
    await answer.aclose()
    assert await asyncio.to_thread(host.hung_up.wait, 20)


@pytest.mark.parametrize(
    "changes",
    [
        {"persona": ""},
        {"persona": "x" * 8001},
        {"name": ""},
        {"turns": []},
        {"turns": [{"sender": "ai", "text": "Hi"}]},
        {"turns": [{"sender": "site", "text": "Hi"}]},
        {"turns": [{"sender": "user", "text": "x" * 2001}]},
        {"turns": [{"sender": "user", "text": "Hi"}] * 61},
        {"turns": "Hi"},
    ],
)
def test_what_no_talk_can_be_is_refused_before_anybody_is_asked(editor, hosts, changes):
    response = ask(editor, **changes)
    assert (response.status_code, response.json()["error"]["code"]) == (400, "bad_request")
    assert hosts.requests == []


def test_it_is_for_who_may_try_personas(client, hosts):
    person = UserFactory(staff=True)
    person.user_permissions.add(*Permission.objects.filter(codename__in=["change_girl", "view_girl"]))
    client.force_login(person)
    assert ask(client).status_code == 403
    client.force_login(UserFactory())
    assert ask(client).status_code in (302, 403)
    client.logout()
    assert ask(client).status_code == 302
    assert hosts.requests == []


def test_it_is_asked_by_post(editor):
    assert editor.get(URL).status_code == 405


def test_twenty_turns_a_minute_are_enough(editor, hosts):
    refused = until_refused(lambda: ask(editor), 20)[-1]
    assert refused.status_code == 429
    assert int(refused["Retry-After"]) > 0


def test_the_page_offers_it_to_who_may(client, mara):
    client.force_login(UserFactory(administrator=True))
    for where in (f"/admin/girls/girl/{mara.pk}/persona/", "/admin/girls/girl/add/"):
        assert "data-try" in client.get(where).content.decode(), where
    assert "data-try" not in client.get(f"/admin/girls/girl/{mara.pk}/change/").content.decode()
    person = UserFactory(staff=True)
    person.user_permissions.add(Permission.objects.get(codename="change_girl"))
    client.force_login(person)
    assert "data-try" not in client.get(f"/admin/girls/girl/{mara.pk}/persona/").content.decode()
