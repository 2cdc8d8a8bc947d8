"""One click, one page to pay at, on the terms that were on the page; or none, and no trace."""

import re
import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from payments import sweeping
from payments.models import CatalogCache, Purchase
from tests.limits import until_refused
from tests.payments.conftest import days_of, purchase_of
from tests.racing import needs_postgres, race

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]
SESSIONS = ("POST", "/v1/checkout/sessions")


@pytest.mark.django_db(transaction=True)  # Stripe looks from outside: at what is committed
def test_the_terms_are_written_down_before_stripe_is_asked(shop, stripe, buyer, alice):
    seen = []

    def look(route):
        if route.startswith("POST"):
            seen.extend(Purchase.objects.values_list("status", flat=True))
        connection.close()  # this thread is Stripe's; nobody else would

    stripe.before_answering = look
    session_id = shop.begin(buyer, next="/chat/")
    assert seen == ["open"]
    purchase = purchase_of(session_id)
    assert purchase.user == alice
    assert (purchase.status, purchase.amount, purchase.currency, purchase.duration_days) == ("open", 2999, "usd", 30)
    assert (purchase.product_id, purchase.price_id, purchase.name) == ("prod_30", "price_30", "30 days")
    assert (purchase.features, purchase.next_url) == (["Unlimited messages"], "/chat/")
    assert purchase.consented_at
    assert days_of(alice) is None


def test_stripe_is_told_whose_purchase_it_is(shop, stripe, buyer, alice):
    session_id = shop.begin(buyer, next="/chat/")
    _, _, sent = next(request for request in stripe.requests if request[0] == "POST")
    assert sent["mode"] == "payment"
    assert sent["line_items"] == {"0": {"price": "price_30", "quantity": "1"}}
    assert sent["client_reference_id"] == str(alice.pk)
    assert sent["metadata"] == {
        "purchase_id": str(purchase_of(session_id).pk),
        "user_id": str(alice.pk),
        "product_id": "prod_30",
        "price_id": "price_30",
        "duration_days": "30",
    }
    assert sent["payment_intent_data"]["metadata"] == sent["metadata"]
    assert sent["success_url"] == "http://testserver/checkout/success/?session_id={CHECKOUT_SESSION_ID}"
    assert sent["cancel_url"] == "http://testserver/plans/?next=%2Fchat%2F"


@pytest.mark.parametrize("unsafe", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "http:///evil"])
def test_nobody_is_sent_to_another_site_afterwards(shop, buyer, unsafe):
    assert purchase_of(shop.begin(buyer, next=unsafe)).next_url == ""


def test_price_amount_and_quantity_of_the_browser_are_ignored(shop, stripe, buyer):
    session_id = shop.begin(buyer, price="price_1", amount="1", quantity="0", amount_total="1", duration_days="3650")
    assert stripe.sessions[session_id]["amount_total"] == 2999
    assert purchase_of(session_id).duration_days == 30


@pytest.mark.parametrize(
    "product",
    [
        {},
        {"active": False},
        {"default_price": None},
        {"price": {"currency": "eur"}},
        {"price": {"active": False}},
        {"metadata": {}},
    ],
)
def test_what_is_not_on_sale_cannot_be_bought(shop, stripe, buyer, product):
    if product:
        stripe.add_product("prod_odd", **product)
    assert shop.click(buyer, "prod_odd").status_code == 404
    assert stripe.count(*SESSIONS) == 0
    assert Purchase.objects.count() == 0


def test_a_double_click_and_a_second_tab_come_to_the_same_page(shop, stripe, buyer):
    click = uuid.uuid4()
    first = shop.begin(buyer, click=click)
    assert shop.begin(buyer, click=click) == first
    assert shop.begin(buyer) == first
    assert stripe.count(*SESSIONS) == 1
    assert Purchase.objects.count() == 1


def test_who_clicks_again_elsewhere_comes_back_there(shop, buyer):
    session_id = shop.begin(buyer, next="/chat/1/")
    assert shop.begin(buyer, next="/chat/2/") == session_id
    assert purchase_of(session_id).next_url == "/chat/2/"


def test_another_plan_has_a_page_of_its_own_even_from_the_same_view_of_the_page(shop, stripe, buyer):
    stripe.add_product("prod_7", days=7, amount=999)
    click = uuid.uuid4()
    assert shop.begin(buyer, click=click) != shop.begin(buyer, "prod_7", click=click)


def test_people_do_not_share_a_page(shop, buyer, client, charlie):
    click = uuid.uuid4()
    first = shop.begin(buyer, click=click)
    client.force_login(charlie)
    assert shop.begin(client, click=click) != first


def test_a_page_that_closed_is_not_reused(shop, stripe, buyer):
    first = shop.begin(buyer)
    stripe.expire(first)
    second = shop.begin(buyer)
    assert second != first
    assert purchase_of(first).status == "expired"


def test_a_page_that_was_paid_in_another_tab_is_settled_and_the_next_click_buys_more(shop, stripe, buyer, alice):
    first = shop.buy(buyer)
    second = shop.begin(buyer)
    assert second != first
    assert days_of(alice) == 30


def test_going_back_after_paying_and_clicking_again_shows_the_success_page(shop, stripe, buyer, alice):
    click = uuid.uuid4()
    session_id = shop.begin(buyer, click=click)
    stripe.pay(session_id)
    response = shop.click(buyer, click=click)
    assert response.status_code == 303
    assert response["Location"] == f"/checkout/success/?session_id={session_id}"
    assert days_of(alice) == 30
    assert stripe.count(*SESSIONS) == 1


def test_a_price_that_changed_makes_a_new_page_and_the_old_one_keeps_its_terms(shop, stripe, buyer, alice):
    first = shop.begin(buyer)
    stripe.add_product("prod_30", days=10, amount=4999, price={"id": "price_new"})
    CatalogCache.objects.update(
        refreshed_at=timezone.now() - timedelta(hours=7), due_at=timezone.now() - timedelta(seconds=1)
    )
    second = shop.begin(buyer)
    assert second != first
    stripe.pay(first)
    shop.deliver()
    assert days_of(alice) == 30
    assert purchase_of(first).amount_total == 2999


@pytest.mark.parametrize("fault", ["down", "html", "busy", "muddled", "unreachable"])
def test_stripe_down_at_checkout_is_a_friendly_error_and_leaves_nothing(shop, stripe, buyer, settings, fault):
    buyer.get("/plans/")
    if fault == "down":
        stripe.is_down = True
    elif fault == "busy":
        stripe.instead = [(429, '{"error": {"type": "invalid_request_error", "code": "lock_timeout"}}')]
    elif fault == "muddled":
        stripe.instead = [(400, '{"error": {"type": "idempotency_error", "message": "Keys for idempotent…"}}')]
    elif fault == "html":
        stripe.instead = [(200, "<html>")] * 2
    else:
        settings.STRIPE_API_BASE = "http://127.0.0.1:9"
    response = shop.click(buyer, next="/chat/")
    assert response.status_code == 503
    assert "You weren’t charged" in response.context["error"]
    assert response.context["next"] == "/chat/"
    assert response["Retry-After"] == "60"
    assert Purchase.objects.count() == 0
    if fault in ("busy", "muddled"):
        assert shop.click(buyer).status_code == 303


def test_a_page_that_was_made_while_we_died_is_the_same_page_at_the_next_try(shop, stripe, buyer):
    click = uuid.uuid4()
    first = shop.begin(buyer, click=click)
    Purchase.objects.update(session_id=None)  # as if the process had been killed before it noted the session
    assert shop.begin(buyer, click=click) == first
    assert len(stripe.sessions) == 1


def test_half_made_purchases_are_forgotten(shop, buyer):
    shop.begin(buyer)
    Purchase.objects.update(session_id=None)
    sweeping.drop_half_made()
    assert Purchase.objects.count() == 1
    Purchase.objects.update(created_at=timezone.now() - timedelta(minutes=11))
    sweeping.drop_half_made()
    assert Purchase.objects.count() == 0


@pytest.mark.parametrize("said", ["before", "now"])
@pytest.mark.parametrize(("country", "missing"), [("DE", "consent"), ("GB", "consent"), ("US", ""), ("", "country")])
def test_where_the_law_asks_immediate_supply_is_asked_for_at_the_plan(
    shop, stripe, buyer, alice, country, missing, said
):
    if said == "before":
        alice.country = country
        alice.save()
    response = shop.click(buyer, consent="", **({"country": country} if said == "now" else {}))
    if not missing:
        assert response.status_code == 303
        assert Purchase.objects.get().consented_at is None
        alice.refresh_from_db()
        assert alice.country == country  # asked once
        return
    assert response.status_code == 400
    assert not Purchase.objects.exists()
    html = response.content.decode()
    assert f'id="{missing}-error"' in html
    (field,) = re.findall(f'<[^<]*id="{missing}"[^>]*>', html)
    assert 'aria-invalid="true"' in field
    assert "autofocus" in field
    assert " required" not in html  # the browser's own bubble says it in its own words
    if missing == "consent" and said == "now":
        assert f'<option value="{country}" data-withdrawal selected>' in html


def test_who_lives_where_nothing_is_asked_buys_with_one_click(shop, stripe, buyer, alice):
    alice.country = "US"
    alice.save()
    html = buyer.get("/plans/").content.decode()
    assert 'action="/plans/prod_30/checkout/"' in html
    assert 'name="consent"' not in html
    assert 'name="country"' not in html


def test_who_must_say_more_is_asked_at_the_plan_they_chose(shop, stripe, buyer, alice):
    stripe.add_product("prod_7", days=7, amount=999)
    html = buyer.get("/plans/", {"next": "/chat/"}).content.decode()
    assert 'name="consent"' not in html
    assert 'href="/plans/?plan=prod_30&amp;next=%2Fchat%2F"' in html
    html = buyer.get("/plans/", {"plan": "prod_30", "next": "/chat/"}).content.decode()
    assert re.findall(r'action="([^"]*checkout/)"', html) == ["/plans/prod_30/checkout/"]
    assert html.count('name="country"') == html.count('name="consent"') == 1
    assert '<input type="hidden" name="next" value="/chat/">' in html
    alice.country = "FR"
    alice.save()
    html = buyer.get("/plans/", {"plan": "prod_30"}).content.decode()
    assert 'name="country"' not in html
    assert html.count('name="consent"') == 1


def test_a_country_that_is_known_is_not_changed_by_a_click(shop, buyer, alice):
    alice.country = "DE"
    alice.save()
    shop.begin(buyer, country="US")
    assert shop.click(buyer, consent="", country="US").status_code == 400
    alice.refresh_from_db()
    assert alice.country == "DE"


def test_a_country_that_is_none_is_told_to_reload(shop, buyer):
    assert shop.click(buyer, country="XX").status_code == 400
    assert Purchase.objects.count() == 0


def test_a_click_without_an_id_is_told_to_reload(buyer, stripe):
    for click in ("", "nonsense", "\0"):
        assert buyer.post("/plans/prod_30/checkout/", {"click": click, "consent": "on"}).status_code == 400
    assert Purchase.objects.count() == 0


def test_too_many_clicks_are_slowed_down(shop, buyer):
    *begun, refused = until_refused(lambda: shop.click(buyer), 20)
    assert {answer.status_code for answer in begun} == {303}
    assert int(refused["Retry-After"]) > 0


def test_buying_needs_signing_in_and_comes_back_to_the_plans(shop, client):
    response = shop.click(client, next="/girls/mara/")
    assert response.status_code == 302
    assert response["Location"] == "/accounts/login/?next=/plans/%3Fplan%3Dprod_30%26next%3D%252Fgirls%252Fmara%252F"
    assert client.get("/plans/prod_30/checkout/").status_code == 405


def test_forms_of_other_sites_buy_nothing(stripe, alice):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice)
    assert strict.post("/plans/prod_30/checkout/", {"click": str(uuid.uuid4())}).status_code == 403


def test_order_numbers_are_short_and_for_people(shop, buyer):
    assert re.fullmatch(r"DSK-[0-9A-F]{6}", purchase_of(shop.begin(buyer)).order)


@needs_postgres
@pytest.mark.django_db(transaction=True)
def test_ten_clicks_at_once_are_one_page(shop, stripe, alice):
    def click(number):
        client = Client()
        client.force_login(alice)
        response = shop.click(client, click=same)
        return response.status_code, response.get("Location")

    same = uuid.uuid4()
    (answer,) = set(race(click, 10))
    assert answer[0] == 303
    assert len(stripe.sessions) == 1
    assert Purchase.objects.count() == 1


@needs_postgres
@pytest.mark.django_db(transaction=True)
def test_ten_tabs_that_buy_at_once_are_one_page(shop, stripe, alice):
    def click(number):
        client = Client()
        client.force_login(alice)
        response = shop.click(client, next=f"/chat/{number}/")
        return response.status_code, response.get("Location")

    (answer,) = set(race(click, 10))
    assert answer[0] == 303
    assert len(stripe.sessions) == 1
    assert Purchase.objects.count() == 1
