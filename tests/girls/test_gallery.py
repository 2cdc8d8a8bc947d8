"""A character's gallery: what is published, in her order, a page at a time, at the same price however long."""

import re

import pytest

from girls.gallery import PAGE
from girls.models import Like, Media
from tests.factories import GirlFactory, MediaFactory, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]
HERE = "/girls/mara/gallery/"
HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def _no_gate(settings):
    settings.AGE_GATE = False


def shown(html):
    """The ids of the items on a page, in order."""
    return [int(pk) for pk in re.findall(r'data-item="(\d+)"', html)]


def page(client, address=HERE, **headers):
    return client.get(address, headers=headers).content.decode()


def test_tabs_are_links_with_exact_numbers(client, mara):
    MediaFactory.create_batch(3, girl=mara)
    MediaFactory(girl=mara, unpublished=True)
    MediaFactory(girl=mara, post=True)
    MediaFactory(girl=mara, asset=True)
    for address in ("/girls/mara/", HERE, "/girls/mara/posts/"):
        html = page(client, address)
        assert '<a href="/girls/mara/gallery/"' in html
        assert 'Gallery <small class="num">3</small>' in html
        assert 'Posts <small class="num">1</small>' in html
        assert re.findall(r'href="([^"]+)" aria-current="page"', html)[-1] == address
        assert "Message <bdi>Mara</bdi>" in html


def test_items_stand_in_her_order_and_of_equals_the_newest_first(client, mara):
    third, second = MediaFactory.create_batch(2, girl=mara, position=2)
    first = MediaFactory(girl=mara, position=1)
    assert shown(page(client)) == [first.pk, second.pk, third.pk]


def test_only_what_is_published_of_a_published_character_is_there(client, mara):
    seen = MediaFactory(girl=mara)
    MediaFactory(girl=mara, unpublished=True)
    MediaFactory(girl=mara, post=True)
    MediaFactory(girl=mara, asset=True)
    MediaFactory()
    assert shown(page(client)) == [seen.pk]
    GirlFactory(slug="hidden", unpublished=True)
    for slug in ("hidden", "nobody"):
        for tab in ("gallery", "posts"):
            assert client.get(f"/girls/{slug}/{tab}/").status_code == 404


def test_a_tile_says_what_it_shows_and_leads_to_the_whole_picture(client, mara):
    described = MediaFactory(girl=mara, text="Clay from this hill")
    silent = MediaFactory(girl=mara, text="")
    html = page(client)
    for media, alt in ((described, "Clay from this hill"), (silent, "Photo of Mara")):
        assert f'href="/media/{media.file_id}/full"' in html
        assert f'<img src="/media/{media.file_id}/card" alt="{alt}" width="320" height="400"' in html


def test_a_film_is_a_still_with_a_play_mark(client, mara):
    media = MediaFactory(girl=mara, video=True)
    html = page(client)
    assert f'src="/media/{media.file_id}/card"' in html
    assert re.search(r"data-video\s*><img", html)
    assert '<span class="visually-hidden">Video</span>' in html


def test_a_long_gallery_comes_in_pages_and_nothing_twice(client, mara):
    MediaFactory.create_batch(2 * PAGE + 3, girl=mara)
    seen, addresses, address = [], [], HERE
    while address:
        html = page(client, address)
        seen += shown(html)
        addresses.append(address)
        onward = re.search(r'<a class="button line" id="load-more" href="([^"]+)"', html)
        address = onward and HERE + onward[1]
    assert addresses == [HERE, f"{HERE}?page=2", f"{HERE}?page=3"]
    assert len(seen) == len(set(seen)) == 2 * PAGE + 3
    assert "From the beginning" in html


def test_a_place_is_counted_over_all_pages(client, mara):
    MediaFactory.create_batch(PAGE + 2, girl=mara)
    html = page(client, f"{HERE}?page=2")
    assert f'data-first="{PAGE + 1}" data-total="{PAGE + 2}"' in html


def test_all_pages_up_to_one_can_be_had_at_once(client, mara):
    MediaFactory.create_batch(2 * PAGE + 3, girl=mara)
    html = page(client, f"{HERE}?upto=2", **HTMX)
    assert len(shown(html)) == 2 * PAGE
    assert 'href="?page=3"' in html


@pytest.mark.parametrize("number", ["0", "-1", "x", "²", "9" * 40, "%00", "7"])
def test_a_page_that_is_none_is_the_nearest_that_is(client, mara, number):
    MediaFactory.create_batch(2, girl=mara)
    assert len(shown(page(client, f"{HERE}?page={number}"))) == 2
    assert len(shown(page(client, f"{HERE}?upto={number}"))) == 2


def test_for_htmx_only_the_items_come(client, mara):
    MediaFactory(girl=mara)
    part = client.get(HERE, headers=HTMX)
    assert "<html" not in part.content.decode()
    assert 'id="items"' in part.content.decode()
    assert "HX-Request" in part["Vary"]
    assert "<html" in page(client, **HTMX, **{"HX-History-Restore-Request": "true"})


def test_an_empty_gallery_says_so_in_plain_words(client, mara):
    assert "<bdi>Mara</bdi> hasn’t shown any photos yet." in page(client)


@pytest.mark.parametrize(("who", "queries"), [("visitor", 2), ("member", 5)])
def test_a_gallery_costs_the_same_however_long_it_is(client, mara, who, queries, django_assert_num_queries):
    if who == "member":
        client.force_login(UserFactory())
    for count in (3, 3 * PAGE):
        Like.objects.all().delete()
        Media.objects.all().delete()
        media = MediaFactory.create_batch(count, girl=mara)
        Like.objects.bulk_create(Like(user=UserFactory(), media=item) for item in media[:5])
        with django_assert_num_queries(queries):  # (session, member,) her, her items + files + likes(, unread chats)
            assert len(shown(page(client))) == min(count, PAGE)


def test_a_first_page_of_500_items_is_small(client, mara):
    client.force_login(UserFactory())
    MediaFactory.create_batch(20, girl=mara, text="She glazed all of it in one long evening. " * 3)
    for _ in range(5):
        MediaFactory(girl=mara, locked=True, file__blur="data:image/webp;base64," + "U" * 400)
    mara.gallery_count = 500
    mara.save(update_fields=["gallery_count"])
    html = page(client)
    assert "Load more" in html
    assert len(html.encode()) < 60_000


def test_markup_in_a_caption_stays_words(client, mara):
    MediaFactory(girl=mara, text='"><script>alert(1)</script>')
    MediaFactory(girl=mara, post=True, text='"><script>alert(1)</script>', location='"><b>')
    for address in (HERE, "/girls/mara/posts/"):
        html = page(client, address)
        assert "<script>alert" not in html
        assert "<b>" not in html
