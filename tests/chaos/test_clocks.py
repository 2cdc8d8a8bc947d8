"""No two clocks agree. The database's decides what is due; sequences decide what is newer."""

from datetime import timedelta

import pytest

from accounts.models import Permit
from chat.models import Message, Reply
from tests.chaos.members import Member, Talk
from tests.config.processes import Browser, manage, until
from tests.factories import UserFactory
from tests.fakes.model_host import http, said
from tests.racing import needs_postgres
from tests.servers import free_port

pytestmark = needs_postgres


@pytest.fixture
def clocks(production):
    """Dusk with a web process and a worker whose clocks are wrong by so much."""

    def start(**wrong):
        for name, seconds in wrong.items():
            production.set_clock(name, seconds)
        production.start("redis", "web", "worker", "beat")
        return production

    return start


def test_with_a_worker_two_minutes_ahead_and_a_web_two_minutes_behind_all_goes_on(clocks):
    production = clocks(worker=120, web=-120, beat=60)
    assert manage("demo", "--without-photos", **production.env).returncode == 0
    with Browser(production.url) as browser:
        browser.sign_in()
        conversation = browser.open_chat()
        talk = Talk(browser, conversation, True, 1)
        talk(3)
        until(talk.is_answered, what="an answer to all")
        assert browser.state(conversation)["reply"]["state"] == "done"
    assert talk.answers == [201] * 3
    written = Message.objects.values_list("created_at", flat=True).order_by("seq")
    assert list(written) == sorted(written)
    for reply in Reply.objects.all():
        assert written[0] <= reply.created_at <= reply.finished_at
        assert abs(reply.finished_at - reply.messages.get().created_at) < timedelta(seconds=30)


def test_a_clock_that_steps_back_leaves_what_is_newest_the_newest(clocks, alice, mara, host):
    production = clocks(web=0, worker=0)
    with Member(production.url, alice) as member:
        conversation = member.open_chat()
        member.try_to_send(conversation)
        first = member.settled(conversation)
        assert first["reply"]["state"] == "done"
        for name in ("web", "worker"):
            production.set_clock(name, -40)
        host.play(http(500), http(500), said("Here I am."))
        member.try_to_send(conversation)
        assert member.settled(conversation)["reply"]["state"] == "failed"
        assert member.retry(conversation).status_code == 201
        last = member.settled(conversation)
        assert last["reply"]["state"] == "done"
        assert last["messages"][-1]["text"] == "Here I am."
        (thread,) = member.http.get("/chat/threads/").json()["threads"]
        assert thread["last_message_at"] == last["messages"][-1]["created_at"] > first["messages"][-1]["created_at"]


def test_permits_that_a_host_with_a_late_clock_mints_are_good(clocks, alice, mara):
    production = clocks(web=0, worker=0)
    with Member(production.url, alice) as member:
        conversation = member.open_chat()
        Permit.objects.all().delete()

        def mint():
            answer = member.post("/chat/permits/", token="a-browser", scope="chat_send")
            return answer.json()["permit"]

        for _ in range(3):
            mint()
        production.set_clock("web", -40)
        for _ in range(2):
            member.permit = mint()
            assert member.try_to_send(conversation).status_code == 201


def test_asking_again_works_on_every_host(clocks, alice, mara, host, production):
    port = free_port()
    production.own["web 2"] = {"PORT": str(port)}
    production.set_clock("web 2", -5)
    clocks(web=5, worker=0)
    production.start("web 2")
    host.play(http(500))
    with Member(production.url, alice) as one, Member(f"http://127.0.0.1:{port}", alice) as other:
        conversation = one.open_chat()
        one.try_to_send(conversation)
        for member, another in ((other, one), (one, other), (other, one)):
            for tab in (member, another):
                assert tab.settled(conversation)["reply"]["can_retry"]
            assert member.retry(conversation).status_code == 201
        one.settled(conversation)
        host.play(said("Here I am."))
        other.retry(conversation)
        for tab in (one, other):
            assert tab.settled(conversation)["reply"]["state"] == "done"


def test_a_conversation_that_waits_on_a_late_host_is_not_overdue(clocks, host):
    """Each end is by the database's clock, though web and worker are four minutes apart."""
    production = clocks(web=120, worker=-120)
    with Member(production.url, UserFactory()) as member:
        manage("demo", "--without-photos", **production.env)
        conversation = member.open_chat()
        for _ in range(2):
            assert member.try_to_send(conversation).status_code == 201
        assert member.settled(conversation)["reply"]["state"] == "done"
    assert not Reply.objects.filter(state="failed").exists()
