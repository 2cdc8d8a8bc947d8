"""Stripe says nothing: buyers are told to come again, and nobody else waits for them."""

import asyncio
import threading

import httpx
import pytest
from django.db import connections
from django.test import Client

from config.asgi import application
from payments import stripe_api
from payments.models import CatalogCache
from tests.factories import UserFactory
from tests.servers import DEADLINE

pytestmark = pytest.mark.django_db(transaction=True)
CROWD = 40


def door(**more):
    return httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://testserver", **more)


@pytest.fixture
def silence(stripe, monkeypatch):
    """Stripe takes questions, and answers none until the test is over; who waits does so until then."""
    monkeypatch.setattr(stripe_api, "TIMEOUT_SECONDS", DEADLINE)
    over = threading.Event()
    stripe.before_answering = lambda route: over.wait(DEADLINE)
    yield over
    over.set()


async def first_and_others(over, ask):
    """How the crowd was answered while Stripe said nothing, and how afterwards."""
    asking = [asyncio.ensure_future(ask(n)) for n in range(CROWD)]
    await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
    async with door() as probe:
        assert (await probe.get("/healthz")).status_code == 200
        assert (await probe.get("/safety/")).status_code == 200
    meanwhile = [done.result() for done in asking if done.done()]
    assert len(meanwhile) < CROWD
    over.set()
    await asyncio.wait(asking, timeout=DEADLINE)
    return meanwhile, [answer.result() for answer in asking]


async def test_many_success_pages_keep_nobody_else_waiting(shop, buyer, silence, stripe):
    stripe.before_answering = lambda route: None
    session = await asyncio.to_thread(shop.begin, buyer)
    stripe.before_answering = lambda route: silence.wait(DEADLINE)
    cookies = {name: morsel.value for name, morsel in buyer.cookies.items()}

    async def ask(n):
        async with door(cookies=cookies, headers={"Accept": "text/html"}) as browser:
            return await browser.get("/checkout/success/", params={"session_id": session})

    meanwhile, answers = await first_and_others(silence, ask)
    assert {answer.status_code for answer in meanwhile} == {503}
    assert all(int(answer.headers["Retry-After"]) for answer in meanwhile)
    assert all("data-waiting" in answer.text for answer in meanwhile)  # the page that asks again by itself
    assert {answer.status_code for answer in answers} == {200, 503}


async def test_many_who_look_at_the_very_first_plans_keep_nobody_else_waiting(silence, transactional_db):
    async def ask(n):
        async with door(headers={"Accept": "text/html"}) as browser:
            return await browser.get("/plans/")

    meanwhile, answers = await first_and_others(silence, ask)
    assert {answer.status_code for answer in meanwhile} == {503}
    assert 200 in {answer.status_code for answer in answers}


async def test_many_clicks_on_a_plan_leave_no_trace_of_those_that_were_refused(shop, silence, stripe, client):
    stripe.before_answering = lambda route: None
    await asyncio.to_thread(client.get, "/plans/")
    assert await CatalogCache.objects.exclude(refreshed_at=None).aexists()
    stripe.before_answering = lambda route: silence.wait(DEADLINE)

    def members():
        made = []
        for user in UserFactory.create_batch(CROWD):
            client = Client()
            client.force_login(user)
            made.append({name: morsel.value for name, morsel in client.cookies.items()} | {"csrftoken": "c" * 32})
        connections.close_all()
        return made

    cookies = await asyncio.to_thread(members)

    async def ask(n):
        form = {"click": f"00000000-0000-4000-8000-{n:012}", "consent": "on", "csrfmiddlewaretoken": "c" * 32}
        headers = {"Accept": "text/html", "Origin": "http://testserver"}
        async with door(cookies=cookies[n], headers=headers) as browser:
            return await browser.post("/plans/prod_30/checkout/", data=form)

    meanwhile, answers = await first_and_others(silence, ask)
    assert {answer.status_code for answer in meanwhile} == {503}
    assert all("weren’t charged" in answer.text and answer.headers["Retry-After"] for answer in meanwhile)
    bought = [answer for answer in answers if answer.status_code == 303]
    assert len(bought) + len([a for a in answers if a.status_code == 503]) == CROWD
    assert len(stripe.sessions) == len(bought) > 0
