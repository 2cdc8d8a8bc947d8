"""The socket tells; it never writes, never tells a stranger, and bears bad manners."""

import asyncio
import json
import threading
import time
import uuid
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from channels.db import database_sync_to_async as in_database
from channels.testing import WebsocketCommunicator
from django.contrib.auth import logout
from django.db import close_old_connections, connection, transaction
from django.http import HttpRequest
from django.test import Client
from django.utils import timezone
from pydantic import TypeAdapter

from accounts import legal, premium, sessions
from accounts.models import LegalVersion, User
from chat import consumers, frames, probing
from chat.frames import ServerFrame
from config.asgi import application
from tests.chat.conftest import work
from tests.chat.test_replying import forget_hosts
from tests.fakes.model_host import DONE, ModelHost, delta, finish
from tests.racing import needs_postgres

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded]
ORIGIN = "http://testserver"
SOON = 30  # seconds, never waited for in full, unless something is broken


@pytest.fixture(autouse=True)
def _connections_are_given_back(monkeypatch):
    """Channels' communicator lets nobody close a connection while it speaks, for tests that live in one transaction.

    These do not; and two communicators that speak at once would leave it so for every test that follows.
    """
    monkeypatch.setattr("channels.testing.application.no_op", close_old_connections)


@pytest.fixture(autouse=True)
def _redis_may_take_its_time(monkeypatch):
    """Who does not hear within two seconds is sent away, to come again; nobody here comes again.

    Sooner than a tab is given up all the same: a bell may be lost, and then it is opened without.
    """
    monkeypatch.setattr(consumers, "HEAR_SECONDS", SOON / 3)


class Tab:
    """A browser tab's socket."""

    def __init__(self, client, origin=ORIGIN):
        cookie = "; ".join(f"{k}={v.value}" for k, v in client.cookies.items())
        headers = [(b"host", b"testserver"), (b"cookie", cookie.encode())]
        if origin is not None:
            headers.append((b"origin", origin.encode()))
        self.socket = WebsocketCommunicator(application, "/ws/", headers=headers)

    async def __aenter__(self):
        self.connected, self.code = await self.socket.connect(timeout=SOON)
        return self

    async def __aexit__(self, *_):
        await self.socket.disconnect(timeout=SOON)

    async def say(self, frame):
        await self.socket.send_to(text_data=frame if isinstance(frame, str) else json.dumps(frame))

    async def watch(self, conversation, version=0):
        await self.say({"type": "watch", "conversation": str(conversation.pk), "version": version})

    async def hear(self):
        frame = json.loads(await self.socket.receive_from(timeout=SOON))
        TypeAdapter(ServerFrame).validate_python(frame, strict=True)
        return frame

    async def hear_until(self, type_, **fields):
        heard = []
        while True:
            heard.append(await self.hear())
            if heard[-1]["type"] == type_ and all(heard[-1].get(k) == v for k, v in fields.items()):
                return heard

    async def closed_with(self):
        while True:
            output = await self.socket.receive_output(timeout=SOON)
            if output["type"] == "websocket.close":
                return output["code"]

    async def is_alive(self):
        await self.say({"type": "watch", "conversation": str(uuid.uuid4()), "version": 0})
        return (await self.hear())["code"] == "not_found"


async def test_a_reply_appears_word_by_word_in_an_open_tab(hands, client, settings):
    settings.LLM_SCRIPTED_PACE = 0.3
    async with Tab(client) as tab:
        await tab.watch(hands.conversation, 1)
        await tab.hear_until("thread")
        sent = (await in_database(hands.send)("Hello Mara")).json()
        await in_database(work)()
        heard = await tab.hear_until("message", version=3)
        kinds = [f["type"] for f in heard]
        assert heard[0]["message"] == sent["message"]
        assert "delta" in kinds
        text = ""
        for frame in heard:
            if frame["type"] == "delta":
                assert frame["offset"] == len(text.encode("utf-16-le")) // 2
                text += frame["text"]
        assert heard[-1]["message"]["text"].startswith(text.strip())  # the last words come with the message
        rest = await tab.hear_until("thread")
        assert {f["type"] for f in rest} == {"reply", "conversation", "thread"}
        assert rest[0]["reply"]["state"] == "done"
        assert rest[1]["conversation"]["version"] == 3
        assert rest[-1]["thread"]["unread"] is True


async def test_a_tab_that_was_away_is_told_what_changed(hands, client):
    await in_database(hands.send)("while you were away")
    await in_database(work)()
    async with Tab(client) as tab:
        await tab.watch(hands.conversation, 1)
        heard = await tab.hear_until("thread")
        fresh = await in_database(hands.state)()
        assert [f["message"] for f in heard if f["type"] == "message"] == fresh["messages"][1:]
        assert [f["conversation"] for f in heard if f["type"] == "conversation"] == [fresh["conversation"]]
        assert [f["reply"] for f in heard if f["type"] == "reply"] == [fresh["reply"]]
        await tab.watch(hands.conversation, fresh["conversation"]["version"])
        nothing_new = await tab.hear()  # is one short answer
        assert (nothing_new["type"], nothing_new["conversation"]) == ("conversation", fresh["conversation"])
        assert nothing_new["since"] == fresh["conversation"]["version"]


async def test_a_tab_learns_that_its_list_is_old_and_asks_nothing_else_of_a_quiet_one(hands, client, mara):
    async with Tab(client) as tab:
        known = (await in_database(client.get)("/chat/threads/")).json()
        await tab.say({"type": "watch", "threads": known["stamp"]})
        assert await tab.hear() == {"type": "threads", "stamp": known["stamp"]}  # as it is: one short answer
        for deed in (
            lambda: hands.send("news"),
            work,
            lambda: hands.post("read", {"seq": 3}),
            lambda: hands.post("delete"),
            lambda: client.post(f"/girls/{mara.slug}/chat/"),
        ):
            await in_database(deed)()
            await tab.say({"type": "watch", "threads": known["stamp"]})
            told = (await tab.hear_until("threads"))[-1]
            assert told["stamp"] > known["stamp"]
            known = (await in_database(client.get)("/chat/threads/")).json()
            assert known["stamp"] == told["stamp"]
        await tab.watch(hands.conversation, 10**6)
        await tab.hear_until("thread")
        await tab.say({"type": "watch", "conversation": str(hands.conversation.pk), "threads": 0, "version": 10**6})
        assert [f["type"] for f in await tab.hear_until("threads")][-1] == "threads"
        await tab.say({"type": "watch"})
        assert (await tab.hear())["code"] == "bad_request"


async def test_a_tab_is_let_in_when_it_hears(hands, client, alice):
    for n in range(20):
        async with Tab(client) as tab:
            await in_database(premium.grant)(alice, 1, f"staff:{n}")  # told once, the moment the tab is open
            assert (await tab.hear())["type"] == "account"


async def test_a_stranger_is_told_nothing(hands, charlie):
    stranger = Client()
    await in_database(stranger.force_login)(charlie)
    async with Tab(stranger) as tab:
        await tab.watch(hands.conversation)
        foreign = await tab.hear()
        await tab.say({"type": "watch", "conversation": str(uuid.uuid4()), "version": 0})
        assert foreign == await tab.hear()
        assert foreign["code"] == "not_found"
        await in_database(hands.send)("for Mara only")
        assert await tab.socket.receive_nothing(timeout=0.3)


async def test_whose_session_is_over_is_told_so(db):
    stranger = Client()
    stranger.cookies["sessionid"] = "x" * 32
    async with Tab(stranger) as tab:
        assert await tab.closed_with() == consumers.NOT_SIGNED_IN


async def test_a_visitor_is_not_let_in_at_all():
    tab = Tab(Client())  # without the db fixture: a query would fail
    connected, _ = await tab.socket.connect(timeout=SOON)
    assert not connected


@pytest.mark.parametrize("origin", [ORIGIN, "http://evil.example"], ids=["visitor", "foreign"])
async def test_who_is_refused_waits_for_no_thread_of_the_database(origin):
    done = threading.Event()
    busy = asyncio.create_task(sync_to_async(done.wait)(3 * SOON))  # the one thread that a consumer would ask
    try:
        connected, _ = await Tab(Client(), origin).socket.connect(timeout=SOON)
        assert not connected
    finally:
        done.set()
        await busy


@pytest.mark.parametrize("origin", [None, "null", "http://evil.example", "http://testserver:81", "https://testserver"])
async def test_a_foreign_origin_is_refused(hands, client, origin, settings):
    settings.DEBUG = False
    settings.CSRF_TRUSTED_ORIGINS = [ORIGIN]
    tab = Tab(client, origin)
    connected, _ = await tab.socket.connect(timeout=SOON)
    assert not connected


async def test_the_sites_own_origin_is_let_in(hands, client, settings):
    settings.DEBUG = False
    settings.CSRF_TRUSTED_ORIGINS = [ORIGIN]
    async with Tab(client) as tab:
        assert tab.connected


async def test_signing_out_closes_this_sessions_sockets_and_no_others(hands, client, alice):
    phone = Client()
    await in_database(phone.force_login)(alice)
    async with Tab(client) as here, Tab(phone) as there:
        assert await here.is_alive()
        assert await there.is_alive()

        def sign_out():
            request = HttpRequest()
            request.session, request.user = client.session, alice
            logout(request)

        await in_database(sign_out)()
        assert await here.closed_with() == consumers.NOT_SIGNED_IN
        assert await there.is_alive()


async def test_ending_all_sessions_but_one_closes_all_sockets_but_its_own(hands, client, alice):
    phone = Client()
    await in_database(phone.force_login)(alice)
    async with Tab(client) as here, Tab(phone) as there:
        assert await here.is_alive()
        assert await there.is_alive()
        await in_database(sessions.end)(alice, but=client.session.session_key)
        assert await there.closed_with() == consumers.NOT_SIGNED_IN
        assert await here.is_alive()
        await in_database(sessions.end)(alice)
        assert await here.closed_with() == consumers.NOT_SIGNED_IN


@pytest.mark.parametrize("what", ["deactivated", "new password", "session gone", "asked to be erased"])
async def test_an_open_socket_ends_when_its_person_or_session_does(hands, client, alice, what, monkeypatch):
    monkeypatch.setattr(consumers, "CHECK_SECONDS", 0.05)
    async with Tab(client) as tab:

        def change():
            if what == "session gone":
                return client.session.flush()
            if what == "deactivated":
                alice.is_active = False
            elif what == "asked to be erased":
                alice.erase_at = timezone.now() + timedelta(days=14)
            else:
                alice.set_password("something else entirely")
            return alice.save()

        await in_database(change)()
        assert await tab.closed_with() == consumers.NOT_SIGNED_IN


async def test_an_account_that_rests_has_no_socket(hands, client, alice):
    alice.erase_at = timezone.now() + timedelta(days=14)
    await in_database(alice.save)()
    async with Tab(client) as tab:
        assert await tab.closed_with() == consumers.NOT_SIGNED_IN


async def test_who_has_to_agree_first_has_no_socket(hands, client, alice):
    def publish():
        draft = LegalVersion.objects.create(document="terms", text="Be kind.", summary="Be kind.", material=True)
        return legal.publish(draft.pk, by=None, seen=draft.stamp)

    published = await in_database(publish)()
    async with Tab(client) as tab:
        assert await tab.closed_with() == consumers.NOT_SIGNED_IN
    await in_database(legal.agree)(alice, {"terms": published.version})
    async with Tab(client) as tab:
        assert await tab.is_alive()


async def test_bad_frames_are_answered_and_the_sixth_ends_the_socket(hands, client):
    async with Tab(client) as tab:
        for bad in ("{", "[]", '"watch"', '{"type": "send", "text": "hi"}', '{"type": "watch", "conversation": 5}'):
            await tab.say(bad)
            assert (await tab.hear())["type"] == "error"
        assert await tab.is_alive()
        await tab.say("[" * 50_000)
        assert await tab.closed_with() == consumers.POLICY


async def test_a_version_from_the_future_is_answered_with_what_there_is(hands, client):
    async with Tab(client) as tab:
        await tab.watch(hands.conversation, 10**9)
        heard = {frame["type"]: frame for frame in await tab.hear_until("thread")}
        assert "message" not in heard
        assert heard["conversation"]["conversation"]["version"] == 1
        for odd in (-1, 2**70, -(2**70)):
            await tab.watch(hands.conversation, odd)
            await tab.hear_until("thread")
        for senseless in ("x", None, [7]):
            await tab.say({"type": "watch", "conversation": str(hands.conversation.pk), "version": senseless})
            assert (await tab.hear())["type"] == "error"
        assert await tab.is_alive()


def test_a_watch_with_nothing_to_say_asks_once_and_answers_once(hands, client, alice, django_assert_num_queries):
    session, version = client.session.session_key, hands.state()["conversation"]["version"]
    watch = frames.Watch(type="watch", conversation=hands.conversation.pk, version=version)
    first = probing.answer(alice, session, None, watch, None)
    with django_assert_num_queries(1):  # session, person, conversation and list: all in one
        again = probing.answer(alice, session, first.seen, watch, first.header)
    assert len(again.frames) == 1
    assert json.loads(again.frames[0]) == json.loads(first.frames[-2]) | {"since": version}
    hands.send("something to say")
    assert len(probing.answer(alice, session, first.seen, watch, first.header).frames) > 1
    with django_assert_num_queries(1):
        assert probing.look(alice, session, first.seen)
    phone = Client()
    phone.force_login(alice)
    tabs = [(alice, session, first.seen), (alice, phone.session.session_key, first.seen)]
    with django_assert_num_queries(2):
        assert probing.look_at_all(tabs * 10) == [first.seen] * 20
    client.logout()
    assert probing.look_at_all(tabs) == [None, first.seen]
    assert probing.answer(alice, session, first.seen, watch, first.header) is None
    assert probing.look(alice, session, first.seen) is None


async def test_open_sockets_are_counted(hands, client):
    before = consumers.open_sockets._value.get()
    async with Tab(client) as tab:
        assert await tab.is_alive()
        assert consumers.open_sockets._value.get() == before + 1
    assert consumers.open_sockets._value.get() == before


@needs_postgres
async def test_a_slow_read_of_one_tab_holds_up_no_other(hands, client):
    locked, done = threading.Event(), threading.Event()

    def hold():
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("LOCK TABLE chat_conversation IN ACCESS EXCLUSIVE MODE")
            locked.set()
            done.wait(SOON)
        connection.close()

    async with Tab(client) as slow, Tab(client) as quick:
        assert await slow.is_alive()
        holder = threading.Thread(target=hold)
        holder.start()
        assert await asyncio.to_thread(locked.wait, SOON)
        try:
            await slow.watch(hands.conversation, 0)  # waits for the lock; the event loop does not
            await quick.say({"type": "nothing we know"})
            assert (await quick.hear())["type"] == "error"
            assert await slow.socket.receive_nothing(timeout=0.1)
        finally:
            done.set()
            await asyncio.to_thread(holder.join)
        assert await slow.hear_until("conversation")


async def test_words_come_at_most_every_fifty_milliseconds(hands, client, settings):
    with ModelHost() as host:
        settings.LLM_PROVIDERS = [
            {"name": "primary", "base_url": host.url, "api_key": "", "model": "m", "extra_body": {}}
        ]
        await asyncio.to_thread(forget_hosts)
        words = [f"{number} " for number in range(80)]
        host.play([step for word in words for step in (delta(word), 0.01)] + [finish(), DONE])
        async with Tab(client) as tab:
            await tab.watch(hands.conversation, 1)
            await tab.hear_until("thread")
            await in_database(hands.send)("Count, please")
            began = time.monotonic()
            await in_database(work)()
            took = time.monotonic() - began
            heard = await tab.hear_until("message", version=3)
        await asyncio.to_thread(forget_hosts)
    deltas = [frame["text"] for frame in heard if frame["type"] == "delta"]
    assert "".join(words).startswith("".join(deltas))  # the last words come with the message
    assert heard[-1]["message"]["text"].split() == "".join(words).split()
    assert 5 <= len(deltas) <= took / 0.05 + 2


async def test_a_binary_frame_ends_the_socket(hands, client):
    async with Tab(client) as tab:
        await tab.socket.send_to(bytes_data=b"\x00\x01")
        assert await tab.closed_with() == consumers.UNSUPPORTED


async def test_a_frame_over_64_kib_ends_the_socket(hands, client):
    async with Tab(client) as tab:
        await tab.say("x" * (64 * 1024 + 1))
        assert await tab.closed_with() == consumers.TOO_BIG


async def test_a_flood_ends_the_socket(hands, client):
    async with Tab(client) as tab:
        for _ in range(200):
            await tab.watch(hands.conversation, 99)
        assert await tab.closed_with() == consumers.FLOOD


async def test_the_eleventh_socket_closes_the_oldest(hands, client):
    tabs = [Tab(client) for _ in range(11)]
    for tab in tabs:
        await tab.__aenter__()
        assert await tab.is_alive() if tab is not tabs[10] else True
    assert await tabs[0].closed_with() == consumers.TOO_MANY_SOCKETS
    assert await tabs[1].is_alive()
    assert await tabs[10].is_alive()
    for tab in tabs:
        await tab.__aexit__()


async def test_two_tabs_hear_the_same(hands, client):
    async with Tab(client) as one, Tab(client) as two:
        for tab in (one, two):
            await tab.watch(hands.conversation, 1)
            await tab.hear_until("thread")
        await in_database(hands.send)("Hello")
        await in_database(work)()
        heard = await asyncio.gather(one.hear_until("message", version=3), two.hear_until("message", version=3))
        assert heard[0] == heard[1]


async def test_premium_shows_in_an_open_tab_at_once_and_goes_at_once(hands, client, alice):
    async with Tab(client) as tab:
        assert await tab.is_alive()
        await in_database(premium.grant)(alice, 30, "staff:gift")
        heard = await tab.hear()
        assert (heard["type"], heard["premium_active"]) == ("account", True)
        await in_database(premium.revoke)("staff:gift")
        assert await tab.hear() == {"type": "account", "premium_active": False, "premium_until": None}


async def test_a_page_without_a_conversation_asks_how_premium_stands(hands, client, alice):
    async with Tab(client) as tab:
        for active in (False, True):
            await tab.say({"type": "watch", "account": True})
            assert (await tab.hear())["premium_active"] is active
            if not active:
                await in_database(premium.grant)(alice, 30, "staff:gift")
                await tab.hear_until("account", premium_active=True)


async def test_premium_that_runs_out_is_told_to_an_open_tab(hands, client, alice):
    for seconds in (2, 10, 60):
        soon = timezone.now() + timedelta(seconds=seconds)
        await in_database(User.objects.filter(pk=alice.pk).update)(premium_until=soon)
        async with Tab(client) as tab:
            if timezone.now() >= soon:
                continue  # it was over before this machine had opened the tab
            heard = (await tab.hear_until("account"))[-1]
            assert heard["premium_active"] is False
            assert timezone.now() >= soon
            return
    raise AssertionError("no tab was open in a minute")


@pytest.mark.parametrize("comes", [True, False], ids=["comes", "goes"])
async def test_a_change_of_premium_whose_bell_was_lost_is_told_at_the_next_check(
    hands, client, alice, comes, monkeypatch
):
    monkeypatch.setattr(consumers, "CHECK_SECONDS", 0.05)
    now = timezone.now()
    days = [now - timedelta(days=1), now + timedelta(days=1)]
    await in_database(User.objects.filter(pk=alice.pk).update)(premium_until=days[not comes])
    async with Tab(client) as tab:
        assert await tab.is_alive()
        await in_database(User.objects.filter(pk=alice.pk).update)(premium_until=days[comes])
        heard = await tab.hear()
        assert (heard["type"], heard["premium_active"]) == ("account", comes)
