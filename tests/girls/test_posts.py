"""A character's posts: newest first, paged by place, so that a new one shifts nothing."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from girls.gallery import POSTS_PAGE
from tests.factories import MediaFactory, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]
HERE = "/girls/mara/posts/"


@pytest.fixture(autouse=True)
def _no_gate(settings):
    settings.AGE_GATE = False


def posted(mara, count, **fields):
    """So many posts, the newest last."""
    now = timezone.now()
    times = [now - timedelta(minutes=count - n) for n in range(count)]
    return [MediaFactory(girl=mara, post=True, published_at=at, **fields) for at in times]


def shown(html):
    return [int(pk) for pk in re.findall(r'<article [^>]*id="item-(\d+)"', html)]


def onward(html):
    found = re.search(r'id="load-more" href="([^"]+)"', html)
    return found and HERE + found[1]


def test_a_post_says_who_where_and_when(client, mara):
    [post] = posted(mara, 1, text="Walked up the hill to dig clay", location="Alfama, Lisbon")
    html = client.get(HERE).content.decode()
    assert 'aria-label="Post by Mara"' in html
    assert "<bdi>Alfama, Lisbon</bdi>" in html
    assert f'<time datetime="{post.published_at:%Y-%m-%dT%H:%M:%S.%f}+00:00" data-ago>' in html
    assert '<p class="post-words" dir="auto">Walked up the hill to dig clay</p>' in html
    assert f'src="/media/{post.file_id}/card" alt="Walked up the hill to dig clay"' in html
    assert f'name="about" value="{post.pk}"' in html
    assert "AI-generated photo" in html


def test_a_film_is_shown_with_controls_and_loads_nothing_by_itself(client, mara):
    [post] = posted(mara, 1, video=True)
    html = client.get(HERE).content.decode()
    assert f'<video controls preload="none" playsinline poster="/media/{post.file_id}/card"' in html
    assert f'src="/media/{post.file_id}/full" aria-label=' in html
    assert "AI-generated video" in html


def test_the_newest_stand_first_and_of_one_moment_the_last_put_up(client, mara):
    older, newer = posted(mara, 2)
    twin = MediaFactory(girl=mara, post=True, published_at=newer.published_at)
    assert shown(client.get(HERE).content.decode()) == [twin.pk, newer.pk, older.pk]


def test_pages_follow_each_other_without_gap_or_repeat_while_new_posts_come(client, mara):
    posts = posted(mara, 2 * POSTS_PAGE + 1)
    same = timezone.now() - timedelta(days=1)
    posts = [MediaFactory(girl=mara, post=True, published_at=same) for _ in range(3)] + posts
    seen, address = [], HERE
    while address:
        html = client.get(address).content.decode()
        seen += shown(html)
        address = onward(html)
        posted(mara, 1)
    assert seen == [post.pk for post in reversed(posts)]
    assert "Newest posts" in html


@pytest.mark.parametrize("place", ["", "x", "1", "1-x", "1-2-3", "-1-2", "9" * 19 + "-1", "²-1", "1-2-far"])
def test_a_place_that_is_none_is_not_there(client, mara, place):
    assert client.get(f"{HERE}?before={place}").status_code == 404


def test_no_posts_are_said_in_plain_words(client, mara):
    assert "<bdi>Mara</bdi> hasn’t posted yet." in client.get(HERE).content.decode()


@pytest.mark.parametrize(("who", "queries"), [("visitor", 2), ("member", 5)])
def test_posts_cost_the_same_however_many_there_are(client, mara, who, queries, django_assert_num_queries):
    if who == "member":
        client.force_login(UserFactory())
    for count in (3, 2 * POSTS_PAGE):
        posted(mara, count)
        with django_assert_num_queries(queries):  # (session, member,) her, her posts + files + likes(, unread chats)
            client.get(HERE)
