"""A shop with one plan, Alice at the counter, and Stripe across the street."""

import uuid
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.utils import timezone

from payments import webhooks
from payments.models import Purchase, StripeEvent
from tests.fakes.stripe import KEY, SECRET, FakeStripe, Letter, stripe_server


@pytest.fixture(autouse=True)
def _as_on_a_laptop(settings):
    """DEBUG on and no key: the checkout is played."""
    settings.DEBUG = True
    settings.SITE_URL = "http://testserver"
    settings.CURRENCY = "usd"
    settings.STRIPE_SECRET_KEY = settings.STRIPE_API_BASE = ""
    settings.STRIPE_WEBHOOK_SECRETS = []
    settings.PARTIAL_REFUND_ENDS_PREMIUM = False


@pytest.fixture
def stripe(settings):
    """Stripe with our keys and one product, 30 days for $29.99, on a real server on this machine."""
    with stripe_server() as fake:
        settings.STRIPE_SECRET_KEY = KEY
        settings.STRIPE_API_BASE = fake.url
        settings.STRIPE_WEBHOOK_SECRETS = [SECRET]
        fake.add_product()
        yield fake


class Shop:
    """What browsers, Stripe's post and a worker do."""

    def __init__(self, stripe: FakeStripe) -> None:
        self.stripe = stripe

    def click(self, client: Client, product="prod_30", *, click=None, **fields):
        """Press the button of a plan."""
        data = {"click": str(click or uuid.uuid4()), "consent": "on", **fields}
        return client.post(f"/plans/{product}/checkout/", data)

    def begin(self, client: Client, product="prod_30", **fields) -> str:
        """Press the button and land on Stripe's page; its session."""
        response = self.click(client, product, **fields)
        assert response.status_code == 303, response.content.decode()
        return urlsplit(response["Location"]).path.rsplit("/", 1)[1]

    def buy(self, client: Client, product="prod_30") -> str:
        """Begin, and pay; nobody has told us yet."""
        session_id = self.begin(client, product)
        self.stripe.pay(session_id)
        return session_id

    def hear(self, letter: Letter):
        """The webhook's door."""
        return Client().post(
            "/webhooks/stripe/",
            data=letter.body,
            content_type="application/json",
            headers={"Stripe-Signature": letter.signature},
        )

    def work(self) -> None:
        """What a worker does: look into every event whose time has come."""
        due = StripeEvent.objects.filter(processed_at=None, due_at__lte=timezone.now())
        for event_id in due.order_by("received_at").values_list("pk", flat=True):
            webhooks.process(event_id)

    def deliver(self, **how):
        """All of Stripe's letters arrive and are looked into."""
        answers = self.stripe.post.deliver(self.hear, **how)
        self.work()
        return answers

    def come_back(self, client: Client, session_id: str, **headers):
        """Stripe's page sends the buyer back."""
        return client.get("/checkout/success/", {"session_id": session_id}, headers=headers)

    def state(self, client: Client, session_id: str) -> str:
        """What the success page's own script is told."""
        return self.come_back(client, session_id, accept="application/json").json()["state"]


@pytest.fixture
def shop(stripe):
    return Shop(stripe)


@pytest.fixture
def buyer(client, alice):
    """Alice's browser."""
    client.force_login(alice)
    return client


def purchase_of(session_id: str) -> Purchase:
    return Purchase.objects.get(session_id=session_id)


def session_in(url: str) -> str:
    return parse_qs(urlsplit(url).query)["session_id"][0]


def days_of(user) -> float | None:
    """How many days of premium somebody has from now; None for none."""
    user.refresh_from_db()
    return None if user.premium_until is None else round((user.premium_until - timezone.now()).total_seconds() / 86400)
