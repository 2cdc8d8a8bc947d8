"""Paid once, premium once, whoever hears of it first; what is given back is taken back, exactly."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts import premium
from accounts.models import PremiumGrant
from payments import fulfilment, stripe_api, sweeping
from payments.models import Purchase, StripeEvent
from tests.fakes.stripe import LIVE_KEY
from tests.mails import delivered
from tests.payments.conftest import days_of, purchase_of
from tests.racing import needs_postgres, race

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]


# --- The two doors ----------------------------------------------------------------------------------


def test_the_success_page_switches_premium_on_before_any_webhook(shop, buyer, alice):
    session_id = shop.buy(buyer)
    response = shop.come_back(buyer, session_id)
    assert response.context["state"] == "paid"
    assert days_of(alice) == 30
    assert response.context["premium_until"] == alice.premium_until
    purchase = purchase_of(session_id)
    assert (purchase.status, purchase.amount_total, purchase.method) == ("paid", 2999, "Visa •• 4242")
    assert purchase.receipt_url.startswith("https://pay.stripe.com/")


def test_the_webhook_switches_premium_on_when_the_tab_was_closed(shop, buyer, alice):
    shop.buy(buyer)
    (answer,) = shop.deliver()
    assert answer.status_code == 200
    assert days_of(alice) == 30
    assert StripeEvent.objects.get().processed_at


@pytest.mark.parametrize("webhook_first", [True, False])
def test_both_doors_in_any_order_any_number_of_times_give_once(shop, buyer, alice, webhook_first):
    session_id = shop.buy(buyer)
    doors = [lambda: shop.deliver(times=3), lambda: shop.come_back(buyer, session_id)]
    for door in doors if webhook_first else reversed(doors):
        door()
    shop.come_back(buyer, session_id)
    assert days_of(alice) == 30
    assert PremiumGrant.objects.get().reason == f"stripe:{session_id}"


def test_a_paid_purchase_is_not_asked_about_again(shop, stripe, buyer):
    session_id = shop.buy(buyer)
    shop.come_back(buyer, session_id)
    asked = len(stripe.requests)
    shop.come_back(buyer, session_id)
    assert len(stripe.requests) == asked


def test_the_page_leads_back_to_where_the_limit_was_hit(shop, stripe, buyer):
    session_id = shop.begin(buyer, next="/chat/123/")
    stripe.pay(session_id)
    assert shop.come_back(buyer, session_id).context["next"] == "/chat/123/"


def test_buying_while_premium_adds_to_what_is_left(shop, stripe, buyer, alice):
    premium.grant(alice, 10, "staff:a-gift")
    shop.come_back(buyer, shop.buy(buyer))
    assert days_of(alice) == 40
    shop.come_back(buyer, shop.buy(buyer))
    assert days_of(alice) == 70


def test_open_tabs_are_told(shop, buyer, alice, django_capture_on_commit_callbacks):
    told = []
    premium.premium_changed.connect(lambda user, **_: told.append(user.premium_until), weak=False, dispatch_uid="test")
    try:
        session_id = shop.buy(buyer)
        with django_capture_on_commit_callbacks(execute=True):
            shop.come_back(buyer, session_id)
    finally:
        premium.premium_changed.disconnect(dispatch_uid="test")
    alice.refresh_from_db()
    assert told == [alice.premium_until]


@needs_postgres
@pytest.mark.django_db(transaction=True)
def test_both_doors_at_once_ten_times_give_once(shop, stripe, buyer, alice):
    session_id = shop.buy(buyer)
    (letter,) = stripe.post.letters

    def door(number):
        if number % 2:
            return shop.hear(letter).status_code
        client = Client()
        client.force_login(alice)
        return shop.state(client, session_id)

    assert sorted(map(str, set(race(door, 20)))) == ["200", "paid"]
    shop.work()
    assert StripeEvent.objects.get().processed_at
    assert PremiumGrant.objects.count() == 1
    assert days_of(alice) == 30


@needs_postgres
@pytest.mark.django_db(transaction=True)
def test_two_purchases_settled_at_once_both_count(shop, stripe, buyer, alice):
    stripe.add_product("prod_7", days=7, amount=999)
    both = [purchase_of(shop.buy(buyer, product)).pk for product in ("prod_30", "prod_7")]
    settled = race(lambda number: fulfilment.settle(both[number % 2]).status, 8)
    assert settled == ["paid"] * 8
    assert days_of(alice) == 37


def test_an_old_answer_that_comes_late_does_not_undo_a_refund(shop, stripe, buyer, alice):
    session_id = shop.buy(buyer)
    shop.deliver()
    known, slow = purchase_of(session_id), stripe_api.look_up(session_id)  # paid
    stripe.refund(session_id)
    shop.deliver()
    assert fulfilment.apply(known, slow, is_live=False) is None
    assert purchase_of(session_id).status == "refunded"
    assert days_of(alice) is None


# --- Who may look --------------------------------------------------------------------------------------


def test_somebody_elses_payment_is_not_there(shop, stripe, buyer, client, charlie):
    session_id = shop.buy(buyer)
    asked = len(stripe.requests)
    client.force_login(charlie)
    foreign = shop.come_back(client, session_id)
    absent = shop.come_back(client, "cs_test_nothing")
    assert (foreign.status_code, absent.status_code) == (404, 404)
    # The page names the address that was asked for, and has another CSRF token each time.
    pages = (re.sub(rb'"\w{64}"', b"", response.content) for response in (foreign, absent))
    assert next(pages).replace(session_id.encode(), b"cs_test_nothing") == next(pages)
    assert len(stripe.requests) == asked
    assert days_of(charlie) is None


@pytest.mark.parametrize("garbage", ["", "x", "\0", "../../v1/products", "cs_test_{CHECKOUT_SESSION_ID}", "é" * 3000])
def test_garbage_is_not_there_and_stripe_is_not_asked(shop, stripe, buyer, garbage):
    shop.begin(buyer)
    asked = len(stripe.requests)
    assert shop.come_back(buyer, garbage).status_code == 404
    assert buyer.get("/checkout/success/").status_code == 404
    assert len(stripe.requests) == asked


def test_a_purchase_without_a_page_is_not_found_by_an_empty_id(shop, buyer):
    shop.begin(buyer)
    Purchase.objects.update(session_id=None)
    assert shop.come_back(buyer, "").status_code == 404
    assert shop.come_back(buyer, "None").status_code == 404


def test_the_page_needs_signing_in(shop, buyer):
    session_id = shop.buy(buyer)
    response = shop.come_back(Client(), session_id)
    assert response.status_code == 302
    assert "login" in response["Location"]


def test_the_payers_details_are_not_kept(shop, stripe, buyer):
    session_id = shop.buy(buyer)
    shop.deliver()
    assert "SECRET PAYER" in str(stripe.sessions[session_id])
    snapshot = str(purchase_of(session_id).snapshot)
    assert "'amount_total': 2999" in snapshot
    assert "SECRET PAYER" not in snapshot
    assert "alice@example.com" not in snapshot
    assert "SECRET PAYER" not in str(list(StripeEvent.objects.values()))


# --- Not paid, or not as agreed ---------------------------------------------------------------------------


def test_a_page_that_was_not_paid_gives_nothing(shop, stripe, buyer, alice):
    session_id = shop.begin(buyer)
    assert shop.state(buyer, session_id) == "failed"
    stripe.expire(session_id)
    shop.deliver()
    assert purchase_of(session_id).status == "expired"
    assert shop.state(buyer, session_id) == "failed"
    assert days_of(alice) is None


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"livemode": True}, "the key is not"),
        ({"mode": "setup"}, "mode"),
        ({"client_reference_id": "999"}, "another account"),
        ({"client_reference_id": None}, "another account"),
        ({"metadata": {}}, "another purchase"),
        ({"currency": "eur"}, "in eur"),
        ({"amount_subtotal": 1, "amount_total": 1}, "not 2999"),
        ({"amount_total": 1}, "over 1 of 2999"),
    ],
)
def test_a_payment_that_is_not_as_agreed_gives_nothing_and_waits_for_staff(shop, stripe, buyer, alice, change, problem):
    session_id = shop.buy(buyer)
    stripe.sessions[session_id].update(change)
    assert shop.state(buyer, session_id) == "waiting"
    shop.deliver()
    assert days_of(alice) is None
    assert problem in purchase_of(session_id).problem
    event = StripeEvent.objects.get()
    assert event.processed_at is None
    assert problem in event.error


def test_another_price_or_quantity_gives_nothing(shop, stripe, buyer, alice):
    session_id = shop.buy(buyer)
    stripe.sessions[session_id]["line_items"]["data"][0]["quantity"] = 2
    shop.deliver()
    assert days_of(alice) is None
    assert "another price" in purchase_of(session_id).problem


def test_a_test_payment_gives_nothing_where_the_key_is_live(shop, stripe, buyer, alice, settings):
    session_id = shop.buy(buyer)
    settings.STRIPE_SECRET_KEY = LIVE_KEY
    assert shop.state(buyer, session_id) == "waiting"
    assert "the key is live" in purchase_of(session_id).problem
    assert days_of(alice) is None


def test_a_coupon_over_everything_is_a_payment_too(shop, stripe, buyer, alice):
    session_id = shop.begin(buyer)
    stripe.pay(session_id, coupon=100)
    assert stripe.sessions[session_id]["payment_status"] == "no_payment_required"
    assert shop.state(buyer, session_id) == "paid"
    assert purchase_of(session_id).amount_total == 0
    assert days_of(alice) == 30


def test_a_coupon_over_a_part_is_a_payment_of_the_rest(shop, stripe, buyer, alice):
    session_id = shop.begin(buyer)
    stripe.pay(session_id, coupon=20)
    shop.deliver()
    assert purchase_of(session_id).amount_total == 2400
    assert days_of(alice) == 30


# --- Money that takes days ---------------------------------------------------------------------------------


def test_a_payment_on_its_way_waits_and_counts_from_when_it_arrives(shop, stripe, buyer, alice):
    session_id = shop.begin(buyer)
    stripe.pay_later(session_id)
    assert shop.state(buyer, session_id) == "waiting"
    shop.deliver()
    assert days_of(alice) is None
    stripe.money_arrives(session_id)
    shop.deliver()
    assert shop.state(buyer, session_id) == "paid"
    assert days_of(alice) == 30


def test_who_was_promised_a_mail_gets_one(shop, stripe, buyer, alice):
    session_id = shop.begin(buyer)
    stripe.pay_later(session_id)
    shop.deliver()
    stripe.money_arrives(session_id)
    shop.deliver(times=2)
    delivered()
    (sent,) = delivered()
    assert sent.to == [alice.email]
    assert "30 days premium, $29.99" in sent.body
    assert "/account/premium/" in sent.body


def test_a_payment_that_fails_later_gives_nothing(shop, stripe, buyer, alice):
    session_id = shop.begin(buyer)
    stripe.pay_later(session_id)
    stripe.money_stays_away(session_id)
    shop.deliver(backwards=True)
    assert shop.state(buyer, session_id) == "failed"
    assert days_of(alice) is None


# --- Giving back --------------------------------------------------------------------------------------------


def test_a_full_refund_takes_back_exactly_what_it_gave(shop, stripe, buyer, alice):
    premium.grant(alice, 10, "staff:a-gift")
    session_id = shop.buy(buyer)
    shop.deliver()
    stripe.refund(session_id)
    shop.deliver(times=2)
    assert days_of(alice) == 10
    assert purchase_of(session_id).status == "refunded"
    assert shop.come_back(buyer, session_id)["Location"] == "/account/premium/"


@pytest.mark.parametrize(("ends", "days"), [(False, 30), (True, None)])
def test_a_partial_refund_follows_the_policy(shop, stripe, buyer, alice, settings, ends, days):
    settings.PARTIAL_REFUND_ENDS_PREMIUM = ends
    session_id = shop.buy(buyer)
    shop.deliver()
    stripe.refund(session_id, 1000)
    shop.deliver()
    assert days_of(alice) == days
    assert purchase_of(session_id).amount_refunded == 1000
    stripe.refund(session_id)
    shop.deliver()
    assert days_of(alice) is None


def test_a_refund_that_the_bank_sends_back_restores_premium(shop, stripe, buyer, alice):
    session_id = shop.buy(buyer)
    stripe.refund(session_id)
    shop.deliver()
    assert days_of(alice) is None
    stripe.refund_fails(session_id)
    shop.deliver()
    assert days_of(alice) == 30


def test_news_of_the_refund_may_overtake_news_of_the_payment(shop, stripe, buyer, alice):
    session_id = shop.buy(buyer)
    stripe.refund(session_id)
    shop.deliver(backwards=True)
    assert days_of(alice) is None
    assert PremiumGrant.objects.count() == 0
    assert purchase_of(session_id).status == "refunded"
    assert not StripeEvent.objects.filter(processed_at=None).exists()


@pytest.mark.parametrize(
    ("statuses", "days"),
    [
        (["needs_response"], None),
        (["needs_response", "under_review"], None),
        (["needs_response", "lost"], None),
        (["needs_response", "won"], 30),
        (["needs_response", "prevented"], 30),
        (["warning_needs_response"], 30),
        (["warning_needs_response", "warning_closed"], 30),
        (["warning_needs_response", "needs_response"], None),
    ],
)
def test_a_dispute_takes_premium_until_it_is_won(shop, stripe, buyer, alice, statuses, days):
    session_id = shop.buy(buyer)
    shop.deliver()
    for status in statuses:
        stripe.dispute(session_id, status)
        shop.deliver(times=2)
    assert days_of(alice) == days


def test_a_dispute_that_opens_and_is_won_before_we_hear_of_it_changes_nothing(shop, stripe, buyer, alice):
    session_id = shop.buy(buyer)
    stripe.dispute(session_id)
    stripe.dispute(session_id, "won")
    shop.deliver(backwards=True)
    assert days_of(alice) == 30


def test_what_staff_took_back_stays_taken_back_when_old_news_repeats(shop, stripe, buyer, alice):
    session_id = shop.buy(buyer)
    (letter,) = stripe.post.letters
    shop.deliver()
    premium.revoke(f"stripe:{session_id}")
    shop.hear(letter)
    StripeEvent.objects.update(processed_at=None, due_at=timezone.now() - timedelta(seconds=1))
    shop.work()
    assert days_of(alice) is None


# --- Accounts that are gone ------------------------------------------------------------------------------------


def test_money_for_a_deleted_account_waits_for_staff(shop, buyer, alice):
    session_id = shop.buy(buyer)
    alice.delete()
    (answer,) = shop.deliver()
    assert answer.status_code == 200
    purchase, event = purchase_of(session_id), StripeEvent.objects.get()
    assert (purchase.user, purchase.status) == (None, "paid")
    assert "deleted" in purchase.problem
    assert event.processed_at is None
    assert event.due_at is None
    assert "deleted" in event.error


def test_giving_the_money_back_settles_that(shop, stripe, buyer, alice):
    session_id = shop.buy(buyer)
    alice.delete()
    shop.deliver()
    stripe.refund(session_id)
    shop.deliver()
    purchase = purchase_of(session_id)
    assert (purchase.status, purchase.problem) == ("refunded", "")


# --- Nobody told us --------------------------------------------------------------------------------------------


def test_stripe_down_at_the_success_page_says_wait_and_the_webhook_completes(shop, stripe, buyer, alice):
    session_id = shop.buy(buyer)
    stripe.is_down = True
    assert shop.state(buyer, session_id) == "waiting"
    stripe.is_down = False
    shop.deliver()
    assert shop.state(buyer, session_id) == "paid"
    assert days_of(alice) == 30


def test_a_payment_of_which_no_news_came_is_found_by_the_sweep(shop, stripe, buyer, alice):
    session_id = shop.buy(buyer)
    stripe.post.drop()
    assert not Purchase.objects.due().exists()
    sweeping.look_after(purchase_of(session_id).pk)  # not yet
    assert purchase_of(session_id).status == "open"
    Purchase.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    sweeping.look_after(Purchase.objects.due().get().pk)
    assert purchase_of(session_id).status == "paid"
    assert days_of(alice) == 30
    assert purchase_of(session_id).due_at is None


def test_the_sweep_asks_less_and_less_often_and_survives_stripe_being_down(shop, stripe, buyer):
    session_id = shop.begin(buyer)
    now = timezone.now()
    for age, wait in [(1, 1), (20, 10), (240, 60)]:
        Purchase.objects.update(created_at=now - timedelta(minutes=age), due_at=now - timedelta(seconds=1))
        stripe.is_down = True
        for due in Purchase.objects.due():
            sweeping.look_after(due.pk)
        assert round((purchase_of(session_id).due_at - now).total_seconds() / 60) == wait
        stripe.is_down = False


def test_a_payment_that_stripe_does_not_know_is_asked_about_once(shop, stripe, buyer):
    session_id = shop.begin(buyer)
    stripe.sessions.clear()
    Purchase.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    sweeping.look_after(purchase_of(session_id).pk)
    purchase = purchase_of(session_id)
    assert purchase.due_at is None
    assert "knows no such payment" in purchase.problem


def test_polling_is_limited_and_answers_still(shop, stripe, buyer):
    session_id = shop.begin(buyer)
    stripe.pay_later(session_id)
    answers = {shop.state(buyer, session_id) for _ in range(60)}
    assert answers == {"waiting"}
    assert 40 <= stripe.count("GET", f"/v1/checkout/sessions/{session_id}") < 60  # a few more: while a minute ends
