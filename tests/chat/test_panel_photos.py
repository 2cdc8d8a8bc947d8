"""Her photos beside the conversation: a few of them, as this member may see them, for one query."""

import pytest

from tests.factories import ConversationFactory, GirlFactory, MediaFactory, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]


@pytest.fixture
def conversation(client, alice, mara):
    client.force_login(alice)
    return ConversationFactory(user=alice, girl=mara)


def panel(client, conversation):
    html = client.get(f"/chat/{conversation.pk}/").content.decode()
    return html.partition("data-photos")[2].partition("</section>")[0]


def test_the_first_six_lead_to_her_gallery(client, conversation, mara):
    photos = [MediaFactory(girl=mara, position=n, text=f"Photo {n}") for n in range(8)]
    html = panel(client, conversation)
    for photo in photos[:6]:
        assert f'<a href="/girls/mara/gallery/#item-{photo.pk}">' in html
        assert f'src="/media/{photo.file_id}/thumb" alt="{photo.text}"' in html
    assert html.count("<img") == 6
    assert 'href="/girls/mara/gallery/">All <span class="num">8</span>' in html


def test_what_premium_opens_is_locked_for_others(client, conversation, mara):
    photo = MediaFactory(girl=mara, locked=True, file__blur="data:image/webp;base64,TE9DS0VE")
    html = panel(client, conversation)
    assert 'src="data:image/webp;base64,TE9DS0VE" alt="Premium photo, locked"' in html
    assert f'href="/plans/?next=%2Fchat%2F{conversation.pk}%2F"' in html
    assert str(photo.file_id) not in html
    member = UserFactory(premium=True)
    client.force_login(member)
    assert f"/media/{photo.file_id}/thumb" in panel(client, ConversationFactory(user=member, girl=mara))


@pytest.mark.parametrize("photos", [3, 30])
def test_they_cost_one_query(client, conversation, mara, photos, django_assert_num_queries):
    address = f"/chat/{conversation.pk}/"
    with django_assert_num_queries(7):
        client.get(address)
    MediaFactory.create_batch(photos, girl=mara)
    with django_assert_num_queries(8):  # and the photos with their files
        client.get(address)


def test_who_shows_nothing_or_is_hidden_has_no_photos_there(client, conversation, alice, mara):
    assert panel(client, conversation) == ""
    hidden = GirlFactory()
    MediaFactory(girl=hidden)
    gone = ConversationFactory(user=alice, girl=hidden)
    assert panel(client, gone)
    hidden.is_active = False
    hidden.save(update_fields=["is_active"])
    assert panel(client, gone) == ""
