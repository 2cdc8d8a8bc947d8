"""Every message is answered or visibly not."""

import asyncio
import threading
import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from chat import replying, tasks
from chat.llm import close_llm
from chat.models import Conversation, Message, Reply
from chat.settling import Written, end
from config.lib import owed
from tests.chat.conftest import work
from tests.chat.test_sending import in_parallel
from tests.config.processes import until
from tests.fakes.model_host import CUT, ModelHost, delta, finish, http, said

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.embedded]


@pytest.fixture
def hosts(settings):
    """Two model hosts, primary and fallback, that can fail in every way."""
    with ModelHost() as primary, ModelHost() as fallback:
        settings.LLM_PROVIDERS = [
            {"name": name, "base_url": host.url, "api_key": "SECRET-KEY", "model": name, "extra_body": {}}
            for name, host in (("primary", primary), ("fallback", fallback))
        ]
        forget_hosts()
        yield primary, fallback
        forget_hosts()


def forget_hosts():
    """The desk keeps its model hosts for as long as the process lives; a test brings its own."""
    desk = replying.desk()
    asyncio.run_coroutine_threadsafe(close_llm(), desk.loop).result()


class Writing:
    """A reply that a worker writes beside the test: its first words are saved, the others come after `go_on`.

    However busy the machine is, she is in the middle of it until the test lets her go on or ends her.
    """

    def __init__(self, host, first, rest="and so on.", *, then=(), write=tasks.write_reply):
        self.go_on, self.write = threading.Event(), write
        host.play([delta(f"{first} "), self.go_on, delta(rest), finish()], *then)

    def __enter__(self):
        self.pk = the_reply().pk
        self.worker = threading.Thread(target=self.write, args=(str(self.pk),))
        self.worker.start()
        until(lambda: Reply.objects.get(pk=self.pk).text, what="words that were saved while she writes")
        return self

    def __exit__(self, *error):
        if any(error):
            self.go_on.set()
        self.worker.join(30)
        self.go_on.set()  # the host waits, too
        assert any(error) or not self.worker.is_alive(), "she is still writing"


def rung_for_replies(rung):
    """The replies that bells rang for."""
    return [reply for name, *arguments in rung if name == Reply.TASK for reply in arguments]


def hers(conversation):
    said = Message.objects.filter(conversation=conversation, sender="ai", seq__gt=1)
    return list(said.order_by("seq").values_list("text", flat=True))


def the_reply():
    return Reply.objects.latest("created_at")


def test_a_message_is_answered(hands):
    hands.send("Hello Mara")
    work()
    state = hands.state()
    assert [m["sender"] for m in state["messages"]] == ["ai", "user", "ai"]
    assert state["messages"][-1]["text"]
    assert state["reply"]["state"] == "done"
    assert state["conversation"]["free_remaining"]["text"] == 9
    reply = the_reply()
    assert reply.provider == "scripted"
    assert reply.tokens_in
    assert reply.tokens_out
    assert reply.first_token_ms is not None
    assert reply.total_ms is not None


def test_the_model_is_shown_the_persona_and_the_last_eight_turns(hands, hosts, mara):
    primary, _ = hosts
    for number in range(6):
        hands.send(f"message {number}")
        work()
    asked = primary.requests[-1].body
    turns = asked["messages"]
    assert turns[0]["role"] == "system"
    assert mara.persona_prompt in turns[0]["content"]
    assert turns[0]["content"].endswith(f"What Mara has already said to them:\n{hers(hands.conversation)[1]}")
    assert len(turns) == 1 + 7
    assert turns[-1] == {"role": "user", "content": "message 5"}


@pytest.mark.parametrize("template", ["strict", "no system"])
def test_every_chat_template_can_tell_what_happened(hands, hosts, template):
    primary, fallback = hosts
    primary.template = template
    fallback.play(http(500))
    hands.send("first")  # after her greeting
    work()
    primary.play(http(401), said("Here."))
    hands.send("not answered")
    work()
    hands.send("again")
    hands.send("and again")
    work()
    assert hers(hands.conversation) == ["Hello there.", "Here."]


def test_names_stand_where_the_author_left_a_place_for_them(alice, mara, hosts, request):
    primary, _ = hosts
    alice.name, mara.greeting, mara.persona_prompt = "Robin", "Hi {{user}}, {{char}} here.", "{{char}} knows {{user}}."
    alice.save()
    mara.save()
    hands = request.getfixturevalue("hands")  # not before: her greeting is written when they begin
    assert hands.state()["messages"][0]["text"] == "Hi Robin, Mara here."
    hands.send()
    work()
    assert "Mara knows Robin." in primary.requests[-1].body["messages"][0]["content"]


def test_the_settings_say_how_long_and_how_freely_she_answers(hands, hosts, settings):
    primary, _ = hosts
    settings.LLM_TEMPERATURE, settings.LLM_MAX_TOKENS = 0.3, 99
    hands.send()
    work()
    asked = primary.requests[-1].body
    assert (asked["temperature"], asked["max_tokens"]) == (0.3, 99)


def test_messages_sent_while_she_writes_are_answered_together_by_the_next_reply(hands, hosts):
    primary, _ = hosts
    hands.send("first")
    first = the_reply()
    token = uuid.uuid4()
    assert Reply.objects.claim(first.pk, token=token)
    assert hands.send("second").json()["reply"]["id"] == str(first.pk)
    assert hands.send("third").json()["reply"]["id"] == str(first.pk)
    end(first, Reply.State.DONE, token=token, written=Written("answer to the first"))
    assert the_reply() != first
    assert the_reply().answers_through == 4
    work()
    said = [(m["sender"], m["text"]) for m in hands.state()["messages"]][1:]
    assert [sender for sender, _ in said] == ["user", "user", "user", "ai", "ai"]
    assert [t["content"] for t in primary.requests[-1].body["messages"][1:]] == [
        "first", "answer to the first", "second\nthird",
    ]  # fmt: skip


def test_the_fallback_answers_when_the_primary_is_misconfigured(hands, hosts):
    primary, fallback = hosts
    primary.play(http(401))
    fallback.play(said("The fallback speaks."))
    hands.send()
    work()
    assert hers(hands.conversation) == ["The fallback speaks."]
    assert the_reply().provider == "fallback"


def test_when_both_hosts_fail_the_reply_fails_visibly_and_the_message_is_given_back_once(hands, hosts):
    for host in hosts:
        host.play(http(401))
    hands.send()
    assert hands.free() == 9
    work()
    state = hands.state()
    assert state["reply"]["state"] == "failed"
    assert state["reply"]["can_retry"] is True
    assert state["conversation"]["free_remaining"]["text"] == 10
    tasks.write_reply(str(the_reply().pk))  # the bell again
    end(the_reply(), Reply.State.FAILED)
    assert hands.free() == 10


def test_trying_again_charges_again_and_answers(hands, hosts):
    for host in hosts:
        host.play(http(401))
    hands.send("Are you there?")
    work()
    for host in hosts:
        host.play(said("Now I am."))
    assert hands.post("retry").status_code == 201
    assert hands.post("retry").status_code == 200  # pressed twice
    assert hands.free() == 9
    work()
    assert hers(hands.conversation) == ["Now I am."]
    assert hands.state()["reply"]["state"] == "done"
    assert hands.free() == 9
    assert hands.post("retry").status_code == 400  # nothing to try again


def test_trying_again_with_nothing_left_is_refused(hands, hosts):
    for host in hosts:
        host.play(http(401))
    hands.send()
    work()
    Conversation.objects.update(free_text=0)
    response = hands.post("retry")
    assert response.status_code == 402
    assert hands.state()["reply"]["state"] == "failed"


def test_a_reply_that_breaks_off_in_the_middle_is_not_kept_as_complete(hands, hosts):
    primary, _ = hosts
    primary.play([delta("This is only half of"), CUT])
    hands.send()
    work()
    assert hers(hands.conversation) == []
    assert hands.state()["reply"]["state"] == "failed"
    assert hands.free() == 10


def test_the_words_of_a_reply_that_broke_off_stay_until_it_is_asked_for_again(hands, hosts):
    primary, _ = hosts
    primary.play([delta("This is only half "), CUT])
    hands.send()
    work()
    for state in (hands.state(), hands.state(after=0)):
        assert (state["reply"]["text"], state["reply"]["can_retry"]) == ("This is only half", True)
        assert state["reply"]["message"] is None
    primary.play(said("This is all of it."))
    assert hands.post("retry").json()["reply"]["text"] == ""
    work()
    assert hers(hands.conversation) == ["This is all of it."]
    assert hands.state()["reply"]["text"] == ""
    assert "only half" not in str(primary.requests[-1].body)  # the model is not told of it
    assert hands.free() == 9


def test_what_nobody_could_see_of_a_reply_that_broke_off_is_not_kept(hands, hosts):
    primary, _ = hosts
    primary.play([delta(" \u200b\n"), CUT])
    hands.send()
    work()
    assert hands.state()["reply"]["text"].strip("\u200b \n") == ""


def test_a_reply_cut_by_the_token_limit_ends_at_a_sentence(hands, hosts):
    primary, _ = hosts
    primary.play([delta("One whole sentence. And then half of"), finish("length")])
    hands.send()
    work()
    assert hers(hands.conversation) == ["One whole sentence."]


def test_the_same_task_delivered_five_times_in_parallel_writes_once(hands, hosts):
    primary, _ = hosts
    primary.play(said("Once."))
    hands.send()
    pk = str(the_reply().pk)
    in_parallel(5, lambda _: tasks.write_reply(pk))
    assert hers(hands.conversation) == ["Once."]
    assert len(primary.requests) == 1


def test_a_reply_whose_worker_died_is_written_by_another(hands, rung):
    hands.send()
    rung.clear()
    reply = the_reply()
    dead = uuid.uuid4()
    assert Reply.objects.claim(reply.pk, token=dead)
    owed.sweep()
    assert not rung_for_replies(rung)  # the lease still runs
    assert not Reply.objects.claim(reply.pk, token=uuid.uuid4())
    Reply.objects.update(due_at=timezone.now() - timedelta(seconds=3))
    owed.sweep()
    assert rung_for_replies(rung) == [str(reply.pk)]
    tasks.write_reply(str(reply.pk))
    assert len(hers(hands.conversation)) == 1
    end(reply, Reply.State.DONE, token=dead, written=Written("from the grave"))
    assert len(hers(hands.conversation)) == 1
    assert Reply.objects.get().attempts == 2


def test_a_reply_that_a_process_from_before_the_deploy_ended_is_not_written_again(hands, rung):
    hands.send()
    gone = timezone.now() - timedelta(minutes=5)
    Reply.objects.update(state="done", due_at=gone)  # such a process knows no due_at
    rung.clear()
    owed.sweep()
    assert rung_for_replies(rung) == []
    assert not Reply.objects.claim(the_reply().pk, token=uuid.uuid4())
    tasks.write_reply(str(the_reply().pk))
    assert hers(hands.conversation) == []


def test_a_reply_nobody_heard_of_is_rung_again(hands, rung, monkeypatch):
    monkeypatch.setattr(owed, "UNHEARD", timedelta(minutes=1))  # longer than any machine takes from here to the sweep
    hands.send()
    assert rung_for_replies(rung) == [str(the_reply().pk)]
    rung.clear()
    owed.sweep()
    assert not rung_for_replies(rung)  # it rang a moment ago
    Reply.objects.update(due_at=timezone.now() - timedelta(seconds=61))
    owed.sweep()
    assert rung_for_replies(rung) == [str(the_reply().pk)]


def test_an_overdue_reply_fails_and_gives_back_whoever_looks(hands):
    hands.send()
    Reply.objects.update(created_at=timezone.now() - timedelta(seconds=90))
    state = hands.state()  # no worker, no sweep: the tab that asks is told
    assert state["reply"]["state"] == "failed"
    assert state["conversation"]["free_remaining"]["text"] == 10


def test_the_sweep_ends_what_is_overdue_or_was_tried_too_often(hands, settings, request):
    gone = timezone.now() - timedelta(seconds=3)
    hands.send()
    Reply.objects.update(created_at=timezone.now() - timedelta(seconds=90), due_at=gone)
    request.getfixturevalue("heard")
    owed.sweep()
    assert the_reply().state == "failed"
    settings.BELLS = "off"
    hands.send()
    Reply.objects.filter(pk=the_reply().pk).update(
        state="writing", lease_token=uuid.uuid4(), due_at=gone, attempts=settings.REPLY_MAX_ATTEMPTS
    )
    request.getfixturevalue("heard")
    settings.BELLS = "at once"
    owed.sweep()
    assert the_reply().state == "failed"
    assert hands.free() == 10


def test_stopping_before_she_begins_leaves_no_message(hands):
    hands.send()
    response = hands.post("stop", {"seen": 0})
    assert response.json()["reply"]["state"] == "stopped"
    work()
    assert hers(hands.conversation) == []
    assert hands.state()["reply"]["state"] == "stopped"


def test_stopping_keeps_what_was_seen_to_the_letter(hands, hosts, settings):
    settings.REPLY_LEASE_SECONDS = 3  # saved with each look
    hands.send()
    with Writing(hosts[0], "One two 🙂 three four five six seven eight nine ten"):
        seen = len("One two 🙂 th".encode("utf-16-le")) // 2
        hands.post("stop", {"seen": seen})
    assert hers(hands.conversation) == ["One two 🙂 th"]
    assert hands.state()["reply"]["state"] == "stopped"


def test_a_conversation_deleted_meanwhile_drops_the_reply(hands, hosts, settings):
    settings.REPLY_LEASE_SECONDS = 3
    hands.send()
    with Writing(hosts[0], "a reply to words"):
        assert hands.post("delete").status_code == 204
    assert hers(hands.conversation) == []
    assert the_reply().state == "failed"


def test_a_member_deactivated_meanwhile_gets_no_reply(hands, alice):
    hands.send()
    alice.is_active = False
    alice.save()
    work()
    assert hers(hands.conversation) == []
    assert the_reply().state == "failed"


def test_a_stopping_worker_hands_its_replies_on(hands, hosts, rung, settings):
    settings.REPLY_LEASE_SECONDS = 3
    hands.send()
    desk = replying.Desk()

    def write(pk):
        asyncio.run_coroutine_threadsafe(desk.write_reply(uuid.UUID(pk)), desk.loop).result()

    with Writing(hosts[0], "a slow reply", then=[said("Here it is.")], write=write) as writing:
        asyncio.run_coroutine_threadsafe(desk.hand_on(0), desk.loop).result()
    assert rung_for_replies(rung) == [str(writing.pk)] * 2  # once for each worker
    assert the_reply().state == "queued"
    work()
    assert hers(hands.conversation) == ["Here it is."]


def test_markup_from_a_model_is_text(hands, hosts):
    primary, _ = hosts
    primary.play(said("*Smiles* <img src=x onerror=alert(1)> [a](javascript:x) {{7*7}} </script>"))
    hands.send("<script>alert(1)</script>")
    work()
    mine, reply = hands.state()["messages"][1:]
    paragraph = '<p dir="auto">'
    assert mine["html"] == f"{paragraph}&lt;script&gt;alert(1)&lt;/script&gt;</p>"
    assert reply["html"].startswith(
        '<p dir="auto"><em>Smiles</em> &lt;img src=x onerror=alert(1)&gt; [a](javascript:x) {{7*7}}'
    )
    assert "<img" not in reply["html"]


def test_words_travel_together_when_many_replies_are_written_at_once():
    assert replying.pace(1) == 0.05
    paces = [replying.pace(n) for n in (1, 2, 10, 50, 500)]
    assert paces == sorted(paces)
    assert paces[-1] == 0.25
