"""Channel layers that any thread may ring: Redis between processes, or this process's own memory.

Both deliver at most once and may drop: a layer is a doorbell, never the record. `chat/realtime.py` is the only user.
"""

import asyncio
import threading
import uuid
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from copy import deepcopy
from typing import Any

import redis
from channels.layers import BaseChannelLayer
from channels_redis.pubsub import RedisPubSubChannelLayer
from redis import asyncio as aioredis

Event = dict[str, Any]


class RedisLayer(RedisPubSubChannelLayer):
    """Redis Pub/Sub, plus publishing from sync code and in batches without a round trip for each frame."""

    def __init__(self, url: str, prefix: str) -> None:
        # Pub/Sub does not know database numbers: the prefix keeps two sites on one Redis apart.
        # redis-py's own default of 100 connections raises at the 101st: say how many.
        super().__init__(hosts=[{"address": url, "max_connections": 1000}], prefix=prefix)
        self._url, self._prefix = url, prefix
        # A Redis that is gone or frozen must cost a request half a second at most.
        self._client = redis.Redis.from_url(
            url, socket_timeout=0.5, socket_connect_timeout=0.5, max_connections=1000, retry=None
        )
        self._async_clients: dict[asyncio.AbstractEventLoop, aioredis.Redis] = {}

    def _channel(self, group: str) -> str:
        return f"{self._prefix}__group__{group}"  # the layer's own format

    def publish(self, group: str, event: Event) -> None:
        """Send to a group from sync code, on any thread. Raises redis.RedisError when Redis is away."""
        self._client.publish(self._channel(group), self.serialize(event))

    async def publish_many(self, events: Iterable[tuple[str, Event]]) -> None:
        """Send a batch in one round trip, in order. Raises redis.RedisError when Redis is away."""
        loop = asyncio.get_running_loop()
        client = self._async_clients.get(loop)
        if client is None:
            client = aioredis.Redis.from_url(
                self._url, socket_timeout=2, socket_connect_timeout=0.5, max_connections=50
            )
            self._async_clients[loop] = client
        async with client.pipeline(transaction=False) as pipe:
            for group, event in events:
                pipe.publish(self._channel(group), self.serialize(event))
            await pipe.execute()


class MemoryLayer(BaseChannelLayer):
    """This process only, but from any thread: the embedded worker runs beside the server's event loop.

    The stock in-memory layer puts into another loop's queue without waking that loop, so that a frame waits for
    the loop's next tick. This one remembers which loop reads a channel and delivers there.
    """

    extensions = ("groups",)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._lock = threading.Lock()
        self._readers: dict[str, tuple[asyncio.AbstractEventLoop, asyncio.Queue[Event]]] = {}
        self._groups: defaultdict[str, set[str]] = defaultdict(set)

    async def new_channel(self, prefix: str = "specific.") -> str:
        """A channel that the running loop reads."""
        name = f"{prefix}memory!{uuid.uuid4().hex}"
        with self._lock:
            self._readers[name] = asyncio.get_running_loop(), asyncio.Queue(self.capacity)
        return name

    async def receive(self, channel: str) -> Event:
        """Wait for the next event. Channels cancels the wait when the consumer ends: the channel goes with it."""
        try:
            return await self._readers[channel][1].get()
        except asyncio.CancelledError:
            with self._lock:
                self._readers.pop(channel, None)
                for group in [g for g, members in self._groups.items() if channel in members]:
                    self._leave(group, channel)
            raise

    async def send(self, channel: str, message: Event) -> None:
        """Send to one channel; dropped when nobody reads it or its reader is far behind."""
        with self._lock:
            reader = self._readers.get(channel)
        if reader is not None:
            with suppress(RuntimeError):  # that loop is closed: nobody reads any more
                reader[0].call_soon_threadsafe(self._put, reader[1], deepcopy(message))

    async def group_add(self, group: str, channel: str) -> None:
        """Let a channel hear a group."""
        with self._lock:
            self._groups[group].add(channel)

    async def group_discard(self, group: str, channel: str) -> None:
        """Let a channel hear a group no longer."""
        with self._lock:
            self._leave(group, channel)

    async def group_send(self, group: str, message: Event) -> None:
        """Channels' own way in."""
        self.publish(group, message)

    def publish(self, group: str, event: Event) -> None:
        """Send to a group, on any thread."""
        with self._lock:
            readers = [self._readers[name] for name in self._groups.get(group, ()) if name in self._readers]
        for loop, queue in readers:
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(self._put, queue, deepcopy(event))

    async def publish_many(self, events: Iterable[tuple[str, Event]]) -> None:
        """Send a batch, in order."""
        for group, event in events:
            self.publish(group, event)

    def _leave(self, group: str, channel: str) -> None:
        self._groups[group].discard(channel)
        if not self._groups[group]:
            del self._groups[group]

    @staticmethod
    def _put(queue: "asyncio.Queue[Event]", event: Event) -> None:
        with suppress(asyncio.QueueFull):
            queue.put_nowait(event)
