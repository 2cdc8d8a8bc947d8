"""The cache on Redis, and what happens to it when Redis is away."""

from collections.abc import Callable
from functools import cache, cached_property
from typing import Any

from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from redis.exceptions import RedisError

from config.lib import redis


@cache
def _client(server: str) -> RedisCacheClient:
    """One client, so one pool of connections, for the process. Django makes a cache object for each request."""
    return RedisCacheClient([server], **redis.OPTIONS)


class ForgivingRedisCache(RedisCache):
    """Redis while it answers; while it does not, the memory of this process.

    Signing in, and the limits on it, lean on the cache, and must go on without Redis. Limits then count
    in each process on its own: looser, never absent.
    """

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._server = server
        self._meanwhile = LocMemCache("while-redis-is-away", params)

    @cached_property
    def _cache(self) -> RedisCacheClient:
        return _client(self._server)

    def _forgivingly(self, name: str, *args: Any, **kwargs: Any) -> Any:
        try:
            return redis.breaker(self._server).ask(getattr(super(), name), *args, **kwargs)
        except RedisError:
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
