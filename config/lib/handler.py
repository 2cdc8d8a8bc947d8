"""How a request comes from the event loop to Django, on which thread, and how its answer goes back."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context, copy_context
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestAborted, RequestDataTooBig
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.core.signals import request_started
from django.db import close_old_connections
from django.http import HttpRequest, HttpResponse
from django.urls import set_script_prefix

# Requests at work in one process. More would only take the interpreter and the database's connections from each
# other, until some wait for a connection longer than they may; here they wait at no cost. Twice and more the
# connections, because some wait for others than the database.
AT_ONCE = 32
FILE_PART = 256 * 1024  # of a file, read at once and sent before the next is


class ThreadedHandler(ASGIHandler):
    """Runs a whole request, from its first signal to its last, as plain calls on one thread.

    Everything of ours is synchronous. Django's own handler comes back to the event loop five times on the way, where
    each time it waits for whatever else the loop has to do, and starts a thread for each request, which then has to
    build its database wrapper and whatever else lives in a thread afresh.

    A thread never waits for a browser: the body is there before a request begins, and a long answer is read part by
    part, the next when the one before is on its way.
    """

    def __init__(self) -> None:
        super().__init__()
        self._threads = ThreadPoolExecutor(AT_ONCE, "request")

    def load_middleware(self, is_async: bool = False) -> None:
        """Build the chain of plain calls, whatever is asked for."""
        super().load_middleware(is_async=False)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer. When very many come at once, each in its turn."""
        try:
            body = await self.read_body(_bounded(receive))
        except RequestAborted:
            return
        except RequestDataTooBig:
            # The rest of the body is on its way; nobody waits for it.
            await self.send_response(HttpResponse("Too large.", status=413, headers={"Connection": "close"}), send)
            return
        try:
            request, refusal = self.create_request(scope, body)
            response: Any = refusal
            context = copy_context()  # whatever is bound while the request is at work, as for logs, stays its own
            if request is not None:
                loop = asyncio.get_running_loop()
                response = await loop.run_in_executor(self._threads, context.run, self._answer, scope, request)
            if response.streaming:
                await self._stream(response, receive, send, context)
            else:
                await self.send_response(response, send)
        finally:
            body.close()

    def _answer(self, scope: Any, request: HttpRequest) -> Any:
        set_script_prefix(get_script_prefix(scope))
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


def _bounded(receive: Any) -> Any:
    """The same messages, until they are more than a request may bring. Then raises RequestDataTooBig."""
    size = 0

    async def bounded() -> Any:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > settings.REQUEST_MAX_BYTES:
            raise RequestDataTooBig
        return message

    return bounded
