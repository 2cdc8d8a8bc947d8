"""A character's page."""

import pytest
from django.db import IntegrityError, transaction

from girls.models import Girl
from tests.factories import GirlFactory, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]
ATTACK = '"><script>alert(1)</script><img src=x onerror=alert(2)>'


@pytest.fixture(autouse=True)
def _no_gate(settings):
    settings.AGE_GATE = False


def test_a_visitor_reads_about_her(client, mara):
    html = client.get("/girls/mara/").content.decode()
    assert "<h1><bdi>Mara</bdi>" in html
    assert mara.bio in html
    assert "AI character" in html
    assert "Mara</bdi> is fictional and written by AI" in html
    assert "10 free messages" in html


@pytest.mark.parametrize("who", ["visitor", "member"])
def test_one_can_write_to_her_or_begin_with_a_starter(client, alice, mara, who):
    if who == "member":
        client.force_login(alice)
    html = client.get("/girls/mara/").content.decode()
    assert 'action="/girls/mara/chat/"' in html
    assert "csrfmiddlewaretoken" in html
    assert '<button class="chip" name="starter" value="What are you making today?" dir="auto">' in html


def test_premium_hides_the_free_messages(client, mara):
    client.force_login(UserFactory(premium=True))
    assert "free messages" not in client.get("/girls/mara/").content.decode()


@pytest.mark.parametrize("slug", ["hidden", "nobody"])
def test_a_hidden_character_is_answered_like_an_absent_one(client, slug):
    GirlFactory(slug="hidden", unpublished=True)
    assert client.get(f"/girls/{slug}/").status_code == 404


def test_a_profile_costs_one_query(client, mara, django_assert_num_queries):
    with django_assert_num_queries(1):  # her
        client.get("/girls/mara/")


def test_markup_in_her_words_stays_words(client, alice):
    GirlFactory(
        slug="mara",
        name=ATTACK[:60],
        tagline=ATTACK,
        bio=ATTACK,
        tags=[ATTACK],
        lives_in=ATTACK,
        work=ATTACK[:60],
        starters=[ATTACK],
    )
    client.force_login(alice)
    for address in ("/", "/girls/mara/", f"/?q={ATTACK}", f"/?tag={ATTACK}"):
        html = client.get(address).content.decode()
        assert "<script>alert" not in html
        assert "<img src=x" not in html


@pytest.mark.parametrize("address", ["/", "/girls/mara/", "/?q=mara", "/chat/"])
def test_persona_and_voice_never_leave_the_server(client, alice, mara, address):
    Girl.objects.update(example_dialogue="SECRET-DIALOGUE")
    for _ in range(2):
        body = client.get(address, follow=True).content
        assert b"SECRET" not in body
        client.force_login(alice)


def test_the_database_refuses_a_minor(db):
    for age in (17, 0):
        with pytest.raises(IntegrityError, match=r"girl_is_an_adult|CHECK"), transaction.atomic():
            GirlFactory(age=age)
    mara = GirlFactory(age=18)
    with pytest.raises(IntegrityError), transaction.atomic():
        Girl.objects.filter(pk=mara.pk).update(age=17)


def test_a_character_without_pictures_has_a_placeholder(client, mara):
    html = client.get("/girls/mara/").content.decode()
    assert "/static/img/portrait.svg" in html


@pytest.mark.parametrize(
    ("about", "words"),
    [
        ({"work": "ceramicist", "lives_in": "Lisbon"}, "29, ceramicist in Lisbon"),
        ({"work": "ceramicist"}, "29, ceramicist"),
        ({"lives_in": "Lisbon"}, "29, Lisbon"),
        ({}, "29"),
    ],
)
def test_a_new_conversation_says_who_she_is_in_short(client, alice, about, words):
    client.force_login(alice)
    girl = GirlFactory(age=29, **about)
    page = client.post(f"/girls/{girl.slug}/chat/", follow=True).content.decode()
    assert f"<p>{words}. Ask her anything, or start with one of these.</p>" in page
