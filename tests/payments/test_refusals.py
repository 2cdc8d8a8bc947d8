"""A refusal is not an outage: what Stripe will not do is said to whom it concerns, and mended where that can be."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from payments import catalog, sweeping
from payments.models import CatalogCache, Purchase, StripeEvent
from tests.factories import UserFactory
from tests.payments.conftest import days_of

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]


def refusal(message, status=400, kind="invalid_request_error", **more):
    return status, json.dumps({"error": {"type": kind, "message": message, **more}})


INACTIVE = refusal(
    "The price specified is inactive. This field only accepts active prices.", param="line_items[0][price]"
)
TOO_SMALL = refusal(
    "The Checkout Session's total amount due must add up to at least $0.50 usd", code="amount_too_small"
)
NO_METHOD = refusal(
    "No valid payment method types for this Checkout Session. Please ensure that you have activated payment methods "
    "compatible with your chosen currency in your dashboard."
)
BAD_CURRENCY = refusal("Invalid currency: xyz.", param="currency")
NO_PRODUCT = refusal("This product is no longer available.", code="product_inactive")
NO_PRICE = refusal("No such price: 'price_30'", code="resource_missing", param="line_items[0][price]")
NO_PRICE_404 = refusal("No such price: 'price_30'", 404, code="resource_missing", param="line_items[0][price]")


@pytest.fixture
def plans(stripe, client):
    """The plans page was looked at: the list is kept."""
    stripe.add_product("prod_7", days=7, amount=999)
    client.get("/plans/")


def offered(response):
    return [plan["product_id"] for plan in response.context["plans"]]


@pytest.mark.parametrize("said", [INACTIVE, TOO_SMALL, NO_METHOD, BAD_CURRENCY, NO_PRODUCT, NO_PRICE, NO_PRICE_404])
def test_a_plan_that_stripe_will_not_sell_is_no_longer_on_sale_and_staff_read_why(plans, shop, stripe, buyer, said):
    stripe.instead = [said]
    answer = shop.click(buyer, next="/chat/")
    assert answer.status_code == 404
    assert "isn’t on sale any more" in answer.context["error"]
    assert "Retry-After" not in answer
    assert answer.context["next"] == "/chat/"
    assert offered(answer) == ["prod_7"]
    words = json.loads(said[1])["error"]["message"]
    (entry,) = CatalogCache.objects.get().unsellable
    assert words in entry["reason"]
    refused = Purchase.objects.get()
    assert (refused.status, refused.session_id) == ("failed", None)
    assert refused.problem.startswith("Stripe refused it.")
    assert words[:150] in refused.problem
    assert "prod_30" not in buyer.get("/plans/").content.decode()  # nor for the next who comes
    assert refused.order not in buyer.get("/account/premium/").content.decode()
    assert shop.click(buyer, "prod_7").status_code == 303


def test_what_was_refused_is_offered_again_when_its_price_changes_or_staff_ask_or_after_six_hours(
    plans, shop, stripe, buyer
):
    stripe.instead = [TOO_SMALL]
    shop.click(buyer)
    assert catalog.current().find("prod_30") is None
    CatalogCache.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    catalog.refresh_if_due()
    assert catalog.current().find("prod_30") is None  # Stripe lists it, and would refuse it again
    call_command("refresh_catalog", stdout=StringIO())
    assert catalog.current().find("prod_30")

    stripe.instead = [TOO_SMALL]
    shop.click(buyer)
    stripe.add_product("prod_30", amount=4999, price={"id": "price_dearer"})
    CatalogCache.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    assert shop.click(buyer, "prod_7").status_code == 303
    catalog.refresh_if_due()
    assert catalog.current().find("prod_30").price_id == "price_dearer"

    stripe.instead = [TOO_SMALL]
    shop.click(buyer)
    (entry,) = CatalogCache.objects.get().unsellable
    entry["refused_at"] = (timezone.now() - timedelta(hours=7)).isoformat()
    CatalogCache.objects.update(unsellable=[entry], due_at=timezone.now() - timedelta(seconds=1))
    catalog.refresh_if_due()
    assert catalog.current().find("prod_30")


def test_a_price_that_was_archived_for_another_is_said_and_shown(plans, shop, stripe, buyer):
    stripe.add_product("prod_30", amount=3999, price={"id": "price_new"})  # the old one is not there any more
    answer = shop.click(buyer)
    assert answer.status_code == 409
    assert "has just changed" in answer.context["error"]
    assert "$39.99" in answer.content.decode()
    assert shop.click(buyer).status_code == 303


def test_an_archived_product_is_gone_from_the_list_at_once(plans, shop, stripe, buyer):
    stripe.products["prod_30"]["default_price"]["active"] = False
    answer = shop.click(buyer)
    assert (answer.status_code, offered(answer)) == (404, ["prod_7"])


@pytest.mark.parametrize(
    "said",
    [
        refusal("Invalid email address: alice@example", code="email_invalid", param="customer_email"),
        refusal("Invalid email address: alice@example", param="customer_email"),
        refusal("No such customer: 'cus_1'", code="resource_missing", param="customer"),
    ],
)
def test_an_address_that_stripe_does_not_take_is_left_out(plans, shop, stripe, buyer, said):
    stripe.instead = [said]
    session_id = shop.begin(buyer)
    assert stripe.sessions[session_id]["customer_email"] is None
    assert shop.begin(buyer) == session_id


ACCOUNT = [
    refusal("Invalid API Key provided: sk_test_*****", 401),
    refusal("Expired API Key provided: sk_test_*****", 401, code="api_key_expired"),
    refusal("The provided key does not have the required permissions.", 403, code="more_permissions_required"),
    refusal("Your account cannot currently make live charges.", code="testmode_charges_only"),
    refusal("In order to use Checkout, you must set an account or business name at https://dashboard.stripe.com."),
    refusal("No such price; a similar object exists in test mode, but a live mode key was used."),
    refusal("Something that nobody has heard of yet.", code="invented_tomorrow"),
    refusal("Your card was declined.", 402, kind="card_error", code="card_declined"),
]


@pytest.mark.parametrize("said", ACCOUNT)
def test_what_the_operator_must_mend_is_not_called_an_outage(plans, shop, stripe, buyer, said):
    stripe.instead = [said]
    answer = shop.click(buyer, next="/chat/")
    assert answer.status_code == 503
    assert "can’t be bought right now" in answer.context["error"]
    assert "minute" not in answer.context["error"]
    assert "Retry-After" not in answer
    assert answer.context["next"] == "/chat/"
    assert json.loads(said[1])["error"]["message"][:150] in Purchase.objects.get().problem
    assert shop.click(buyer).status_code == 303  # mended


def test_staff_read_stripe_s_words_in_the_admin(plans, shop, stripe, buyer):
    stripe.instead = [ACCOUNT[3]]
    shop.click(buyer)
    console = Client()
    console.force_login(UserFactory(administrator=True))
    assert (
        "cannot currently make live charges"
        in console.get(reverse("admin:payments_purchase_changelist")).content.decode()
    )
    page = reverse("admin:payments_purchase_change", args=[Purchase.objects.get().pk])
    assert "cannot currently make live charges" in console.get(page).content.decode()


def test_a_key_that_was_revoked_closes_the_shop_until_it_is_mended_and_loses_no_news(
    plans, shop, stripe, buyer, alice, settings
):
    shop.buy(buyer)
    key, settings.STRIPE_SECRET_KEY = settings.STRIPE_SECRET_KEY, "sk_test_revoked"
    CatalogCache.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    catalog.refresh_if_due()
    page = buyer.get("/plans/")
    assert page.status_code == 503
    assert "Nothing can be bought right now" in page.content.decode()
    assert offered(page) == []
    assert "can’t be bought right now" in shop.click(buyer, "prod_7").context["error"]
    assert "Invalid API Key" in CatalogCache.objects.get().error
    heard = StringIO()
    call_command("check", "--tag", "dusk", deploy=True, stderr=heard)
    assert "dusk.W006" in heard.getvalue()
    assert "Invalid API Key" in heard.getvalue()
    shop.deliver()
    event = StripeEvent.objects.get()
    assert event.due_at  # tried again by itself
    assert "Invalid API Key" in event.error

    settings.STRIPE_SECRET_KEY = key
    past = timezone.now() - timedelta(seconds=1)
    CatalogCache.objects.update(due_at=past)
    StripeEvent.objects.update(due_at=past)
    assert offered(buyer.get("/plans/")) == []  # not yet known
    catalog.refresh_if_due()
    shop.work()
    assert "prod_30" in offered(buyer.get("/plans/"))
    assert days_of(alice) == 30


def test_a_page_of_the_other_mode_s_key_is_not_forgotten(shop, stripe, buyer, alice):
    session_id = shop.buy(buyer)
    stripe.instead = [
        refusal(
            f"No such checkout.session: {session_id}; a similar object exists in live mode, but not in test mode",
            404,
            code="resource_missing",
            param="session",
        )
    ]
    purchase = Purchase.objects.get()
    Purchase.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    sweeping.look_after(purchase.pk)
    purchase.refresh_from_db()
    assert (purchase.problem, purchase.due_at is None) == ("", False)
    shop.deliver()
    assert days_of(alice) == 30


def test_why_stripe_refused_is_kept_for_a_month(plans, shop, stripe, buyer):
    stripe.instead = [TOO_SMALL]
    shop.click(buyer)
    Purchase.objects.update(created_at=timezone.now() - timedelta(days=29))
    sweeping.drop_half_made()
    assert Purchase.objects.count() == 1
    Purchase.objects.update(created_at=timezone.now() - timedelta(days=31))
    sweeping.drop_half_made()
    assert Purchase.objects.count() == 0
