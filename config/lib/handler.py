"""How a request comes from the event loop to Django, and on which thread."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.core.signals import request_started
from django.db import close_old_connections
from django.http import HttpRequest
from django.urls import set_script_prefix

# Requests at work in one process. More would only take the interpreter and the database's connections from each
# other, until some wait for a connection longer than they may; here they wait at no cost. Twice and more the
# connections, because some wait for others than the database.
AT_ONCE = 32


class ThreadedHandler(ASGIHandler):
    """Runs a whole request, from its first signal to its last, as plain calls on one thread.

    Everything of ours is synchronous. Django's own handler comes back to the event loop five times on the way, where
    each time it waits for whatever else the loop has to do, and starts a thread for each request, which then has to
    build its database wrapper and whatever else lives in a thread afresh.
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
            body = await self.read_body(receive)
        except RequestAborted:
            return
        try:
            request, refusal = self.create_request(scope, body)
            response: Any = refusal
            if request is not None:
                loop = asyncio.get_running_loop()
                response = await loop.run_in_executor(self._threads, copy_context().run, self._answer, scope, request)
            if not response.streaming:
                return await self.send_response(response, send)
            async with ThreadSensitiveContext():  # files are read beside each other
                try:
                    await self.send_response(response, send)
                finally:
                    await sync_to_async(response.close)()
        finally:
            body.close()

    def _answer(self, scope: Any, request: HttpRequest) -> Any:
        set_script_prefix(get_script_prefix(scope))
        request_started.send(sender=self.__class__, scope=scope)
        response: Any = self.get_response(request)
        response._handler_class = self.__class__
        if response.streaming:
            response.block_size = self.chunk_size
            close_old_connections()  # it is closed later, on another thread
        else:
            response.close()
        return response
