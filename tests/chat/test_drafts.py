"""How words come from a model host into a draft, and from there to the tabs."""

import asyncio
import threading
import time
import uuid
from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise

import pytest

from chat import replying
from chat.llm import BrokenOff, Finished, Request, Text, close_llm
from chat.models import Reply
from tests.fakes.model_host import CUT, DONE, HANG, ModelHost, delta, finish, said

CROWD = 500  # as many as make words travel together for the longest time: a quarter of a second


@pytest.fixture
async def host(settings):
    with ModelHost() as host:
        settings.LLM_PROVIDERS = [{"name": "primary", "base_url": host.url, "model": "model"}]
        yield host
        await close_llm()


class Tabs:
    """An announcer that keeps what it is told: `pushed` is [(when, words)].

    `after[n]` is set after the n-th push: a host that waits for it goes on when the tabs have seen so much, however
    slow the machine is.
    """

    def __init__(self):
        self.pushed, self.heard, self.after = [], asyncio.Event(), defaultdict(threading.Event)

    def announce(self, user_id, frame):
        if frame["type"] in ("reply", "delta"):
            words = frame["reply"]["text"] if frame["type"] == "reply" else frame["text"]
            self.pushed.append((time.monotonic(), words))
            self.after[len(self.pushed)].set()
        if frame["type"] == "delta":
            self.heard.set()


def draft_of(*, replies=1, seconds=20.0):
    """A draft to write, while so many replies are written in all."""
    request = Request(
        speaker="Mara",
        turns=[{"role": "user", "content": "Hi"}],
        max_tokens=220,
        temperature=0.7,
        deadline=time.monotonic() + seconds,
    )
    reply = Reply(pk=uuid.uuid4(), conversation_id=uuid.uuid4())
    job = replying.Job(reply=reply, user_id=1, token=uuid.uuid4(), request=request, started=time.monotonic())
    return replying.Draft(job, Tabs(), crowd=lambda: replies)


@dataclass
class Picture:
    """A piece of a kind that nobody knows yet."""

    url: str


async def test_a_piece_of_another_kind_is_passed_over(monkeypatch):
    end = Finished("host", "model", "stop", None, None)

    class Host:
        async def stream(self, request):
            for piece in (Picture("a"), Text("Hello"), Picture("b"), Text(" there."), end):
                yield piece

    monkeypatch.setattr(replying, "get_llm", Host)
    draft = draft_of()
    await draft.write()
    assert draft.text == "Hello there."
    assert draft.finished is end


async def test_the_first_words_and_an_answer_that_comes_whole_wait_for_nothing(host, monkeypatch):
    monkeypatch.setattr(replying, "pace", lambda replies: 600.0)  # whoever waited for that would run out of time
    host.play(said("Hello there."))
    draft = draft_of()
    await draft.write()
    assert draft.text == "Hello there."
    assert draft.announcer.pushed == []  # the last words come with the message


async def test_the_first_words_are_pushed_before_the_next_are_written(host):
    host.play([delta("First"), HANG])
    draft = draft_of(replies=CROWD)
    writing = asyncio.create_task(draft.write())
    await draft.announcer.heard.wait()
    assert [words for _, words in draft.announcer.pushed] == ["First"]
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing


async def test_under_load_five_words_are_one_push(host, monkeypatch):
    monkeypatch.setattr(replying, "PUSH_SECONDS_MOST", 1.5)  # time enough for five words on any machine
    draft = draft_of(replies=CROWD)
    more = [delta(word) for word in (" two", " three", " four", " five", " six")]
    host.play([delta("one"), draft.announcer.after[1], *more, finish(), DONE])
    await draft.write()
    pushed = [words for _, words in draft.announcer.pushed]
    assert pushed in (["one"], ["one", " two three four five six"])  # the very last come with the message
    assert draft.text == "one two three four five six"
    assert draft.units == len("one two three four five six")


async def test_words_go_on_at_the_pace_and_the_end_is_at_most_one_later(host, monkeypatch):
    pace, waited = replying.pace, []
    monkeypatch.setattr(replying, "pace", lambda replies: waited.append(pace(replies)) or waited[-1])
    draft = draft_of(replies=CROWD)
    first, second, third, *others = (delta(f" {number}") for number in range(50))
    seen = draft.announcer.after
    host.play([first, seen[1], second, seen[2], third, seen[3], *others, finish(), DONE])
    await draft.write()
    times = [at for at, _ in draft.announcer.pushed]
    assert len(times) >= 3
    assert all(later - at > 0.2 for at, later in pairwise(times))
    assert draft.text.split() == [str(n) for n in range(50)]
    assert draft.text.startswith("".join(words for _, words in draft.announcer.pushed))
    assert waited == [0.25] * len(times)  # once after each push, and no more before the end


async def test_a_thought_that_was_shown_is_taken_off_the_screens(host):
    draft = draft_of()
    seen = draft.announcer.after
    host.play([delta("Warm words first"), seen[1], delta("</think>Hello"), seen[3], delta(" there."), finish(), DONE])
    await draft.write()
    assert (draft.text, draft.units) == ("Hello there.", len("Hello there."))
    first, last = ["Warm words first", "", "Hello"], [" there."]
    assert [words for _, words in draft.announcer.pushed] in (first, first + last)  # the last may come with the message


async def test_who_stops_her_between_two_reads_ends_the_request(host):
    host.play([delta("First"), HANG])
    draft = draft_of(replies=CROWD)
    draft.writing = asyncio.create_task(draft.write())
    await draft.announcer.heard.wait()
    draft.end_early(replying.Ending.STOPPED)
    with pytest.raises(asyncio.CancelledError):
        await draft.writing
    assert await asyncio.to_thread(host.hung_up.wait, 30)


async def test_an_answer_that_breaks_off_between_two_reads_has_failed(host):
    host.play([delta("Half of"), 0.05, CUT])
    with pytest.raises(BrokenOff):
        await draft_of(replies=CROWD).write()


async def test_no_time_is_left_for_an_answer_past_its_deadline(host):
    host.play([delta("First"), HANG])
    with pytest.raises((TimeoutError, BrokenOff)):
        await draft_of(seconds=0.5).write()
