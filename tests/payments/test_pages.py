"""Plans for everybody, payments for their owner; each page in a fixed number of queries."""

import re
from datetime import datetime, timedelta
from html import unescape
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from django.test import Client
from django.utils import timezone

from accounts import premium
from payments import catalog
from tests.payments.conftest import days_of, purchase_of
from tests.people import sign_up

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]


def test_visitors_see_the_plans(stripe, client):
    response = client.get("/plans/", {"next": "/girls/mara/"})
    assert response.status_code == 200
    (plan,) = response.context["plans"]
    assert (plan["price"], plan["per_day"], plan["extends_until"]) == ("$29.99", "$1.00 a day", None)
    assert response.context["next"] == "/girls/mara/"
    assert "no-store" in response["Cache-Control"]


def test_visitors_choose_a_plan_and_sign_up_for_it(stripe, client):
    html = client.get("/plans/", {"next": "/girls/mara/"}).content.decode()
    (way,) = map(unescape, re.findall(r'<a class="button lg wide[^"]*" href="([^"]+)"', html))
    assert unquote(way) == "/accounts/signup/?next=/plans/?plan=prod_30&next=%2Fgirls%2Fmara%2F"
    signed_up = sign_up(client, next=parse_qs(urlsplit(way).query)["next"][0])
    assert signed_up["Location"] == "/plans/?plan=prod_30&next=%2Fgirls%2Fmara%2F"
    page = client.get(signed_up["Location"])
    assert page.context["next"] == "/girls/mara/"
    assert 'action="/plans/prod_30/checkout/"' in page.content.decode()


def test_without_a_word_from_staff_the_plan_in_the_middle_is_our_pick(stripe, client):
    def picks():
        return [plan["is_pick"] for plan in client.get("/plans/").context["plans"]]

    assert picks() == [False]
    for days in (7, 90):
        stripe.add_product(f"prod_{days}", days=days)
    catalog.refresh()
    assert picks() == [False, True, False]
    stripe.add_product("prod_90", days=90, metadata={"duration_days": "90", "pick": "true"})
    catalog.refresh()
    assert picks() == [False, False, True]


def test_the_table_says_only_what_differs(stripe, client):
    html = client.get("/plans/").content.decode()
    rows = [re.findall(r"<td>(.*?)</td>", row) for row in re.findall(r"<tr>(.*?)</tr>", html, re.S)]
    rows = [row for row in rows if row]
    assert len(rows) == 3
    assert all(free != premium for free, premium in rows)
    assert "From $29.99, paid once" in html


def test_premium_members_see_until_when_more_would_last(stripe, buyer, alice):
    premium.grant(alice, 10, "staff:a-gift")
    context = buyer.get("/plans/").context
    alice.refresh_from_db()
    assert context["premium_active"]
    assert context["plans"][0]["extends_until"] == alice.premium_until + timedelta(days=30)


def test_lapsed_members_begin_anew(stripe, buyer, alice):
    premium.grant(alice, 1, "staff:a-gift", granted_at=timezone.now() - timedelta(days=5))
    context = buyer.get("/plans/").context
    assert (context["premium_active"], context["plans"][0]["extends_until"]) == (False, None)


@pytest.mark.parametrize("unsafe", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_the_plans_lead_to_no_other_site(stripe, client, unsafe):
    assert client.get("/plans/", {"next": unsafe}).context["next"] == ""


def test_without_any_list_the_page_says_so(stripe, client):
    stripe.is_down = True
    response = client.get("/plans/")
    assert response.status_code == 503
    assert response.context["unavailable"]
    assert response.context["plans"] == []


def test_names_from_stripe_are_text(stripe, client):
    evil = "<script>alert(1)</script>{{7*7}}"
    stripe.add_product(name=evil, marketing_features=[{"name": evil}], description=evil)
    body = client.get("/plans/").content.decode()
    assert "<script>alert" not in body


def test_the_account_shows_until_when_and_every_payment(shop, stripe, buyer, alice):
    first = shop.buy(buyer)
    shop.deliver()
    stripe.refund(first)
    second = shop.buy(buyer)
    shop.deliver()
    shop.begin(buyer)  # left alone: nothing to show
    context = buyer.get("/account/premium/").context
    assert context["days_left"] == 30
    assert context["premium_until"] > timezone.now()
    shown = [(row["name"], row["amount"], row["status_label"]) for row in context["purchases"]]
    assert shown == [("30 days premium", "$29.99", "Paid"), ("30 days premium", "$29.99", "Refunded")]
    row = context["purchases"][0]
    assert row["receipt_url"] == purchase_of(second).receipt_url
    assert row["method"] == "Visa •• 4242"
    assert isinstance(row["date"], datetime)
    assert days_of(alice) == 30


def test_a_part_that_went_back_is_said(shop, stripe, buyer):
    session_id = shop.buy(buyer)
    stripe.refund(session_id, 1000)
    shop.deliver()
    (row,) = buyer.get("/account/premium/").context["purchases"]
    assert row["status_label"] == "$10.00 refunded"


def test_nobody_sees_what_others_bought(shop, buyer, client, charlie):
    shop.buy(buyer)
    shop.deliver()
    client.force_login(charlie)
    assert client.get("/account/premium/").context["purchases"] == []


def test_the_account_needs_signing_in(client):
    assert client.get("/account/")["Location"] == "/accounts/login/?next=/account/"
    assert client.get("/account/premium/")["Location"] == "/accounts/login/?next=/account/premium/"


@pytest.mark.parametrize("url", ["/plans/", "/account/premium/", "/checkout/success/?session_id=x"])
def test_reading_pages_take_no_post(buyer, stripe, url):
    assert buyer.post(url).status_code == 405


def test_plans_cost_the_same_queries_however_many_there_are(stripe, buyer, django_assert_num_queries):
    for days in (7, 60, 90):
        stripe.add_product(f"prod_{days}", days=days)
    buyer.get("/plans/")
    with django_assert_num_queries(4):  # session, user, catalog, unread
        buyer.get("/plans/")
    with django_assert_num_queries(1):  # catalog
        Client().get("/plans/")


def test_success_costs_few_queries_once_it_is_settled(shop, buyer, django_assert_num_queries):
    session_id = shop.buy(buyer)
    shop.come_back(buyer, session_id)
    with django_assert_num_queries(5):  # session, user, purchase, the date afresh, unread
        shop.come_back(buyer, session_id)


def test_payments_cost_the_same_queries_however_many_there_are(shop, stripe, buyer, django_assert_num_queries):
    for _ in range(3):
        shop.buy(buyer)
        shop.deliver()
    with django_assert_num_queries(4):  # session, user, purchases, unread
        buyer.get("/account/premium/")
