"""A character whom somebody blocked is not there for them, anywhere, until they take that back."""

import pytest
from django.test import Client

from chat import privacy
from chat.models import Conversation, Message, Reply
from girls.models import Block
from tests.chat.conftest import Hands, work
from tests.factories import GirlFactory, MediaFactory, PermitFactory, UserFactory
from tests.racing import needs_postgres, together

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded]


def block(hands, mara, undo=False):
    return hands.client.post(f"/girls/{mara.slug}/{'unblock' if undo else 'block'}/")


def places(client, mara, talk):
    """Where she is to be found."""
    if not mara.media.exists():
        MediaFactory(girl=mara, surface="post", text="Her post")
    pages = {path: client.get(path) for path in ("/", "/feed/", "/chat/", "/?q=mara")}
    found = {path for path, page in pages.items() if f"/girls/{mara.slug}/" in page.content.decode()}
    found |= {path for path in (f"/girls/{mara.slug}/", f"/chat/{talk.pk}/") if client.get(path).status_code == 200}
    threads = client.get("/chat/threads/").json()["threads"]
    return found | ({"threads"} if threads else set())


def test_she_is_gone_everywhere_and_back_as_she_was(hands, talk, mara, client):
    everywhere = places(client, mara, talk)
    assert {"/", "/feed/", "/?q=mara", "threads", f"/girls/{mara.slug}/", f"/chat/{talk.pk}/"} <= everywhere
    assert block(hands, mara)["Location"] == "/account/reports/"
    assert places(client, mara, talk) == set()
    assert mara.name in client.get("/account/reports/").content.decode()
    for _ in range(2):
        assert block(hands, mara, undo=True).status_code == 302
    assert places(client, mara, talk) == everywhere
    assert [m["text"] for m in hands.state()["messages"]] == [mara.greeting]


def test_nothing_is_sent_started_or_counted(hands, talk, mara, client):
    hands.send("Hello")
    work()
    assert client.get("/chat/unread/").json() == {"unread": 1}
    block(hands, mara)
    assert hands.send("Hello?").status_code == 404
    assert hands.post("retry").status_code == 404
    assert client.get(f"{hands.url}state/").status_code == 404
    assert client.post(f"/girls/{mara.slug}/chat/").status_code == 404
    assert client.get("/chat/unread/").json() == {"unread": 0}
    assert Message.objects.filter(sender="user").count() == 1


def test_what_she_is_about_to_say_is_not_said_and_costs_nothing(hands, talk, mara):
    hands.send("Hello")
    block(hands, mara)
    assert Reply.objects.get().state == Reply.State.STOPPED
    block(hands, mara, undo=True)
    assert hands.free() == 10


def test_others_see_her_as_ever(hands, talk, mara):
    block(hands, mara)
    other = Client()
    other.force_login(UserFactory())
    assert other.get(f"/girls/{mara.slug}/").status_code == 200
    assert Client().get("/").status_code == 200


def test_visitors_and_nobody_block_nothing(mara, settings):
    settings.AGE_GATE = False
    assert Client().post(f"/girls/{mara.slug}/block/")["Location"].startswith("/accounts/login/")
    browser = Client()
    browser.force_login(UserFactory())
    assert browser.post("/girls/nobody-at-all/block/").status_code == 404
    assert browser.get(f"/girls/{mara.slug}/block/").status_code == 405
    assert not Block.objects.exists()


def test_who_never_talked_with_her_blocks_her_all_the_same():
    girl, browser = GirlFactory(slug="nia"), Client()
    browser.force_login(UserFactory())
    browser.post("/girls/nia/block/")
    assert browser.get(girl.get_absolute_url()).status_code == 404
    assert not Conversation.objects.exists()


def test_their_copy_of_data_has_it_still(hands, talk, mara, alice):
    block(hands, mara)
    assert [document.path for document in privacy.export(alice)] == [
        f"conversations/{mara.slug}.html",
        f"conversations/{mara.slug}.json",
    ]


@needs_postgres
def test_a_send_at_the_same_moment_is_answered_or_refused_and_nothing_is_owed(hands, talk, mara, alice):
    browser = Client()
    browser.force_login(alice)
    other = Hands(browser, talk, PermitFactory(user=alice))
    for _ in range(5):
        block(hands, mara, undo=True)
        answers = together(lambda: other.send("Hello").status_code, lambda: block(hands, mara).status_code)
        assert answers[0] in (201, 404)
        assert not Reply.objects.filter(state__in=Reply.OWED).exists()
