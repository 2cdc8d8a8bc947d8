"""How a request comes from the event loop to Django, on which thread, and how its answer goes back."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context, copy_context
from typing import Any

from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.core.signals import request_started
from django.db import close_old_connections
from django.http import HttpRequest, HttpResponse
from django.urls import set_script_prefix

from config.lib import waiting
from config.lib.doors import refused

# Requests at work in one process. More would only take the interpreter and the database's connections from each
# other, until some wait for a connection longer than they may; here they wait at no cost. Twice and more the
# connections, because some wait for others than the database.
AT_ONCE = 32
FILE_PART = 256 * 1024  # of a file, read at once and sent before the next is
# A statement is ended by the database after ten seconds; who hears nothing for longer hears nothing any more.
DATABASE_SECONDS = 11.0
QUEUE_SECONDS = 20.0  # for a thread; then all are stuck, and somebody who may come again is better off than who waits
BODY_BYTES = 256 * 1024  # of a request, at a door that says nothing else (`config.lib.doors.takes`)
BODIES_BYTES = 256 * 1024 * 1024  # of all requests whose bodies are on their way
IN_MEMORY_BYTES = 2_621_440  # of one; what is larger goes to the disk (Django's FILE_UPLOAD_MAX_MEMORY_SIZE)
# A body may take 20 seconds, and one more for each 50 kB that came: a slow line is let, a stalling one is not.
BODY_SECONDS, BODY_BYTES_A_SECOND = 20.0, 50_000

Limit = Callable[[Any], int]


class Refused(Exception):
    """A request that is answered before Django sees it."""

    def __init__(self, status: int, code: str, message: str, **headers: str) -> None:
        super().__init__(code)
        self.status, self.code, self.message, self.headers = status, code, message, headers

    def response(self, scope: Any) -> HttpResponse:
        """In words for people, or in the site's own shape for its JavaScript."""
        if b"text/html" in dict(scope["headers"]).get(b"accept", b""):
            response = HttpResponse(self.message, status=self.status, content_type="text/plain; charset=utf-8")
        else:
            response = refused(self.code, self.message, self.status)
        for name, value in self.headers.items():
            response[name.replace("_", "-")] = value
        return response


class ThreadedHandler(ASGIHandler):
    """Runs a whole request, from its first signal to its last, as plain calls on one thread.

    Everything of ours is synchronous. Django's own handler comes back to the event loop five times on the way, where
    each time it waits for whatever else the loop has to do, and starts a thread for each request, which then has to
    build its database wrapper and whatever else lives in a thread afresh.

    A thread never waits for a browser: the body is there before a request begins, and a long answer is read part by
    part, the next when the one before is on its way.
    """

    def __init__(self, larger: Limit | None = None) -> None:
        """`larger` says, on a thread, how many bytes a request may bring that brings more than most do."""
        super().__init__()
        self._threads = ThreadPoolExecutor(AT_ONCE, "request")
        self._larger = larger
        self._at_work = 0
        self._held = 0  # bytes of bodies

    def load_middleware(self, is_async: bool = False) -> None:
        """Build the chain of plain calls, whatever is asked for."""
        super().load_middleware(is_async=False)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer. When very many come at once, each in its turn."""
        coming = _Body(self, scope, receive)
        body: Any = None
        try:
            body = await self.read_body(coming.receive)
            request, refusal = self.create_request(scope, body)
            response: Any = refusal
            context = copy_context()  # whatever is bound while the request is at work, as for logs, stays its own
            if request is not None:
                response = await self._on_a_thread(context.run, self._answer, scope, request)
            if response.streaming:
                await self._stream(response, receive, send, context)
            else:
                await self.send_response(response, send)
        except RequestAborted:
            return
        except Refused as refusal_before:
            await self.send_response(refusal_before.response(scope), send)
        finally:
            self._held -= coming.held
            if body is not None:
                body.close()

    async def _on_a_thread(self, function: Any, *arguments: Any) -> Any:
        """What it returns. Raises Refused when no thread is free for very long."""
        self._at_work += 1
        try:
            work = self._threads.submit(function, *arguments)
            answer = asyncio.wrap_future(work)
            if self._at_work > AT_ONCE:
                await asyncio.wait([answer], timeout=QUEUE_SECONDS)
                if work.cancel():
                    raise Refused(503, "busy", "Very many people are here right now. Try again.", Retry_After="5")
            return await answer
        finally:
            self._at_work -= 1

    async def limit_of(self, scope: Any) -> int:
        """How many bytes this request may bring."""
        if self._larger is None:
            return BODY_BYTES
        return int(await self._on_a_thread(self._larger, scope))

    def hold(self, size: int) -> None:
        """So much more of a body is here. Raises Refused when that is too much of all of them."""
        self._held += size
        if self._held > BODIES_BYTES:
            raise Refused(503, "busy", "Very much is on its way here right now. Try again.", Retry_After="5")

    def _answer(self, scope: Any, request: HttpRequest) -> Any:
        set_script_prefix(get_script_prefix(scope))
        with waiting.at_most(DATABASE_SECONDS):
            request_started.send(sender=self.__class__, scope=scope)
            response: Any = self.get_response(request)
        response._handler_class = self.__class__
        if response.streaming:
            response.block_size = FILE_PART
            if request.method == "HEAD":
                response.streaming_content = ()
            close_old_connections()  # it is closed later, on another thread
        else:
            response.close()
        return response

    async def _stream(self, response: Any, receive: Any, send: Any, context: Context) -> None:
        left = asyncio.ensure_future(receive())  # the body was read: all that can come is that the browser leaves
        if response.is_async:
            response.streaming_content = _while_somebody_reads(response.streaming_content, left)
        else:
            response.streaming_content = self._read(iter(response), left, context)
        try:
            await self.send_response(response, send)
        finally:
            left.cancel()
            await asyncio.get_running_loop().run_in_executor(self._threads, response.close)

    async def _read(self, parts: Iterator[bytes], left: asyncio.Future[Any], context: Context) -> AsyncIterator[bytes]:
        """Each part on a thread, until there are no more or nobody is there to read them."""
        loop = asyncio.get_running_loop()
        while not left.done():
            part = await loop.run_in_executor(self._threads, lambda: context.run(next, parts, None))
            if part is None:
                return
            yield part


async def _while_somebody_reads(
    parts: AsyncGenerator[bytes, None], left: asyncio.Future[Any]
) -> AsyncGenerator[bytes, None]:
    """Each part as it comes, on the event loop; whoever makes them is stopped at once when the browser leaves."""
    try:
        while True:
            part = asyncio.ensure_future(anext(parts, None))
            try:
                await asyncio.wait({part, left}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                if not part.done():
                    part.cancel()
                    await asyncio.wait({part})
            if part.cancelled() or (made := part.result()) is None:
                return
            yield made
    finally:
        await parts.aclose()


class _Body:
    """What a request brings, as it comes: no more than its door takes, and not for ever."""

    def __init__(self, handler: ThreadedHandler, scope: Any, receive: Any) -> None:
        self.handler, self.scope, self._receive = handler, scope, receive
        self.size, self.held, self.limit = 0, 0, BODY_BYTES
        headers = dict(scope["headers"])
        declared = headers.get(b"content-length", b"0")
        self.declared = int(declared[:18]) if declared.isdigit() else 0
        self.until: float | None = None
        if self.declared or b"transfer-encoding" in headers:
            self.until = asyncio.get_running_loop().time() + BODY_SECONDS

    async def receive(self) -> Any:
        """The next piece. Raises Refused."""
        if self.size == 0 and self.declared:
            await self._may_be(self.declared)
        if self.until is None:
            message = await self._receive()
        else:
            try:
                async with asyncio.timeout_at(self.until + self.size / BODY_BYTES_A_SECOND):
                    message = await self._receive()
            except TimeoutError:
                raise Refused(408, "too_slow", "That took too long to arrive. Try again.", Connection="close") from None
        if piece := len(message.get("body", b"")):
            self.size += piece
            await self._may_be(self.size)
            more = min(self.size, IN_MEMORY_BYTES) - self.held
            self.held += more
            self.handler.hold(more)
        return message

    async def _may_be(self, size: int) -> None:
        if size > self.limit:
            self.limit = max(self.limit, await self.handler.limit_of(self.scope))
        if size > self.limit:
            # What is on its way still is taken and thrown away, for a moment, so that the answer is heard.
            raise Refused(413, "too_large", "That is too large.")
