"""Redis is a bell: while it is away, nothing is refused; when it is back, nothing is missing or double."""

import json
import re
import signal
import threading

from django.conf import global_settings
from django.contrib.auth.hashers import make_password
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from accounts.models import User
from chat.models import Message, Reply
from tests.chaos.conftest import slowly
from tests.config.processes import Browser, until
from tests.factories import PASSWORD
from tests.racing import needs_postgres
from tests.servers import DEADLINE

pytestmark = needs_postgres
BOUND = 10  # seconds; a promise of half a second for each bell, and a machine that may be busy


class Tab:
    """A tab's socket, and its copy of one conversation: made of what it was told, and of nothing else."""

    def __init__(self, browser, conversation):
        self.browser, self.conversation = browser, conversation
        state = browser.state(conversation)
        self.messages = {m["seq"]: m for m in state["messages"]}
        self.header, self.reply = state["conversation"], state["reply"]
        self.known = self.header["version"]  # all up to it; a header that is told may be ahead of lost messages
        self.open()

    def open(self):
        url = str(self.browser.http.base_url).replace("http", "ws", 1).rstrip("/")
        headers = {"Cookie": self.browser.cookies}
        origin = str(self.browser.http.base_url).rstrip("/")
        self.socket = connect(f"{url}/ws/", origin=origin, additional_headers=headers, proxy=None, legacy=True)

    def watch(self):
        """Ask what is newer, and listen until that is told; reconnect when the socket is gone."""
        try:
            self.ask()
            while not self.hear(json.loads(self.socket.recv(timeout=DEADLINE))):
                pass
        except ConnectionClosed:
            self.open()
            self.watch()

    def ask(self):
        self.socket.send(json.dumps({"type": "watch", "conversation": self.conversation, "version": self.known}))

    def hear(self, frame):
        """Take a frame; whether it ends the answer to a watch."""
        if frame.get("conversation") == self.conversation and frame["type"] == "message":
            self.messages[frame["message"]["seq"]] = frame["message"]
        elif frame.get("conversation") == self.conversation and frame["type"] == "reply":
            self.reply = frame["reply"]
        elif frame["type"] == "conversation" and frame["conversation"]["id"] == self.conversation:
            self.header = frame["conversation"]
            if "since" in frame:
                self.known = self.header["version"]
            return "since" in frame
        return False

    def is_like_a_fresh_page(self):
        fresh = self.browser.state(self.conversation)
        mine = [self.messages[seq] for seq in sorted(self.messages)]
        assert mine[-len(fresh["messages"]) :] == fresh["messages"]  # a page begins with the newest
        assert self.header == fresh["conversation"]
        assert self.reply == fresh["reply"]
        return True


def sent_and_answered(*texts):
    """Exactly these were said by the member, and she answered each that waited."""
    said = list(Message.objects.order_by("seq").values_list("sender", "text"))
    assert [text for sender, text in said if sender == "user"] == list(texts)
    done = Reply.objects.filter(state="done").count()
    assert done == len([1 for sender, _ in said if sender == "ai"]) - 1  # the first is her greeting
    assert not Reply.objects.owed().exists()


def test_without_redis_all_goes_on_and_answers_come_when_it_is_back(production, member, charlie, settings):
    settings.PASSWORD_HASHERS = global_settings.PASSWORD_HASHERS  # what the processes know
    User.objects.filter(pk=charlie.pk).update(password=make_password(PASSWORD))
    production.start("redis", "web", "worker", "beat")
    conversation = member.open_chat()
    tab = Tab(member, conversation)
    member.try_to_send(conversation, "With Redis")
    member.settled(conversation)
    production.kill("redis")

    for text in ("Without", "and without"):
        assert member.try_to_send(conversation, text, timeout=BOUND).status_code == 201
    for path in ("/chat/", f"/chat/{conversation}/", "/", f"/chat/{conversation}/state/"):
        assert member.http.get(path, timeout=BOUND).status_code == 200, path
    with Browser(production.url) as other:
        page = other.http.get("/accounts/login/", timeout=BOUND).text
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[1]
        form = {"login": charlie.email, "password": PASSWORD, "cf-turnstile-response": "a-browser"}
        other.http.post("/accounts/login/", data={**form, "csrfmiddlewaretoken": token})
        assert other.http.get("/chat/threads/").status_code == 200

    production.start("redis")
    member.settled(conversation)
    until(lambda: not Reply.objects.owed().exists(), what="answers to all")
    sent_and_answered("With Redis", "Without", "and without")
    tab.watch()
    assert tab.is_like_a_fresh_page()
    tab.socket.close()


def test_a_frozen_redis_holds_nobody_up(production, member):
    production.start("redis", "web", "worker", "beat")
    conversation = member.open_chat()
    tab = Tab(member, conversation)
    member.try_to_send(conversation, "Before")
    member.settled(conversation)
    production["redis"].signal(signal.SIGSTOP)
    try:
        for text in ("Frozen", "and frozen"):
            assert member.try_to_send(conversation, text, timeout=BOUND).status_code == 201
        assert member.http.get(f"/chat/{conversation}/", timeout=BOUND).status_code == 200
        tab.watch()  # an open socket still asks the database
        assert tab.messages[max(tab.messages)]["text"] == "and frozen"
    finally:
        production["redis"].signal(signal.SIGCONT)
    member.settled(conversation)
    until(lambda: not Reply.objects.owed().exists(), what="answers to all")
    sent_and_answered("Before", "Frozen", "and frozen")
    tab.watch()
    assert tab.is_like_a_fresh_page()
    tab.socket.close()


def test_a_full_redis_refuses_nobody(production, member):
    production.start("redis", "web", "worker", "beat")
    conversation = member.open_chat()
    member.try_to_send(conversation, "Before")
    member.settled(conversation)
    with production.redis() as redis:
        redis.config_set("maxmemory", "1")  # and nothing is thrown away: each write is refused
        for text in ("Full", "and full"):
            assert member.try_to_send(conversation, text, timeout=BOUND).status_code == 201
        for path in ("/", "/chat/", f"/chat/{conversation}/"):
            assert member.http.get(path, timeout=BOUND).status_code == 200, path
        redis.config_set("maxmemory", "0")
    member.settled(conversation)
    until(lambda: not Reply.objects.owed().exists(), what="answers to all")
    sent_and_answered("Before", "Full", "and full")


def test_a_tab_whose_frames_were_lost_asks_and_has_all_of_them(production, member, host):
    seen = threading.Event()
    first, *others = slowly(*["word "] * 12, pause=0.1)
    host.play([first, seen, *others])
    production.start("redis", "web", "worker", "beat")
    conversation = member.open_chat()
    tab = Tab(member, conversation)
    with production.redis() as redis:
        member.try_to_send(conversation, "Are you there?")
        until(lambda: Reply.objects.filter(state="writing").exists(), what="a reply that is being written")
        seen.set()
        while Reply.objects.owed().exists():  # whoever listens is thrown out, again and again
            redis.client_kill_filter(_type="pubsub")
        tab.watch()
        assert tab.is_like_a_fresh_page()
        assert tab.reply["state"] == "done"
        until(lambda: redis.pubsub_channels("*__group__*"), what="somebody who listens to the bell again")
    member.try_to_send(conversation, "And now?")
    while len(tab.messages) < 5:  # told, without asking
        tab.hear(json.loads(tab.socket.recv(timeout=DEADLINE)))
    tab.socket.close()
    sent_and_answered("Are you there?", "And now?")
