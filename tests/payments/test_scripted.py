"""Without Stripe's key the checkout is played, by the same rules and with the same events; never where DEBUG is off."""

import re
import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from payments import stripe_scripted, webhooks
from payments.base import BadEvent
from payments.models import Purchase, ScriptedSession, StripeEvent
from tests.payments.conftest import days_of, purchase_of, session_in

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]


@pytest.fixture
def till(buyer):
    """Alice stands at the played checkout of 30 days, having come from a conversation."""
    fields = {"click": str(uuid.uuid4()), "consent": "on", "next": "/chat/"}
    response = buyer.post("/plans/prod_scripted_30/checkout/", fields)
    assert response.status_code == 303
    return response["Location"]


def press(client, till, action):
    return client.post(till, {"action": action})


def work():
    for event_id in StripeEvent.objects.filter(processed_at=None).values_list("pk", flat=True):
        webhooks.process(event_id)


def state(client, url):
    return client.get(url, headers={"accept": "application/json"}).json()["state"]


def test_three_plans_are_on_sale(client):
    plans = client.get("/plans/").context["plans"]
    assert [(plan["name"], plan["price"], plan["per_day"]) for plan in plans] == [
        ("7 days", "$9.99", "$1.43 a day"),
        ("30 days", "$29.99", "$1.00 a day"),
        ("90 days", "$69.99", "$0.78 a day"),
    ]
    assert [plan["is_pick"] for plan in plans] == [False, True, False]


def test_it_looks_like_a_checkout(buyer, till):
    response = buyer.get(till)
    assert response.status_code == 200
    assert response.context["session"]["plan"] == "30 days premium"
    assert response.context["session"]["amount"] == "$29.99"
    assert response.context["session"]["status"] == "open"


def test_paying_gives_premium_and_leads_back(buyer, till, alice):
    response = press(buyer, till, "pay")
    assert response.status_code == 303
    success = buyer.get(response["Location"])
    assert (success.context["state"], success.context["next"]) == ("paid", "/chat/")
    assert days_of(alice) == 30
    work()
    assert days_of(alice) == 30
    assert StripeEvent.objects.get().processed_at


def test_the_event_alone_gives_premium_too(buyer, till, alice):
    press(buyer, till, "pay")
    work()
    assert days_of(alice) == 30


def test_a_declined_card_may_be_followed_by_a_good_one(buyer, till, alice):
    response = press(buyer, till, "decline")
    assert response.status_code == 200
    assert response.context["declined"]
    assert days_of(alice) is None
    press(buyer, till, "pay")
    work()
    assert days_of(alice) == 30


@pytest.mark.parametrize(("then", "last", "days"), [("settle", "paid", 30), ("fail_later", "failed", None)])
def test_money_that_takes_days_arrives_or_does_not(buyer, till, alice, then, last, days):
    success = press(buyer, till, "later")["Location"]
    assert state(buyer, success) == "waiting"
    press(buyer, till, then)
    work()
    assert state(buyer, success) == last
    assert days_of(alice) == days


def test_a_refund_takes_premium_back(buyer, till, alice):
    success = press(buyer, till, "pay")["Location"]
    buyer.get(success)
    press(buyer, till, "refund")
    work()
    assert days_of(alice) is None
    assert purchase_of(session_in(success)).status == "refunded"


@pytest.mark.parametrize("action", ["settle", "fail_later", "refund", "nonsense", ""])
def test_what_does_not_follow_changes_nothing(buyer, till, action):
    assert press(buyer, till, action).status_code == 409
    assert StripeEvent.objects.count() == 0


def test_paying_twice_gives_once(buyer, till, alice):
    press(buyer, till, "pay")
    assert press(buyer, till, "pay").status_code == 409
    work()
    assert days_of(alice) == 30


def test_a_page_that_was_left_alone_expires(buyer, till):
    session_id = re.search(r"cs_scripted_\w+", till)[0]
    session = ScriptedSession.objects.get()
    session.session["expires_at"] = (timezone.now() - timedelta(seconds=1)).timestamp()
    session.save()
    assert state(buyer, f"/checkout/success/?session_id={session_id}") == "failed"
    assert purchase_of(session_id).status == "expired"
    assert press(buyer, till, "pay").status_code == 409


def test_its_page_is_for_the_buyer_only(till, charlie):
    client = Client()
    assert client.get(till).status_code == 302
    client.force_login(charlie)
    assert client.get(till).status_code == 404
    assert press(client, till, "pay").status_code == 404
    assert Purchase.objects.get().status == "open"


def test_nobody_else_can_speak_for_it(till):
    session = ScriptedSession.objects.get().session
    body, _ = stripe_scripted._event("checkout.session.completed", session)
    for signature in ("", "00", "é"):
        with pytest.raises(BadEvent):
            stripe_scripted.verify_event(body, {"Stripe-Signature": signature})
    assert Client().post("/webhooks/stripe/", body, content_type="application/json").status_code == 400


def test_where_debug_is_off_nothing_is_played(buyer, till, alice, settings):
    settings.DEBUG = False
    assert buyer.get(till).status_code == 404
    assert press(buyer, till, "pay").status_code == 404
    assert Client().post("/webhooks/stripe/", b"{}", content_type="application/json").status_code == 404
    fields = {"click": str(uuid.uuid4()), "consent": "on"}
    assert buyer.post("/plans/prod_scripted_30/checkout/", fields).status_code == 503
    assert Purchase.objects.count() == 1
    assert days_of(alice) is None


def test_where_stripe_is_real_nothing_is_played(buyer, till, stripe):
    assert buyer.get(till).status_code == 404
    assert press(buyer, till, "pay").status_code == 404
