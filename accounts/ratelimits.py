"""How often a person may do what costs something: one function for each limit, its number beside its sentence.

Counted on Redis, for all processes together; without Redis, or while it is away, in the memory of this process.
(Passwords that are tried are counted by allauth, whose numbers are its own settings.)
"""

import ipaddress
import math
import threading
import time
from collections.abc import Callable
from functools import cache
from typing import TypeVar

from django.conf import settings
from django.utils.crypto import salted_hmac
from limits import (
    RateLimitItem,
    RateLimitItemPerDay,
    RateLimitItemPerHour,
    RateLimitItemPerMinute,
    RateLimitItemPerSecond,
)
from limits.storage import MemoryStorage, RedisStorage, Storage
from limits.strategies import FixedWindowRateLimiter, RateLimiter, SlidingWindowCounterRateLimiter
from redis.exceptions import RedisError

from accounts.models import User
from config.lib import redis


class TooManyRequests(Exception):
    """Slow down: it may be done again in `retry_after` seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"again in {retry_after} s")
        self.retry_after = retry_after

    @property
    def words(self) -> str:
        """What to tell a person."""
        for unit, seconds in (("hour", 3600), ("minute", 60), ("second", 1)):
            if self.retry_after >= seconds:
                number = math.ceil(self.retry_after / seconds)
                return f"That was a bit fast. Wait {number} {unit}{'' if number == 1 else 's'}, then try again."
        return "That was a bit fast. Try again."


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


def may_report(user: User) -> None:
    """20 reports an hour, for one person: somebody goes through a whole gallery, nobody through the whole site."""
    _count("report", RateLimitItemPerHour(20), user)


def may_upload(user: User) -> None:
    """300 files a minute, for one person: an editor drops a whole folder."""
    _count("upload", RateLimitItemPerMinute(300), user)


def may_like(user: User) -> None:
    """120 likes a minute, for one person: somebody goes through a whole gallery."""
    _count("like", RateLimitItemPerMinute(120), user)


def may_check_out(user: User) -> None:
    """20 clicks on a plan a minute, for one person."""
    _count("check_out", RateLimitItemPerMinute(20), user)


def may_ask_about_payment(user: User) -> None:
    """40 looks at a payment that is on its way a minute, for one person: a page asks every two seconds."""
    _count("ask_about_payment", RateLimitItemPerMinute(40), user)


def may_change_username(user: User) -> None:
    """5 other usernames a day, for one person: nobody tries out which names are taken, nor plays hide and seek."""
    _count("change_username", RateLimitItemPerDay(5), user, exactly=True)


def may_save_profile(user: User) -> None:
    """30 times "Save changes" a minute, for one person: each tells whether a username is taken."""
    _count("save_profile", RateLimitItemPerMinute(30), user)


def may_try_persona(user: User) -> None:
    """20 turns with a persona that is being written a minute, for one of the staff: each is paid for."""
    _count("try_persona", RateLimitItemPerMinute(20), user)


def may_prefer(user: User) -> None:
    """120 switches a minute, for one person."""
    _count("prefer", RateLimitItemPerMinute(120), user)


RESEND_SECONDS = 30
GUESSES = RateLimitItemPerDay(3)  # longer than any process lasts: the count outlives what it counts


def may_guess(process: str) -> None:
    """3 guesses at the code of one process, however many come at once: each is counted before it is looked at."""
    _count("guess", GUESSES, process, exactly=True)


def guesses_left(process: str) -> int:
    """How many guesses are left."""
    return _ask(_left, GUESSES, _key("guess", process), exactly=True)


def may_sign_up(address: str, network: str) -> None:
    """5 sign-ups an hour for one address from one network, 20 mails a day to it; 60 of both an hour from one network.

    The few of an hour are of both together, so that nobody keeps somebody else's address busy from elsewhere.
    """
    _count("sign_up_from", RateLimitItemPerHour(60), network)
    _count("sign_up_hour", RateLimitItemPerHour(5), f"{address} {network}")
    _count("sign_up_day", RateLimitItemPerDay(20), address)


def sent_a_code(process: str) -> None:
    """The first code of a process: the next one waits."""
    _count("resend_soon", RateLimitItemPerSecond(1, RESEND_SECONDS), process, exactly=True)


def may_resend(process: str, address: str, network: str) -> None:
    """Another code: one in 30 seconds and 5 for one process; for the address it is a mail as the first one was."""
    sent_a_code(process)
    _count("resend", RateLimitItemPerDay(5), process, exactly=True)
    _count("sign_up_from", RateLimitItemPerHour(60), network)
    _count("sign_up_day", RateLimitItemPerDay(20), address)


def network(ip: str) -> str:
    """Whose limit an address of the internet counts for: of IPv6, a household has 2^64."""
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return ip
    return ip if address.version == 4 else str(ipaddress.ip_network(f"{ip}/64", strict=False))


T = TypeVar("T")
Question = Callable[[RateLimiter, RateLimitItem, tuple[str, ...]], T]

# One is smooth (half of a window that is half over still counts); the other never grants one too many.
SMOOTH, EXACT = SlidingWindowCounterRateLimiter, FixedWindowRateLimiter
_memory: Storage = MemoryStorage()
_in_memory: dict[bool, RateLimiter] = {False: SMOOTH(_memory), True: EXACT(_memory)}
_one_at_a_time = threading.Lock()  # the memory's own counters lose some of many that come at once


@cache
def _on_redis(url: str, exactly: bool) -> RateLimiter:
    return (EXACT if exactly else SMOOTH)(RedisStorage(url, connection_pool=redis.client(url).connection_pool))


def _count(deed: str, limit: RateLimitItem, who: User | str, *, exactly: bool = False) -> None:
    """Count one more. Raises TooManyRequests when that is too many."""
    _ask(_hit, limit, _key(deed, who), exactly=exactly)


def _key(deed: str, who: User | str) -> tuple[str, ...]:
    """Of an address there is only a hash under our own key: Redis need not know who signs up."""
    whose = str(who.pk) if isinstance(who, User) else salted_hmac("accounts.ratelimits", who).hexdigest()
    return settings.CACHES["default"].get("KEY_PREFIX", ""), deed, whose


def _ask(question: Question[T], limit: RateLimitItem, key: tuple[str, ...], *, exactly: bool) -> T:
    if url := settings.REDIS_URL:
        try:
            return redis.breaker(url).ask(question, _on_redis(url, exactly), limit, key)
        except RedisError:  # it is away: limits count in memory
            pass
    with _one_at_a_time:
        return question(_in_memory[exactly], limit, key)


def _hit(limiter: RateLimiter, limit: RateLimitItem, key: tuple[str, ...]) -> None:
    if not limiter.hit(limit, *key):
        wait = limiter.get_window_stats(limit, *key).reset_time - time.time()
        raise TooManyRequests(max(1, math.ceil(wait)))


def _left(limiter: RateLimiter, limit: RateLimitItem, key: tuple[str, ...]) -> int:
    return limiter.get_window_stats(limit, *key).remaining
