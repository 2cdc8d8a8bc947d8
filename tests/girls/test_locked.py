"""What only premium opens: others get a blur, and not a byte or a word that tells more."""

import json
import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from girls import liking
from girls.gallery import PAGE
from tests.factories import ConversationFactory, MediaFactory, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]
HERE = "/girls/mara/gallery/"
BLUR = "data:image/webp;base64,TE9DS0VE"


@pytest.fixture(autouse=True)
def _no_gate(settings):
    settings.AGE_GATE = False


@pytest.fixture
def locked(mara):
    """With numbers and words that are found wherever they appear, and are so long that none appears by chance."""
    media = MediaFactory(
        pk=770_077_077,
        girl=mara,
        locked=True,
        text="SECRET-CAPTION",
        file__blur=BLUR,
        file__width=177_717_771,
        file__height=222_122_212,
        file__size=987_654_321,
        file__folder="girls/777777777/media",
    )
    for member in UserFactory.create_batch(3):
        member.premium_until = timezone.now() + timedelta(days=1)
        liking.set_liked(member, media.pk, True)
    return media


def person(client, who):
    member = {
        "visitor": lambda: None,
        "member": UserFactory,
        "lapsed": lambda: UserFactory(lapsed=True),
        "premium": lambda: UserFactory(premium=True),
    }[who]()
    if member:
        client.force_login(member)
    return member


def tells(answer, media):
    """What of a locked item stands anywhere in an answer."""
    text = answer.content.decode() + json.dumps(dict(answer.headers)) + answer.cookies.output()
    file = media.file
    secrets = [
        "SECRET",
        file.pk.hex,
        str(file.pk),
        "177717771",
        "222122212",
        "987654321",
        "girls/777777777",
        file.digest,
        str(media.pk),
    ]
    return [secret for secret in secrets if secret in text]


@pytest.mark.parametrize("who", ["visitor", "member", "lapsed"])
def test_nothing_but_a_blur_is_told(client, mara, locked, who):
    member = person(client, who)
    addresses = [HERE, f"{HERE}?page=1", f"{HERE}?upto=1", "/girls/mara/", "/girls/mara/posts/", "/feed/", "/"]
    if member:
        conversation = ConversationFactory(user=member, girl=mara)
        addresses += [
            f"/chat/{conversation.pk}/",
            f"/chat/{conversation.pk}/?about={locked.pk}",
            f"/chat/{conversation.pk}/state/",
        ]
    for address in addresses:
        for headers in ({}, {"HX-Request": "true"}):
            answer = client.get(address, headers=headers)
            assert answer.status_code == 200, address
            assert tells(answer, locked) == [], address
    html = client.get(HERE).content.decode()
    assert f'<img src="{BLUR}" alt="Premium photo, locked" width="320" height="400">' in html
    assert f'<a class="button gold sm" href="/plans/?next={HERE.replace("/", "%2F")}">Unlock</a>' in html
    assert 'Gallery <small class="num">1</small>' in html


def test_this_test_would_find_it(client, locked):
    person(client, "premium")
    assert set(tells(client.get(HERE), locked)) >= {"SECRET", str(locked.file_id), "177717771", "222122212"}


@pytest.mark.parametrize("variant", ["full", "card", "thumb"])
@pytest.mark.parametrize("who", ["visitor", "member", "lapsed"])
def test_its_address_is_answered_like_that_of_nothing(client, locked, who, variant):
    person(client, who)
    answer = client.get(f"/media/{locked.file_id}/{variant}")
    assert answer.status_code == client.get(f"/media/{uuid.uuid4()}/{variant}").status_code == 404
    assert set(tells(answer, locked)) <= {str(locked.file_id)}  # the address that was asked for


def test_with_premium_it_is_like_any_other(client, locked):
    person(client, "premium")
    html = client.get(HERE).content.decode()
    assert f'href="/media/{locked.file_id}/full"' in html
    assert 'alt="SECRET-CAPTION"' in html
    assert BLUR not in html
    assert client.get(f"/media/{locked.file_id}/full").status_code == 302


def test_it_opens_and_closes_with_premium(client, locked):
    member = person(client, "member")
    for until, is_open in ((timedelta(days=1), True), (timedelta(seconds=-1), False), (timedelta(days=1), True)):
        member.premium_until = timezone.now() + until
        member.save(update_fields=["premium_until"])
        html = client.get(f"{HERE}?upto=1", headers={"HX-Request": "true"}).content.decode()
        assert ("SECRET-CAPTION" in html) is is_open
        assert (BLUR in html) is not is_open


@pytest.mark.parametrize(("who", "state"), [("member", "off"), ("premium", "on")])
def test_a_tab_is_told_what_it_has_to_listen_for(client, locked, who, state):
    member = person(client, who)
    before = timezone.now()
    html = client.get(HERE).content.decode()
    assert f'data-premium="{state}"' in html
    seconds = int(html.split('data-seconds="')[1].split('"')[0])
    if state == "off":
        assert seconds == 0
    else:
        most, least = ((member.premium_until - now).total_seconds() for now in (before, timezone.now()))
        assert least <= seconds < most + 1


def test_a_gallery_that_never_changes_opens_no_socket(client, mara):
    MediaFactory.create_batch(2, girl=mara)
    for who in ("visitor", "member", "premium"):
        person(client, who)
        assert "data-premium" not in client.get(HERE).content.decode()


def test_a_visitor_has_nothing_to_wait_for(client, locked):
    assert "data-premium" not in client.get(HERE).content.decode()


def test_a_page_further_on_says_so_too(client, mara):
    MediaFactory.create_batch(PAGE, girl=mara)
    MediaFactory(girl=mara, locked=True, position=9)
    person(client, "member")
    assert "data-premium" not in client.get(HERE).content.decode()
    assert 'data-premium="off"' in client.get(f"{HERE}?page=2", headers={"HX-Request": "true"}).content.decode()
