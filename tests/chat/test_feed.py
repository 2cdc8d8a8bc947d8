"""The feed: what all characters post, newest first, and those first whom one talks with."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from girls.gallery import POSTS_PAGE
from tests.factories import ConversationFactory, GirlFactory, MediaFactory

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]


@pytest.fixture(autouse=True)
def _no_gate(settings):
    settings.AGE_GATE = False


def posted(girl, minutes_ago, **fields):
    at = timezone.now() - timedelta(minutes=minutes_ago)
    return MediaFactory(girl=girl, post=True, published_at=at, **fields)


def pages(client):
    """The ids of the posts on each page, from the first to the last."""
    address, found = "/feed/", []
    while address:
        html = client.get(address).content.decode()
        found.append([int(pk) for pk in re.findall(r'<article [^>]*id="item-(\d+)"', html)])
        onward = re.search(r'id="load-more" href="([^"]+)"', html)
        address = onward and "/feed/" + onward[1]
    return found


def test_posts_of_all_published_characters_the_newest_first(client, mara):
    other = GirlFactory()
    old, newest, middle = posted(mara, 30), posted(other, 10), posted(mara, 20)
    posted(GirlFactory(unpublished=True), 5)
    posted(mara, 1, unpublished=True)
    MediaFactory(girl=mara)
    assert pages(client) == [[newest.pk, middle.pk, old.pk]]


def test_whom_one_talks_with_comes_first(client, alice, mara):
    other = GirlFactory()
    ConversationFactory(user=alice, girl=mara)
    ConversationFactory(user=alice, girl=GirlFactory(), deleted=True)
    newest, hers, older = posted(other, 10), posted(mara, 20), posted(other, 30)
    client.force_login(alice)
    assert pages(client) == [[hers.pk, newest.pk, older.pk]]


@pytest.mark.parametrize("hers", [0, 3, POSTS_PAGE, POSTS_PAGE + 3])
def test_pages_follow_each_other_without_gap_or_repeat(client, alice, mara, hers):
    other = GirlFactory()
    ConversationFactory(user=alice, girl=mara)
    near = [posted(mara, 100 + n).pk for n in range(hers)]
    rest = [posted(other, n).pk for n in range(POSTS_PAGE + 4)]
    client.force_login(alice)
    found = pages(client)
    assert [pk for page in found for pk in page] == near + rest
    assert all(len(page) == POSTS_PAGE for page in found[:-1])


def test_each_leads_to_her_profile_and_to_a_conversation(client, mara):
    posted(mara, 1)
    html = client.get("/feed/").content.decode()
    assert 'href="/girls/mara/"' in html
    assert 'formaction="/girls/mara/chat/"' in html
    assert 'Message<span class="visually-hidden"> Mara</span>' in html
    assert "AI</span>" in html


def test_it_stands_in_the_navigation(client, alice):
    client.force_login(alice)
    html = client.get("/feed/").content.decode()
    assert html.count('<a href="/feed/" aria-current="page">') == 2  # the bar and a phone's tab bar


def test_it_stands_behind_the_age_gate(settings, mara):
    settings.AGE_GATE = True
    post = posted(mara, 1, text="SECRET")
    answer = Client().get("/feed/")
    assert "I’m 18 or older" in answer.content.decode()
    assert "SECRET" not in answer.content.decode()
    assert f"item-{post.pk}" not in answer.content.decode()


def test_an_empty_feed_says_so(client):
    assert "Nobody has posted yet." in client.get("/feed/").content.decode()


@pytest.mark.parametrize("place", ["", "x", "1-2-3"])
def test_a_place_that_is_none_is_not_there(client, place):
    assert client.get(f"/feed/?before={place}").status_code == 404


def test_persona_and_voice_are_not_even_read(client, mara, django_assert_num_queries):
    posted(mara, 1)
    with django_assert_num_queries(1) as asked:  # posts + characters + files
        client.get("/feed/")
    assert "persona_prompt" not in asked.captured_queries[0]["sql"]


@pytest.mark.parametrize("count", [3, 3 * POSTS_PAGE])
def test_the_feed_costs_a_member_the_same_however_long_it_is(client, alice, mara, count, django_assert_num_queries):
    ConversationFactory(user=alice, girl=GirlFactory())
    for n in range(count):
        posted(mara, n)
    client.force_login(alice)
    with django_assert_num_queries(5):  # session, member, posts of hers, other posts, unread chats
        client.get("/feed/")
