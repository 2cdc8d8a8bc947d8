"""Likes: one for each person and item, as the form said last, and the number is exact."""

from itertools import cycle

import pytest

from girls import liking
from girls.models import Like, Media
from tests.factories import PASSWORD, GirlFactory, MediaFactory, UserFactory
from tests.limits import until_refused
from tests.racing import needs_postgres, race

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]
JSON = {"Accept": "application/json"}


@pytest.fixture(autouse=True)
def _as_on_a_laptop(settings):
    settings.DEBUG = True
    settings.AGE_GATE = False
    settings.TURNSTILE_SITE_KEY = settings.TURNSTILE_SECRET_KEY = ""


@pytest.fixture
def photo(mara):
    return MediaFactory(girl=mara)


def door(media, slug="mara", back="/girls/mara/gallery/%3Fpage=2"):
    return f"/girls/{slug}/media/{media.pk}/like/?next={back}"


def press(client, media, liked="1", **headers):
    return client.post(door(media), {"liked": liked}, headers=headers)


def count(media):
    media.refresh_from_db()
    assert media.like_count == Like.objects.filter(media=media).count()
    return media.like_count


def test_a_like_is_told_to_a_script(client, alice, photo):
    client.force_login(alice)
    answer = press(client, photo, **JSON)
    assert answer.json() == {"liked": True, "like_count": 1}
    assert "no-store" in answer["Cache-Control"]
    assert press(client, photo, "0", **JSON).json() == {"liked": False, "like_count": 0}
    assert count(photo) == 0


def test_pressed_twice_is_pressed_once(client, alice, charlie, photo):
    for member in (alice, alice, charlie):
        client.force_login(member)
        press(client, photo)
    assert count(photo) == 2
    for _ in range(2):
        press(client, photo, "0")
    assert count(photo) == 1


def test_without_a_script_one_comes_back_to_the_item(client, alice, photo):
    client.force_login(alice)
    assert press(client, photo)["Location"] == f"/girls/mara/gallery/?page=2#item-{photo.pk}"
    html = client.get("/girls/mara/gallery/").content.decode()
    assert f'id="item-{photo.pk}"' in html
    assert f'name="liked" value="0" data-like="{photo.pk}" aria-pressed="true"' in html
    assert '<span class="num" data-count>1</span><span class="visually-hidden" data-likes> like</span>' in html


def test_others_see_the_number_and_not_a_like_of_theirs(client, alice, charlie, photo):
    liking.set_liked(alice, photo.pk, True)
    client.force_login(charlie)
    html = client.get("/girls/mara/gallery/").content.decode()
    assert f'value="1" data-like="{photo.pk}" aria-pressed="false"' in html
    assert "data-count>1<" in html


def test_nobody_is_led_away_from_the_site(client, alice, photo):
    client.force_login(alice)
    for evil in ("https://evil.example/", "//evil.example/", "javascript:alert(1)"):
        answer = client.post(door(photo, back=evil), {"liked": "1"})
        assert answer["Location"] == f"/girls/mara/gallery/#item-{photo.pk}"


@pytest.mark.parametrize("said", [{}, {"liked": ""}, {"liked": "2"}, {"liked": "true"}])
def test_a_form_that_does_not_say_how_it_should_be_does_nothing(client, alice, photo, said):
    client.force_login(alice)
    assert client.post(door(photo), said).status_code == 400
    assert count(photo) == 0


@pytest.mark.parametrize(
    "fields",
    [
        {"locked": True},
        {"unpublished": True},
        {"can_be_liked": False},
        {"asset": True},
        {"removed_at": "2026-01-01T00:00Z"},
        {"girl__slug": "another"},
        {"girl__unpublished": True, "girl__slug": "mara"},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_only_what_one_sees_whole_can_be_liked(client, alice, fields):
    girl = {} if any(name.startswith("girl__") for name in fields) else {"girl": GirlFactory(slug="mara")}
    media = MediaFactory(**girl, **fields)
    client.force_login(alice)
    for headers in ({}, JSON):
        assert press(client, media, **headers).status_code == 404
        assert client.get(door(media), headers=headers).status_code == 404
    assert count(media) == 0


def test_what_premium_opens_premium_members_like(client, mara):
    client.force_login(UserFactory(premium=True))
    assert press(client, MediaFactory(girl=mara, locked=True), **JSON).json()["like_count"] == 1


# --- Visitors --------------------------------------------------------------------------------------------


def sign_in(client, user, where):
    words = {"login": user.email, "password": PASSWORD, "cf-turnstile-response": "local", "next": where}
    return client.post("/accounts/login/", words)


def test_a_visitor_signs_in_and_comes_back_to_the_item_liked(client, alice, photo):
    assert "Sign in to like photos" in client.get("/girls/mara/gallery/").content.decode()
    asked = press(client, photo)
    assert asked["Location"].startswith("/accounts/login/?next=/girls/mara/media/")
    page = client.get(asked["Location"])
    assert "Sign in to like photos." in page.content.decode()
    back = sign_in(client, alice, page.context["redirect_field_value"])["Location"]
    assert back == door(photo)
    done = client.get(back)
    assert done["Location"] == f"/girls/mara/gallery/?page=2#item-{photo.pk}"
    assert count(photo) == 1
    press(client, photo, "0")
    client.get(back)  # it was carried out: once
    assert count(photo) == 0


def test_an_address_alone_likes_nothing(client, alice, photo, mara):
    client.force_login(alice)
    assert client.get(door(photo))["Location"].endswith(f"#item-{photo.pk}")
    client.cookies["like"] = str(photo.pk)  # not signed by us
    client.get(door(photo))
    assert count(photo) == 0


def test_a_wish_is_for_the_item_that_was_pressed(client, alice, photo, mara):
    other = MediaFactory(girl=mara)
    press(client, other)
    client.force_login(alice)
    client.get(door(photo))
    assert count(photo) == 0
    client.get(door(other))
    assert count(other) == 1


def test_a_script_of_a_visitor_is_told_to_sign_in(client, photo):
    answer = press(client, photo, **JSON)
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "sign_in_required"


# --- Many at once ----------------------------------------------------------------------------------------


def test_too_many_likes_a_minute_are_refused(client, alice, photo):
    client.force_login(alice)
    wanted = cycle("01")
    *_, answer = until_refused(lambda: press(client, photo, next(wanted), **JSON), 120)
    assert int(answer["Retry-After"]) > 0
    assert press(client, photo)["Location"].endswith(f"#item-{photo.pk}")


def test_a_like_goes_with_the_person(alice, charlie, photo):
    liking.set_liked(alice, photo.pk, True)
    alice.delete()
    assert liking.set_liked(charlie, photo.pk, True).like_count == 1


@needs_postgres
@pytest.mark.django_db(transaction=True)
def test_the_number_is_exact_when_many_press_at_once():
    photo = MediaFactory()
    members = UserFactory.create_batch(8)
    # Each of them presses twice at the same moment; half of them take it back in the end.
    race(lambda n: liking.set_liked(members[n % 8], photo.pk, True), 16)
    assert count(photo) == 8
    race(lambda n: liking.set_liked(members[n % 8], photo.pk, n % 8 >= 4), 16)
    assert count(photo) == 4


@needs_postgres
@pytest.mark.django_db(transaction=True)
def test_what_is_locked_while_somebody_presses_is_liked_or_not_but_counted_right():
    photo = MediaFactory()
    members = UserFactory.create_batch(7)

    def press_or_lock(n):
        if n == 3:
            return Media.objects.filter(pk=photo.pk).update(premium_only=True)
        return liking.set_liked(members[n], photo.pk, True)

    outcomes = race(press_or_lock, 7)
    assert all(isinstance(outcome, int | Media | Media.DoesNotExist) for outcome in outcomes)
    assert count(photo) == sum(isinstance(outcome, Media) for outcome in outcomes)
