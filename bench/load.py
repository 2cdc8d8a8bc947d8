"""The people: browsers that send, listen and keep the time, in a process of their own.

    python -m bench.load < job.json > result.json

A job names one of the deeds below and its arguments; a tab is {"cookie", "csrf", "conversation", "permit"}. Times are
monotonic seconds, the same clock in every process of a machine, so the model host's can be taken off ours.
"""

import asyncio
import contextlib
import json
import random
import statistics
import sys
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

import uvloop

from bench.model_host import tokens_of
from bench.sockets import Caller, Refused, Socket

now = time.monotonic
LONGEST = 90.0  # the promise: a reply is done or failed by then
WATCH_SECONDS = 25.0  # each tab asks so often
DELTA, MESSAGE, REPLY, CONVERSATION, THREADS = (
    b'{"type":"delta"',
    b'{"type":"message"',
    b'{"type":"reply"',
    b'{"type":"conversation"',
    b'{"type":"threads"',
)


@dataclass
class Sent:
    """One message and what came of it."""

    name: str
    sent: float
    accepted: float | None = None
    first: float | None = None  # the first words on the socket
    done: float | None = None
    deltas: str = ""
    text: str | None = None
    error: str = ""


@dataclass
class Tab:
    """A member with one conversation open."""

    site: str
    conversation: str
    permit: str
    cookie: str
    csrf: str
    stamp: int = 0
    socket: Socket | None = None
    current: Sent | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    watched: asyncio.Event = field(default_factory=asyncio.Event)

    async def open(self) -> None:
        """Open the socket and watch the conversation. The answer says that from now on nothing is missed."""
        self.http = Caller(self.site, self.cookie, self.csrf)
        self.socket = await Socket.open(self.site, self.cookie, self.hear)
        self.watch()
        async with asyncio.timeout(60):
            await self.watched.wait()

    def watch(self) -> None:
        """Ask what is newer."""
        known = {"conversation": self.conversation, "version": 1, "threads": self.stamp}
        self.socket.say({"type": "watch", **known})

    def hear(self, frame: bytes) -> None:
        """What the socket tells."""
        heard_at = now()
        current = self.current
        if current is None:
            if frame.startswith(CONVERSATION):
                self.watched.set()
            elif frame.startswith(THREADS):
                self.stamp = json.loads(frame)["stamp"]
            return
        if frame.startswith(DELTA):
            if current.first is None:
                current.first = heard_at
            told = json.loads(frame)
            if told["offset"] == len(current.deltas):
                current.deltas += told["text"]
        elif frame.startswith(MESSAGE):
            message = json.loads(frame)["message"]
            if message["sender"] == "ai":
                current.done, current.text = heard_at, message["text"]
                current.first = current.first or heard_at  # the last words come with the message
                self.ended.set()
        elif frame.startswith(REPLY):
            reply = json.loads(frame)["reply"]
            if reply["state"] == "failed":
                current.error = "the reply failed"
                self.ended.set()
            elif reply["state"] == "writing":
                current.deltas = reply["text"]

    async def say(self, name: str, tokens: int) -> Sent:
        """Send one message, wait for its answer, and check every word of it."""
        self.ended.clear()
        self.current = sent = Sent(name, now())
        body = {"text": f"Good evening. rid:{name}", "client_id": str(uuid.uuid4()), "permit": self.permit}
        try:
            status, answer = await self.http.post(f"/chat/{self.conversation}/messages/", body)
            sent.accepted = now()
            if status != 201:
                sent.error = f"{status} {answer[:100]!r}"
                return sent
            async with asyncio.timeout(LONGEST):
                await self.ended.wait()
        except (Refused, OSError) as error:
            sent.error = repr(error)
        except TimeoutError:
            sent.error = "no answer"
        expected = "".join(tokens_of(name, tokens))
        if not sent.error and sent.text != expected:
            sent.error = f"not what was said: {sent.text!r}"
        return sent


def percentile(values: list[float], share: float) -> float:
    """The value that this share of them does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def spread(seconds: list[float]) -> dict[str, float | None]:
    """In milliseconds."""
    if not seconds:
        return {"p50": None, "p95": None}
    return {"p50": statistics.median(seconds) * 1000, "p95": percentile(seconds, 0.95) * 1000}


async def talk(job: Any, *, rounds: int, think: tuple[float, float], ttft: float, tps: float, tokens: int) -> Any:
    """Everybody sends, waits for the whole answer, thinks, and sends again."""
    host = Caller(job["model_host"])
    await host.post("/settings", {"ttft": ttft, "tps": tps, "tokens": tokens})
    await host.get("/log")
    tabs = [Tab(job["site"], **tab) for tab in job["tabs"]]
    await open_all(tabs)
    await told_to_go(len(tabs), 0)
    run = uuid.uuid4().hex[:6]
    cycle = ttft + (tokens - 1) / tps + sum(think) / 2 if tps and think[1] else 0
    chance = random.Random(1)  # the same moments each time
    starts = [chance.uniform(0, cycle) for _ in tabs]

    async def person(i: int, tab: Tab) -> list[Sent]:
        said = []
        await asyncio.sleep(starts[i])
        for n in range(rounds):
            said.append(await tab.say(f"{run}-{i}-{n}", tokens))
            await asyncio.sleep(chance.uniform(*think) if n + 1 < rounds else 0)
        return said

    began = now()
    said = [sent for each in await asyncio.gather(*(person(i, tab) for i, tab in enumerate(tabs))) for sent in each]
    _, log = await host.get("/log")
    told = json.loads(log)
    good = [s for s in said if not s.error]
    model = {s.name: told["asked"][s.name] for s in good}
    errors = [s.error for s in said if s.error]
    lag = [s.done - s.sent - ttft - ((tokens - 1) / tps if tps else 0) for s in good]
    return {
        "messages": len(said),
        "errors": len(errors),
        "gaps": sum(not s.text.startswith(s.deltas) for s in good),
        "error": errors[0] if errors else "",
        "seconds": max((s.done for s in good), default=now()) - began,
        "added": spread([s.first - s.sent - (model[s.name][1] - model[s.name][0]) for s in good]),
        "asked": spread([model[s.name][0] - s.sent for s in good]),  # until the model host has the question
        "shown": spread([s.first - model[s.name][1] for s in good]),  # from its first token to the screen
        "accepted": spread([s.accepted - s.sent for s in good]),
        "finished_late": spread(lag),
        "peak": told["peak"],
    }


async def told_to_go(opened: int, seconds: float) -> None:
    """Report on stdout that everybody is there, and wait until stdin says so."""
    print(json.dumps({"opened": opened, "seconds": seconds}), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)


async def open_all(tabs: list[Tab], at_once: int = 32) -> None:
    """Open everybody's socket, a few at a time."""
    gate = asyncio.Semaphore(at_once)

    async def one(tab: Tab) -> None:
        async with gate:
            await tab.open()

    await asyncio.gather(*(one(tab) for tab in tabs))


async def warm(job: Any, *, messages: int) -> Any:
    """Let processes import, connect and compile what they do at first use."""
    return await talk(job, rounds=messages, think=(0, 0), ttft=0, tps=0, tokens=5)


async def idle(job: Any, *, each: int) -> Any:
    """Open so many sockets for each member, let each ask once in 25 s as pages do, and ping them all in the end.

    Says on stdout when they are open, and when all have asked; goes on when stdin says so.
    """
    tabs = [Tab(job["site"], **tab) for tab in job["tabs"] for _ in range(each)]
    began = now()
    await open_all(tabs, 64)
    took = now() - began
    await told_to_go(len(tabs), took)
    answers = 0
    for tab in tabs:  # what pages know: the answer to their first question
        tab.watched.clear()
    began = now()
    for n, tab in enumerate(tabs):
        await asyncio.sleep(max(0.0, began + n * WATCH_SECONDS / len(tabs) - now()))
        tab.watch()
    for tab in tabs:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(5):
                await tab.watched.wait()
                answers += 1
    await told_to_go(answers, now() - began)
    for tab in tabs:
        tab.socket.ping()
    for _ in range(600):
        if all(tab.socket.pongs for tab in tabs):
            break
        await asyncio.sleep(0.05)
    return {"alive": sum(tab.socket.alive and tab.socket.pongs > 0 for tab in tabs)}


async def fetch(job: Any, *, visits: dict[str, tuple[int, str]], times: int) -> Any:
    """Ask for some addresses in turn, each as one of the tabs, so that a busy moment of the machine meets them all.

    The first time round does not count.
    """
    callers = [Caller(job["site"], tab["cookie"]) for tab in job["tabs"]]
    took: dict[str, list[float]] = {name: [] for name in visits}
    await told_to_go(0, 0)
    for n in range(times + 1):
        for name, (who, path) in visits.items():
            asked = now()
            status, body = await callers[who].get(path)
            if status != 200:
                raise Refused(f"{path}: {status} {body[:200]!r}")
            if n:
                took[name].append(now() - asked)
    return {name: spread(seconds) for name, seconds in took.items()}


DEEDS = {"talk": talk, "warm": warm, "idle": idle, "fetch": fetch}


if __name__ == "__main__":
    job = json.loads(sys.stdin.readline())
    print(json.dumps(uvloop.run(DEEDS[job["deed"]](job, **job["with"]))), flush=True)
