"""The database from an event loop, while we wait for somebody else, and deeds that survive a torn transaction."""

import asyncio
import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from datetime import UTC, datetime, timedelta
from functools import partial, wraps
from typing import Any, ParamSpec, TypeVar

import structlog
from channels.db import database_sync_to_async
from django.conf import settings
from django.db import DatabaseError, OperationalError, connection

from config.lib import waiting

P = ParamSpec("P")
R = TypeVar("R")

log = structlog.get_logger(__name__)

TRIES = 3
AT_ONCE = timedelta(0)
PAUSE = (0.005, 0.05)  # seconds before another try, by chance: two that tore each other would do it again in step
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
                time.sleep(random.uniform(*PAUSE))  # noqa: S311
        return deed(*args, **kwargs)

    return trying


class DatabaseThreads:
    """Runs short pieces of database work off the loop, on threads of its own.

    Channels' `database_sync_to_async` would put them all on the one thread of the process by itself. With `keep` each
    thread keeps its connection from one piece to the next, which is a fifth of what a piece costs: for few threads.
    With `seconds` no answer of the database is waited for any longer than that.
    """

    def __init__(self, threads: int, name: str, *, keep: bool = False, seconds: float | None = None) -> None:
        self._threads, self._keep = ThreadPoolExecutor(threads, thread_name_prefix=name), keep
        self._seconds = seconds

    async def __call__(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """What the function returns or raises."""
        if self._keep:
            piece = partial(_with_kept_connection, self._seconds, function, *args, **kwargs)
            return await asyncio.get_running_loop().run_in_executor(self._threads, copy_context().run, piece)
        on_thread: Any = database_sync_to_async(function, thread_sensitive=False, executor=self._threads)
        result: R = await on_thread(*args, **kwargs)
        return result


def _with_kept_connection(seconds: float | None, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Do it with this thread's connection, unless the server has ended that; after a failure it is another one."""
    is_there = getattr(connection, "is_there", None)
    if is_there and connection.connection is not None and not is_there():
        connection.close()
    try:
        with waiting.at_most(seconds):
            return function(*args, **kwargs)
    except DatabaseError:
        connection.close()
        raise


def now() -> datetime:
    """The time at the database, for a deed that begins with no row; others have it from theirs."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT CURRENT_TIMESTAMP")
        moment = cursor.fetchone()[0]
    return moment if isinstance(moment, datetime) else datetime.fromisoformat(moment).replace(tzinfo=UTC)


def give_back_connection() -> None:
    """Put this thread's connection back into the pool; the next query takes one again.

    Who waits for a slow vendor with a connection in hand keeps it from those who have something to do.
    """
    if not connection.in_atomic_block:
        connection.close()


@contextmanager
def patiently() -> Iterator[None]:
    """Statements of this thread take as long as they take: for a migration, in a process that serves afterwards.

    Behind a pooler the limits are the database's own, and the connection is not ours to set.
    """
    ours = connection.vendor == "postgresql" and not settings.DATABASE_POOLER
    names = ("statement_timeout", "idle_in_transaction_session_timeout") if ours else ()
    for name in names:
        connection.cursor().execute(f"SET {name} = 0")
    try:
        yield
    finally:
        for name in names:
            connection.cursor().execute(f"RESET {name}")
