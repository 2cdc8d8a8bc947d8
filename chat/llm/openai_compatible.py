"""A model host that speaks the OpenAI chat format: DeepSeek, Together, OpenAI, Ollama, vLLM, llama.cpp, LiteLLM.

One call is one attempt; who asks again, and whom, is the chain's affair. Nothing a host sends is believed: an
answer has caps and deadlines of ours, and counts only when the host said that it is complete (`answer.py`).

Hosts differ in what they accept. What one of them refuses and could do without is left out from then on, in this
process: see `_adapt`.
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

import aiohttp
import aiohttp.http_exceptions
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from config.lib.modelhosts import completions_url, within

from .answer import Answer, error_code
from .base import (
    BadAnswer,
    EmptyAnswer,
    Finished,
    ModelError,
    Piece,
    Refused,
    Request,
    Text,
    TimedOut,
    TruncatedAnswer,
    Unreachable,
    Withdrawn,
    text_of,
)

MAX_ERROR_BYTES = 16 * 1024
MAX_REDIRECTS = 3
FAREWELL_SECONDS = 2.0  # what may come between the finish reason and the end: the usage
EMPTY_FAREWELL_SECONDS = 20.0  # the same, as long as nothing is visible: some name a reason with each thought
SHARE = 0.6  # of the time that is left, for one attempt while another host waits its turn
VENDOR_ERRORS = (
    aiohttp.ClientError,
    aiohttp.http_exceptions.HttpProcessingError,
    OSError,
    EOFError,
    ValueError,
)
OPTIONAL = (
    "stream_options",
    "stop",
    "temperature",
    "max_tokens",
)  # what a host may refuse, and an answer can do without
_NO_SYSTEM = re.compile(r"system|template|\broles?\b|alternat", re.IGNORECASE)
_WAKING = re.compile(r"\bloading\b|\bstarting\b|\bwarm(?:ing)?[ -]?up\b|\bnot (?:yet )?ready\b", re.IGNORECASE)


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
        # Learned from its answers.
        self._thinks_aloud = False  # see Visible
        self._without: set[str] = set()  # optional fields that it refuses
        self._renamed = False  # max_tokens is max_completion_tokens
        self._has_no_system = False  # its chat template knows no system turn
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
        """One attempt at an answer. See ModelHost.

        While somebody else could be asked, silence before the first word ends it (LLM_FIRST_TOKEN_SECONDS, anew with
        each sign of life), and so does its share of the time. With nobody else there is patience to the deadline:
        a model that is still being read from a disk says nothing for half a minute, and starts over if it is left. Who
        has begun to speak and falls silent (LLM_READ_SECONDS) is gone: what was read stays, and can be asked for again.
        """
        now = time.monotonic()
        left = request.deadline - now
        deadline = request.deadline if request.alone else now + min(left, settings.LLM_TOTAL_SECONDS, left * SHARE)
        patience = math.inf if request.alone else settings.LLM_FIRST_TOKEN_SECONDS
        quiet_until = min(deadline, now + patience)
        stops = "stop" in self._body(request)
        async with self._response(request, before=quiet_until) as response:
            encoding = response.headers.get("content-encoding", "").strip().lower()
            answer = Answer(
                request.speaker,
                request.listener,
                secret=request.secret,
                thinks_aloud=self._thinks_aloud,
                encoding=encoding,
            )
            content = response.content
            heard = came = now
            while not answer.done:
                before = min(request.deadline, came + settings.LLM_READ_SECONDS) if answer.shown else quiet_until
                if answer.ends or answer.finish_reason:
                    farewell = FAREWELL_SECONDS if answer.ends and answer.shown else EMPTY_FAREWELL_SECONDS
                    before = min(before, heard + farewell)
                try:
                    chunk = await _next(content, before=before)
                except ModelError:
                    if not answer.finish_reason:
                        raise
                    chunk = b""  # all was said, only the farewell is missing
                came = time.monotonic()
                signs, ended = answer.signs, answer.ends
                try:
                    text = answer.feed(chunk) if chunk else answer.close()
                except ModelError as error:
                    if answer.withdrew():
                        yield Withdrawn()
                    # A thought may hold the words that end an answer: then they ended it too early.
                    if isinstance(error, EmptyAnswer) and answer.thought and stops and self._may_drop("stop"):
                        self._without.add("stop")
                        error.retryable = True
                    raise
                if answer.withdrew():
                    yield Withdrawn()
                if text:
                    yield Text(text, last=answer.ends)
                if answer.ends != ended or (answer.signs > signs and not (ended and answer.shown)):
                    heard = time.monotonic()
                    quiet_until = min(deadline, heard + patience)
            if not answer.full:
                await _drain(content)
        self._thinks_aloud = self._thinks_aloud or answer.thought_aloud
        tokens = (answer.tokens_in, answer.tokens_out, answer.tokens_cached)
        yield Finished(self.name, self._model, answer.finish_reason, *tokens)

    @asynccontextmanager
    async def _response(self, request: Request, *, before: float) -> AsyncIterator[aiohttp.ClientResponse]:
        """The response to the request, once it is not a refusal."""
        if self._session is None:
            self._session = self._open_session()
        redirects = 0
        while True:
            body = self._body(request)
            url = self._url
            if request.witness:
                request.witness(self.name, body)
            try:
                async with asyncio.timeout(before - time.monotonic()):
                    response = await self._session.post(url, data=json.dumps(body).encode(), allow_redirects=False)
            except VENDOR_ERRORS as error:
                raise _ours(error, Unreachable) from None
            try:
                if response.status == 200:
                    yield response
                    return
                if response.status in {301, 307, 308} and redirects < MAX_REDIRECTS:
                    redirects += 1
                    if moved := within(url, response.headers.get("location", "")):
                        self._url = moved
                        continue
                code, words = await _error(response, before)
                if not self._adapt(body, response.status, words):
                    waking = response.status >= 500 and bool(_WAKING.search(words))
                    raise Refused(response.status, code=code, retry_after=_retry_after(response), waking=waking)
            finally:
                response.close()  # the connection too, unless the answer was read to its end

    def _body(self, request: Request) -> dict[str, Any]:
        """The request in the vendor's words.

        The extra body of the host wins, and a null in it takes a field out, because hosts differ in what they know:
        {"max_tokens": null, "max_completion_tokens": 220}.
        """
        limit = "max_completion_tokens" if self._renamed else "max_tokens"
        optional = {
            "temperature": request.temperature,
            limit: request.max_tokens,
            "stop": list(request.stop) or None,
            "stream_options": {"include_usage": True},
        }
        body = {
            "model": self._model or None,
            **{key: value for key, value in optional.items() if key not in self._without},
            **self._extra_body,
            "stream": True,
            "messages": self._messages(request),
        }
        return {key: value for key, value in body.items() if value is not None}

    def _messages(self, request: Request) -> list[dict[str, Any]]:
        """The turns in the vendor's shape. Words go as one string: some hosts refuse a list of parts."""
        messages = [{"role": turn["role"], "content": text_of(turn)} for turn in request.turns]
        if self._has_no_system and len(messages) > 1 and messages[0]["role"] == "system":
            system, first, *rest = messages
            return [first | {"content": f"{system['content']}\n\n{first['content']}"}, *rest]
        return messages

    def _adapt(self, body: Mapping[str, Any], status: int, words: str) -> bool:
        """Whether it is worth asking at once again: the host refuses something that the next request is without.

        Compared with what this very request held, so that requests at one time learn the same, and no request is
        repeated for ever.
        """
        if status in {400, 422}:
            if "max_completion_tokens" in words and self._may_drop("max_tokens") and "max_tokens" in body:
                self._renamed = True
                return True
            for field in OPTIONAL:
                if field in body and self._may_drop(field) and re.search(rf"\b{field}\b", words):
                    self._without.add(field)
                    return True
        if status in {400, 422, 500} and body["messages"][0]["role"] == "system" and _NO_SYSTEM.search(words):
            self._has_no_system = True
            return True
        return False

    def _may_drop(self, field: str) -> bool:
        """The operator did not ask for it."""
        return field not in self._extra_body


async def _error(response: aiohttp.ClientResponse, before: float) -> tuple[str, str]:
    """The code inside an error body, and its words, if that comes soon and is small.

    The words are to be searched only: they may quote the prompt or the key.
    """
    try:
        body = await _whole(response, before=min(before, time.monotonic() + 2), limit=MAX_ERROR_BYTES)
        found = json.loads(body)
    except ModelError:
        return "", ""
    except (ValueError, RecursionError):
        return "", body[:2_000].decode(errors="replace")
    return error_code(found), " ".join(_words(found))[:4_000]


def _words(found: Any) -> list[str]:
    """What an error body says in the fields where hosts say it; not in those that repeat what was sent."""
    if isinstance(found, str):
        return [found]
    if isinstance(found, list):
        return [word for each in found for word in _words(each)]
    if isinstance(found, dict):
        told = (found.get(key) for key in ("error", "message", "param", "code", "type", "detail", "loc", "msg"))
        return [word for each in told for word in _words(each)]
    return []


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
