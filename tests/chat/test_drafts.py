"""How words come from a model host into a draft, and from there to the tabs."""

import time
import uuid
from dataclasses import dataclass

from chat import replying
from chat.llm import Finished, Request, Text
from chat.models import Reply


class Tabs:
    """An announcer that keeps what it is told: `pushed` is [(seconds since the beginning, words)]."""

    def __init__(self):
        self.began, self.pushed = time.monotonic(), []

    def announce(self, user_id, frame):
        if frame["type"] == "delta":
            self.pushed.append((time.monotonic() - self.began, frame["text"]))


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
        async def stream(self, request, *, gather):
            for piece in (Picture("a"), Text("Hello"), Picture("b"), Text(" there."), end):
                yield piece

    monkeypatch.setattr(replying, "get_llm", Host)
    draft = draft_of()
    await draft.write()
    assert draft.text == "Hello there."
    assert draft.finished is end
