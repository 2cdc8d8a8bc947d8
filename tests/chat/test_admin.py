"""Staff see that people talk and how replies went, never what was said."""

import pytest
from django.test import Client

from chat.models import Reply
from tests.chat.conftest import work
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def staff(db):
    client = Client()
    client.force_login(UserFactory(administrator=True))
    return client


def test_staff_see_replies_and_conversations_but_no_word_of_them(hands, staff, alice):
    hands.send("SECRET-WORDS of mine")
    Reply.objects.update(text="SECRET-WORDS of hers")
    reply = Reply.objects.get()
    for url in (
        "/admin/chat/reply/",
        f"/admin/chat/reply/{reply.pk}/change/",
        f"/admin/chat/conversation/?q={alice.email}",
        f"/admin/chat/conversation/{hands.conversation.pk}/change/",
    ):
        page = staff.get(url)
        assert page.status_code == 200, url
        assert b"SECRET-" not in page.content, url
    assert alice.username in staff.get("/admin/chat/conversation/").content.decode()


def test_staff_cannot_write_what_only_the_product_writes(hands, staff):
    hands.send()
    work()
    for model in ("reply", "conversation"):
        assert staff.get(f"/admin/chat/{model}/add/").status_code == 403
    assert staff.post(f"/admin/chat/conversation/{hands.conversation.pk}/delete/").status_code == 403


def test_the_bar_counts_unread_chats_on_every_page(client, hands):
    page = client.get("/").content.decode()
    assert "data-unread-number>1<" in page  # her greeting
    hands.post("read", {"seq": 1})
    assert "data-unread-number>0<" in client.get("/").content.decode()
