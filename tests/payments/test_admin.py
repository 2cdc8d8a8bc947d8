"""Staff see what was bought and heard, mend what got stuck, and give days with a reason; members see nothing."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from accounts import premium
from accounts.models import PremiumGrant
from payments.models import CatalogCache, Purchase, StripeEvent
from tests.factories import UserFactory
from tests.payments.conftest import days_of, purchase_of

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]
EVENTS = "admin:payments_stripeevent_changelist"
PURCHASES = "admin:payments_purchase_changelist"
CATALOG = "admin:payments_catalogcache_changelist"
GRANTS = "admin:accounts_premiumgrant"


@pytest.fixture
def staff(client):
    """Somebody of the staff who may do all that concerns money; signed in, in a browser of their own."""
    user = UserFactory(username="sam", staff=True)
    user.user_permissions.set(
        Permission.objects.filter(
            content_type__app_label__in=["payments", "accounts"],
            content_type__model__in=[
                "purchase",
                "stripeevent",
                "catalogcache",
                "premiumgrant",
                "user",
            ],
        )
    )
    return user


@pytest.fixture
def console(staff):
    browser = Client()
    browser.force_login(staff)
    return browser


def act(console, url, action, *rows):
    response = console.post(reverse(url), {"action": action, "_selected_action": [row.pk for row in rows]}, follow=True)
    return response.content.decode()


def test_an_event_that_failed_is_visible_and_processed_again(shop, stripe, buyer, console, alice):
    shop.buy(buyer)
    stripe.is_down = True
    shop.deliver()
    event = StripeEvent.objects.get()
    assert "ProcessorDown" in console.get(reverse(EVENTS), {"state": "waiting"}).content.decode()
    assert "ProcessorDown" in act(console, EVENTS, "process_again", event)
    stripe.is_down = False
    assert "is processed" in act(console, EVENTS, "process_again", event)
    assert days_of(alice) == 30
    assert LogEntry.objects.filter(object_id=event.pk, change_message__contains="Processed again").count() == 2


def test_what_is_parked_is_found(shop, stripe, console):
    shop.hear(stripe.letter("charge.refunded", {"id": "ch_1", "payment_intent": "pi_unknown"}))
    shop.work()
    event = StripeEvent.objects.get()
    assert event.pk in console.get(reverse(EVENTS), {"state": "parked"}).content.decode()
    assert event.pk not in console.get(reverse(EVENTS), {"state": "waiting"}).content.decode()
    assert event.pk not in console.get(reverse(EVENTS), {"state": "done"}).content.decode()


def test_a_purchase_is_found_read_and_asked_about_but_not_written(shop, stripe, buyer, console, alice):
    purchase = purchase_of(shop.buy(buyer))
    page = reverse("admin:payments_purchase_change", args=[purchase.pk])
    for query in ("alice@", purchase.session_id, str(purchase.pk)):
        assert purchase.order in console.get(reverse(PURCHASES), {"q": query}).content.decode()
    assert console.get(page).status_code == 200
    assert console.post(page, {"status": "paid"}).status_code == 403
    assert console.post(reverse("admin:payments_purchase_delete", args=[purchase.pk])).status_code == 403
    assert "Paid" in act(console, PURCHASES, "ask_again", purchase)
    assert days_of(alice) == 30
    stripe.is_down = True
    assert "ProcessorDown" in act(console, PURCHASES, "ask_again", purchase)


def test_what_cannot_be_sold_is_listed_with_the_reason_and_refreshed_now(stripe, console):
    stripe.add_product("prod_odd", name="<b>Odd</b>", metadata={})
    console.get(reverse(CATALOG))
    seen = act(console, CATALOG, "refresh_now", CatalogCache.objects.get())
    assert "1 on sale, 1 cannot be sold" in seen
    assert "&lt;b&gt;Odd&lt;/b&gt; (prod_odd): Its metadata has no duration_days." in seen
    stripe.is_down = True
    assert "was not refreshed" in act(console, CATALOG, "refresh_now", CatalogCache.objects.get())


def test_days_are_given_taken_back_and_given_back_each_with_its_reason(console, staff, alice):
    console.post(reverse(f"{GRANTS}_add"), {"user": alice.pk, "days": 7, "why": "Waited long for an answer"})
    grant = PremiumGrant.objects.get()
    assert grant.reason.startswith("staff:")
    assert days_of(alice) == 7
    page = reverse(f"{GRANTS}_change", args=[grant.pk])
    assert console.get(page).status_code == 200
    console.post(page, {"revoked": "on", "why": "Given to the wrong person"})
    assert days_of(alice) is None
    console.post(page, {"why": "No, to the right one"})
    assert days_of(alice) == 7
    said = LogEntry.objects.filter(user=staff, content_type__model="user", object_id=str(alice.pk)).order_by("pk")
    assert [entry.change_message for entry in said] == [
        "Gave 7 days: Waited long for an answer",
        "Took back 7 days: Given to the wrong person",
        "Gave back 7 days: No, to the right one",
    ]
    assert LogEntry.objects.filter(content_type__model="premiumgrant", object_id=str(grant.pk)).count() == 3


@pytest.mark.parametrize("form", [{"days": 0, "why": "x"}, {"days": 3661, "why": "x"}, {"days": 7, "why": ""}])
def test_days_without_a_reason_or_beyond_measure_are_refused(console, alice, form):
    assert console.post(reverse(f"{GRANTS}_add"), {"user": alice.pk, **form}).status_code == 200
    assert PremiumGrant.objects.count() == 0


def test_the_book_is_not_torn(console, alice):
    grant = premium.grant(alice, 7, "staff:x")
    assert console.post(reverse(f"{GRANTS}_delete", args=[grant.pk]), {"post": "yes"}).status_code == 403
    act(console, f"{GRANTS}_changelist", "delete_selected", grant)
    assert PremiumGrant.objects.count() == 1


def test_who_may_only_look_looks_only(shop, buyer, console, staff, stripe, alice):
    staff.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    purchase = purchase_of(shop.buy(buyer))
    page = console.get(reverse(PURCHASES)).content.decode()
    assert purchase.order in page
    assert "ask_again" not in page
    act(console, PURCHASES, "ask_again", purchase)
    assert Purchase.objects.get().status == "open"
    assert console.get(reverse(f"{GRANTS}_add")).status_code == 403
    grant = premium.grant(alice, 7, "staff:x")
    change = reverse(f"{GRANTS}_change", args=[grant.pk])
    assert console.get(change).status_code == 200
    assert console.post(change, {"revoked": "on", "why": "x"}).status_code == 403


@pytest.mark.parametrize("url", [EVENTS, PURCHASES, CATALOG, f"{GRANTS}_changelist"])
def test_members_see_nothing_of_it(buyer, url):
    assert buyer.get(reverse(url)).status_code == 302
