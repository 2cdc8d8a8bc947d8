"""The search across people, characters and money: what finds what, for whom, by which index, and what it leaves."""

import re

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from structlog.testing import capture_logs

from staff import searching
from tests.crowd import crowd
from tests.factories import ConversationFactory, GirlFactory, ReplyFactory, UserFactory
from tests.racing import needs_postgres
from tests.staff.days import bought

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]

SEARCH = "/admin/search/"
ALL = ("view_user", "view_girl", "view_purchase", "view_stripeevent", "view_conversation", "view_reply")


def somebody(*permissions):
    user = UserFactory(staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return user


def browser_of(user):
    browser = Client()
    browser.force_login(user)
    return browser


def names(asker, q):
    return {group.kind: [hit.name for hit in group.hits] for group in searching.search(asker, q)}


@pytest.fixture
def sam():
    """May view everything that can be found."""
    return somebody(*ALL)


@pytest.fixture
def ada():
    return UserFactory(username="Ada_L", email="ada@example.org")


# --- What finds what ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "q", ["ada@example.org", " ADA@Example.org ", "ada@exa", "ad", "ada_l", "ADA_L", "\uff41da@example.org"]
)
def test_a_person_is_found_by_address_beginning_or_username_in_any_case(sam, ada, q):
    UserFactory(username="somebody", email="else@example.org")
    assert names(sam, q) == {"People": ["Ada_L"]}


def test_a_person_is_found_by_the_number_of_the_account(sam, ada):
    assert names(sam, str(ada.pk)) == {"People": ["Ada_L"]}
    assert names(sam, "9" * 30) == {}


@pytest.mark.parametrize("q", ["in", "ines", "Inês", "INES"])
def test_a_character_is_found_by_the_beginning_of_her_name_with_or_without_accents(sam, q):
    GirlFactory(name="Inês", slug="ines-b")
    GirlFactory(name="Mara", slug="mara-b", tagline="Not Ines.")
    assert names(sam, q) == {"Characters": ["Inês"]}


def test_a_purchase_is_found_by_everything_that_a_receipt_or_stripe_says(sam, ada):
    order = bought(timezone.now(), user=ada, session_id="cs_live_a1", payment_intent_id="pi_3P")
    bought(timezone.now())
    for q in (str(order.pk), order.pk.hex, order.order, order.order.lower()[4:], "cs_live_a1", "pi_3P"):
        assert names(sam, q)["Payments"] == [order.order]
    assert names(sam, ada.email) == {"People": ["Ada_L"], "Payments": [order.order]}


def test_a_conversation_and_a_reply_are_found_by_their_ids(sam):
    reply = ReplyFactory(conversation=ConversationFactory())
    assert names(sam, str(reply.pk)) == {"Replies": [str(reply.pk)]}
    assert names(sam, str(reply.conversation_id)) == {"Conversations": [str(reply.conversation_id)]}


@pytest.mark.parametrize("q", ["", "   ", "%", "_", "a\0b", "nobody@nowhere.example", "DSK-", "'); --", "x" * 900])
def test_what_fits_nothing_finds_nothing(sam, ada, q):
    assert names(sam, q) == {}


def test_more_than_a_screenful_of_a_kind_is_not_listed(sam):
    for n in range(searching.MOST + 2):
        UserFactory(email=f"crowd{n}@example.org")
    assert len(names(sam, "crowd")["People"]) == searching.MOST


# --- For whom -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("permission", "kinds"),
    [
        (None, []),
        ("view_user", ["People"]),
        ("change_user", ["People"]),
        ("view_purchase", ["Payments"]),
        ("view_girl", []),
        ("view_stripeevent", []),
    ],
)
def test_one_finds_only_what_one_may_view(ada, permission, kinds):
    bought(timezone.now(), user=ada)
    asker = somebody(*([permission] if permission else []))
    assert list(names(asker, ada.email)) == kinds
    page = browser_of(asker).get(SEARCH, {"q": ada.email}).content.decode()
    assert ("Ada_L" in page) == bool(kinds)  # the purchase says whose it is
    assert ("You have no role yet" in page) == (permission is None)


def test_members_and_visitors_are_sent_to_the_sign_in_and_do_not_search(ada, alice):
    for browser in (Client(), browser_of(alice)):
        said = browser.get(SEARCH, {"q": ada.email})
        assert said.status_code == 302
        assert "Ada_L" not in said.content.decode()


def test_what_is_found_leads_to_its_page(sam, ada):
    page = browser_of(sam).get(SEARCH, {"q": "ada_l"})
    assert page.context["total"] == 1
    for group in page.context["found"]:
        for hit in group.hits:
            assert browser_of(sam).get(hit.url).status_code == 200


def test_what_was_typed_is_shown_as_words_and_nothing_else(sam):
    page = browser_of(sam).get(SEARCH, {"q": '"><script>alert(1)</script>{{7*7}}'})
    assert page.status_code == 200
    assert "<script>alert" not in page.content.decode()
    assert "{{7*7}}" in page.content.decode()
    assert browser_of(sam).post(SEARCH, {"q": "a"}).status_code == 405


# --- What it costs, and leaves behind -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("q", "tables"),
    [
        ("ada@example.org", ["accounts_user", "girls_girl", "payments_purchase"]),
        ("mara", ["accounts_user", "girls_girl"]),
        ("cs_live_a1", ["accounts_user", "girls_girl", "payments_purchase"]),
        (
            "0a6fdc1e-5d29-4b52-9c06-0c4e2f6a9f3b",
            ["accounts_user", "girls_girl", "payments_purchase", "chat_conversation", "chat_reply"],
        ),
    ],
)
def test_one_question_for_each_kind_and_none_for_what_it_cannot_be(sam, q, tables):
    sam.get_all_permissions()
    with CaptureQueriesContext(connection) as asked:
        searching.search(sam, q)
    assert [re.search(r'FROM "(\w+)"', query["sql"])[1] for query in asked] == tables


@needs_postgres
@pytest.mark.parametrize("q", ["ada@example.org", "ada@ex", "ada", "77", "DSK-48F2A1", "cs_live_a1"])
def test_people_and_purchases_are_found_by_indexes(sam, q):
    """Among many, and told to read a whole table only where nothing else is possible, PostgreSQL reads none."""
    crowd()
    with CaptureQueriesContext(connection) as asked:
        searching.search(sam, q)
    ours = [query["sql"] for query in asked if 'FROM "accounts_user"' in query["sql"] or "purchase" in query["sql"]]
    ours = [sql for sql in ours if "permission" not in sql]
    assert ours
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        for sql in ours:
            cursor.execute(f"EXPLAIN {re.sub(r'ORDER BY.*', '', sql)}")
            plan = "\n".join(row[0] for row in cursor.fetchall())
            assert "Seq Scan" not in plan, plan
            assert "Index Cond" in plan, plan


def test_an_address_that_is_searched_for_is_in_no_log_and_no_cache(sam, ada, caplog):
    with capture_logs() as lines:
        page = browser_of(sam).get(SEARCH, {"q": ada.email})
    assert "no-store" in page["Cache-Control"]
    assert any("/admin/search/" in str(line) for line in lines)
    assert not any("ada@" in str(line) for line in lines)
    assert "ada@" not in caplog.text
