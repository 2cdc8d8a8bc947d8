"""The book of payments for who keeps the books: sums by month, a spreadsheet, and the way to Stripe."""

import csv
import io
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from payments import ledger, stripe_shapes
from payments.models import Purchase
from staff.models import Audit
from tests.factories import UserFactory
from tests.payments.conftest import purchase_of

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]
PURCHASES, TOTALS, EXPORT = (reverse(f"admin:payments_purchase_{page}") for page in ("changelist", "totals", "export"))
OCTOBER, NOVEMBER = (datetime(2026, month, 15, tzinfo=UTC) for month in (10, 11))


def staff_who_may(*codenames):
    user = UserFactory(staff=True)
    rights = Permission.objects.filter(content_type__app_label="payments", codename__in=codenames)
    assert len(rights) == len(codenames)
    user.user_permissions.set(rights)
    browser = Client()
    browser.force_login(user)
    browser.user = user
    return browser


@pytest.fixture
def support():
    return staff_who_may("view_purchase")


@pytest.fixture
def bookkeeper():
    return staff_who_may("view_purchase", "export_purchase")


def sold(amount=2999, currency="usd", at=NOVEMBER, **fields):
    key = uuid.uuid4()
    terms = {"product_id": "prod_30", "price_id": "price_30", "name": "30 days", "duration_days": 30}
    times = {"created_at": at, "paid_at": at, "expires_at": at + timedelta(hours=1)}
    money = {"amount": amount, "amount_total": amount, "currency": currency}
    what = {"click": key, "session_id": f"cs_{key.hex}", "status": "paid", **terms, **times, **money, **fields}
    return Purchase.objects.create(**what)


def exported(browser, query=""):
    answer = browser.post(f"{EXPORT}{query}")
    assert answer.status_code == 200, answer
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert "no-store" in answer["Cache-Control"]
    text = b"".join(answer.streaming_content).decode()
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


# --- Totals ---


def test_months_and_currencies_are_summed_for_themselves(support):
    sold()
    sold(1999, amount_refunded=500)
    sold(2999, status="disputed", amount_refunded=1000)
    sold(2999, status="refunded", amount_refunded=2999, at=OCTOBER)
    sold(3000, "jpy")
    sold(paid_at=None, status="open")
    assert [(row.month.month, row.currency, row.number, row.words) for row in ledger.by_month()] == [
        (11, "jpy", 1, {"sold": "¥3,000", "refunded": "¥0", "disputed": "¥0", "net": "¥3,000"}),
        (11, "usd", 3, {"sold": "$79.97", "refunded": "$15.00", "disputed": "$19.99", "net": "$44.98"}),
        (10, "usd", 1, {"sold": "$29.99", "refunded": "$29.99", "disputed": "$0.00", "net": "$0.00"}),
    ]
    assert [(row.currency, row.number, row.words["net"]) for row in ledger.altogether()] == [
        ("jpy", 1, "¥3,000"),
        ("usd", 4, "$44.98"),
    ]
    page = support.get(TOTALS).content.decode()
    for shown in ("November 2026", "October 2026", "$44.98", "¥3,000", "Altogether"):
        assert shown in page


def test_the_months_borders_are_those_of_utc():
    last, first = datetime(2026, 10, 31, 23, 59, 59, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)
    sold(at=last)
    sold(at=first)
    assert [(row.month.month, row.number) for row in ledger.by_month()] == [(11, 1), (10, 1)]


def test_no_sales_are_no_error(support):
    assert "Nothing was paid yet" in support.get(TOTALS).content.decode()


def test_the_totals_ask_twice_however_many_there_are(support, django_assert_max_num_queries):
    for _ in range(3):
        sold()
    with django_assert_max_num_queries(8):  # session, user, factor, permissions twice; months, altogether; savepoints
        support.get(TOTALS)


# --- The export ---


def test_the_export_is_what_the_list_shows_with_its_filters(bookkeeper, alice):
    mine = sold(user=alice, amount_refunded=500, method="Visa •• 4242", payment_intent_id="pi_1")
    sold(3000, "jpy", status="disputed")
    begun = sold(status="open", paid_at=None, amount_total=None)
    rows = exported(bookkeeper, "?status__exact=paid")
    assert [row["order"] for row in rows] == [mine.order]
    row = rows[0]
    assert (row["price"], row["paid"], row["refunded"], row["currency"]) == ("29.99", "29.99", "5.00", "USD")
    assert (row["member number"], row["method"], row["payment"]) == (str(alice.pk), "Visa •• 4242", "pi_1")
    by_order = {row["order"]: row for row in exported(bookkeeper)}
    assert len(by_order) == 3
    assert by_order[begun.order]["paid"] == "0.00"
    assert {row["paid"] for row in by_order.values()} == {"29.99", "3000", "0.00"}


def test_it_names_nobody_and_computes_nothing(bookkeeper):
    member = UserFactory(username="zebedee", email="zebedee@example.net", name="=cmd()")
    sold(user=member, method="=1+1", problem='@SUM(A1), "x"')
    (row,) = exported(bookkeeper)
    assert (row["method"], row["problem"]) == ("'=1+1", '\'@SUM(A1), "x"')
    assert "zebedee" not in str(row)


def test_all_pages_come_newest_first_and_each_once(bookkeeper, monkeypatch):
    monkeypatch.setattr(ledger, "PAGE", 2)
    made = [sold(at=NOVEMBER - timedelta(days=day // 2)) for day in range(7)]
    rows = exported(bookkeeper)
    assert sorted(row["order"] for row in rows) == sorted(purchase.order for purchase in made)
    assert [row["began (UTC)"] for row in rows] == sorted((row["began (UTC)"] for row in rows), reverse=True)


def test_who_took_it_along_is_written_down(bookkeeper):
    sold()
    exported(bookkeeper, "?status__exact=paid")
    line = Audit.objects.get()
    assert (line.actor, line.did) == (bookkeeper.user, "Exported payments as CSV")
    assert line.after == {"filters": {"status__exact": "paid"}, "rows": 1}


def test_who_may_only_look_takes_nothing_along(support, bookkeeper):
    assert "Export CSV" in bookkeeper.get(PURCHASES).content.decode()
    assert "Export CSV" not in support.get(PURCHASES).content.decode()
    assert support.post(EXPORT).status_code == 403
    assert bookkeeper.get(EXPORT).status_code == 405
    exporter_alone = staff_who_may("export_purchase")
    assert exporter_alone.post(EXPORT).status_code == 403
    assert exporter_alone.get(TOTALS).status_code == 403
    assert not Audit.objects.exists()


def test_filters_that_are_none_lead_back(bookkeeper):
    assert bookkeeper.post(f"{EXPORT}?e=1").status_code in (200, 302)
    assert bookkeeper.post(f"{EXPORT}?created_at__gte=nonsense").status_code == 302
    assert bookkeeper.post(f"{EXPORT}?user__password__startswith=a").status_code == 400


# --- At Stripe ---


def test_a_payment_has_a_link_to_where_it_is_refunded(shop, buyer, support):
    session_id = shop.buy(buyer)
    shop.deliver()
    purchase = purchase_of(session_id)
    page = support.get(reverse("admin:payments_purchase_change", args=[purchase.pk])).content.decode()
    url = f"https://dashboard.stripe.com/test/payments/{purchase.payment_intent_id}"
    assert f'<a href="{url}" target="_blank" rel="noopener noreferrer">See it, or refund it, at Stripe</a>' in page
    assert stripe_shapes.dashboard_url({"livemode": True}, "pi_1") == "https://dashboard.stripe.com/payments/pi_1"


@pytest.mark.parametrize("odd", ["", "pi_scripted_1", 'pi_1"onclick=', "../settings", "cs_1"])
def test_what_is_no_payment_of_theirs_has_no_link(odd):
    assert stripe_shapes.dashboard_url({}, odd) == ""


def test_a_played_payment_has_no_link(support):
    purchase = sold(payment_intent_id="pi_1")
    page = support.get(reverse("admin:payments_purchase_change", args=[purchase.pk])).content.decode()
    assert "dashboard.stripe.com" not in page


def test_stripes_own_words_are_shown_where_a_card_was_refused(shop, stripe, buyer):
    session_id = shop.begin(buyer)
    error = {
        "code": "card_declined",
        "decline_code": "insufficient_funds",
        "message": "Your card <has> insufficient funds.",
    }
    stripe.sessions[session_id]["payment_intent"] = {
        "id": "pi_refused1",
        "status": "requires_payment_method",
        "last_payment_error": {**error, "payment_method": {"id": "pm_SECRET"}},
        "latest_charge": {
            "outcome": {"type": "issuer_declined", "seller_message": "The bank returned the decline code."},
            "billing_details": {"name": "SECRET"},
        },
    }
    asker = staff_who_may("view_purchase", "change_purchase")
    purchase = purchase_of(session_id)
    asker.post(PURCHASES, {"action": "ask_again", "_selected_action": [str(purchase.pk)]})
    page = asker.get(reverse("admin:payments_purchase_change", args=[purchase.pk])).content.decode()
    assert "<p>Your card &lt;has&gt; insufficient funds. (card_declined, insufficient_funds)</p>" in page
    assert "<p>The bank returned the decline code.</p>" in page
    assert "SECRET" not in page


def test_a_snapshot_of_any_shape_says_nothing_and_breaks_nothing():
    for odd in (
        {},
        {"payment_intent": None},
        {"payment_intent": "pi_1"},
        {"payment_intent": {"latest_charge": "ch_1"}},
    ):
        assert stripe_shapes.words(odd) == []
