"""The cache on Redis, and what happens to it when Redis is away."""

import logging
import time
from collections.abc import Callable
from functools import cache, cached_property
from typing import Any

from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.retry import Retry

logger = logging.getLogger(__name__)

SECONDS_TO_ANSWER = 0.5  # a cache that is slower than this is not there
SECONDS_BEFORE_ASKING_AGAIN = 5.0
MAX_CONNECTIONS = 100  # of one process, so that a hung Redis cannot collect sockets without end


@cache
def _client(server: str) -> RedisCacheClient:
    """One client, so one pool of connections, for the process. Django makes a cache object for each request."""
    return RedisCacheClient(
        [server],
        socket_timeout=SECONDS_TO_ANSWER,
        socket_connect_timeout=SECONDS_TO_ANSWER,
        max_connections=MAX_CONNECTIONS,
        # One more try, at once: after a restart of Redis the pooled connections are dead, Redis is not.
        # Not after a timeout: who was silent for half a second stays silent.
        retry=Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
    )


class ForgivingRedisCache(RedisCache):
    """Redis while it answers; while it does not, the memory of this process.

    Signing in, and the limits on it, lean on the cache, and must go on without Redis. Limits then count
    in each process on its own: looser, never absent. After a failure Redis is left alone for a while,
    so that a request pays for a hung Redis at most once.
    """

    _asked_again_at = 0.0  # of the class: what one request learnt, the next one knows

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._server = server
        self._meanwhile = LocMemCache("while-redis-is-away", params)

    @cached_property
    def _cache(self) -> RedisCacheClient:
        return _client(self._server)

    def _forgivingly(self, name: str, *args: Any, **kwargs: Any) -> Any:
        cls = ForgivingRedisCache
        if time.monotonic() >= cls._asked_again_at:
            try:
                return getattr(super(), name)(*args, **kwargs)
            except RedisError as error:
                cls._asked_again_at = time.monotonic() + SECONDS_BEFORE_ASKING_AGAIN
                logger.warning("Redis is away, caching in memory: %s", type(error).__name__)
        return getattr(self._meanwhile, name)(*args, **kwargs)


def _forgiving(name: str) -> Callable[..., Any]:
    def method(self: ForgivingRedisCache, *args: Any, **kwargs: Any) -> Any:
        return self._forgivingly(name, *args, **kwargs)

    return method


for _name in (
    *("add", "get", "set", "touch", "delete", "has_key", "incr"),
    *("get_many", "set_many", "delete_many", "clear"),
):
    setattr(ForgivingRedisCache, _name, _forgiving(_name))
