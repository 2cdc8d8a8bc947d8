"""Whatever a browser does, and whatever is away: of a socket that is over, nothing is left behind."""

import asyncio
import contextlib
import json

import pytest
from channels.layers import channel_layers, get_channel_layer
from django.db import OperationalError

from chat import consumers
from config.asgi import application
from config.lib.layers import RedisLayer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded]
SOON = 30  # seconds, never waited for in full, unless something is broken
WATCH = json.dumps({"type": "watch", "threads": 0})


class Connection:
    """A browser, and a server as strict as ASGI allows: who speaks after a close is told off."""

    def __init__(self, client, *said):
        cookie = "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items())
        headers = [(b"host", b"testserver"), (b"origin", b"http://testserver"), (b"cookie", cookie.encode())]
        self.scope = {"type": "websocket", "path": "/ws/", "headers": headers, "query_string": b"", "subprotocols": []}
        self.to_come: asyncio.Queue = asyncio.Queue()
        for message in ("connect", *said):
            self.say(message)
        self.opened, self.code = asyncio.Event(), None
        self.heard: list[dict] = []
        self.is_gone = False

    def say(self, message):
        known = {"connect": {"type": "websocket.connect"}, "leave": {"type": "websocket.disconnect", "code": 1001}}
        self.to_come.put_nowait(known.get(message, {"type": "websocket.receive", "text": message}))

    async def send(self, message):
        if self.is_gone:
            raise OSError("the browser is gone")
        if self.code is not None:
            raise RuntimeError(f"{message['type']} after websocket.close")
        self.heard.append(message)
        if message["type"] == "websocket.accept":
            self.opened.set()
        if message["type"] == "websocket.close":
            self.code = message.get("code", 1000)
            self.to_come.put_nowait({"type": "websocket.disconnect", "code": self.code})

    def start(self):
        self.task = asyncio.ensure_future(application(self.scope, self.to_come.get, self.send))
        return self.task

    async def open(self):
        self.start()
        await asyncio.wait_for(self.opened.wait(), SOON)


def left():
    """What could be left: sockets counted, tasks, channels, members of groups."""
    layer = get_channel_layer()
    mine = [task for task in asyncio.all_tasks() if "consumers" in repr(task.get_coro())]
    members = sum(len(members) for members in layer.groups.values())
    here = sum(map(len, consumers.sockets_here.values()))
    return consumers.open_sockets._value.get(), len(mine), len(layer.channels), members, here


async def soon(before):
    """What is left: as before, at the latest after a while. A task that was cancelled ends a turn later."""
    for _ in range(SOON * 50):
        if left() == before:
            break
        await asyncio.sleep(0.02)
    return left()


@pytest.fixture
async def nothing_left(hands, client):
    calm = Connection(client)  # one who stays: whoever comes to an empty process waits a moment for Redis
    await calm.open()
    before = left()
    yield
    after = await soon(before)
    calm.say("leave")
    await calm.task
    assert after == before


async def test_many_bad_frames_in_one_packet_and_away(client, nothing_left):
    for _ in range(300):
        tab = Connection(client)
        await tab.open()
        for message in [*["{"] * 9, "leave"]:
            tab.say(message)
        await asyncio.wait_for(tab.task, SOON)
        assert tab.code == consumers.POLICY
        assert [message["type"] for message in tab.heard].count("websocket.close") == 1


@pytest.mark.parametrize("said", [["leave"], [WATCH, "leave"], ["{"] * 9, [WATCH] * 100, ["{", WATCH] * 50 + ["leave"]])
async def test_whatever_is_said_before_one_is_let_in(client, nothing_left, said):
    for _ in range(20):
        tab = Connection(client, *said)
        tab.start()
        if "leave" not in said:
            await asyncio.wait({tab.task, asyncio.ensure_future(tab.opened.wait())}, return_when="FIRST_COMPLETED")
            tab.say("leave")
        await asyncio.wait_for(tab.task, SOON)


async def test_a_browser_that_is_gone_while_it_is_spoken_to(client, nothing_left):
    for _ in range(20):
        tab = Connection(client)
        await tab.open()
        tab.is_gone = True
        tab.say(WATCH)
        await asyncio.wait_for(tab.task, SOON)


@pytest.mark.parametrize("moment", ["before it is open", "open"])
async def test_a_socket_whose_server_ends_it(client, nothing_left, moment):
    for _ in range(20):
        tab = Connection(client)
        await (tab.open() if moment == "open" else asyncio.sleep(0))
        if moment != "open":
            tab.start()
            await asyncio.sleep(0.01)
        tab.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait_for(tab.task, SOON)


@pytest.mark.parametrize("fault", [OperationalError("away"), RuntimeError("a mistake of ours")])
async def test_a_question_that_fails_ends_the_socket_and_the_tab_comes_again(client, nothing_left, fault, monkeypatch):
    def fails(*args):
        raise fault

    monkeypatch.setattr("chat.probing.answer", fails)
    for _ in range(20):
        tab = Connection(client)
        await tab.open()
        tab.say(WATCH)
        with contextlib.suppress(RuntimeError):
            await asyncio.wait_for(tab.task, SOON)
        if isinstance(fault, OperationalError):
            assert tab.code == consumers.TRY_AGAIN


async def test_without_redis_nobody_is_let_in_and_nobody_is_left(client, hands):
    dead = RedisLayer("redis://127.0.0.1:1/0", "nobody")
    layer = channel_layers.set("default", dead)
    try:
        before = left()
        for _ in range(20):
            tab = Connection(client)
            await asyncio.wait_for(tab.start(), SOON)
            assert not tab.opened.is_set()
            assert tab.code == consumers.TRY_AGAIN
        assert await soon(before) == before
    finally:
        channel_layers.set("default", layer)


async def test_the_oldest_goes_even_if_it_reads_nothing(client, hands):
    before = left()
    never = asyncio.Event()
    deaf = Connection(client)
    accept = deaf.send

    async def accept_only(message):
        await accept(message)
        if message["type"] != "websocket.accept":
            await never.wait()

    deaf.send = accept_only
    await deaf.open()
    deaf.say(WATCH)  # its consumer waits in `send` from now on
    others = [Connection(client) for _ in range(consumers.SOCKETS_FOR_EACH_USER)]
    for tab in others:
        await tab.open()
    await asyncio.wait_for(deaf.task, SOON)
    for tab in others:
        assert tab.code is None
        tab.say("leave")
        await asyncio.wait_for(tab.task, SOON)
    assert await soon(before) == before
