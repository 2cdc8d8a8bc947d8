"""How long a thread that somebody waits for may itself wait for others, and how many such threads may at once.

Workers and commands wait as long as it takes: nobody looks at a clock meanwhile.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class _Thread(threading.local):
    seconds: float | None = None


_this = _Thread()


def seconds() -> float | None:
    """How long this thread may wait for one answer of the database; None for as long as it takes."""
    return _this.seconds


@contextmanager
def at_most(seconds: float | None) -> Iterator[None]:
    """Somebody waits for what this thread does here; with None, nobody does."""
    before, _this.seconds = _this.seconds, seconds
    try:
        yield
    finally:
        _this.seconds = before


class Full(Exception):
    """As many requests as may are waiting for a vendor; whoever comes now is told to come again."""

    retry_after = 5


class Bulkhead:
    """So many of a process's requests may wait for one vendor. The others go on, whatever becomes of the vendor.

    Who is no request is not counted: a worker's threads are its own.
    """

    def __init__(self, places: int) -> None:
        self._places = threading.Semaphore(places)

    @contextmanager
    def place(self) -> Iterator[None]:
        """Wait for the vendor in here. Raises Full, at once."""
        if _this.seconds is None:
            yield
            return
        if not self._places.acquire(blocking=False):
            raise Full
        try:
            yield
        finally:
            self._places.release()
