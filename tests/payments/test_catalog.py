"""What is on sale follows Stripe's products: asked for once in six hours, and shown while Stripe is down."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db.models import F
from django.utils import timezone

from payments import catalog
from payments.models import CatalogCache
from tests.racing import needs_postgres, race

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]


def ids():
    return [plan.product_id for plan in catalog.current().plans]


def aged(**age):
    ago = timedelta(**age)
    CatalogCache.objects.update(refreshed_at=timezone.now() - ago, due_at=F("due_at") - ago)


def test_plans_come_from_stripe_shortest_first_with_their_terms(stripe):
    stripe.add_product("prod_7", days=7, amount=999, metadata={"duration_days": "7", "pick": "true"})
    seven, thirty = catalog.current().plans
    assert (seven.product_id, seven.price_id, seven.amount, seven.duration_days) == ("prod_7", "price_7", 999, 7)
    assert (seven.is_pick, thirty.is_pick) == (True, False)
    assert thirty.features == ["Unlimited messages"]


@pytest.mark.parametrize(
    ("product", "reason"),
    [
        ({"default_price": None}, "no default price"),
        ({"price": {"active": False}}, "not active"),
        ({"price": {"type": "recurring"}}, "recurs"),
        ({"price": {"unit_amount": None}}, "no fixed amount"),
        ({"price": {"unit_amount": 0}}, "no fixed amount"),
        ({"price": {"currency": "eur"}}, "in EUR"),
        ({"metadata": {}}, "no duration_days"),
        ({"days": "0"}, "not a whole number"),
        ({"days": "-3"}, "not a whole number"),
        ({"days": "a month"}, "not a whole number"),
        ({"days": "3661"}, "not a whole number"),
        ({"days": "٣"}, "not a whole number"),
    ],
)
def test_what_cannot_be_sold_is_listed_for_staff_with_the_reason(stripe, product, reason):
    stripe.add_product("prod_odd", **product)
    assert ids() == ["prod_30"]
    (unsellable,) = CatalogCache.objects.get().unsellable
    assert unsellable["product_id"] == "prod_odd"
    assert reason in unsellable["reason"]


def test_inactive_products_are_not_there(stripe):
    stripe.add_product("prod_old", active=False)
    assert ids() == ["prod_30"]
    assert CatalogCache.objects.get().unsellable == []


def test_stripe_is_asked_once_in_six_hours(stripe):
    catalog.current()
    aged(hours=5, minutes=59)
    catalog.current()
    assert stripe.count("GET", "/v1/products") == 1
    stripe.add_product("prod_7", days=7)
    aged(hours=6)
    assert ids() == ["prod_7", "prod_30"]
    assert stripe.count("GET", "/v1/products") == 2


def test_the_old_list_stays_on_sale_while_stripe_is_down_and_stripe_is_left_alone(stripe):
    catalog.current()
    aged(hours=7)
    stripe.is_down = True
    for _ in range(3):
        found = catalog.current()
        assert (len(found.plans), found.is_stale, found.is_unavailable) == (1, True, False)
    assert "ProcessorDown" in CatalogCache.objects.get().error
    stripe.is_down = False
    CatalogCache.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    assert not catalog.current().is_stale
    assert CatalogCache.objects.get().error == ""


@pytest.mark.parametrize("answer", [(200, "<html>"), (200, "[]"), (429, '{"error": {}}'), (401, '{"error": {}}')])
def test_nonsense_from_stripe_is_no_catalog(stripe, answer):
    stripe.instead = [answer] * 3
    assert catalog.current().is_unavailable


def test_the_sweep_refreshes_before_a_visitor_has_to_wait(stripe):
    catalog.refresh_if_due()
    aged(hours=5, minutes=56)
    catalog.refresh_if_due()
    assert stripe.count("GET", "/v1/products") == 2


def test_staff_refresh_from_the_shell(stripe):
    stripe.add_product("prod_odd", metadata={})
    out = StringIO()
    call_command("refresh_catalog", stdout=out)
    assert "1 plans on sale, 1 products" in out.getvalue()
    assert "prod_odd" in out.getvalue()
    stripe.is_down = True
    with pytest.raises(CommandError, match="not refreshed"):
        call_command("refresh_catalog")


@needs_postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_first", [True, False])
def test_many_visitors_at_once_are_one_question(stripe, is_first):
    if not is_first:
        catalog.current()
        aged(hours=7)
    asked = stripe.count("GET", "/v1/products")
    assert race(lambda _: ids(), 10) == [["prod_30"]] * 10
    assert stripe.count("GET", "/v1/products") == asked + 1
