"""A model host for tests: a small real HTTP server in a thread, OpenAI-compatible, that can fail in every way.

    with ModelHost() as host:
        host.play(*said("Hello ", "there"))              # every request gets this
        host.play(http(500), [*said("Hello")])           # the first request fails, all later ones succeed

An answer is a list of steps: bytes are sent as they are, a float is a pause in seconds, a threading.Event is waited
for, HANG waits until the client leaves, CUT drops the connection. Without a `head()` first, the steps follow the head
of an event stream; after RAW, they are all that is sent, then the connection ends.
"""

import asyncio
import json
import random
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

HANG = object()
CUT = object()
RAW = object()
DONE = b"data: [DONE]\n\n"
Step = bytes | float | object


@dataclass
class Head:
    """Status and headers of an answer. `chunked=False` ends the body by closing the connection."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"content-type": "text/event-stream"})
    chunked: bool = True


def event(data: Any) -> bytes:
    """One server-sent event."""
    return b"data: " + (data if isinstance(data, bytes) else json.dumps(data).encode()) + b"\n\n"


def delta(content: str | None = None, *, finish: str | None = None, **more: Any) -> bytes:
    """One chunk of an answer."""
    return event(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "choices": [{"index": 0, "delta": {"content": content, **more}, "finish_reason": finish}],
        }
    )


def finish(reason: str = "stop") -> bytes:
    """The chunk that says why the answer ended."""
    return event({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})


def usage(tokens_in: Any = 11, tokens_out: Any = 3) -> bytes:
    """The chunk that comes after the finish reason, without choices."""
    return event({"choices": [], "usage": {"prompt_tokens": tokens_in, "completion_tokens": tokens_out}})


def said(*words: str) -> list[Step]:
    """A whole good answer."""
    return [b"".join([delta("", role="assistant"), *map(delta, words), finish(), usage(), DONE])]


def http(status: int, body: bytes = b'{"error": {"message": "no"}}', **headers: str) -> list[Step]:
    """An answer with a status; headers with _ for -."""
    named = {"content-type": "application/json"} | {key.replace("_", "-"): value for key, value in headers.items()}
    return [Head(status, named), body]


@dataclass
class Request:
    """What a client asked."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    connection: int


def _refusal(template: str, messages: list[dict[str, Any]]) -> str:
    """What the templates of Mistral, Gemma and Llama say of turns that they cannot tell."""
    roles = [message["role"] for message in messages]
    if template == "no system" and "system" in roles:
        return "System role not supported"
    turns = roles[1:] if roles[:1] == ["system"] else roles
    wanted = ["user", "assistant"] * len(turns)
    if template and (turns != wanted[: len(turns)] or turns[-1:] != ["user"]):
        return "Conversation roles must alternate user/assistant/user/assistant/..."
    return ""


class ModelHost:
    """The server. `requests` holds what came; `hung_up` is set when a client left in the middle of an answer."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.template = ""  # of its chat: "strict" wants turns that alternate, "no system" has none besides
        self.hung_up = threading.Event()
        self.sent = 0  # bytes of bodies
        self._answers: list[Sequence[Step]] = [said("Hello there.")]
        self._chance: Callable[[], list[Step]] | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._connections = 0
        self._waited_for: set[threading.Event] = set()
        self.port = 0

    @property
    def url(self) -> str:
        """Its base URL, without a path."""
        return f"http://127.0.0.1:{self.port}"

    def play(self, *answers: Iterable[Step]) -> None:
        """Answer the next requests so, one each; the last answer is for all that follow."""
        self._answers = [list(answer) for answer in answers]

    def play_any(self, chance: random.Random, weights: dict[str, int], answers: dict[str, Iterable[Step]]) -> None:
        """Answer each request by one of these, by chance, of which each has so much."""
        self._chance = lambda: list(answers[chance.choices(list(weights), list(weights.values()))[0]])

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self._serve, "127.0.0.1", 0), self._loop
        ).result(60)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(60)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(60)
        self._loop.close()

    async def _stop(self) -> None:
        self._server.close()
        for event in self._waited_for:  # or its thread would wait for ever, and the interpreter for it
            event.set()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections += 1
        connection = self._connections
        try:
            while await self._answer(reader, writer, connection):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, ValueError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: int) -> bool:
        """Answer one request; True if the connection may carry another."""
        begin = await reader.readexactly(1)
        if begin == b"\x16":  # somebody wants TLS
            writer.write(b"HTTP/1.1 400 No TLS here\r\n\r\n")
            return False
        head = (begin + await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        self.requests.append(Request(first.split(" ")[1], headers, json.loads(body or b"{}"), connection))
        if refusal := _refusal(self.template, self.requests[-1].body.get("messages", [])):
            steps = http(400, json.dumps({"error": {"message": refusal}}).encode())
        else:
            steps = self._chance() if self._chance else self._next()
        if steps == [HANG]:
            return await self._hang(reader)
        if steps == [CUT]:
            return False
        if steps[0] is RAW:
            for step in steps[1:]:
                writer.write(step)
            await writer.drain()
            return False
        answer = steps.pop(0) if isinstance(steps[0], Head) else Head()
        framing = "transfer-encoding: chunked" if answer.chunked else "connection: close"
        fields = "".join(f"{name}: {value}\r\n" for name, value in answer.headers.items())
        writer.write(f"HTTP/1.1 {answer.status} X\r\n{fields}{framing}\r\n\r\n".encode())
        for step in steps:
            if step is HANG:
                return await self._hang(reader)
            if step is CUT:
                writer.transport.abort()
                return False
            if isinstance(step, bytes):
                writer.write(b"%x\r\n%s\r\n" % (len(step), step) if answer.chunked else step)
                try:
                    await writer.drain()
                except ConnectionError:
                    self.hung_up.set()
                    raise
                self.sent += len(step)
            elif isinstance(step, float):
                await asyncio.sleep(step)
            elif isinstance(step, threading.Event):
                self._waited_for.add(step)
                await asyncio.to_thread(step.wait)
        if not answer.chunked:
            return False
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True

    def _next(self) -> list[Step]:
        return list(self._answers.pop(0) if len(self._answers) > 1 else self._answers[0])

    async def _hang(self, reader: asyncio.StreamReader) -> bool:
        await reader.read()  # until the client leaves
        self.hung_up.set()
        return False
