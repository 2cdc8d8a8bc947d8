"""Support finds a person by what they are told, and sees at a glance how the account stands."""

import re
from datetime import timedelta

import pytest
from allauth.usersessions.models import UserSession
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from tests.crowd import crowd
from tests.factories import UserFactory
from tests.racing import needs_postgres
from tests.staff.console import SUPPORT, person_page, team
from tests.staff.test_person import bought

pytestmark = pytest.mark.django_db

LIST = "/admin/accounts/user/"


@pytest.fixture
def support(db):
    return team(*SUPPORT)


def found(browser, **query):
    page = browser.get(LIST, query)
    assert page.status_code == 200
    return {person.username for person in page.context["cl"].result_list}


def row(browser, username):
    """The words of one row."""
    rows = re.findall(r"<tr>.*?</tr>", browser.get(LIST).content.decode(), re.DOTALL)
    (mine,) = [" ".join(re.sub(r"<[^>]+>", " ", row).split()) for row in rows if f">{username}<" in row]
    return mine


def test_a_person_is_found_by_address_username_or_number(support):
    robin = UserFactory(username="Robin_1", email="robin.tree@mail.com")
    UserFactory(username="RobinXI", email="other@mail.com")
    UserFactory(username="a_robin", email="a.robin.tree@mail.com")
    for typed in ("robin.tree@mail.com", " ROBIN.TREE@mail.com ", "robin.tr", "robin_1", "@Robin_1", str(robin.pk)):
        assert found(support, q=typed) == {"Robin_1"}, typed
    assert found(support, q="ROBIN") == {"Robin_1", "RobinXI"}
    for typed in ("tree", "obin", "%", "_", "mail.com", "9" * 30, "ａｂ", "' OR 1=1"):
        assert found(support, q=typed) == set(), typed
    assert len(found(support, q="")) == 4


def test_a_row_leads_to_the_persons_page(support, alice):
    assert f'href="{person_page(alice)}"' in support.get(LIST).content.decode()


def test_a_row_says_how_the_account_stands(support):
    now = timezone.now()
    alice = UserFactory(username="alice", premium=True, last_login=now - timedelta(days=40))
    UserSession.objects.create(
        user=alice, ip="203.0.113.9", user_agent="x", session_key="k", last_seen_at=now - timedelta(days=2)
    )
    bought(alice)
    bought(alice, click="1" * 32, amount_total=1000, amount_refunded=1)
    bought(alice, click="2" * 32, currency="jpy", amount=500, amount_total=500)
    bought(alice, click="3" * 32, status="refunded", amount_refunded=2999)
    UserFactory(username="brian", inactive=True, proven=False)
    UserFactory(username="chris", erase_at=now + timedelta(days=5))
    words = row(support, "alice")
    assert "Active Premium until" in words
    assert "2 days ago" in words
    assert "$39.98, ¥500" in words or "¥500, $39.98" in words
    assert "Inactive Unproven" in row(support, "brian")
    assert "Never" in row(support, "brian")
    assert "Leaves on" in row(support, "chris")


def test_what_somebody_paid_is_for_who_may_see_payments(alice):
    bought(alice)
    assert "$29.99" in row(team("accounts.view_user", "payments.view_purchase"), "alice")
    page = team("accounts.view_user", username="mo").get(LIST).content.decode()
    assert "$29.99" not in page
    assert "Spent" not in page


def test_chips_show_those_one_looks_for(support):
    long_ago = timezone.now() - timedelta(days=8)
    UserFactory(username="old", date_joined=long_ago)
    UserFactory(username="paying", date_joined=long_ago, premium=True)
    UserFactory(username="lapsed", date_joined=long_ago, lapsed=True)
    UserFactory(username="fresh")
    UserFactory(username="gone", date_joined=long_ago, inactive=True)
    UserFactory(username="leaving", date_joined=long_ago, erase_at=timezone.now())
    assert found(support, who="premium") == {"paying"}
    assert found(support, who="new") == {"fresh", "sam"}
    assert found(support, who="staff") == {"sam"}
    assert found(support, who="inactive") == {"gone"}
    assert found(support, who="leaving") == {"leaving"}
    assert len(found(support, who="x")) == len(found(support)) == 7
    assert support.get(LIST, {"is_superuser__exact": "1"}).status_code == 400


def test_the_list_asks_the_same_however_many_there_are(support):
    def asked(**query):
        with CaptureQueriesContext(connection) as queries:
            support.get(LIST, query)
        return len(queries)

    bought(UserFactory())
    support.get(LIST)
    few = asked()
    for number in range(60):
        bought(UserFactory(), click=f"{number + 10:032x}")
    assert asked() == few <= 12
    assert asked(q="member_") <= 12
    assert asked(who="premium") <= 12


@needs_postgres
def test_a_search_walks_no_table():
    """Among many people there is an index for every way of asking."""
    crowd()
    from django.contrib import admin

    people = admin.site.get_model_admin(User)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        for typed in ("robin", "robin.tree@mail.com", "12345"):
            query, _ = people.get_search_results(None, User.objects.order_by("pk"), typed)
            plan = query.explain()
            assert "Seq Scan" not in plan, plan
            # Where the database sorts by bytes, the index that keeps usernames unique serves as well.
            assert "person_username_begins" in plan or "username_is_unique_in_any_case" in plan, plan
            assert "accounts_user_email" in plan, plan
        plan = User.objects.order_by("-date_joined", "-pk")[:50].explain()
        assert "people_newest_first" in plan, plan


def test_who_is_let_in_is_not_said_in_the_form(support, alice):
    form = support.get(reverse("admin:accounts_user_change", args=[alice.pk])).context["adminform"].form
    assert "is_active" not in form.fields


def test_it_is_for_who_may_see_people(alice):
    assert team("girls.view_girl").get(LIST).status_code == 403
    assert Client().get(LIST).status_code == 302
