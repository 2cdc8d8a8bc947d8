"""What some hosts refuse, and others want: found out by asking once, and remembered."""

import asyncio
import json

import pytest

from chat.llm import NoAnswer
from tests.chat.llm.conftest import TURNS, ask, provider
from tests.fakes.model_host import DONE, Head, delta, finish, http, said


def refusing(message, **more):
    return http(400, json.dumps({"error": {"message": message, **more}}).encode())


STOP = {"stop": ("\nUser:",)}
REFUSALS = {
    "stop, as of OpenAI's reasoning models": (
        refusing("Unsupported parameter: 'stop' is not supported with this model.", param="stop"),
        {"stop"},
    ),
    "more stops than it knows": (refusing("stop: array too long. Expected at most 1."), {"stop"}),
    "max_tokens": (
        refusing("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.", param="max_tokens"),
        {"max_tokens"},
    ),
    "a temperature": (
        refusing("Unsupported value: 'temperature' does not support 0.7 with this model."),
        {"temperature"},
    ),
    "unknown fields, as of pydantic": (
        http(422, b'{"detail": [{"loc": ["body", "stream_options"], "msg": "Extra inputs are not permitted"}]}'),
        {"stream_options"},
    ),
}


@pytest.mark.parametrize(("refusal", "missing"), REFUSALS.values(), ids=REFUSALS)
async def test_a_field_that_a_host_refuses_is_left_out_from_then_on(only_primary, refusal, missing):
    only_primary.play(refusal, said("Hi."))
    assert (await ask(**STOP))[0] == "Hi."
    assert (await ask(**STOP))[0] == "Hi."
    first, *others = [request.body for request in only_primary.requests]
    assert len(others) == 2
    assert missing <= set(first)
    for body in others:
        assert set(first) - set(body) == missing
    if missing == {"max_tokens"}:
        assert others[0]["max_completion_tokens"] == first["max_tokens"]


async def test_a_host_may_refuse_one_thing_after_the_other(only_primary):
    only_primary.play(*(refusal for refusal, _ in list(REFUSALS.values())[1:]), said("Hi."))
    assert (await ask(**STOP))[0] == "Hi."


async def test_a_host_that_refuses_the_same_thing_for_ever_is_not_asked_for_ever(both):
    primary, _ = both
    primary.play(refusing("stop: no. temperature: no. max_completion_tokens: no. stream_options: no. system: no."))
    assert (await ask(**STOP))[1].provider == "fallback"
    assert len(primary.requests) <= 7


async def test_what_the_operator_asked_for_stays(settings, both):
    primary, fallback = both
    settings.LLM_PROVIDERS = [
        provider("primary", primary.url, extra_body={"temperature": 2}),
        provider("fallback", fallback.url),
    ]
    primary.play(refusing("temperature: no"), said("Hi."))
    assert (await ask())[1].provider == "fallback"


async def test_words_of_people_in_a_refusal_change_nothing(both):
    primary, _ = both
    detail = [{"loc": ["body", "user"], "msg": "too long", "input": "please stop, temperature, system"}]
    primary.play(http(422, json.dumps({"detail": detail}).encode()), said("Hi."))
    assert (await ask(**STOP))[1].provider == "fallback"
    assert len(primary.requests) == 1


NO_SYSTEM = {
    "Gemma on vLLM": http(400, b'{"object": "error", "message": "System role not supported", "code": 400}'),
    "Mistral on vLLM": refusing("Conversation roles must alternate user/assistant/user/assistant/..."),
    "llama.cpp --jinja": http(
        500, b'{"error": {"code": 500, "message": "Jinja Exception: Only user and assistant roles are supported!"}}'
    ),
    "LM Studio": http(400, b'{"error": "Error rendering prompt with jinja template: \\"Unknown role\\""}'),
    "a bare string": http(500, b"Template error: system role", content_type="text/plain"),
}


@pytest.mark.parametrize("refusal", NO_SYSTEM.values(), ids=NO_SYSTEM)
async def test_a_template_without_a_system_turn_is_told_in_the_first_turn(only_primary, refusal):
    only_primary.play(refusal, said("Hi."))
    assert (await ask())[0] == "Hi."
    assert (await ask())[0] == "Hi."
    told = [{"role": "user", "content": "\n\n".join(turn["content"] for turn in TURNS)}]
    assert [request.body["messages"] for request in only_primary.requests] == [TURNS, told, told]


async def test_requests_at_one_time_learn_the_same(only_primary):
    refusal = refusing("stop is not supported")
    only_primary.play(refusal, refusal, said("Hi."))
    answers = await asyncio.gather(ask(**STOP), ask(**STOP))
    assert [text for text, _ in answers] == ["Hi.", "Hi."]


async def test_a_thought_that_was_ended_by_our_stop_is_thought_again_without(only_primary):
    only_primary.play([delta(None, reasoning_content="They said:"), finish(), DONE], said("Hi."))
    assert (await ask(**STOP))[0] == "Hi."
    first, second = only_primary.requests
    assert "stop" in first.body
    assert "stop" not in second.body


# --- Redirects --------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 307, 308])
async def test_a_redirect_within_the_host_is_followed_and_remembered(only_primary, status):
    moved = [Head(status, {"location": "/v2/chat/completions"}), b"moved"]
    only_primary.play(moved, said("Hi."))
    assert (await ask())[0] == "Hi."
    assert (await ask())[0] == "Hi."
    assert [request.path for request in only_primary.requests] == [
        "/v1/chat/completions",
        "/v2/chat/completions",
        "/v2/chat/completions",
    ]
    assert only_primary.requests[1].body == only_primary.requests[0].body


async def test_a_redirect_to_somebody_else_is_not_followed(only_primary, fallback):
    only_primary.play([Head(308, {"location": f"{fallback.url}/v1/chat/completions"}), b"moved"])
    with pytest.raises(NoAnswer, match="http 308"):
        await ask()
    assert not fallback.requests


async def test_a_circle_of_redirects_ends(both):
    primary, _ = both
    primary.play(*[[Head(307, {"location": f"/v{number}"}), b"moved"] for number in range(20)])
    assert (await ask())[1].provider == "fallback"
    assert len(primary.requests) <= 5
