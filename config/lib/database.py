"""The database from an event loop, while we wait for somebody else, and deeds that survive a torn transaction."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial, wraps
from typing import Any, ParamSpec, TypeVar

import structlog
from channels.db import database_sync_to_async
from django.db import OperationalError, connection

P = ParamSpec("P")
R = TypeVar("R")

log = structlog.get_logger(__name__)

TRIES = 3
# PostgreSQL's codes: serialization failure, deadlock; connection lost; ended by an administrator, a crash, a restart.
TORN = ("40001", "40P01", "08", "57P01", "57P02")


def tried_again(deed: Callable[P, R]) -> Callable[P, R]:
    """Do a deed once more when its transaction was torn through no fault of its own.

    For deeds that are one durable transaction and that may be repeated: nobody knows whether a commit that lost its
    connection was one.
    """

    @wraps(deed)
    def trying(*args: P.args, **kwargs: P.kwargs) -> R:
        for _ in range(TRIES - 1):
            try:
                return deed(*args, **kwargs)
            except OperationalError as error:
                code = getattr(error.__cause__, "sqlstate", None) or ""
                if not code.startswith(TORN):
                    raise
                log.warning("transaction_torn", deed=deed.__name__, code=code)
        return deed(*args, **kwargs)

    return trying


class DatabaseThreads:
    """Runs short pieces of database work off the loop, on threads of its own.

    Channels' `database_sync_to_async` would put them all on the one thread of the process by itself.
    """

    def __init__(self, threads: int, name: str) -> None:
        self._on_threads = partial(
            database_sync_to_async,
            thread_sensitive=False,
            executor=ThreadPoolExecutor(threads, thread_name_prefix=name),
        )

    async def __call__(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """What the function returns or raises. Its connection goes back to the pool afterwards."""
        result: Any = await self._on_threads(function)(*args, **kwargs)
        return result


def give_back_connection() -> None:
    """Put this thread's connection back into the pool; the next query takes one again.

    Who waits for a slow vendor with a connection in hand keeps it from those who have something to do.
    """
    if not connection.in_atomic_block:
        connection.close()
