"""Behind a proxy, what one address may have at work at once is counted by what the proxy saw."""

import asyncio

import httpx
import pytest
from asgiref.testing import ApplicationCommunicator

from config.addresses import behind_proxies, neighbourhood
from config.asgi import application
from tests.config.test_handler import scope


def asks(headers, path="/nowhere"):
    """A request whose body does not come."""
    headers = [(b"host", b"testserver"), (b"content-length", b"9"), *headers]
    return ApplicationCommunicator(application, scope(path, "POST", client=("10.0.0.1", 5), headers=headers))


@pytest.mark.parametrize(
    ("proxies", "said", "seen"),
    [
        (1, ["192.0.2.1"], "192.0.2.1"),
        (1, ["198.51.100.9, 192.0.2.1"], "192.0.2.1"),
        (1, ["198.51.100.9", "192.0.2.1"], "192.0.2.1"),
        (2, ["198.51.100.9, 192.0.2.1, 10.0.0.2"], "192.0.2.1"),
        (2, ["192.0.2.1"], "10.0.0.1"),
        (1, [], "10.0.0.1"),
        (1, [" , "], "10.0.0.1"),
    ],
)
def test_an_address_is_what_the_outermost_proxy_of_ours_saw(settings, proxies, said, seen):
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = proxies
    headers = [(b"x-forwarded-for", line.encode()) for line in said]
    assert behind_proxies({"headers": headers, "client": ("10.0.0.1", 5)}) == seen


@pytest.mark.parametrize(
    ("address", "counted_as"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:0db8:0001:0002"),
        ("2001:db8:1:2::9", "2001:0db8:0001:0002"),
        ("unknown", "unknown"),
    ],
)
def test_a_household_is_one_address(address, counted_as):
    assert neighbourhood(address) == counted_as


async def test_one_address_cannot_take_everything(settings):
    settings.ALLAUTH_TRUSTED_PROXY_COUNT, settings.CONNECTIONS_PER_ADDRESS = 1, 3
    busy = [asks([(b"x-forwarded-for", b"%d.0.2.1, 192.0.2.1" % n)]) for n in range(3)]
    for browser in busy:
        await browser.send_input({"type": "http.request", "body": b"h", "more_body": True})
    await asyncio.sleep(0)
    way = httpx.ASGITransport(application)
    async with httpx.AsyncClient(transport=way, base_url="http://testserver") as browser:
        refused = await browser.get("/nowhere", headers={"X-Forwarded-For": "192.0.2.1"})
        assert refused.status_code == 429
        assert refused.headers["Retry-After"]
        assert (await browser.get("/healthz", headers={"X-Forwarded-For": "192.0.2.1"})).status_code == 200
        other = await browser.post("/nowhere", headers={"X-Forwarded-For": "192.0.2.1, 192.0.2.2"})
        assert other.status_code != 429
        for one in busy:
            await one.send_input({"type": "http.disconnect"})
            await one.wait(10)
        freed = await browser.post("/nowhere", headers={"X-Forwarded-For": "192.0.2.1"})
        assert freed.status_code != 429


@pytest.mark.parametrize("kind", ["http", "websocket"])
async def test_sockets_and_requests_count_together(settings, kind):
    settings.ALLAUTH_TRUSTED_PROXY_COUNT, settings.CONNECTIONS_PER_ADDRESS = 1, 0
    tab = ApplicationCommunicator(application, scope("/ws/", type=kind, subprotocols=[]))
    await tab.send_input({"type": "websocket.connect"} if kind == "websocket" else {"type": "http.request"})
    first = await tab.receive_output(10)
    assert first["type"] == "websocket.close" if kind == "websocket" else first["status"] == 429
