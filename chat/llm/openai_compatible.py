"""A model host that speaks the OpenAI chat format: DeepSeek, Together, OpenAI, Ollama, vLLM, llama.cpp, LiteLLM.

One call is one attempt; who asks again, and whom, is the chain's affair. Nothing a host sends is believed: an
answer has caps and deadlines of ours, and counts only when the host said that it is complete.
"""

import asyncio
import contextlib
import json
import math
import re
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from .base import (
    BadAnswer,
    EmptyAnswer,
    FilteredAnswer,
    Finished,
    ModelError,
    Piece,
    Refused,
    Request,
    Text,
    TimedOut,
    TruncatedAnswer,
    Turn,
    Unreachable,
    text_of,
)
from .sse import MAX_TOTAL_BYTES, EventReader, TooLarge
from .visible import Visible

MAX_ERROR_BYTES = 16 * 1024
FINISHED = {"stop": "stop", "eos": "stop", "end_turn": "stop", "length": "length", "max_tokens": "length"}
FILTERED = {"content_filter", "sensitive"}
CUT_SHORT = {"insufficient_system_resource", "abort", "error", "tool_calls", "function_call"}
FAREWELL_SECONDS = 2.0  # what may come between the finish reason and the end: the usage
VENDOR_ERRORS = (aiohttp.ClientError, OSError)


class OpenAICompatible:
    """One configured host. Belongs to the event loop that first uses it."""

    def __init__(
        self,
        *,
        name: str,
        base_url: str,
        api_key: str = "",
        model: str = "",
        extra_body: Mapping[str, Any] | None = None,
    ) -> None:
        self.name = name
        self._model = model
        self._url = completions_url(base_url)
        self._extra_body = dict(extra_body or {})
        # identity: what arrives is what was sent, so that the caps on bytes mean something.
        headers = {
            "Accept": "text/event-stream, application/json",
            "Accept-Encoding": "identity",
            "Content-Type": "application/json",
            "User-Agent": "Dusk",
        }
        if key := api_key.strip():
            if not (key.isascii() and key.isprintable()):
                raise ImproperlyConfigured(f"The key of the {name} model host has characters that no header may hold.")
            headers["Authorization"] = f"Bearer {key}"
        self._headers = headers
        self._thinks_aloud = False  # learned from its answers: see Visible
        self._session: aiohttp.ClientSession | None = None  # can be made inside a loop only

    async def aclose(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _open_session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            headers=self._headers,
            # Read and total time are kept by our own clock below: a dripping host resets those of any client.
            timeout=aiohttp.ClientTimeout(total=None, connect=settings.LLM_CONNECT_SECONDS),
            connector=aiohttp.TCPConnector(limit=settings.LLM_MAX_CONNECTIONS, keepalive_timeout=30),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        )

    async def stream(self, request: Request) -> AsyncGenerator[Piece, None]:
        """One attempt at an answer. See ModelHost."""
        now = time.monotonic()
        deadline = min(request.deadline, now + settings.LLM_TOTAL_SECONDS)
        first_token = min(deadline, now + settings.LLM_FIRST_TOKEN_SECONDS)
        read_seconds = settings.LLM_READ_SECONDS
        told = "\n".join(text_of(turn) for turn in request.turns if turn["role"] == "system")
        answer = _Answer(request.speaker, request.listener, prompt=told, thinks_aloud=self._thinks_aloud)
        async with self._response(request, before=first_token) as response:
            if _content_type(response) == "application/json":  # a host that does not stream
                before = min(deadline, time.monotonic() + read_seconds)
                body = await _whole(response, before=before, limit=MAX_TOTAL_BYTES)
                if text := answer.document(body):
                    yield Text(text, last=True)
            else:
                content = response.content
                while not answer.done:
                    before = deadline if answer.shown else first_token
                    try:
                        chunk = await _next(content, before=min(before, time.monotonic() + read_seconds))
                    except ModelError:
                        if not answer.finish_reason:
                            raise
                        chunk = b""  # all was said, only the farewell is missing
                    text = answer.feed(chunk) if chunk else answer.close()
                    if text:
                        yield Text(text, last=bool(answer.finish_reason))
                    if answer.finish_reason and not answer.done:
                        deadline = first_token = min(deadline, time.monotonic() + FAREWELL_SECONDS)
                if not answer.full:
                    await _drain(content)
        self._thinks_aloud = self._thinks_aloud or answer.thought_aloud
        yield Finished(self.name, self._model, answer.finish_reason, answer.tokens_in, answer.tokens_out)

    @asynccontextmanager
    async def _response(self, request: Request, *, before: float) -> AsyncIterator[aiohttp.ClientResponse]:
        """The response to the request, once it has been found to be an answer."""
        if self._session is None:
            self._session = self._open_session()
        content = json.dumps(self._body(request)).encode()
        try:
            async with asyncio.timeout(before - time.monotonic()):
                response = await self._session.post(self._url, data=content, allow_redirects=False)
        except VENDOR_ERRORS as error:
            raise _ours(error, Unreachable) from None
        try:
            if response.status != 200:
                raise Refused(
                    response.status, code=await _error_code(response, before), retry_after=_retry_after(response)
                )
            if response.headers.get("content-encoding", "identity") != "identity":
                raise BadAnswer("unasked content-encoding")
            if _content_type(response) not in {"text/event-stream", "application/json"}:
                raise BadAnswer("neither an event stream nor json")
            yield response
        finally:
            response.close()  # the connection too, unless the answer was read to its end

    def _body(self, request: Request) -> dict[str, Any]:
        """The request in the vendor's words.

        The extra body of the host wins, and a null in it takes a field out, because hosts differ in what they know:
        {"max_tokens": null, "max_completion_tokens": 220}.
        """
        body = {
            "model": self._model or None,
            "temperature": request.temperature,
            "max_tokens": request.max_tokens,
            "stop": list(request.stop) or None,
            "stream_options": {"include_usage": True},
            **self._extra_body,
            "stream": True,
            "messages": [_message(turn) for turn in request.turns],
        }
        return {key: value for key, value in body.items() if value is not None}


def completions_url(base_url: str) -> str:
    """Where to post: a base without a path gets /v1. Raises ImproperlyConfigured."""
    parts = urlsplit(base_url.strip())
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise ImproperlyConfigured("The base URL of a model host looks like https://host or http://host:11434/v1.")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/') or '/v1'}/chat/completions"


def _message(turn: Turn) -> dict[str, Any]:
    """A turn in the vendor's shape. Words go as one string, in parts or not: some hosts refuse a list of parts."""
    return {"role": turn["role"], "content": text_of(turn)}


class _Answer:
    """Reads one answer, piece by piece: what is visible of it, how it ended, what it cost."""

    def __init__(self, name: str, listener: str = "", *, prompt: str = "", thinks_aloud: bool = False) -> None:
        self.done = False
        self.finish_reason = ""  # known a little before the answer is done: the usage comes after it
        self.tokens_in: int | None = None
        self.tokens_out: int | None = None
        self._text = Visible(name, listener, prompt=prompt, thinks_aloud=thinks_aloud)
        self._events = EventReader()

    @property
    def shown(self) -> bool:
        """Something of the answer is visible."""
        return self._text.shown

    @property
    def thought_aloud(self) -> bool:
        """It ended a thought that it had not begun."""
        return self._text.thought_aloud

    @property
    def full(self) -> bool:
        """The answer was cut because it is as long as an answer may be."""
        return self._text.full

    def feed(self, chunk: bytes) -> str:
        """What these bytes make visible."""
        try:
            events = self._events.feed(chunk)
        except TooLarge:
            raise BadAnswer("answer too large") from None
        return self._read(events)

    def close(self) -> str:
        """What the end of the stream makes visible. An answer that nobody said was complete is not."""
        text = "" if self.finish_reason else self._read(self._events.close(), last=True)
        if self.done:
            return text
        if not self.finish_reason:
            raise TruncatedAnswer("stream ended without an end")
        return text + self._finish()

    def document(self, body: bytes) -> str:
        """The text of a whole answer that came as one JSON document."""
        try:
            text = self._take(json.loads(body))
        except (ValueError, RecursionError):
            raise BadAnswer("broken json") from None
        if not self.finish_reason:
            raise TruncatedAnswer("answer without an end")
        text += self._finish()
        if self.full:
            self.finish_reason = "length"
        return text

    def _read(self, events: list[str], *, last: bool = False) -> str:
        text = ""
        for event in events:
            if event == "[DONE]":
                return text + self._finish()
            try:
                found = json.loads(event)
            except (ValueError, RecursionError):
                raise (TruncatedAnswer("stream cut inside an event") if last else BadAnswer("broken event")) from None
            text += self._take(found)
            if self.full:
                self.finish_reason, self.done = "length", True
                break
        return text

    def _take(self, found: Any) -> str:
        """One event, or the whole answer of a host that does not stream."""
        if not isinstance(found, dict):
            raise BadAnswer("event is not an object")
        if found.get("error") or found.get("object") == "error":
            raise BadAnswer(f"error inside the answer {_code(found)}".rstrip())
        if isinstance(usage := found.get("usage"), dict):
            self.tokens_in = _count(usage.get("prompt_tokens"), self.tokens_in)
            self.tokens_out = _count(usage.get("completion_tokens"), self.tokens_out)
        choices = found.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else None
        if not isinstance(choice, dict):
            return ""  # a chunk of usage only
        if isinstance(reason := choice.get("finish_reason"), str) and reason:
            self._end(reason)
        delta = choice.get("delta") or choice.get("message")
        # reasoning and reasoning_content are beside content, and stay unread.
        return self._text.feed(_plain(delta.get("content"))) if isinstance(delta, dict) else ""

    def _end(self, reason: str) -> None:
        if reason in FILTERED:
            raise FilteredAnswer("filtered by the host")
        if reason in CUT_SHORT:
            raise TruncatedAnswer(f"cut short: {reason}")
        self.finish_reason = FINISHED.get(reason, "stop")

    def _finish(self) -> str:
        text = self._text.close()
        if self._text.is_echo:
            raise BadAnswer("repeats its prompt")
        if not self.shown:
            raise EmptyAnswer("nothing visible")
        self.finish_reason, self.done = self.finish_reason or "stop", True
        return text


def _plain(content: Any) -> str:
    """The text of a content field: a string, null, or a list of typed parts."""
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, dict) and part.get("type") == "text"]
        return "".join(part for part in parts if isinstance(part, str))
    if content is None or isinstance(content, str):
        return content or ""
    raise BadAnswer("content is not text")


def _count(value: Any, known: int | None) -> int | None:
    """A number of tokens that a database can hold; else what was known."""
    return value if type(value) is int and 0 <= value < 2**31 else known


def _code(found: Any) -> str:
    """The error's code if it is a plain identifier: never the message, which may quote the prompt or the key."""
    error = found.get("error") if isinstance(found, dict) else None
    for field in ("code", "type"):
        value = error.get(field) if isinstance(error, dict) else None
        if isinstance(value, str) and re.fullmatch(r"[a-z_]{3,40}", value):
            return value
    return ""


def _content_type(response: aiohttp.ClientResponse) -> str:
    return str(response.headers.get("content-type", "")).partition(";")[0].strip().lower()


async def _error_code(response: aiohttp.ClientResponse, before: float) -> str:
    """The code inside an error body, if that comes soon and is small."""
    try:
        body = await _whole(response, before=min(before, time.monotonic() + 2), limit=MAX_ERROR_BYTES)
        return _code(json.loads(body))
    except (ModelError, ValueError, RecursionError):
        return ""


def _retry_after(response: aiohttp.ClientResponse) -> float | None:
    """Seconds. A date, or nonsense, counts as not given."""
    try:
        seconds = float(response.headers.get("retry-after", ""))
    except ValueError:
        return None
    return max(0.0, seconds) if math.isfinite(seconds) else None


async def _whole(response: aiohttp.ClientResponse, *, before: float, limit: int) -> bytes:
    """The whole body, if it is here in time and not larger than the limit."""
    body = bytearray()
    while chunk := await _next(response.content, before=before):
        body += chunk
        if len(body) > limit:
            raise BadAnswer("answer too large")
    return bytes(body)


async def _next(content: aiohttp.StreamReader, *, before: float) -> bytes:
    """All bytes that are here, or the next ones; none at the end."""
    try:
        if chunk := content.read_nowait():
            return chunk
        async with asyncio.timeout(before - time.monotonic()):
            return await content.readany()
    except VENDOR_ERRORS as error:
        raise _ours(error, TruncatedAnswer) from None


async def _drain(content: aiohttp.StreamReader) -> None:
    """Read the end of the body, which is mostly here already: only then can the connection serve again."""
    before = time.monotonic() + 0.1
    with contextlib.suppress(ModelError):
        while await _next(content, before=before):
            pass


def _ours(error: Exception, lost: type[ModelError]) -> ModelError:
    """The error of ours for one of the vendor's. Not chained to it: theirs may print a request with its headers."""
    if isinstance(error, TimeoutError) or isinstance(error.__cause__, TimeoutError):
        return TimedOut("no answer in time")
    return lost(f"connection failed: {type(error).__name__}")
