"""Channel layers that any thread may ring: Redis between processes, or this process's own memory.

Both deliver at most once and may drop: a layer is a doorbell, never the record. `chat/realtime.py` is the only user.
"""

import asyncio
from collections.abc import Iterable
from typing import Any
from uuid import uuid4

from channels.layers import InMemoryChannelLayer
from channels_redis.pubsub import RedisPubSubChannelLayer
from redis.exceptions import RedisError

from config.lib import redis

Event = dict[str, Any]


class RedisLayer(RedisPubSubChannelLayer):
    """Redis Pub/Sub, plus publishing from sync code and in batches without a round trip for each frame."""

    def __init__(self, url: str, prefix: str) -> None:
        # Pub/Sub does not know database numbers: the prefix keeps two sites on one Redis apart.
        super().__init__(hosts=[{"address": url, "max_connections": redis.MAX_CONNECTIONS}], prefix=prefix)
        self._url, self._prefix = url, prefix

    async def new_channel(self, prefix: str = "specific.") -> str:
        """A channel that this process reads. The stock one leaves it behind when Redis is away."""
        channel = f"{self._prefix}{prefix}{uuid4().hex}"
        try:
            await self._get_layer()._subscribe_to_channel(channel)
        except BaseException:
            self.channels.pop(channel, None)
            raise
        return channel

    async def drop(self, channel: str) -> None:
        """Read a channel no more. Raises redis.RedisError when Redis is away; it is dropped all the same."""
        self.channels.pop(channel, None)
        await self._get_layer()._get_shard(channel).unsubscribe(channel)

    def _channel(self, group: str) -> str:
        return f"{self._prefix}__group__{group}"  # the layer's own format

    def publish(self, group: str, event: Event) -> None:
        """Send to a group from sync code, on any thread. Raises redis.RedisError when Redis is away."""
        channel, said = self._channel(group), self.serialize(event)
        redis.breaker(self._url).ask(redis.client(self._url).publish, channel, said)

    def publish_all(self, events: Iterable[tuple[str, Event]]) -> None:
        """Send a batch in one round trip, from sync code, in order. Raises redis.RedisError when Redis is away."""
        pipe = redis.client(self._url).pipeline(transaction=False)
        for group, event in events:
            pipe.publish(self._channel(group), self.serialize(event))
        redis.breaker(self._url).ask(pipe.execute)

    def listening(self, groups: Iterable[str]) -> set[str]:
        """Those of these groups that anybody hears, in any process. Raises redis.RedisError when Redis is away."""
        asked = list(groups)
        channels = [self._channel(group) for group in asked]
        counts = redis.breaker(self._url).ask(redis.client(self._url).pubsub_numsub, *channels)
        return {group for group, (_, count) in zip(asked, counts, strict=True) if count}

    def carries(self) -> bool:
        """Whether a frame arrives that is sent now, whatever the breaker thinks: Redis may be there and let none pass.

        Takes a second at most.
        """
        channel, client = self._channel(f"probe-{uuid4().hex}"), redis.client(self._url)
        try:
            with client.pubsub() as heard:
                heard.subscribe(channel)
                heard.get_message(timeout=redis.SECONDS_TO_ANSWER)  # that it listens
                client.publish(channel, b"")
                message = heard.get_message(timeout=redis.SECONDS_TO_ANSWER)
        except RedisError:
            return False
        return message is not None and message["type"] == "message"

    async def publish_many(self, events: Iterable[tuple[str, Event]]) -> None:
        """Send a batch in one round trip, in order. Raises redis.RedisError when Redis is away."""
        async with redis.async_client(self._url).pipeline(transaction=False) as pipe:
            for group, event in events:
                pipe.publish(self._channel(group), self.serialize(event))
            await pipe.execute()


class MemoryLayer(InMemoryChannelLayer):
    """The stock layer of one process, rung from any thread: it delivers on the event loop that reads.

    The stock one puts into another loop's queue without waking that loop, so that a frame waits for its next tick.
    """

    _loop: asyncio.AbstractEventLoop | None = None  # that of the server; sockets are read on no other

    async def new_channel(self, prefix: str = "specific.") -> str:
        """A channel that the running loop reads."""
        self._loop = asyncio.get_running_loop()
        return str(await super().new_channel(prefix))

    async def drop(self, channel: str) -> None:
        """Read a channel no more."""
        self.channels.pop(channel, None)

    def publish(self, group: str, event: Event) -> None:
        """Send to a group, on any thread, in order. Whoever nobody listens to is not heard."""
        if self._loop is not None and not self._loop.is_closed():
            asyncio.run_coroutine_threadsafe(self.group_send(group, event), self._loop)

    async def publish_many(self, events: Iterable[tuple[str, Event]]) -> None:
        """Send a batch, in order."""
        for group, event in events:
            self.publish(group, event)

    def publish_all(self, events: Iterable[tuple[str, Event]]) -> None:
        """Send a batch, in order, on any thread."""
        for group, event in events:
            self.publish(group, event)

    def listening(self, groups: Iterable[str]) -> set[str]:
        """Those of these groups that anybody hears."""
        return {group for group in groups if self.groups.get(group)}
