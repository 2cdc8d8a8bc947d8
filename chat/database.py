"""The database from an event loop, and deeds that survive a transaction that was torn."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import wraps
from typing import ParamSpec, TypeVar

import structlog
from django.db import OperationalError, close_old_connections

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
    """Runs short pieces of database work off the loop."""

    def __init__(self, threads: int, name: str) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)

    async def __call__(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """What the function returns or raises. Its connection goes back to the pool afterwards."""

        def work() -> R:
            close_old_connections()
            try:
                return function(*args, **kwargs)
            finally:
                close_old_connections()

        return await asyncio.get_running_loop().run_in_executor(self._pool, work)
