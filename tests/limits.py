"""Limits slide: whoever goes on while one minute becomes the next has a few more. So tests go on until it is enough."""

from collections.abc import Callable
from typing import Any

from accounts.ratelimits import TooManyRequests


def until_refused(deed: Callable[[], Any], limit: int) -> list[Any]:
    """The answers to a deed, done over and over until one is 429: `limit` were let through, and not many more."""
    answers = [deed()]
    while answers[-1].status_code != 429 and len(answers) < 2 * limit:
        answers.append(deed())
    assert answers[-1].status_code == 429
    assert len(answers) > limit
    return answers


def until_too_many(deed: Callable[[], object], limit: int) -> TooManyRequests:
    """What is said to somebody who does it over and over: `limit` were let through, and not many more."""
    for done in range(2 * limit):
        try:
            deed()
        except TooManyRequests as refused:
            assert done >= limit
            return refused
    raise AssertionError(f"{2 * limit} were let through")
