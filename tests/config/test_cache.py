"""The cache, while Redis answers, is gone, hangs, and is back: a real Redis, started and killed here."""

import signal
import threading

import pytest
import redis
from django.core.cache import cache

from config.lib import redis as floor
from tests.servers import Redis, find

pytestmark = pytest.mark.skipif(not find("redis"), reason="redis-server is not installed")


@pytest.fixture
def own_redis(tmp_path, settings, monkeypatch):
    server = Redis(tmp_path)
    server.start()
    settings.CACHES = {"default": {"BACKEND": "config.lib.cache.ForgivingRedisCache", "LOCATION": server.url}}
    monkeypatch.setattr(floor, "SECONDS_LEFT_ALONE", dict.fromkeys(floor.SECONDS_LEFT_ALONE, 0.0))
    cache.clear()
    yield server
    server.end()


@pytest.fixture
def impatient(monkeypatch):
    """Redis is waited for no longer than a site waits."""
    monkeypatch.setitem(floor.OPTIONS, "socket_timeout", 0.5)


def use_everything(prefix):
    """Each call that Django and allauth make of a cache, and what it must answer."""
    assert cache.get(f"{prefix}-absent", "default") == "default"
    assert cache.add(f"{prefix}-lock", True, 10) is True
    assert cache.add(f"{prefix}-lock", True, 10) is False
    assert cache.has_key(f"{prefix}-lock")
    assert cache.delete(f"{prefix}-lock") is True
    cache.set(f"{prefix}-n", 1, 60.0)
    assert cache.incr(f"{prefix}-n") == 2
    assert cache.decr(f"{prefix}-n") == 1
    with pytest.raises(ValueError, match="not found"):
        cache.incr(f"{prefix}-absent")
    assert cache.touch(f"{prefix}-n", 30) is True
    cache.set_many({f"{prefix}-a": [1.5], f"{prefix}-b": None})
    assert cache.get_many([f"{prefix}-a", f"{prefix}-b"]) == {f"{prefix}-a": [1.5], f"{prefix}-b": None}
    assert cache.get_or_set(f"{prefix}-c", 7) == 7
    cache.delete_many([f"{prefix}-a", f"{prefix}-b", f"{prefix}-c"])
    assert cache.get(f"{prefix}-a") is None


def test_with_redis_everything_is_on_redis(own_redis):
    use_everything("x")
    cache.set("shared", "words")
    assert len(redis.Redis.from_url(own_redis.url).keys("*shared")) == 1


def test_without_redis_everything_goes_on_in_memory(own_redis):
    own_redis.kill()
    use_everything("y")
    cache.clear()
    assert cache.get("y-n") is None


def test_redis_killed_in_between_and_back_again(own_redis):
    cache.set("greeting", "hello")
    own_redis.kill()
    assert cache.get("greeting") is None
    cache.set("greeting", "still here")
    assert cache.get("greeting") == "still here"
    own_redis.start()
    assert cache.get("greeting") is None  # a new Redis, asked again
    cache.set("greeting", "hello again")
    assert len(redis.Redis.from_url(own_redis.url).keys("*greeting")) == 1


def test_a_restart_between_two_requests_is_not_noticed(own_redis):
    cache.set("greeting", "hello")
    own_redis.kill()
    own_redis.start()
    cache.set("greeting", "hello again")
    assert len(redis.Redis.from_url(own_redis.url).keys("*greeting")) == 1


def test_a_hanging_redis_is_waited_for_once(impatient, own_redis, monkeypatch, caplog):
    monkeypatch.setattr(floor, "SECONDS_LEFT_ALONE", dict.fromkeys(floor.SECONDS_LEFT_ALONE, 3600.0))
    cache.set("warm", 1)
    own_redis.signal(signal.SIGSTOP)
    for number in range(20):
        cache.set(f"key-{number}", number)
    assert cache.get("key-7") == 7
    [told] = [record for record in caplog.records if record.name == "config.lib.redis"]
    assert told.getMessage() == "Redis is away: TimeoutError"


def test_threads_share_one_pool_of_connections(own_redis):
    def ask():
        for _ in range(5):
            cache.get("x")

    for _ in range(10):  # one after the other, as short-lived request threads are
        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()
    clients = redis.Redis.from_url(own_redis.url).client_list()
    assert len(clients) <= 2  # the pool's one, and the one that asks this
