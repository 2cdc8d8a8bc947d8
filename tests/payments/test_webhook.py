"""Stripe's news are believed only when signed, written down before all else, and looked into until they are done."""

import json
import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from payments import webhooks
from payments.models import Purchase, StripeEvent
from tests.fakes.stripe import Letter
from tests.payments.conftest import days_of, purchase_of
from tests.racing import needs_postgres, race

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]
URL = "/webhooks/stripe/"


def letter_of(stripe):
    return stripe.letter("checkout.session.completed", {"id": "cs_test_1", "payment_intent": "pi_1"})


def test_no_or_a_wrong_signature_is_refused_without_a_trace(shop, stripe):
    good = letter_of(stripe)
    stripe.signs_with = ["whsec_somebody_else"]
    wrong = stripe.signed(good.body)
    odd = (
        "t=é,v1=é",
        good.signature + "é",
        good.signature[:-1] + "ÿ",
        "t=" + "9" * 5000 + ",v1=aa",
        "t=²,v1=a",
        ",=,=",
    )
    for signature in (
        *odd,
        "",
        "t=1,v1=aa",
        "nonsense",
        "t=x,v1=",
        wrong.signature,
        good.signature.replace("v1", "v0"),
    ):
        assert shop.hear(Letter("", good.body, signature)).status_code == 400
    tampered = Letter("", good.body.replace(b"cs_test_1", b"cs_test_2"), good.signature)
    assert shop.hear(tampered).status_code == 400
    assert Client().post(URL, good.body, content_type="application/json").status_code == 400
    assert StripeEvent.objects.count() == 0


def test_a_recording_that_is_played_later_is_refused(shop, stripe):
    body = letter_of(stripe).body
    assert shop.hear(stripe.signed(body, age=290)).status_code == 200
    assert shop.hear(stripe.signed(body, age=301)).status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b"{}",
        b'{"id": "evt_1", "type": "checkout.session.completed", "livemode": false, "data": {"object": null}}',
        b'{"id": "evt_1", "type": "checkout.session.completed", "livemode": false, "data": {"object": {"id": 7}}}',
        b'{"id": "", "type": "checkout.session.completed", "livemode": false, "data": {"object": {"id": "cs"}}}',
        b'{"id": "\\u0000", "type": "charge.refunded", "livemode": false, "data": {"object": {"payment_intent": "p"}}}',
        b'{"id": {"a": 1}, "type": "charge.refunded", "livemode": false, "data": {"object": {"payment_intent": "p"}}}',
        b'{"id": "evt_1", "type": ["x"], "livemode": false, "data": {"object": {"id": "cs"}}}',
        b"[" * 50_000 + b"]" * 50_000,
        b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
        b'{"id": "\\ud800", "type": "charge.refunded", "livemode": false, "data": {"object": {"payment_intent": "p"}}}',
        b'{"id": "e", "type": "charge.refunded", "livemode": false, "data": {"object": {"payment_intent": "\\udfff"}}}',
        b'{"id": "1", "id": "2", "type": "refund.failed", "livemode": 1, "data": {"object": {"payment_intent": "p"}}}',
        b'{"id": "evt_1", "type": "charge.refunded", "livemode": NaN, "data": {"object": {"payment_intent": "p"}}}',
        b'{"id": "evt_1", "n": ' + b"9" * 5000 + b"}",
        b"\xef\xbb\xbf{}",
        '{"id": "é", "type": "refund.failed", "livemode": true, "data": {"object": {"payment_intent": "p"}}}'.encode(),
    ],
)
def test_what_is_signed_but_makes_no_sense_is_refused(shop, stripe, body):
    assert shop.hear(stripe.signed(body)).status_code == 400
    assert StripeEvent.objects.count() == 0


def test_bytes_that_are_no_text_are_refused(shop, stripe):
    assert shop.hear(Letter("", b'{"id": "\xff\xfe"}', stripe.signed(b"{}").signature)).status_code == 400


def test_only_post_and_only_so_much(shop, stripe):
    assert Client().get(URL).status_code == 405
    big = json.loads(letter_of(stripe).body)
    big["padding"] = "x" * 1024 * 1024
    assert shop.hear(stripe.signed(json.dumps(big).encode())).status_code == 413
    fits = {**big, "padding": "x" * 200 * 1024}
    assert shop.hear(stripe.signed(json.dumps(fits).encode())).status_code == 200


@pytest.mark.parametrize("path", ["/webhooks/stripe", "/webhooks/stripe/", "//webhooks/stripe/", "/webhooks//stripe//"])
@pytest.mark.parametrize("kind", ["application/json", "text/plain", "multipart/form-data", "nonsense", ""])
@pytest.mark.parametrize("debug", [True, False])
def test_news_arrive_however_the_address_was_typed_and_whatever_they_are_said_to_be(
    shop, stripe, settings, path, kind, debug
):
    settings.DEBUG = debug
    letter = letter_of(stripe)
    client = Client(raise_request_exception=False)
    answer = client.generic(
        "POST", f"http://testserver{path}", letter.body, kind, headers={"Stripe-Signature": letter.signature}
    )
    assert answer.status_code == 200
    assert StripeEvent.objects.count() == 1
    for method in ("GET", "HEAD", "PUT", "OPTIONS", "DELETE"):
        answer = client.generic(method, f"http://testserver{path}")
        assert (answer.status_code, answer["Allow"]) == (405, "POST")


def test_two_secrets_are_good_while_one_replaces_the_other(shop, stripe, settings):
    settings.STRIPE_WEBHOOK_SECRETS = ["whsec_new", "whsec_old"]
    for secrets in (["whsec_old"], ["whsec_new"], ["whsec_new", "whsec_old"]):
        stripe.signs_with = secrets
        assert shop.hear(letter_of(stripe)).status_code == 200
    stripe.signs_with = ["whsec_older"]
    assert shop.hear(letter_of(stripe)).status_code == 400


def test_without_a_secret_nothing_is_believed(shop, stripe, settings):
    settings.STRIPE_WEBHOOK_SECRETS = []
    assert shop.hear(letter_of(stripe)).status_code == 400


def test_news_that_change_nothing_are_thanked_for_and_forgotten(shop, stripe):
    for kind in ("customer.created", "payment_intent.succeeded", "invented.tomorrow"):
        assert shop.hear(stripe.letter(kind, {"id": "x", "object": "customer"})).status_code == 200
    assert shop.hear(stripe.letter("charge.refunded", {"id": "ch_1", "payment_intent": None})).status_code == 200
    assert StripeEvent.objects.count() == 0


def test_an_event_is_written_down_and_answered_before_stripe_is_asked_anything(shop, stripe, buyer, alice):
    session_id = shop.buy(buyer)
    asked = len(stripe.requests)
    stripe.is_down = True
    assert [answer.status_code for answer in stripe.post.deliver(shop.hear)] == [200]
    event = StripeEvent.objects.get()
    assert (event.session_id, event.type, event.processed_at) == (session_id, "checkout.session.completed", None)
    assert len(stripe.requests) == asked


def test_what_fails_is_tried_again_later_and_later(shop, stripe, buyer, alice):
    shop.buy(buyer)
    stripe.is_down = True
    shop.deliver()
    event = StripeEvent.objects.get()
    assert "ProcessorDown" in event.error
    assert timedelta(seconds=20) < event.due_at - timezone.now() < timedelta(seconds=31)
    assert not StripeEvent.objects.due().exists()
    StripeEvent.objects.update(due_at=timezone.now() - timedelta(seconds=1), attempts=20)
    assert StripeEvent.objects.due().get() == event
    shop.work()
    event.refresh_from_db()
    assert timedelta(minutes=59) < event.due_at - timezone.now() <= timedelta(hours=1)
    StripeEvent.objects.update(due_at=timezone.now() - timedelta(seconds=1), attempts=webhooks.MAX_TRIES)
    shop.work()
    event.refresh_from_db()
    assert (event.due_at, event.processed_at) == (None, None)
    stripe.is_down = False
    assert webhooks.process_again(event.pk).processed_at
    assert days_of(alice) == 30


def test_an_event_whose_worker_was_killed_is_done_by_another(shop, stripe, buyer, alice):
    shop.buy(buyer)
    stripe.post.deliver(shop.hear)
    assert StripeEvent.objects.claim(StripeEvent.objects.get().pk, token=uuid.uuid4())  # and then silence
    shop.work()
    assert days_of(alice) is None
    StripeEvent.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    shop.work()
    assert days_of(alice) == 30


@pytest.mark.parametrize("kind", ["checkout.session.completed", "charge.refunded", "charge.dispute.created"])
def test_what_nobody_here_bought_is_parked_for_staff(shop, stripe, kind):
    assert shop.hear(stripe.letter(kind, {"id": "cs_unknown", "payment_intent": "pi_unknown"})).status_code == 200
    shop.work()
    event = StripeEvent.objects.get()
    assert (event.processed_at, event.due_at) == (None, None)
    assert "NoSuchPurchase" in event.error


def test_an_unknown_page_that_nobody_paid_is_no_matter(shop, stripe):
    shop.hear(stripe.letter("checkout.session.expired", {"id": "cs_unknown", "payment_intent": None}))
    shop.work()
    assert StripeEvent.objects.get().processed_at


def test_a_purchase_whose_page_we_died_over_is_found_by_its_event(shop, stripe, buyer, alice):
    session_id = shop.begin(buyer)
    Purchase.objects.update(session_id=None)
    stripe.pay(session_id)
    shop.deliver()
    assert purchase_of(session_id).status == "paid"
    assert days_of(alice) == 30


def test_an_event_is_processed_in_few_queries(shop, stripe, buyer, django_assert_max_num_queries):
    shop.buy(buyer)
    stripe.post.deliver(shop.hear)
    with django_assert_max_num_queries(30):  # claim, event, purchase twice, lock, grant and fold with their savepoints
        shop.work()


@needs_postgres
@pytest.mark.django_db(transaction=True)
def test_the_same_event_ten_times_at_once_has_one_effect(shop, stripe, buyer, alice):
    session_id = shop.buy(buyer)
    (letter,) = stripe.post.letters
    assert [answer.status_code for answer in race(lambda _: shop.hear(letter), 10)] == [200] * 10
    event = StripeEvent.objects.get()
    asked = stripe.count("GET", f"/v1/checkout/sessions/{session_id}")
    race(lambda _: webhooks.process(event.pk), 10)
    assert stripe.count("GET", f"/v1/checkout/sessions/{session_id}") == asked + 1
    assert days_of(alice) == 30


@needs_postgres
@pytest.mark.django_db(transaction=True)
def test_all_news_of_a_purchase_at_once_end_in_what_stripe_says(shop, stripe, buyer, alice):
    session_id = shop.buy(buyer)
    stripe.refund(session_id, 500)
    stripe.dispute(session_id)
    stripe.dispute(session_id, "won")
    stripe.refund(session_id)
    stripe.refund_fails(session_id)
    race(lambda number: shop.hear(stripe.post.letters[number]), len(stripe.post.letters))
    ids = list(StripeEvent.objects.values_list("pk", flat=True))
    race(lambda number: webhooks.process(ids[number]), len(ids))
    assert not StripeEvent.objects.filter(processed_at=None).exists()
    assert purchase_of(session_id).status == "paid"
    assert days_of(alice) == 30
