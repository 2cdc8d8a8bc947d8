"""Everything is killed at random points, a quarter of the model's calls fail: each send has an end all the same.

Members send, stop, ask again; some of their tabs ask, some listen. Web, worker, beat, Redis and PostgreSQL die. Then
the books are read: nothing acknowledged is lost, nothing is there twice, and nobody waited longer than 90 seconds.

    bin/test tests/chaos/test_every_send_ends.py                                a short one, as in the stage
    SENDS=1000 bin/test tests/chaos/test_every_send_ends.py --timeout=1800      a long one, on the product's own numbers

Each prints the table of docs/benchmarks.md.
"""

import json
import math
import os
import random
import signal
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from django.utils.crypto import get_random_string
from websockets.exceptions import WebSocketException

from tests.chaos.books import faults, rows, waits
from tests.chaos.conftest import slowly
from tests.chaos.members import Talk
from tests.chaos.production import Production
from tests.chaos.test_redis_away import Tab
from tests.config.processes import Browser, manage
from tests.fakes.model_host import CUT, HANG, delta, http
from tests.servers import Postgres, find

SEED = 20261126
SENDS = int(os.environ.get("SENDS", "96"))
IS_LONG = SENDS > 200
MEMBERS, CHARACTERS = (12, ("mara", "yuna")) if IS_LONG else (6, ("mara", "yuna"))
FREE = 2000
PROMISE = 90
VICTIMS = ["web", "worker", "worker", "beat", "redis", "frames", "postgres"]
SENDS_FOR_EACH_DEATH = 8

# Of a hundred calls of the model. Whoever hangs is waited for to the end, with nobody else to ask: in a long run only.
CALLS = {"quick": 60, "slow": 15, "broken": 9, "hangs up": 8, "breaks off": 8}
HANGS = {"broken": 7, "hangs": 2, "hangs in the middle": 1}
ANSWERS = {
    "quick": slowly("I ", "was ", "thinking ", "the ", "same."),
    "slow": slowly(*["word "] * 40),
    "broken": http(500),
    "hangs up": [CUT],
    "breaks off": [delta("Well, "), 0.3, CUT],
    "hangs": [HANG],
    "hangs in the middle": [delta("Well, "), HANG],
}

MAKE_MEMBERS = """
from django.test import Client
from tests.factories import UserFactory
for n in range({members}):
    client = Client()
    client.force_login(UserFactory(premium=bool(n % 2)))
    print(client.cookies["sessionid"].value)
"""


@pytest.fixture
def ask(ask):
    ask = {**ask, "FREE_TEXT": str(FREE)}
    own = {"REPLY_LEASE_SECONDS": "10", "REPLY_HANDOVER_SECONDS": "5", "SWEEP_SECONDS": "15"}
    return ask | (own if IS_LONG else {})


@pytest.fixture
def production(tmp_path, ask, db):
    """Dusk as in production, on a PostgreSQL and a Redis of its own, which may die, too."""
    if not (find("redis") and find("postgres")):
        pytest.skip("needs a redis-server and a PostgreSQL to kill")
    with tempfile.TemporaryDirectory(prefix="dusk-chaos-") as folder:
        Path(folder).chmod(0o755)  # PostgreSQL runs as somebody else; pytest's own folders are closed to them
        server = Postgres(Path(folder), durable=True)
        production = Production(tmp_path, **ask, DATABASE_URL=server.url)
        production.processes["postgres"] = server
        try:
            production.start("postgres")
            server.create()
            for command in (["migrate"], ["demo", "--without-photos"]):
                assert manage(*command, **production.env).returncode == 0
            yield production
        finally:
            production.end()


@dataclass
class Restless(Talk):
    """One who stops her now and then, and asks again when she failed."""

    done: Counter = field(default_factory=Counter)

    def __call__(self, messages):
        chance = random.Random(self.seed)
        for number in range(messages):
            self.send_until_acknowledged(f"Message {number}, what do you think?")
            if chance.random() < 0.1:
                time.sleep(chance.random())
                self.do("stop", {"seen": chance.choice([None, 0, 5])})
            if chance.random() < 0.5:
                self.wait()
                if self.is_failed() and chance.random() < 0.7:
                    self.do("retry")

    def wait(self):
        """Until nothing is owed, asking like a tab without a socket."""
        deadline = time.monotonic() + 2 * PROMISE
        while not self.is_answered() and time.monotonic() < deadline:
            time.sleep(0.25)

    def is_failed(self):
        state = self.state()
        return bool(state and state["reply"]["can_retry"])

    def state(self):
        """As it stands, or nothing while nobody can tell."""
        try:
            answer = self.browser.http.get(f"/chat/{self.conversation}/state/")
        except httpx.TransportError:
            return None
        return answer.json() if answer.status_code == 200 else None

    def do(self, what, body=None):
        """Once; whether or not it came through, as a member does."""
        headers = {"X-CSRFToken": self.browser.http.cookies["csrftoken"], "Accept": "application/json"}
        path = f"/chat/{self.conversation}/{what}/"
        try:
            status = self.browser.http.post(path, json=body or {}, headers=headers).status_code
        except httpx.TransportError:
            status = 0
        self.done[what] += status in (200, 201)


class Listener(threading.Thread):
    """A tab that asks nothing by itself but what it missed, and shows what it was told."""

    def __init__(self, talk):
        super().__init__(daemon=True)
        self.talk, self.over, self.tab = talk, threading.Event(), None
        self.start()

    def run(self):
        lost = True
        while not self.over.is_set():
            try:
                if self.tab is None:
                    self.tab = Tab(self.talk.browser, self.talk.conversation)
                elif lost:
                    self.tab.open()
                if lost:
                    self.ask()
                lost = False
                self.tab.hear(json.loads(self.tab.socket.recv(timeout=5)))
            except TimeoutError:
                lost = not self.ask()
            except (WebSocketException, OSError, httpx.HTTPError, ValueError, KeyError):  # nobody is there
                lost = True
                self.over.wait(0.3)

    def ask(self):
        try:
            self.tab.ask()
        except (WebSocketException, OSError):
            return False
        return True

    def is_like_a_fresh_page(self):
        self.over.set()
        self.join(30)
        self.tab.open()
        self.tab.watch()
        assert self.tab.is_like_a_fresh_page()
        self.tab.socket.close()


def begin(production):
    """The talks of all members."""
    made = manage("shell", "-v", "0", "-c", MAKE_MEMBERS.format(members=MEMBERS), **production.env)
    assert made.returncode == 0, made.stderr
    talks = []
    for number, session in enumerate(made.stdout.split()):
        browser = Browser(production.url)
        browser.http.cookies.set("sessionid", session, domain="127.0.0.1")
        browser.http.cookies.set("csrftoken", get_random_string(32), domain="127.0.0.1")
        for slug in CHARACTERS:
            talks.append(Restless(browser, browser.open_chat(slug), number % 2 == 0, SEED + len(talks)))
    return talks


def strike(production, victim, chance):
    if victim == "frames":
        with production.redis() as redis:
            redis.flushall()
        return
    if victim == "postgres":
        production[victim].stop(signal.SIGQUIT)  # at once: whoever is connected is cut off, what is open is torn
    else:
        production.kill(victim)
    time.sleep(chance.random())
    production.start(victim)


def deaths(production, talking, sent):
    """Strike, each few messages, until everybody has said what they had to say; each at least once."""
    chance, struck = random.Random(SEED), Counter()
    while True:
        for victim in chance.sample(VICTIMS, len(VICTIMS)):
            goal = sent() + chance.randint(SENDS_FOR_EACH_DEATH // 2, SENDS_FOR_EACH_DEATH * 3 // 2)
            while sent() < goal and not all(talk.done() for talk in talking):
                time.sleep(0.05)
            if all(talk.done() for talk in talking) and all(struck[each] for each in VICTIMS):
                return struck
            strike(production, victim, chance)
            struck[victim] += 1


def test_each_send_has_an_end_though_everything_dies_and_a_quarter_of_the_calls_fail(production, host, capsys):
    host.play_any(random.Random(SEED), CALLS | (HANGS if IS_LONG else {}), ANSWERS)
    production.start("redis", "web", "worker", "beat")
    talks = begin(production)
    listeners = [Listener(talk) for talk in talks[::2]]
    began = time.monotonic()
    with ThreadPoolExecutor(len(talks)) as threads:
        talking = [threads.submit(talk, SENDS // len(talks)) for talk in talks]
        struck = deaths(production, talking, lambda: sum(len(talk.acknowledged) for talk in talks))
        for talk in talking:
            talk.result()
    for talk in talks:
        talk.wait()
    minutes = (time.monotonic() - began) / 60
    found = rows(production.env)
    acknowledged = [client_id for talk in talks for client_id in talk.acknowledged]
    table = figures(found, acknowledged) | {
        "stopped": sum(talk.done["stop"] for talk in talks),
        "asked again": sum(talk.done["retry"] for talk in talks),
        "replies that failed": sum(reply["state"] == "failed" for reply in found["reply"]),
        "deaths": sum(struck.values()),
        "minutes": round(minutes, 1),
    }
    with capsys.disabled():
        print(f"\n{as_table(table)}\n{dict(struck)}")  # noqa: T201 - this is what it is run for
    for listener in listeners:
        listener.is_like_a_fresh_page()
    for talk in talks:
        talk.browser.http.close()
    wrong = faults(production.env, talks, free=FREE)
    assert not wrong, "\n".join(wrong)
    assert (table["lost"], table["twice"], table[f"over {PROMISE} s"]) == (0, 0, 0)
    assert not any(reply["state"] in ("queued", "writing") for reply in found["reply"])


def figures(found, acknowledged):
    """What became of the sends, and how long each waited for its end."""
    there = Counter(message["client_id"] for message in found["message"] if message["sender"] == "user")
    lasted = sorted(waits(found))
    return {
        "sends": len(acknowledged),
        "lost": sum(there[client_id] == 0 for client_id in acknowledged),
        "twice": sum(times > 1 for times in there.values()),
        f"over {PROMISE} s": sum(seconds > PROMISE for seconds in lasted),
        "p50": f"{lasted[len(lasted) // 2]:.1f} s",
        "p95": f"{lasted[math.ceil(len(lasted) * 0.95) - 1]:.1f} s",
        "longest": f"{lasted[-1]:.1f} s",
    }


def as_table(row):
    return "\n".join(f"| {' | '.join(map(str, cells))} |" for cells in (row, ["---"] * len(row), row.values()))
