"""How a request comes from the event loop to Django, and on which thread."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest
from django.http.response import HttpResponseBase

# Requests at work in one process. More would only take the interpreter and the database's connections from each
# other, until some wait for a connection longer than they may; here they wait at no cost. Twice and more the
# connections, because some wait for others than the database.
AT_ONCE = 32


class ThreadedHandler(ASGIHandler):
    """Runs middleware and view as plain calls on one thread, and keeps the thread for another request.

    Everything of ours is synchronous. Django's own handler comes back to the event loop between middleware and view,
    where each time it waits for whatever else the loop has to do, and starts a thread for each request, which then
    has to build its database wrapper and whatever else lives in a thread afresh.
    """

    def __init__(self) -> None:
        super().__init__()
        self._idle: list[ThreadPoolExecutor] = []
        self._slots = asyncio.Semaphore(AT_ONCE)

    def load_middleware(self, is_async: bool = False) -> None:
        """Build the chain of plain calls, whatever is asked for."""
        super().load_middleware(is_async=False)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer on a thread that nobody else uses meanwhile."""
        thread = self._idle.pop() if self._idle else ThreadPoolExecutor(1, "request")
        try:
            async with ThreadSensitiveContext(executor=thread):
                await self.handle(scope, receive, send)
        finally:
            self._idle.append(thread)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        """One hop there, one back; in its turn when very many come at once."""
        async with self._slots:
            return await sync_to_async(self.get_response)(request)
