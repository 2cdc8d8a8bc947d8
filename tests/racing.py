"""Many at once: what is scarce must stay exact."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, connections

needs_postgres = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="a race needs a database that many can write to"
)


def race(deed: Callable[[int], Any], times: int) -> list[Any]:
    """Call deed(0) … deed(times - 1), each in a thread of its own, all let go at the same moment.

    Returns what each returned, or the exception that it raised.
    """
    start = threading.Barrier(times)

    def run(number: int) -> Any:
        start.wait()
        try:
            return deed(number)
        except Exception as error:
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(times) as threads:
        return list(threads.map(run, range(times)))


def together(*deeds: Callable[[], Any]) -> list[Any]:
    """Do all of these at the same moment. Returns what each returned; raises what any raised."""
    answers = race(lambda number: deeds[number](), len(deeds))
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer
    return answers
