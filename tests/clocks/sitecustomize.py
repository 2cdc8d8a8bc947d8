"""A process whose clock is wrong: the file that `CLOCK` names says by how many seconds, from now on and at any time.

Python imports this by itself where this folder is on `PYTHONPATH`. Only the time of day is wrong; what
measures how long something takes is not, as on a real machine.
"""

import datetime
import os
import time
from pathlib import Path

_path, _time = Path(os.environ["CLOCK"]), time.time


def _wrong() -> float:
    return float(_path.read_text())


class _Datetime(datetime.datetime):
    """What asks the clock, asks the wrong one; all else is as ever."""

    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> datetime.datetime:
        return datetime.datetime.fromtimestamp(time.time(), tz)

    @classmethod
    def utcnow(cls) -> datetime.datetime:
        return cls.now(datetime.UTC).replace(tzinfo=None)


time.time = lambda: _time() + _wrong()

import django.utils.timezone  # noqa: E402 - before anybody takes its `now` away as a default

django.utils.timezone.now = lambda: _Datetime.now(datetime.UTC)
