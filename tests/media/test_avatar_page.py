"""The account's first page: who one is, and one's picture."""

import pytest

from accounts.models import User
from media.models import File
from tests.media.drawing import picture

pytestmark = [pytest.mark.django_db, pytest.mark.embedded, pytest.mark.usefixtures("transactional_db", "heard")]


def page(client):
    answer = client.get("/account/")
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    return answer.content.decode()


def test_a_member_sees_who_they_are(client, alice):
    client.force_login(alice)
    shown = page(client)
    assert "alice" in shown
    assert "alice@example.com" in shown
    assert "14 March 1991" in shown
    assert "Add a photo" in shown
    assert "up to 5 MB" in shown


def test_a_visitor_signs_in_first(client):
    assert client.get("/account/")["Location"] == "/accounts/login/?next=/account/"
    assert client.post("/account/avatar/remove/").status_code == 302


def test_their_picture_is_on_the_page_and_in_the_bar_of_every_page(uploader, client, alice):
    client.force_login(alice)
    pk = uploader.put_up(picture())["id"]
    shown = page(client)
    assert f'src="/media/{pk}/full"' in shown
    assert "Change photo" in shown
    assert f'src="/media/{pk}/thumb"' in client.get("/terms/").content.decode()
    assert client.get(f"/media/{pk}/thumb").status_code == 302


def test_removed_it_is_nowhere_any_more(uploader, client, alice, disk):
    client.force_login(alice)
    pk = uploader.put_up(picture())["id"]
    answer = client.post("/account/avatar/remove/", follow=True)
    assert answer.redirect_chain == [("/account/", 302)]
    assert "Your photo is gone." in answer.content.decode()
    assert pk not in answer.content.decode()
    assert client.get(f"/media/{pk}/thumb").status_code == 404
    assert not File.objects.exists()
    assert not [path for path in disk.rglob("*") if path.is_file()]
    assert client.post("/account/avatar/remove/").status_code == 302  # again is fine


def test_nobody_removes_anothers_and_no_link_removes_ones_own(uploader, client, alice, charlie):
    client.force_login(alice)
    uploader.put_up(picture())
    assert client.get("/account/avatar/remove/").status_code == 405
    client.force_login(charlie)
    client.post("/account/avatar/remove/")
    assert User.objects.get(pk=alice.pk).avatar_url


def test_a_name_in_any_script_breaks_nothing(client, alice):
    User.objects.filter(pk=alice.pk).update(username="<b>أمل")
    client.force_login(alice)
    assert "&lt;b&gt;أمل" in page(client)


def test_it_asks_the_database_only_for_who_comes(client, alice, django_assert_num_queries):
    client.force_login(alice)
    page(client)
    with django_assert_num_queries(3):  # session, user, unread
        page(client)
