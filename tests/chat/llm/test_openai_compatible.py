"""What a configured model host may do to us, and what comes of it."""

import asyncio
import gzip
import json
import logging
import zlib
from contextlib import aclosing

import pytest
from django.core.exceptions import ImproperlyConfigured
from structlog.testing import capture_logs

from chat.llm import BrokenOff, NoAnswer, Text, get_llm
from chat.llm.visible import MAX_CHARACTERS
from config.lib.modelhosts import completions_url
from tests.chat.llm.conftest import KEY, TURNS, ask, asking, provider
from tests.fakes.model_host import (
    CUT,
    DONE,
    HANG,
    RAW,
    Head,
    delta,
    event,
    finish,
    http,
    said,
    usage,
)

# --- What is sent ---------------------------------------------------------------------------------


async def test_the_limits_and_the_temperature_are_those_of_the_request(settings, only_primary):
    settings.LLM_TEMPERATURE, settings.LLM_MAX_TOKENS = 1.9, 5  # what a reply is given is no affair of the client's
    await ask(temperature=0.3, max_tokens=99)
    request = only_primary.requests[0]
    assert request.path == "/v1/chat/completions"
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["accept-encoding"] == "identity"
    assert request.body == {
        "model": "primary-model",
        "messages": TURNS,
        "temperature": 0.3,
        "max_tokens": 99,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


async def test_words_in_parts_are_sent_as_one_string_which_every_host_knows(only_primary):
    parts = [{"type": "text", "text": "Look at this."}, {"type": "text", "text": "And this."}]
    await ask(turns=[*TURNS, {"role": "user", "content": parts}])
    assert only_primary.requests[0].body["messages"] == [
        *TURNS,
        {"role": "user", "content": "Look at this.\nAnd this."},
    ]


async def test_what_ends_an_answer_is_sent_when_there_is_something(only_primary):
    await ask(stop=("\nUser:", "\nYou:"))
    await ask()
    first, second = only_primary.requests
    assert first.body["stop"] == ["\nUser:", "\nYou:"]
    assert "stop" not in second.body


async def test_the_extra_body_of_a_provider_wins_and_null_takes_a_field_out(settings, primary):
    extra = {"thinking": {"type": "disabled"}, "temperature": 1.0, "max_tokens": None, "stop": None}
    settings.LLM_PROVIDERS = [provider("primary", primary.url, extra_body=extra)]
    await ask(temperature=0.3, max_tokens=99, stop=("\nUser:",))
    body = primary.requests[0].body
    assert body["thinking"] == {"type": "disabled"}
    assert body["temperature"] == 1.0
    assert "max_tokens" not in body
    assert "stop" not in body


async def test_the_extra_body_changes_neither_what_is_said_nor_that_it_streams(settings, primary):
    settings.LLM_PROVIDERS = [provider("primary", primary.url, extra_body={"stream": False, "messages": []})]
    await ask()
    assert primary.requests[0].body["stream"] is True
    assert primary.requests[0].body["messages"] == TURNS


def test_a_request_that_is_printed_shows_nothing_that_people_wrote():
    shown = repr(asking(listener="SECRET-NAME", stop=("\nSECRET-NAME:",)))
    assert "Mara" in shown
    assert "SECRET" not in shown


async def test_without_a_key_no_authorization_is_sent(settings, primary):
    settings.LLM_PROVIDERS = [provider("primary", primary.url, api_key="")]
    await ask()
    assert "authorization" not in primary.requests[0].headers


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("http://127.0.0.1:11434", "http://127.0.0.1:11434/v1/chat/completions"),
        ("https://api.example.com/", "https://api.example.com/v1/chat/completions"),
        ("https://api.example.com/v1/", "https://api.example.com/v1/chat/completions"),
        (" https://api.example.com/openai/v1 ", "https://api.example.com/openai/v1/chat/completions"),
        ("https://api.example.com/v1/chat/completions", "https://api.example.com/v1/chat/completions"),
        ("https://api.example.com/v1/Chat/Completions/", "https://api.example.com/v1/chat/completions"),
        ("http://[::1]:11434/chat/completions", "http://[::1]:11434/v1/chat/completions"),
    ],
)
def test_a_base_without_a_path_gets_v1(base, url):
    assert completions_url(base) == url


PASTED = [
    f"http://x:11434{path}" for path in ("/api/chat", "/api/generate", "/v1/completions", "/v1/models", "/v1/responses")
]


@pytest.mark.parametrize(
    "base", ["api.example.com", "ftp://x", "http://", "https://me:pw@x/v1", "https://x/v1?key=1", *PASTED]
)
def test_a_base_that_is_none_is_refused_without_repeating_it(base):
    with pytest.raises(ImproperlyConfigured) as refusal:
        completions_url(base)
    assert "pw" not in str(refusal.value)


async def test_a_key_that_no_header_can_hold_is_refused_without_repeating_it(settings, primary):
    settings.LLM_PROVIDERS = [provider("primary", primary.url, api_key="sk-…secret")]
    with pytest.raises(ImproperlyConfigured) as refusal:
        get_llm()
    assert "secret" not in str(refusal.value)


async def test_no_proxy_of_the_environment_is_used(monkeypatch, only_primary):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert (await ask())[0] == "Hello there."


async def test_one_connection_serves_many_replies(only_primary):
    for _ in range(3):
        await ask()
    assert len({request.connection for request in only_primary.requests}) == 1


# --- What comes back ------------------------------------------------------------------------------


async def test_text_arrives_as_it_is_written_with_usage_after_the_finish_reason(only_primary):
    only_primary.play([delta("Hel"), delta("lo"), finish(), usage(7, 2), DONE])
    text, end = await ask()
    assert text == "Hello"
    assert (end.provider, end.model, end.finish_reason) == ("primary", "primary-model", "stop")
    assert (end.tokens_in, end.tokens_out) == (7, 2)


async def test_the_first_words_are_shown_before_the_rest_is_written(only_primary):
    only_primary.play([delta("First"), HANG])
    async with aclosing(get_llm().stream(asking())) as pieces:
        assert await anext(pieces) == Text("First")


async def test_leaving_in_the_middle_ends_the_request(only_primary):
    only_primary.play([delta("First"), HANG])
    async with aclosing(get_llm().stream(asking())) as pieces:
        await anext(pieces)
    assert await asyncio.to_thread(only_primary.hung_up.wait, 10)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [(-1, None), ("7", None), (True, None), (7.5, None), (2**40, None), (None, None), (0, 0)],
)
async def test_a_usage_that_no_database_can_hold_is_not_kept(only_primary, sent, kept):
    only_primary.play([delta("Hi"), finish(), usage(sent, 3), DONE])
    _, end = await ask()
    assert (end.tokens_in, end.tokens_out) == (kept, 3)


@pytest.mark.parametrize(
    ("told", "cached"),
    [
        ({"prompt_tokens_details": {"cached_tokens": 5}}, 5),  # OpenAI, vLLM
        ({"prompt_cache_hit_tokens": 6, "prompt_cache_miss_tokens": 1}, 6),  # DeepSeek
        ({"prompt_tokens_details": {"cached_tokens": 0}, "prompt_cache_hit_tokens": 6}, 0),
        ({"prompt_tokens_details": None}, None),
        ({"prompt_tokens_details": {"cached_tokens": "5"}}, None),
        ({}, None),
    ],
)
async def test_what_was_in_the_hosts_cache_is_counted_as_each_host_says_it(only_primary, told, cached):
    counted = event({"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 2, **told}})
    only_primary.play([delta("Hi"), finish(), counted, DONE])
    _, end = await ask()
    assert (end.tokens_in, end.tokens_cached, end.tokens_out) == (7, cached, 2)


STREAM = {"content-type": "text/event-stream"}
HELLO = b"".join([delta("H"), delta("i"), finish(), DONE])


def labelled(label):
    return [Head(headers={"content-type": label}), HELLO]


GOOD = {
    "a finish reason on a thought": [delta(None, reasoning="hm", finish="stop"), delta("Hi"), finish(), DONE],
    "a finish reason on each thought": [*[delta(None, reasoning="hm", finish="stop"), 0.02] * 3, delta("Hi"), DONE],
    "a finish reason on each word": [delta("H", finish="stop"), 0.02, delta("i", finish="stop"), DONE],
    "null as a word": [delta("H", finish="null"), delta("i", finish="null"), finish(), DONE],
    "None as a word": [delta("H", finish="None"), delta("i"), DONE],
    "events parted by one newline": [HELLO.replace(b"\n\n", b"\n")],
    "events parted by one newline, byte by byte": [bytes([byte]) for byte in HELLO.replace(b"\n\n", b"\n")],
    "named events parted by one newline": [HELLO.replace(b"\n\n", b"\n").replace(b"data", b"event: x\ndata")],
    "a stream labelled as text": labelled("text/plain"),
    "a stream labelled as bytes": labelled("application/octet-stream"),
    "a stream labelled as json": labelled("application/json"),
    "a stream labelled as a page": labelled("text/html; charset=utf-8"),
    "a stream without a label": [Head(headers={}), HELLO],
    "gzip": [Head(headers=STREAM | {"content-encoding": "gzip"}), gzip.compress(HELLO)],
    "gzip, byte by byte": [
        Head(headers=STREAM | {"content-encoding": "GZIP"}),
        *(bytes([byte]) for byte in gzip.compress(HELLO)),
    ],
    "deflate": [Head(headers=STREAM | {"content-encoding": "deflate"}), zlib.compress(HELLO)],
    "deflate without its head": [Head(headers=STREAM | {"content-encoding": "deflate"}), zlib.compress(HELLO)[2:-4]],
    "identity": [Head(headers=STREAM | {"content-encoding": "identity"}), HELLO],
    "the older kind of completions": [
        event({"choices": [{"text": "H"}]}),
        event({"choices": [{"text": "i", "finish_reason": "stop"}]}),
        DONE,
    ],
    "text beside the delta, as of Together": [event({"choices": [{"text": "Hi", "delta": {"content": "Hi"}}]}), DONE],
    "parts that think": [
        delta([{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]),
        delta([{"type": "text", "text": "Hi"}]),
        DONE,
    ],
    "events of other kinds": [
        event({"type": "ping"}),
        event({"choices": [], "prompt_filter_results": []}),
        *said("Hi"),
    ],
    "a document labelled as a stream": [
        json.dumps({"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]}).encode()
    ],
    "json lines": [
        b"".join(delta(word).removeprefix(b"data: ").replace(b"\n\n", b"\n") for word in "Hi")
        + finish().removeprefix(b"data: ")
    ],
    "the member's words after hers": [delta("Hi\nUs"), delta("er: and you?\nMara: fine"), finish(), DONE],
    "a finish reason and no [DONE]": [delta("Hi"), finish()],
    "[DONE] and no finish reason": [delta("Hi"), DONE],
    "an empty finish reason, as of an old Ollama": [delta("Hi", finish=""), DONE],
    "eos, as of Together": [delta("Hi", finish="eos"), usage(), DONE],
    "an end no one has heard of": [delta("Hi", finish="done_by_moon"), DONE],
    "[DONE] without the blank line": [delta("Hi"), b"data: [DONE]\n"],
    "[DONE] and a connection that stays": [delta("Hi"), DONE, HANG],
    "a finish reason and a lost connection": [delta("Hi"), finish(), CUT],
    "a finish reason, then half an event": [delta("Hi"), finish(), b'data: {"choi'],
    "keep-alive comments": [b": keep-alive\n\n: \n\n", delta("Hi"), b":\n\n", finish(), DONE],
    "CRLF": [b"".join([delta("Hi"), finish(), DONE]).replace(b"\n", b"\r\n")],
    "bare CR": [b"".join([delta("Hi"), finish(), DONE]).replace(b"\n", b"\r")],
    "no space after the colon": [delta("Hi").replace(b"data: ", b"data:"), DONE],
    "a byte order mark": [b"\xef\xbb\xbf", delta("Hi"), DONE],
    "other fields": [b"event: message\nid: 1\nretry: 5\n", delta("Hi"), DONE],
    "data on several lines": [delta("Hi").replace(b', "choices"', b',\ndata: "choices"'), DONE],
    "content null first, as of llama.cpp": [delta(None, role="assistant"), delta("Hi"), DONE],
    "reasoning beside the content": [
        delta(None, reasoning_content="hm"),
        delta("", reasoning="hm"),
        delta("Hi"),
        DONE,
    ],
    "reasoning in a think-tag": [delta("\n<thi"), delta("nk>She"), delta("</b> hm</think>\n\nHi"), DONE],
    "leading blank lines, as of DeepSeek": [delta("\n\n"), delta("Hi"), DONE],
    "a role marker": [delta("**Mar"), delta("a:** "), delta("Hi"), DONE],
    "unseen characters": [delta("\u202eH\u200bi\x00\u2066"), DONE],
    "a body that ends with the connection": [Head(chunked=False), delta("Hi"), finish()],
    "parts": [delta([{"type": "text", "text": "Hi"}]), DONE],
    "an upper case content type with a charset": [
        Head(headers={"content-type": "Text/Event-Stream; charset=utf-8"}),
        delta("Hi"),
        DONE,
    ],
    "no stream at all": [
        Head(headers={"content-type": "application/json"}),
        json.dumps(
            {"choices": [{"message": {"content": "\nHi "}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 1}},
            indent=1,
        ).encode(),
    ],
}


@pytest.mark.parametrize("answer", GOOD.values(), ids=GOOD.keys())
async def test_the_ways_of_many_hosts_are_understood(only_primary, answer):
    only_primary.play(answer)
    text, end = await ask()
    assert text == "Hi"
    assert end.finish_reason == "stop"
    assert len(only_primary.requests) == 1


async def test_a_reply_of_full_length_says_so(only_primary):
    only_primary.play([delta("Hi there. And", finish="length"), usage(), DONE])
    text, end = await ask()
    assert (text, end.finish_reason, end.tokens_out) == ("Hi there. And", "length", 3)


async def test_a_host_that_talks_on_after_the_end_is_left(only_primary):
    only_primary.play([delta("Hi"), DONE, *[b": keep-alive\n\n", 0.02] * 2_000])
    assert (await ask())[0] == "Hi"
    assert await asyncio.to_thread(only_primary.hung_up.wait, 10)


BAD = {
    "nothing": [Head(), b""],
    "only [DONE]": [DONE],
    "a blank reply": [delta(" \n "), finish(), DONE],
    "an invisible reply": [delta("\u200b\u2060"), finish(), DONE],
    "only a role marker": [delta("Mara: "), finish(), DONE],
    "only reasoning": [delta(None, reasoning_content="long thoughts"), finish("length"), DONE],
    "only reasoning in a tag": [delta("<think>long thoughts"), finish("length"), DONE],
    "an error at once": [event({"error": {"message": "SECRET-MESSAGE", "code": 500}})],
    "an error as a string": [event({"error": "SECRET-MESSAGE"})],
    "an error line, as of an old llama.cpp": [b'error: {"code":500,"message":"SECRET-MESSAGE"}\n\n', DONE],
    "an error object": [event({"object": "error", "message": "SECRET-MESSAGE"})],
    "broken json": [b'data: {"choices": [{"delta": {"conten\n\n', DONE],
    "deep json": [event(b"[" * 100_000)],
    "json that is no object": [event(["Hi"]), DONE],
    "content that is no text": [delta({"text": "Hi"}), DONE],  # type: ignore[arg-type]
    "a filter": [delta(""), finish("content_filter"), DONE],
    "a busy host": [finish("insufficient_system_resource"), DONE],
    "a page": [Head(headers={"content-type": "text/html"}), b"<html>502 SECRET-MESSAGE</html>"],
    "a compression that nobody knows": [Head(headers=STREAM | {"content-encoding": "br"}), b"x"],
    "a broken compression": [Head(headers=STREAM | {"content-encoding": "gzip"}), b"x"],
    "half a compression": [Head(headers=STREAM | {"content-encoding": "gzip"}), gzip.compress(delta("Hi"))[:-30]],
    "ten megabytes in a few bytes": [
        Head(headers=STREAM | {"content-encoding": "gzip"}),
        gzip.compress(b": \n" * 4_000_000),
    ],
    "a page that is labelled as a stream": [b"<!doctype html><p>SECRET-MESSAGE"],
    "an error that is labelled as a stream": [json.dumps({"error": {"message": "SECRET-MESSAGE"}}).encode()],
    "words": [Head(headers={"content-type": "text/plain"}), b"upstream connect error SECRET-MESSAGE"],
    "an event that is named an error": [b"event: error\n" + event({"message": "SECRET-MESSAGE"}), DONE],
    "an event named an error without data": [b"event: error\n\n", DONE],
    "an event of type error": [event({"type": "error", "message": "SECRET-MESSAGE"}), DONE],
    "an error without its name": [event({"message": "SECRET-MESSAGE"}), DONE],
    "a detail": [event({"detail": "SECRET-MESSAGE"}), DONE],
    "a status": [event({"status": 503, "title": "SECRET-MESSAGE"}), DONE],
    "an error in the choice": [event({"choices": [{"error": {"message": "SECRET-MESSAGE"}, "delta": {}}]}), DONE],
    "a finish reason of error": [finish("error"), DONE],
    "a json error under 200": [Head(headers={"content-type": "application/json"}), b'{"error": {"code": "x"}}'],
    "broken json under 200": [Head(headers={"content-type": "application/json"}), b'{"choices"'],
    "half a json answer": [
        Head(headers={"content-type": "application/json"}),
        b'{"choices": [{"message": {"content": "Hi"}}]}',
    ],
    "a line without an end": [b"data: ", *[b"x" * 65_536] * 8],
    "ten megabytes of thoughts": [delta(None, reasoning_content="x" * 60_000)] * 170,
    "ten megabytes of json": [Head(headers={"content-type": "application/json"}), *[b" " * 65_536] * 160],
    "a redirect": http(307, location="http://127.0.0.1:1/"),
    "a redirect to another door of a page": http(302, location="/login"),
    "a redirect to itself": http(308, location="/v1/chat/completions"),
    "a redirect to nowhere": http(308),
    "a broken chunk": [RAW, b"HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nHi\r\n"],
    "a head that is none": [RAW, b"220 smtp.example.com ESMTP\r\n\r\n"],
    "a header without end": [RAW, b"HTTP/1.1 200 X\r\nx: " + b"y" * 100_000],
    "400": http(400),
    "401": http(401, b'{"error": {"message": "bad key sk-secret-1234567890", "code": "invalid_api_key"}}'),
    "402": http(402),
    "404": http(404, b"<html>SECRET-MESSAGE</html>"),
    "422": http(422, b'{"detail": "SECRET-MESSAGE"}'),
    "429": http(429, retry_after="3600"),
    "500": http(500),
    "503": http(503, b""),
    "529": http(529),
    "a dropped connection": [CUT],
    "a head and a cut": [Head(), b": \n\n", CUT],
}  # fmt: skip


@pytest.mark.parametrize("answer", BAD.values(), ids=BAD.keys())
async def test_what_cannot_be_shown_makes_the_fallback_answer(both, answer, caplog):
    primary, _ = both
    primary.play(answer)
    caplog.set_level(logging.DEBUG)
    with capture_logs() as logs:
        text, end = await ask()
    assert (text, end.provider) == ("Hello there.", "fallback")
    assert len(primary.requests) <= 2
    written = caplog.text + repr(logs)
    assert "model_host_failed" in written
    for secret in (KEY, "SECRET-MESSAGE", "SECRET-PERSONA", "Hello there."):
        assert secret not in written


@pytest.mark.parametrize("answer", BAD.values(), ids=BAD.keys())
async def test_when_both_fail_there_is_no_answer_and_the_reason_is_safe(both, answer):
    for host in both:
        host.play(answer)
    with pytest.raises(NoAnswer) as failure:
        await ask()
    assert failure.value.reasons[0].startswith("primary: ")
    assert failure.value.reasons[-1].startswith("fallback: ")
    for secret in (KEY, "SECRET-MESSAGE", "SECRET-PERSONA"):
        assert secret not in failure.value.reason
        assert secret not in repr(failure.value)


async def test_an_error_code_that_is_a_plain_word_is_told(only_primary):
    only_primary.play(http(401, b'{"error": {"message": "no", "code": "invalid_api_key"}}'))
    with pytest.raises(NoAnswer, match="primary: http 401 invalid_api_key"):
        await ask()


async def test_a_host_that_is_not_there_makes_the_fallback_answer(settings, nobody, fallback):
    settings.LLM_PROVIDERS = [provider("primary", nobody), provider("fallback", fallback.url)]
    assert (await ask())[1].provider == "fallback"


async def test_a_host_without_tls_makes_the_fallback_answer(settings, primary, fallback):
    tls = primary.url.replace("http:", "https:")
    settings.LLM_PROVIDERS = [provider("primary", tls), provider("fallback", fallback.url)]
    assert (await ask())[1].provider == "fallback"


# --- What breaks after something was shown ----------------------------------------------------------

BROKEN = {
    "cut": [delta("Hel"), CUT],
    "ended without an end": [delta("Hel")],
    "cut inside an event": [delta("Hel"), delta("lo")[:-12]],
    "an error event": [delta("Hel"), event({"error": {"message": "SECRET-MESSAGE"}})],
    "an error line": [delta("Hel"), b"error: {}\n\n", DONE],
    "a broken event": [delta("Hel"), b"data: {oops\n\n", delta("lo"), DONE],
    "a filter": [delta("Hel"), finish("content_filter"), DONE],
    "a busy host": [delta("Hel"), finish("insufficient_system_resource"), DONE],
    "silence": [delta("Hel"), HANG],
}


@pytest.mark.parametrize("answer", BROKEN.values(), ids=BROKEN.keys())
async def test_after_the_first_word_no_other_host_is_asked(both, answer):
    primary, fallback = both
    head, *rest = answer
    primary.play([head, 0.05, *rest])
    pieces = get_llm().stream(asking(seconds=1.5))
    assert await anext(pieces) == Text("Hel")
    with pytest.raises(BrokenOff) as failure:
        await anext(pieces)
    assert failure.value.reason.startswith("primary: ")
    assert "SECRET" not in failure.value.reason
    assert not fallback.requests


# --- Deadlines and caps -------------------------------------------------------------------------------

ENDLESS = {
    "no head": [HANG],
    "a head and nothing": [Head(), b"", HANG],
    "comments for ever": [step for _ in range(2_000) for step in (b": keep-alive\n\n", 0.02)],
    "thoughts for ever": [step for _ in range(2_000) for step in (delta(None, reasoning="hm"), 0.02)],
    "one byte at a time": [step for byte in delta("Hello") * 20 for step in (bytes([byte]), 0.02)],
    "blank lines for ever": [step for _ in range(2_000) for step in (delta("\n"), 0.02)],
    "an error body that never ends": [Head(500, {"content-type": "application/json"}), b"{", HANG],
}


@pytest.mark.parametrize("answer", ENDLESS.values(), ids=ENDLESS.keys())
async def test_a_host_that_shows_nothing_is_left_at_the_deadline(settings, both, answer):
    settings.LLM_FIRST_TOKEN_SECONDS, settings.LLM_TOTAL_SECONDS = 0.3, 1.0
    primary, fallback = both
    primary.play(answer)
    assert (await ask())[1].provider == "fallback"
    assert len(fallback.requests) == 1


async def test_a_host_that_never_comes_to_an_end_is_left_at_the_deadline(only_primary):
    only_primary.play([step for _ in range(2_000) for step in (delta("la "), 0.02)])
    with pytest.raises(BrokenOff, match="no answer in time"):
        await ask(seconds=0.5)
    assert await asyncio.to_thread(only_primary.hung_up.wait, 10)


async def test_the_callers_deadline_is_kept_too(only_primary):
    only_primary.play([HANG])
    with pytest.raises(NoAnswer, match="no answer in time"):
        await ask(seconds=0.3)


async def test_a_reply_of_ten_megabytes_is_cut(only_primary):
    only_primary.play([delta("word " * 200)] * 10_000)
    text, end = await ask()
    assert len(text) <= MAX_CHARACTERS
    assert len(text) > MAX_CHARACTERS - 10
    assert end.finish_reason == "length"
    assert await asyncio.to_thread(only_primary.hung_up.wait, 10)
    assert only_primary.sent < 10_000_000


async def test_more_streams_than_the_transports_default_run_at_once(settings, only_primary):
    settings.LLM_FIRST_TOKEN_SECONDS = 30.0
    only_primary.play([delta("Hi"), 1.0, finish(), DONE])
    async with asyncio.TaskGroup() as group:
        for _ in range(150):
            group.create_task(ask(seconds=60))
    assert len({request.connection for request in only_primary.requests}) == 150


# --- A reader who takes their time ----------------------------------------------------------------


async def test_what_comes_while_nobody_reads_is_one_piece(only_primary):
    words = [f"{number} " for number in range(30)]
    only_primary.play([step for word in words for step in (delta(word), 0.01)] + [finish(), DONE])
    async with aclosing(get_llm().stream(asking(seconds=60))) as pieces:
        first = await anext(pieces)
        await asyncio.sleep(1.5)
        rest = [piece async for piece in pieces]
    assert first.text == "0"  # as soon as it is here
    assert rest[0] == Text(" " + "".join(words[1:]).strip(), last=True)
    assert len(rest) == 2


@pytest.mark.parametrize("end", [[finish(), DONE], [DONE], [finish()]], ids=["both", "only [DONE]", "only a reason"])
async def test_the_last_words_say_so_when_the_host_does(only_primary, end):
    only_primary.play([delta("Hi"), 0.2, b"".join([delta(" there."), *end])])
    pieces = [piece async for piece in get_llm().stream(asking())]
    assert pieces[:2] == [Text("Hi"), Text(" there.", last=True)]


async def test_a_connection_lost_while_nobody_reads_is_noticed(only_primary):
    only_primary.play([delta("Half of"), 0.05, CUT])
    async with aclosing(get_llm().stream(asking(seconds=60))) as pieces:
        await anext(pieces)
        await asyncio.sleep(0.3)
        with pytest.raises(BrokenOff):
            await anext(pieces)
