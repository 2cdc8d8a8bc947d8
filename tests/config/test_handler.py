"""Requests on their way from the event loop to Django."""

import asyncio

from asgiref.testing import ApplicationCommunicator

from config.lib.handler import AT_ONCE, ThreadedHandler


async def get(handler):
    headers = [(b"host", b"127.0.0.1")]
    scope = {"type": "http", "method": "GET", "path": "/healthz", "query_string": b"", "headers": headers}
    browser = ApplicationCommunicator(handler, scope)
    await browser.send_input({"type": "http.request", "body": b""})
    status = (await browser.receive_output(30))["status"]
    await browser.receive_output(30)
    await browser.wait(30)
    return status


async def test_a_crowd_waits_for_its_turn_and_everybody_is_served():
    handler = ThreadedHandler()
    answers = await asyncio.gather(*(get(handler) for _ in range(3 * AT_ONCE)))
    assert answers == [200] * 3 * AT_ONCE


async def test_who_comes_later_is_served_on_the_thread_that_is_there():
    handler = ThreadedHandler()
    for _ in range(20):
        assert await get(handler) == 200
        # The answer is here before its thread has said that it is free again; on a busy machine, long before.
        while not handler._threads._idle_semaphore._value:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.001)
    assert len(handler._threads._threads) == 1
