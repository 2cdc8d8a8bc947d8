"""Requests on their way from the event loop to Django, and answers on their way back."""

import asyncio
import json
import threading
import tracemalloc
from contextvars import ContextVar

import pytest
from asgiref.testing import ApplicationCommunicator
from django.http import FileResponse, HttpResponse, StreamingHttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from config.lib.handler import AT_ONCE, FILE_PART, ThreadedHandler

MB = 1024 * 1024
whose = ContextVar("whose", default="nobody's")


class Film:
    """Parts that are made when they are asked for; what became of them."""

    def __init__(self, parts):
        self.parts, self.read, self.closed = parts, 0, threading.Event()
        self.may_go_on = threading.Event()

    def __iter__(self):
        try:
            for n in range(self.parts):
                if n:
                    assert self.may_go_on.wait(30)
                self.read += 1
                yield f"{n} is {whose.get()} ".encode()
        finally:
            self.closed.set()


def stream(request):
    whose.set("hers")
    return StreamingHttpResponse(iter(request.scope["film"]))


def talk(request):
    return StreamingHttpResponse(request.scope["talk"]())


def file(request):
    return FileResponse(open(request.scope["file"], "rb"), content_type="video/mp4")


def wait(request):
    return HttpResponse(b"".join(request.scope["film"]))


def ping(request):
    return HttpResponse("pong")


@csrf_exempt
def echo(request):
    return HttpResponse(request.read())


urlpatterns = [
    path("ping", ping),
    path("wait", wait),
    path("stream", stream),
    path("talk", talk),
    path("file", file),
    path("echo", echo),
]


@pytest.fixture
def handler(settings):
    settings.ROOT_URLCONF = __name__
    return ThreadedHandler(lambda scope: 4 * MB if scope["path"] == "/echo" else 0)


def scope(target, method="GET", **more):
    headers = [(b"host", b"127.0.0.1")]
    asked = {"type": "http", "method": method, "path": target, "query_string": b"", "headers": headers}
    return {**asked, **more}


async def get(handler):
    browser = ApplicationCommunicator(handler, scope("/ping"))
    await browser.send_input({"type": "http.request", "body": b""})
    status = (await browser.receive_output(30))["status"]
    await browser.receive_output(30)
    await browser.wait(30)
    return status


async def test_a_crowd_waits_for_its_turn_and_everybody_is_served(handler):
    answers = await asyncio.gather(*(get(handler) for _ in range(3 * AT_ONCE)))
    assert answers == [200] * 3 * AT_ONCE


async def test_who_comes_later_is_served_on_the_thread_that_is_there(handler):
    for _ in range(20):
        assert await get(handler) == 200
        # The answer is here before its thread has said that it is free again; on a busy machine, long before.
        while not handler._threads._idle_semaphore._value:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.001)
    assert len(handler._threads._threads) == 1


async def test_uploads_that_stall_keep_nobody_waiting(handler):
    slow = [ApplicationCommunicator(handler, scope("/echo", "POST")) for _ in range(2 * AT_ONCE)]
    for browser in slow:
        await browser.send_input({"type": "http.request", "body": b"a", "more_body": True})
    assert await get(handler) == 200
    for browser in slow:
        await browser.send_input({"type": "http.disconnect"})
        await browser.wait(30)


async def test_a_body_arrives_whole_in_however_many_pieces(handler):
    browser = ApplicationCommunicator(handler, scope("/echo", "POST"))
    for _ in range(3):
        await browser.send_input({"type": "http.request", "body": b"x" * MB, "more_body": True})
    await browser.send_input({"type": "http.request", "body": b"y"})
    assert (await browser.receive_output(30))["status"] == 200
    said = b""
    while (message := await browser.receive_output(30)).get("more_body"):
        said += message["body"]
    assert said + message["body"] == b"x" * 3 * MB + b"y"


@pytest.mark.parametrize("declared", [b"8388608", b"99999999999999999999999"])
async def test_who_announces_more_than_a_door_takes_is_refused_at_once(handler, declared):
    browser = ApplicationCommunicator(handler, scope("/echo", "POST", headers=[(b"content-length", declared)]))
    assert (await browser.receive_output(30))["status"] == 413


@pytest.mark.parametrize(("door", "pieces"), [("/ping", 1), ("/nowhere", 1), ("/echo", 5)])
async def test_who_sends_more_than_a_door_takes_is_cut_off(handler, door, pieces):
    headers = [(b"host", b"127.0.0.1"), (b"transfer-encoding", b"chunked"), (b"accept", b"application/json")]
    browser = ApplicationCommunicator(handler, scope(door, "POST", headers=headers))
    for _ in range(pieces):
        await browser.send_input({"type": "http.request", "body": b"x" * MB, "more_body": True})
    assert (await browser.receive_output(30))["status"] == 413
    assert json.loads((await browser.receive_output(30))["body"])["error"]["code"] == "too_large"


async def test_a_body_that_does_not_come_is_not_waited_for(handler, monkeypatch):
    monkeypatch.setattr("config.lib.handler.BODY_SECONDS", 0.05)
    headers = [(b"host", b"127.0.0.1"), (b"content-length", b"100"), (b"accept", b"text/html")]
    browser = ApplicationCommunicator(handler, scope("/echo", "POST", headers=headers))
    await browser.send_input({"type": "http.request", "body": b"a", "more_body": True})
    start = await browser.receive_output(30)
    assert start["status"] == 408
    assert (b"Connection", b"close") in start["headers"]
    assert b"too long" in (await browser.receive_output(30))["body"]


async def test_bodies_of_all_together_fit_into_memory(handler, monkeypatch):
    monkeypatch.setattr("config.lib.handler.BODIES_BYTES", 3 * MB)
    slow = [ApplicationCommunicator(handler, scope("/echo", "POST")) for _ in range(4)]
    for browser in slow:
        await browser.send_input({"type": "http.request", "body": b"x" * MB, "more_body": True})
    start = await slow[3].receive_output(30)
    assert start["status"] == 503
    assert (b"Retry-After", b"5") in start["headers"]
    assert await get(handler) == 200
    for browser in slow[:3]:
        await browser.send_input({"type": "http.disconnect"})
        await browser.wait(30)
    browser = ApplicationCommunicator(handler, scope("/echo", "POST"))
    await browser.send_input({"type": "http.request", "body": b"x" * MB})
    assert (await browser.receive_output(30))["status"] == 200


async def test_when_all_threads_are_stuck_nobody_queues_for_ever(handler, monkeypatch):
    monkeypatch.setattr("config.lib.handler.QUEUE_SECONDS", 0.05)
    stuck = [Film(2) for _ in range(AT_ONCE)]
    waiting = [ApplicationCommunicator(handler, scope("/wait", film=film)) for film in stuck]
    for browser in waiting:
        await browser.send_input({"type": "http.request", "body": b""})
    try:
        assert await get(handler) == 503
    finally:
        for film in stuck:
            film.may_go_on.set()
    for browser in waiting:
        await browser.wait(30)


async def test_a_long_answer_is_sent_while_it_is_made(handler):
    film = Film(3)
    browser = ApplicationCommunicator(handler, scope("/stream", film=film))
    await browser.send_input({"type": "http.request", "body": b""})
    assert (await browser.receive_output(30))["status"] == 200
    # What is bound while the request is at work is bound for all of its parts, whichever threads make them.
    assert (await browser.receive_output(30))["body"] == b"0 is hers "
    assert film.read == 1
    film.may_go_on.set()
    assert (await browser.receive_output(30))["body"] == b"1 is hers "
    assert (await browser.receive_output(30))["body"] == b"2 is hers "
    assert not (await browser.receive_output(30)).get("more_body")
    await browser.wait(30)
    assert whose.get() == "nobody's"


async def test_answers_that_take_long_keep_nobody_waiting(handler):
    held = []
    for _ in range(2 * AT_ONCE):
        gate = asyncio.Event()

        async def send(message, gate=gate):
            if message.get("body"):
                await gate.wait()  # as with a browser that does not read on

        film = Film(2)
        film.may_go_on.set()
        asked = iter([{"type": "http.request", "body": b""}])

        async def receive(asked=asked):
            return next(asked, None) or await asyncio.Event().wait()

        held.append((gate, asyncio.ensure_future(handler(scope("/stream", film=film), receive, send))))
    await asyncio.sleep(0.2)
    assert await get(handler) == 200
    for gate, _ in held:
        gate.set()
    await asyncio.wait_for(asyncio.gather(*(answer for _, answer in held)), 30)


async def test_nothing_is_made_for_a_browser_that_left(handler):
    film = Film(1000)
    browser = ApplicationCommunicator(handler, scope("/stream", film=film))
    await browser.send_input({"type": "http.request", "body": b""})
    await browser.receive_output(30)
    await browser.receive_output(30)
    await browser.send_input({"type": "http.disconnect"})
    await asyncio.sleep(0.05)
    film.may_go_on.set()
    await browser.wait(30)
    assert film.read <= 2
    assert film.closed.is_set()


async def test_an_answer_made_on_the_event_loop_is_sent_as_it_comes(handler):
    may_go_on = asyncio.Event()

    async def words():
        yield "one "
        await may_go_on.wait()
        yield "two"

    browser = ApplicationCommunicator(handler, scope("/talk", talk=words))
    await browser.send_input({"type": "http.request", "body": b""})
    assert (await browser.receive_output(30))["status"] == 200
    assert (await browser.receive_output(30))["body"] == b"one "
    may_go_on.set()
    assert (await browser.receive_output(30))["body"] == b"two"
    assert not (await browser.receive_output(30)).get("more_body")
    await browser.wait(30)


async def test_whoever_makes_an_answer_on_the_event_loop_is_stopped_when_the_browser_leaves(handler):
    stopped = asyncio.Event()

    async def words():
        try:
            yield "one "
            await asyncio.Event().wait()
        finally:
            stopped.set()

    browser = ApplicationCommunicator(handler, scope("/talk", talk=words))
    await browser.send_input({"type": "http.request", "body": b""})
    await browser.receive_output(30)
    await browser.receive_output(30)
    await browser.send_input({"type": "http.disconnect"})
    await asyncio.wait_for(stopped.wait(), 30)
    await browser.wait(30)


async def test_a_film_of_300_mb_takes_little_memory_and_its_head_none(handler, tmp_path):
    film = tmp_path / "film.mp4"
    with film.open("wb") as empty:
        empty.truncate(300 * MB)
    sent = 0

    async def send(message):
        nonlocal sent
        sent += len(message.get("body", b""))

    async def ask(method):
        asked = iter([{"type": "http.request", "body": b""}])

        async def receive():
            return next(asked, None) or await asyncio.Event().wait()

        await handler(scope("/file", method, file=film), receive, send)

    await ask("HEAD")
    assert sent == 0
    tracemalloc.start()
    try:
        await ask("GET")
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert sent == 300 * MB
    assert most < 16 * FILE_PART
