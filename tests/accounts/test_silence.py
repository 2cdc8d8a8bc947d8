"""Cloudflare says nothing: who signs in is told to come again, and nobody else waits."""

import asyncio

import httpx
import pytest

from accounts import turnstile
from config.asgi import application
from tests.servers import DEADLINE

pytestmark = pytest.mark.django_db(transaction=True)
CROWD = 40


def door(n=0, **more):
    way = httpx.ASGITransport(application, client=(f"192.0.2.{n}", 40_000))
    return httpx.AsyncClient(transport=way, base_url="http://testserver", **more)


@pytest.mark.parametrize(("path", "field"), [("/accounts/login/", "login"), ("/accounts/password/reset/", "email")])
async def test_many_forms_that_wait_for_a_check_keep_nobody_else_waiting(
    cloudflare, settings, monkeypatch, path, field
):
    patient = httpx.Client(timeout=DEADLINE, trust_env=False)  # who waits does so until all has been looked at
    monkeypatch.setattr(turnstile, "_client", lambda: patient)
    settings.ALLOWED_HOSTS = ["*"]
    cloudflare.hangs = True

    async def ask(n):
        form = {field: f"{n}@example.com", "password": "x", "cf-turnstile-response": "x"}
        cookies, headers = {"csrftoken": "c" * 32}, {"Accept": "text/html"}
        async with door(n, cookies=cookies, headers=headers) as browser:
            return await browser.post(path, data={**form, "csrfmiddlewaretoken": "c" * 32})

    asking = [asyncio.ensure_future(ask(n)) for n in range(CROWD)]
    await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
    async with door() as probe:
        assert (await probe.get("/healthz")).status_code == 200
        assert (await probe.get("/safety/")).status_code == 200
    meanwhile = [done.result() for done in asking if done.done()]
    assert 0 < len(meanwhile) < CROWD
    assert {answer.status_code for answer in meanwhile} == {503}
    assert all(int(answer.headers["Retry-After"]) for answer in meanwhile)
    cloudflare.gone.set()
    cloudflare.hangs = False
    await asyncio.wait(asking, timeout=DEADLINE)
    assert {answer.result().status_code for answer in asking} == {200, 503}
