"""Whatever happens, in any order: a tab that knew any version and asks what is newer ends up like a fresh page."""

import random
import uuid

import pytest
from django.db import transaction

from chat import frames, probing, sending, starting, sync
from chat.models import Alternative, Conversation, Message, Reply
from chat.settling import Written, end
from tests.factories import PermitFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded]


class Room:
    """One conversation, and everything that can happen in it."""

    def __init__(self, user, girl, chance):
        self.user, self.girl, self.chance = user, girl, chance
        self.permit = PermitFactory(user=user, uses_left=100_000)
        starting.start_conversation(user, girl)
        Conversation.objects.update(free_text=30)

    @property
    def conversation(self):
        return Conversation.objects.visible_to(self.user).get()

    def owed(self):
        return Reply.objects.owed().first()

    def hers(self):
        return list(self.conversation.messages.filter(deleted_at=None, sender="ai").order_by("seq"))

    def send(self):
        sending.send_message(
            self.user, self.conversation.pk, text=f"Hello {self.chance.random()}", client_id=uuid.uuid4(),
            permit=self.permit.pk,
        )  # fmt: skip

    def end(self, state, text=""):
        if reply := self.owed():
            end(reply, state, written=Written(text))

    def answer(self):
        self.end(Reply.State.DONE, f"An answer {self.chance.random()}")

    def fail(self):
        self.end(Reply.State.FAILED)

    def stop(self):
        sending.stop_reply(self.conversation, seen=None)

    def retry(self):
        latest = sync.latest_reply(self.conversation)
        if latest and latest.state == "failed":
            sending.retry_reply(self.conversation)

    def ask_for_another(self):
        hers = self.hers()
        if self.owed() or not hers:
            return
        with transaction.atomic():
            conversation = Conversation.objects.locked(self.conversation.pk)
            conversation.bump()
            last = hers[-1].seq
            conversation.owe_reply(through=last, purpose=Reply.Purpose.REGENERATE, replaces=last)

    def erase(self):
        said = list(self.conversation.messages.filter(deleted_at=None))
        if said:
            with transaction.atomic():
                conversation = Conversation.objects.locked(self.conversation.pk)
                conversation.erase(self.chance.choice(said))

    def read(self):
        sending.mark_read(self.conversation, seq=self.conversation.last_seq)

    def start_anew(self):
        if self.chance.random() < 0.2:
            starting.delete_conversation(self.conversation)
            starting.start_conversation(self.user, self.girl)

    deeds = (send, send, answer, answer, answer, fail, stop, retry, ask_for_another, erase, erase, read, start_anew)

    def page(self):
        return sync.snapshot(self.conversation)


class Tab:
    """What a tab holds: made of a page, and of nothing but what it is told since."""

    def __init__(self, page):
        self.take_afresh(page)

    def take_afresh(self, page):
        self.header, self.reply = page["conversation"], page["reply"]
        self.messages = {m["id"]: m for m in page["messages"]}

    def learn(self, changes):
        self.header, self.reply = changes["conversation"], changes["reply"]
        for message in changes["messages"]:
            if message.get("deleted"):
                assert set(message) == {"id", "seq", "version", "deleted"}
                self.messages.pop(message["id"], None)
            else:
                self.messages[message["id"]] = message

    def shows(self):
        return self.header, self.reply, sorted(self.messages.values(), key=lambda m: m["seq"])


@pytest.mark.parametrize("seed", range(12))
def test_a_tab_that_knew_any_version_ends_like_a_fresh_page(alice, mara, seed):
    chance = random.Random(seed)
    room = Room(alice, mara, chance)
    tabs = [(0, Tab(room.page()))]
    for _ in range(40):
        chance.choice(Room.deeds)(room)
        tabs.append((room.conversation.version, Tab(room.page())))
    assert len({version for version, _ in tabs}) > 10, "too little happened"
    fresh = Tab(room.page()).shows()
    told = 0
    for _, tab in tabs:
        changes = sync.changes_since(room.conversation, tab.header["version"]).state()
        if changes["has_more"]:
            tab.take_afresh(room.page())
        else:
            tab.learn(changes)
            told += 1
        assert tab.shows() == fresh
    assert told > 5
    assert Reply.objects.owed().count() <= 1


@pytest.mark.parametrize("seed", range(4))
def test_the_socket_tells_the_same(alice, mara, client, seed):
    chance = random.Random(1000 + seed)
    client.force_login(alice)
    session = client.session.session_key
    room = Room(alice, mara, chance)
    for _ in range(15):
        before = Tab(room.page())
        for _ in range(3):
            chance.choice(Room.deeds)(room)
        watch = frames.Watch(type="watch", conversation=room.conversation.pk, version=before.header["version"])
        said = [frames_of(text) for text in probing.answer(alice, session, None, watch, None).frames]
        changes = sync.changes_since(room.conversation, watch.version).state()
        if changes["has_more"]:
            assert [frame["code"] for frame in said] == ["too_far_behind"]
            continue
        assert [f["message"] for f in said if f["type"] == "message"] == changes["messages"]
        assert [f["reply"] for f in said if f["type"] == "reply"] == [changes["reply"]] * bool(changes["reply"])
        assert [f["conversation"] for f in said if f["type"] == "conversation"] == [changes["conversation"]]


def frames_of(text):
    import json

    return json.loads(text)


def test_a_deleted_message_leaves_no_words_anywhere(hands, client, alice):
    hands.send("something I regret")
    known = hands.state()["conversation"]["version"]
    with transaction.atomic():
        conversation = Conversation.objects.locked(hands.conversation.pk)
        conversation.erase(conversation.messages.get(seq=2))
    for said in (hands.state(), hands.state(after=0), client.get("/chat/threads/").json()):
        assert "regret" not in str(said)
    assert "regret" not in client.get(hands.url).content.decode()
    (told,) = hands.state(after=known)["messages"]
    assert told == {"id": told["id"], "seq": 2, "version": known + 1, "deleted": True}
    assert [m["seq"] for m in hands.state()["messages"]] == [1]
    assert hands.state()["conversation"]["last_seq"] == 2  # its place stays


def test_another_answer_takes_the_place_and_the_first_is_kept(hands):
    room = Room.__new__(Room)
    room.user, room.girl, room.chance = hands.conversation.user, hands.conversation.girl, random.Random(1)
    room.permit = hands.permit
    hands.send()
    room.end(Reply.State.DONE, "The first answer")
    first = hands.state()["messages"][-1]
    assert hands.state()["reply"]["message"] == first["id"]
    room.ask_for_another()
    asked = hands.state()["reply"]
    assert (asked["replaces"], asked["message"], asked["state"]) == (first["id"], None, "queued")
    room.end(Reply.State.DONE, "The second answer")
    state = hands.state()
    second = state["messages"][-1]
    assert (second["id"], second["seq"]) == (first["id"], first["seq"])
    assert (second["text"], second["alternatives"], second["chosen"]) == ("The second answer", 2, 2)
    assert (state["reply"]["message"], state["reply"]["replaces"]) == (first["id"], first["id"])
    assert list(Alternative.objects.order_by("n").values_list("n", "text")) == [
        (1, "The first answer"),
        (2, "The second answer"),
    ]
    for state_, text in ((Reply.State.FAILED, "half of"), (Reply.State.STOPPED, "")):
        room.ask_for_another()
        room.end(state_, text)
        assert hands.state()["messages"][-1]["text"] == "The second answer"
    assert Message.objects.filter(sender="ai").count() == 2
