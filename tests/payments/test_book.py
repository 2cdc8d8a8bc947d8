"""Whatever happens at Stripe, and however its news arrive: in the end premium is the fold over what Stripe says."""

import random
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from payments import catalog, stripe_api, sweeping
from payments.models import Purchase, StripeEvent
from tests.factories import UserFactory
from tests.payments.conftest import Shop

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]
PLANS = {"prod_7": (7, 999), "prod_30": (30, 2999), "prod_90": (90, 6999)}


def expected(stripe, user):
    """When premium ends by Stripe's own books: each payment that stands adds its days, from when we learnt of it."""
    standing = []
    for session_id, session in stripe.sessions.items():
        if session["client_reference_id"] != str(user.pk) or session["payment_status"] == "unpaid":
            continue
        intent = session["payment_intent"]
        dispute = stripe.disputes.get(intent["id"]) if intent else None
        is_refunded = bool(intent) and intent["latest_charge"]["refunded"]
        if is_refunded or (dispute and dispute["status"] in ("needs_response", "under_review", "lost")):
            continue
        product = session["line_items"]["data"][0]["price"]["product"]
        standing.append((Purchase.objects.get(session_id=session_id).paid_at, PLANS[product][0]))
    end = None
    for learnt_at, days in sorted(standing):
        end = (learnt_at if end is None else max(end, learnt_at)) + timedelta(days=days)
    return end


def book_machine(stripe):
    class Book(RuleBasedStateMachine):
        """Two people, Stripe, and a postman who is not to be relied upon."""

        open, pending, paid = Bundle("open"), Bundle("pending"), Bundle("paid")

        @initialize()
        def begin(self):
            stripe.post.drop()
            stripe.sessions.clear()
            stripe.disputes.clear()
            stripe.is_down = False
            Purchase.objects.all().delete()
            StripeEvent.objects.all().delete()
            self.shop = Shop(stripe)
            self.delivered, self.seen = [], set()
            self.people = [UserFactory(), UserFactory()]
            self.browsers = [Client(), Client()]
            for browser, person in zip(self.browsers, self.people, strict=True):
                browser.force_login(person)

        @rule(target=open, who=st.sampled_from([0, 1]), product=st.sampled_from(sorted(PLANS)))
        def click(self, who, product):
            response = self.shop.click(self.browsers[who], product)
            if response.status_code != 303:
                return multiple()  # Stripe is down, or that was a lot of clicks
            session_id = response["Location"].rsplit("/", 1)[1]
            if session_id in self.seen:
                return multiple()  # the page of the click before
            self.seen.add(session_id)
            return session_id

        @rule(target=paid, session_id=consumes(open), coupon=st.sampled_from([0, 0, 0, 25, 100]))
        def pay(self, session_id, coupon):
            stripe.pay(session_id, coupon=coupon)
            return multiple() if coupon == 100 else session_id

        @rule(target=pending, session_id=consumes(open))
        def pay_later(self, session_id):
            stripe.pay_later(session_id)
            return session_id

        @rule(session_id=consumes(open))
        def leave(self, session_id):
            stripe.expire(session_id)

        @rule(target=paid, session_id=consumes(pending))
        def money_arrives(self, session_id):
            stripe.money_arrives(session_id)
            return session_id

        @rule(session_id=consumes(pending))
        def money_stays_away(self, session_id):
            stripe.money_stays_away(session_id)

        @rule(session_id=paid, part=st.sampled_from([None, 100, 500]))
        def refund(self, session_id, part):
            stripe.refund(session_id, part)

        @rule(session_id=paid)
        def refund_fails(self, session_id):
            stripe.refund_fails(session_id)

        @rule(
            session_id=paid,
            status=st.sampled_from(["warning_needs_response", "needs_response", "under_review", "won", "lost"]),
        )
        def dispute(self, session_id, status):
            stripe.dispute(session_id, status)

        @rule(times=st.integers(1, 3), seed=st.integers(0, 99))
        def post_arrives(self, times, seed):
            self.delivered += stripe.post.letters
            stripe.post.deliver(self.shop.hear, times=times, shuffled=random.Random(seed))

        @rule(seed=st.integers(0, 99))
        @precondition(lambda self: self.delivered)
        def an_old_letter_comes_again(self, seed):
            self.shop.hear(random.Random(seed).choice(self.delivered))

        @rule()
        def worker_works(self):
            self.shop.work()

        @rule(who=st.sampled_from([0, 1]), session_id=st.one_of(open, pending, paid))
        def comes_back(self, who, session_id):
            self.shop.come_back(self.browsers[who], session_id, accept="application/json")

        @rule()
        def stripe_goes_and_comes(self):
            stripe.is_down = not stripe.is_down

        def teardown(self):
            if not hasattr(self, "shop"):
                return
            stripe.is_down = False
            stripe.post.deliver(self.shop.hear)
            StripeEvent.objects.filter(processed_at=None).update(due_at=timezone.now() - timedelta(seconds=1))
            self.shop.work()
            assert not StripeEvent.objects.filter(processed_at=None).exists()
            for person in self.people:
                person.refresh_from_db()
                assert person.premium_until == expected(stripe, person)
            Purchase.objects.update(due_at=timezone.now() - timedelta(seconds=1))
            for due in Purchase.objects.due():
                sweeping.look_after(due.pk)
            for person in self.people:
                before = person.premium_until
                person.refresh_from_db()
                assert person.premium_until == before

    return Book


def test_the_book_always_balances(stripe, monkeypatch):
    monkeypatch.setattr(stripe_api, "RETRIES", 0)  # the library would wait between two tries
    stripe_api._client.cache_clear()
    for product, (days, amount) in PLANS.items():
        stripe.add_product(product, days=days, amount=amount)
    catalog.refresh()
    many = settings(max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck))
    try:
        run_state_machine_as_test(book_machine(stripe), settings=many)
    finally:
        stripe_api._client.cache_clear()
