"""The catalogue at its door: who is found, in which order, at which cost."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.factories import ConversationFactory, GirlFactory

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]


@pytest.fixture(autouse=True)
def _no_gate(settings):
    settings.AGE_GATE = False


def names(client, address="/"):
    response = client.get(address)
    assert response.status_code == 200
    return [girl.name for girl in response.context["page"]]


@pytest.fixture
def company(db):
    """Three characters who differ in all that one can ask for."""
    long_ago = timezone.now() - timedelta(days=40)
    return [
        GirlFactory(name="Inês", tagline="Botanist", bio="Moss and ferns.", tags=["Calm", "Plants"], position=2),
        GirlFactory(name="Yuna", tagline="Composer", bio="100% chiptune_", tags=["Witty", "Night owl"], position=3),
        GirlFactory(name="Amara", tagline="Curator", bio="Art.", tags=["Deep talks", "Plants"], created_at=long_ago),
    ]


def test_everybody_published_is_shown_in_the_editors_order(client, company):
    GirlFactory(unpublished=True)
    assert names(client) == ["Amara", "Inês", "Yuna"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("ines", ["Inês"]),
        ("INÊS", ["Inês"]),
        ("  fern   moss ", ["Inês"]),
        ("plants", ["Amara", "Inês"]),
        ("plants+curator", ["Amara"]),
        ("deep talks", ["Amara"]),
        ("%25", ["Yuna"]),
        ("chiptune_", ["Yuna"]),
        ("_", ["Yuna"]),
        ("%25%25", []),
        ("stoic beekeeper", []),
        ("", ["Amara", "Inês", "Yuna"]),
        ("%00", ["Amara", "Inês", "Yuna"]),
        ("'; drop table girls_girl;--", []),
        ("x" * 500, []),
        ("moss " * 100, ["Inês"]),
    ],
)
def test_every_word_must_match_in_any_case_and_without_accents(client, company, query, found):
    assert names(client, f"/?q={query}") == found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("tag=calm", ["Inês"]),
        ("tag=Calm", ["Inês"]),
        ("tag=deep-talks", ["Amara"]),
        ("tag=Deep+talks", ["Amara"]),
        ("tag=night-owl", ["Yuna"]),
        ("tag=night", []),
        ("tag=plants", ["Amara", "Inês"]),
        ("tag=plants&tag=calm", ["Inês"]),
        ("tag=plants&q=curator", ["Amara"]),
        ("tag=new", ["Inês", "Yuna"]),
        ("tag=", ["Amara", "Inês", "Yuna"]),
        ("tag=%7C", ["Amara", "Inês", "Yuna"]),
        ("sort=name", ["Amara", "Inês", "Yuna"]),
        ("sort=new", ["Yuna", "Inês", "Amara"]),
        ("sort=persona_prompt", ["Amara", "Inês", "Yuna"]),
    ],
)
def test_tags_and_order(client, company, query, found):
    assert names(client, f"/?{query}") == found


def test_tags_are_found_after_they_change(client, company):
    ines = company[0]
    ines.tags = ["Playful"]
    ines.save(update_fields=["tags"])
    assert names(client, "/?tag=playful") == ["Inês"]
    assert names(client, "/?tag=calm") == []


def test_the_persona_is_never_searched(client, mara):
    assert names(client, "/?q=SECRET") == []


def test_pages_hold_24_and_a_wrong_number_gives_the_nearest(client):
    GirlFactory.create_batch(30)
    first, second = names(client), names(client, "/?page=2")
    assert (len(first), len(second)) == (24, 6)
    assert not set(first) & set(second)
    assert names(client, "/?page=99") == second
    assert names(client, "/?page=x") == first
    assert "?q=kiln&amp;page=2" not in client.get("/?q=kiln").content.decode()
    assert "?tag=warm&amp;page=2" in client.get("/?tag=warm").content.decode()


@pytest.mark.parametrize("number", [3, 24])
def test_browsing_costs_three_queries_however_many_there_are(client, django_assert_num_queries, number):
    GirlFactory.create_batch(number)
    with django_assert_num_queries(3):  # count, the page, tags in use
        client.get("/?q=clay&tag=warm")


@pytest.mark.parametrize("number", [3, 30])
def test_browsing_signed_in_costs_six(client, alice, django_assert_num_queries, number):
    GirlFactory.create_batch(number)
    client.force_login(alice)
    with django_assert_num_queries(6):  # session, user, count, the page, tags in use, unread chats
        client.get("/")


def test_filters_ask_only_for_the_grid(client, company):
    response = client.get("/?tag=calm", headers={"HX-Request": "true"})
    html = response.content.decode()
    assert "<html" not in html
    assert 'id="results" data-mood="calm"' in html
    assert "1 character" in html
    assert "Amara" not in html
    assert "HX-Request" in response["Vary"]


def test_no_match_says_so_and_offers_a_way_out(client, company):
    html = client.get("/?q=stoic+beekeeper").content.decode()
    assert "Nobody fits “stoic beekeeper” yet" in html
    assert "Try one word, or clear the filters." in html
    assert '<a class="button line sm" href="/">Clear filters</a>' in html


def test_what_was_asked_stays_in_the_form(client, company):
    html = client.get('/?q="moss"&tag=calm&tag=plants&sort=name').content.decode()
    assert 'value="&quot;moss&quot;"' in html
    assert 'value="calm" aria-pressed="true"' in html
    assert '<option value="plants" selected>' in html
    assert '<option value="name" selected>' in html


def test_new_is_said_for_two_weeks(client):
    GirlFactory(name="Fresh", created_at=timezone.now() - timedelta(days=13))
    assert b"girl-new" in client.get("/").content
    GirlFactory._meta.model.objects.update(created_at=timezone.now() - timedelta(days=15))
    assert b"girl-new" not in client.get("/").content


def test_visitors_read_the_promise_and_members_their_last_conversations(client, alice, mara):
    visitor = client.get("/").content.decode()
    assert "Good company, at any hour." in visitor
    assert "Everyone here is an <strong>AI character</strong>" in visitor
    assert "/chat/latest/" not in visitor
    client.force_login(alice)
    member = client.get("/").content.decode()
    assert "Good company" not in member
    assert 'hx-get="/chat/latest/"' in member


def test_the_last_conversations_lead_back_into_them(client, alice, charlie, mara):
    hers = ConversationFactory(user=alice, girl=mara)
    hers.write("ai", "Hi, you found me & the kiln.")
    ConversationFactory(user=charlie, girl=mara).write("ai", "SECRET of Charlie")
    client.force_login(alice)
    html = client.get("/chat/latest/").content.decode()
    assert f'href="/chat/{hers.pk}/"' in html
    assert "Hi, you found me &amp; the kiln." in html
    assert "Unread" in html
    assert "SECRET" not in html


def test_every_card_says_ai_and_reserves_its_box(client, company):
    html = client.get("/").content.decode()
    assert html.count("girl-ai") == 3
    assert html.count('width="300" height="400"') == 3


def test_only_reading_is_allowed(client, mara):
    assert client.post("/").status_code == 405
    assert client.post("/girls/mara/").status_code == 405
