"""Redis: how its clients are made, how long it may take, and when it is left alone.

Nothing here is a record: whoever asks has a way without. So a Redis that is silent costs half a second once, for all of
the process together, and is then left alone for a while.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from functools import cache
from typing import Any, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

import redis
from redis.asyncio import Redis as AsyncRedis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

P = ParamSpec("P")
R = TypeVar("R")

logger = logging.getLogger(__name__)

SECONDS_TO_ANSWER = 0.5  # whoever is slower than this is not there
SECONDS_ON_A_LOOP = 2.0  # a loop with much to do reads late what came in time
SECONDS_LEFT_ALONE = {RedisTimeoutError: 5.0, RedisConnectionError: 1.0}  # after silence, after a refusal
MAX_CONNECTIONS = 1000  # of one process; redis-py's own default of 100 raises at the 101st

# For every client of ours. One more try, at once: after a restart the pooled connections are dead, Redis is not.
# Not after a timeout: who was silent for half a second stays silent.
OPTIONS: dict[str, Any] = {
    "socket_timeout": SECONDS_TO_ANSWER,
    "socket_connect_timeout": SECONDS_TO_ANSWER,
    "max_connections": MAX_CONNECTIONS,
    "retry": Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
}


@cache
def client(url: str) -> "redis.Redis":
    """The process's client, and so its one pool of connections. For any thread."""
    return redis.Redis.from_url(url, **OPTIONS)


_async_clients: "WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, AsyncRedis]]" = WeakKeyDictionary()


def async_client(url: str) -> AsyncRedis:
    """The running event loop's client."""
    clients = _async_clients.setdefault(asyncio.get_running_loop(), {})
    if url not in clients:
        clients[url] = AsyncRedis.from_url(
            url,
            socket_timeout=SECONDS_ON_A_LOOP,
            socket_connect_timeout=SECONDS_TO_ANSWER,
            max_connections=MAX_CONNECTIONS,
        )
    return clients[url]


class Breaker:
    """Whether one Redis is asked at all: not for a few seconds after it was silent, one after it refused."""

    def __init__(self) -> None:
        self.left_alone_until = 0.0  # time.monotonic()

    def ask(self, question: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """What Redis answers. Raises RedisError: its own, or at once while it is left alone."""
        if time.monotonic() < self.left_alone_until:
            raise RedisConnectionError("left alone")
        try:
            return question(*args, **kwargs)
        except (RedisTimeoutError, RedisConnectionError) as error:
            seconds = next(s for kind, s in SECONDS_LEFT_ALONE.items() if isinstance(error, kind))
            self.left_alone_until = time.monotonic() + seconds
            logger.warning("Redis is away: %s", type(error).__name__)
            raise


@cache
def breaker(url: str) -> Breaker:
    """The one breaker of this Redis in this process."""
    return Breaker()
