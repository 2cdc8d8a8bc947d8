"""How much each door takes, asked at the application that is served."""

import asyncio

import httpx
import pytest
from django.test import Client

from config.asgi import application
from tests.factories import UserFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded]
KB = 1024


def post(path, size, client=None, *, announced=True):
    """The status that so many bytes are answered with; unannounced they come in pieces."""
    cookies = {name: morsel.value for name, morsel in client.cookies.items()} if client else {}

    async def pieces():
        for _ in range(size // (16 * KB)):
            yield b"x" * 16 * KB

    async def posting():
        way = httpx.ASGITransport(application)
        async with httpx.AsyncClient(transport=way, base_url="http://testserver", cookies=cookies) as browser:
            return await browser.post(path, content=b"x" * size if announced else pieces())

    return asyncio.run(posting()).status_code


@pytest.fixture
def staff():
    client = Client()
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    return client


@pytest.mark.parametrize("announced", [True, False])
def test_nobody_but_staff_brings_files(staff, alice, announced):
    member = Client()
    member.force_login(alice)
    for path in ("/", "/nowhere", "/accounts/login/", "/chat/permits/", "/admin/", "/admin/girls/girl/add/"):
        assert post(path, 512 * KB, announced=announced) == 413, path
        assert post(path, 512 * KB, member, announced=announced) == 413, path
    assert post("/admin/girls/girl/add/", 512 * KB, staff, announced=announced) != 413
    assert post("/chat/permits/", 512 * KB, staff, announced=announced) == 413


def test_staff_bring_no_more_than_a_film(staff):
    assert post("/admin/girls/girl/add/", 65 * KB * KB, staff) == 413


def test_a_made_up_session_is_nobodys():
    stranger = Client()
    stranger.cookies["sessionid"] = "x" * 32
    assert post("/admin/girls/girl/add/", 512 * KB, stranger) == 413


@pytest.mark.parametrize(("size", "status"), [(512 * KB, 400), (1040 * KB, 413)])
def test_stripe_may_bring_more_than_others(settings, size, status):
    settings.STRIPE_SECRET_KEY = "sk_test_x"
    settings.STRIPE_WEBHOOK_SECRETS = ["whsec_x"]
    assert post("/webhooks/stripe/", size) == status
    assert post("/webhooks/stripe/", size, announced=False) == status
