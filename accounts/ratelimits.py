"""How often a person may do what costs something: one function for each limit, its number beside its sentence.

Counted on Redis, for all processes together; without Redis, or while it is away, in the memory of this process.
(Signing in, signing up and resetting a password are limited by allauth, whose numbers are its own settings.)
"""

import math
import time
from functools import cache

from django.conf import settings
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter as Limiter
from redis.exceptions import RedisError

from accounts.models import User
from config.lib import redis


class TooManyRequests(Exception):
    """Slow down: it may be done again in `retry_after` seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"again in {retry_after} s")
        self.retry_after = retry_after


def may_send(user: User) -> None:
    """60 messages a minute, for one person."""
    _count("send", RateLimitItemPerMinute(60), user)


def may_retry(user: User) -> None:
    """20 times "Try again" a minute, for one person."""
    _count("retry", RateLimitItemPerMinute(20), user)


def may_mint_permit(user: User) -> None:
    """20 permits a minute, for one person: with 5 uses each that is more than may be sent."""
    _count("mint_permit", RateLimitItemPerMinute(20), user)


def may_search(user: User) -> None:
    """60 looks through what was said a minute, for one person: a page asks when the typing pauses."""
    _count("search", RateLimitItemPerMinute(60), user)


def may_check_out(user: User) -> None:
    """20 clicks on a plan a minute, for one person."""
    _count("check_out", RateLimitItemPerMinute(20), user)


def may_ask_about_payment(user: User) -> None:
    """40 looks at a payment that is on its way a minute, for one person: a page asks every two seconds."""
    _count("ask_about_payment", RateLimitItemPerMinute(40), user)


_in_memory = Limiter(MemoryStorage())


@cache
def _on_redis(url: str) -> Limiter:
    return Limiter(RedisStorage(url, connection_pool=redis.client(url).connection_pool))


def _count(deed: str, limit: RateLimitItem, user: User) -> None:
    """Count one more. Raises TooManyRequests when that is too many."""
    key = (settings.CACHES["default"].get("KEY_PREFIX", ""), deed, str(user.pk))
    if url := settings.REDIS_URL:
        try:
            return redis.breaker(url).ask(_hit, _on_redis(url), limit, key)
        except RedisError:  # it is away: limits count in memory
            pass
    return _hit(_in_memory, limit, key)


def _hit(limiter: Limiter, limit: RateLimitItem, key: tuple[str, ...]) -> None:
    if not limiter.hit(limit, *key):
        wait = limiter.get_window_stats(limit, *key).reset_time - time.time()
        raise TooManyRequests(max(1, math.ceil(wait)))
