"""Bells: what is heard is done at once, and one sweep catches up on all that was missed."""

from datetime import timedelta

import pytest
from django.conf import settings as django_settings
from django.core import mail
from django.utils import timezone

from config.lib import owed
from payments.models import CatalogCache, Purchase, StripeEvent
from tests.payments.conftest import days_of, purchase_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded]


def test_an_event_is_looked_into_as_soon_as_it_is_written_down(shop, stripe, buyer, alice, heard):
    shop.buy(buyer)
    stripe.post.deliver(shop.hear)
    assert StripeEvent.objects.get().processed_at
    assert days_of(alice) == 30


def test_one_sweep_catches_up_on_everything(shop, stripe, buyer, alice, heard):
    stripe.add_product("prod_7", days=7, amount=999)
    promised, untold = shop.begin(buyer), shop.begin(buyer, "prod_7")
    stripe.pay_later(promised)
    stripe.post.deliver(shop.hear)
    stripe.money_arrives(promised)
    stripe.is_down = True  # the bell is heard, and nothing can be done
    stripe.post.deliver(shop.hear)
    stripe.is_down = False
    stripe.pay(untold)
    stripe.post.drop()
    later = timezone.now() - timedelta(seconds=3)
    StripeEvent.objects.filter(processed_at=None).update(due_at=later)
    Purchase.objects.filter(session_id=untold).update(due_at=later)
    CatalogCache.objects.update(refreshed_at=later - timedelta(hours=6), due_at=later, plans=[])
    owed.sweep()
    assert not StripeEvent.objects.filter(processed_at=None).exists()
    assert {purchase_of(promised).status, purchase_of(untold).status} == {"paid"}
    assert days_of(alice) == 37
    assert len(CatalogCache.objects.get().plans) == 2
    assert [sent.to for sent in mail.outbox] == [[alice.email]]


def test_a_second_sweep_finds_nothing_to_do(shop, stripe, buyer, heard):
    shop.buy(buyer)
    shop.deliver()
    owed.sweep()
    asked = len(stripe.requests)
    owed.sweep()
    assert len(stripe.requests) == asked


def test_the_sweep_is_on_the_clock():
    assert django_settings.SCHEDULE["config.tasks.sweep"] == 15.0
    assert django_settings.CELERY_BEAT_SCHEDULE["config.tasks.sweep"]["task"] == "config.tasks.sweep"
