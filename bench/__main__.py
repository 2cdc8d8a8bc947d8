"""Measure, and print. `bin/bench` starts this with an environment of its own."""

import argparse
import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import redis

from bench import stage
from bench.figures import BARS, Report
from bench.processes import cpu_seconds, memory_mb
from tests.servers import ROOT, Missing, Process

SITE = os.environ["SITE_URL"]
MODEL_HOST = os.environ["BENCH_MODEL_HOST"]
LOGS = Path(os.environ["BENCH_LOGS"])

# A person writes again two to five and a half seconds after the end of a reply that took 1.3 s: once in 5 s.
PACE = {"think": (2.0, 5.5), "ttft": 0.3, "tps": 40, "tokens": 40}


class Site:
    """Web, worker and beat at work, a model host, and what they cost so far."""

    def __init__(self, stack: ExitStack) -> None:
        self.stack = stack
        port = urlsplit(MODEL_HOST).port
        self.host = self._start("model_host", sys.executable, "-m", "bench.model_host", str(port))
        self.host.wait_for(port)
        self.ours: list[Process] = []

    def _start(self, name: str, *command: str) -> Process:
        return self.stack.enter_context(Process(name, list(command), LOGS, dict(os.environ), apart=True))

    def open(self, cookie: str) -> float:
        """Start everything; seconds until the first page was served to a member."""
        began = time.monotonic()
        self.ours = [self._start(name, "bin/process", name) for name in ("web", "worker", "beat")]
        self.web = self.ours[0]
        self.web.wait_for(urlsplit(SITE).port)
        answer = httpx.get(SITE, headers={"Cookie": cookie}, trust_env=False, timeout=30)
        took = time.monotonic() - began
        if answer.status_code != 200:
            raise SystemExit(f"The first page: {answer.status_code}\n{self.web.said()}")
        return took

    def people(self, deed: str, tabs: list[dict[str, str]], **arguments: Any) -> Any:
        """Let people do something, in a process of their own; what they measured, and what it cost (`spent`)."""
        for process in self.ours:
            process.must_run()
        with self.crowd(deed, tabs, **arguments) as crowd:
            crowd.stdout.readline()  # everybody has a socket
            before = self.spent()
            result = json.loads(crowd.communicate("go\n")[0])
            after = self.spent()
        return {**result, "spent": {name: after[name] - before[name] for name in after}}

    @contextmanager
    def crowd(self, deed: str, tabs: list[dict[str, str]], **arguments: Any) -> Iterator[subprocess.Popen[str]]:
        """The process of `people`, while it is at it."""
        job = {"deed": deed, "site": SITE, "model_host": MODEL_HOST, "tabs": tabs, "with": arguments}
        command = [sys.executable, "-m", "bench.load"]
        with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as crowd:
            crowd.stdin.write(json.dumps(job) + "\n")
            crowd.stdin.flush()
            yield crowd
        if crowd.returncode:
            raise SystemExit(f"{deed} failed: see above.\n{self.web.said()}")

    def spent(self) -> dict[str, float]:
        """CPU seconds so far, by process."""
        with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
            cpu = client.info("cpu")
        return {
            **{process.name: cpu_seconds(process.pid) for process in self.ours},
            "postgresql": sum(cpu_seconds(pid) for pid in stage.backends()),
            "redis": cpu["used_cpu_user"] + cpu["used_cpu_sys"],
        }


# --- The figures -----------------------------------------------------------------------------------------


def start(site: Site, report: Report, quick: bool) -> None:
    """From starting the processes to the first page."""
    report.add("first page after a cold start", site.started, "s", BARS["start"])


def first_token(site: Site, report: Report, quick: bool) -> None:
    """What we add between the browser's send and the first words on its screen, and what that costs."""
    for people, rounds in ((1, 12), (50, 4), (200, 4), (500, 3)):
        tabs = stage.tabs(f"first{people}-", people)
        pace = {**PACE, "think": (0.1, 0.3)} if people == 1 else PACE
        result = site.people("talk", tabs, rounds=max(1, rounds // 2) if quick else rounds, **pace)
        report.talk(people, result)
        if people == 50:
            report.cost(result, "CPU of a message of 40 tokens: web, worker, beat", BARS["cpu"])


def throughput(site: Site, report: Report, quick: bool) -> None:
    """Messages a second when the model takes no time."""
    tabs = stage.tabs("instant", 32)
    result = site.people("talk", tabs, rounds=8 if quick else 24, think=(0, 0), ttft=0, tps=0, tokens=40)
    each_second = (result["messages"] - result["errors"]) / result["seconds"]
    report.add("messages with an instant model", each_second, "/s", BARS["throughput"])
    report.cost(result, "    CPU of one of them: web, worker, beat", BARS["cpu instant"])
    report.lost(result)


def burst(site: Site, report: Report, quick: bool) -> None:
    """500 people send at the same moment; each reply takes eleven seconds."""
    people, tokens, tps = 500, 220, 20
    tabs = stage.tabs("burst", people)
    result = site.people("talk", tabs, rounds=1, think=(0, 0), ttft=0.3, tps=tps, tokens=tokens)
    ideal = 0.3 + (tokens - 1) / tps
    report.add(f"{people} replies at once: time to finish / ideal", result["seconds"] / ideal, "x", BARS["burst"])
    report.add("    really in flight at once", result["peak"], "")
    report.lost(result)


def idle(site: Site, report: Report, quick: bool) -> None:
    """Sockets that only listen."""
    people, each = (100 if quick else 500), 10
    tabs = stage.tabs("idle", people)
    empty = memory_mb(site.web.pid)[1]
    with site.crowd("idle", tabs, each=each) as crowd:
        opened = json.loads(crowd.stdout.readline())
        time.sleep(2)
        rss, pss = memory_mb(site.web.pid)
        before = site.spent()
        crowd.stdin.write("go\n")
        crowd.stdin.flush()
        watched = json.loads(crowd.stdout.readline())
        after = site.spent()
        crowd.stdin.write("go\n")
        crowd.stdin.flush()
        alive = json.loads(crowd.stdout.readline())["alive"]
    count = people * each
    report.add(f"{count:,} idle sockets, memory of the web process: RSS", rss, "MB", BARS["idle"])
    report.add("    PSS", pss, "MB")
    report.add("    for each socket", (pss - empty) * 1024 / count, "KB")
    report.add("    sockets that did not answer a ping", count - alive, "", BARS["errors"])
    cores = {name: (after[name] - before[name]) / watched["seconds"] for name in after}
    report.add(
        f"{count:,} tabs that watch, nothing to say: all of ours and PostgreSQL",
        sum(cores.values()),
        "cores",
        BARS["watch"],
    )
    for name in ("web", "postgresql"):
        report.add(f"    {name}, for each question", cores[name] * watched["seconds"] * 1000 / count, "ms")
    report.add("    questions without an answer", count - watched["opened"], "", BARS["errors"])
    report.add("    opened a second", opened["opened"] / opened["seconds"], "/s")


def pages(site: Site, report: Report, quick: bool) -> None:
    """Reading: what depends on how much there is, and what each call asks the database."""
    few, many, paths = stage.readers()
    long, short = paths["long"], paths["short"]
    visits = {
        "browse": (0, "/"),
        "conversation": (0, short),
        "conversation, a full page": (0, paths["full"]),
        "conversation, long": (0, long),
        "state": (0, f"{short}state/"),
        "state, a full page": (0, f"{paths['full']}state/"),
        "state, long": (0, f"{long}state/"),
        "thread page": (0, "/chat/"),
        "thread page, long": (1, "/chat/"),
        "thread list": (0, "/chat/threads/"),
        "thread list, long": (1, "/chat/threads/"),
    }
    took = site.people("fetch", [few, many], times=15 if quick else 40, visits=visits)
    tab = stage.tabs("reader-", 1)[0]
    talk = f"/chat/{tab['conversation']}/"
    body = {"text": "Good evening. rid:queries", "client_id": str(uuid.uuid4()), "permit": tab["permit"]}
    asked = {name: stage.queries((few, many)[who], "GET", path) for name, (who, path) in visits.items()}
    asked["send"] = stage.queries(tab, "POST", f"{talk}messages/", **body)
    report.pages({name: took[name]["p50"] for name in visits}, asked)


DEEDS: dict[str, Callable[[Site, Report, bool], None]] = {
    "start": start,
    "first_token": first_token,
    "throughput": throughput,
    "burst": burst,
    "idle": idle,
    "pages": pages,
}


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(prog="bin/bench", description=__doc__)
    parser.add_argument("--only", action="append", choices=DEEDS, help="may be repeated")
    parser.add_argument("--quick", action="store_true", help="fewer messages: rougher figures")
    options = parser.parse_args()
    report = Report()
    with ExitStack() as stack:
        report.say("Making characters and members ...")
        stage.build()
        site = Site(stack)
        warmers = stage.tabs("warm", 8)
        site.started = site.open(warmers[0]["cookie"])
        site.people("warm", warmers, messages=5)
        for name, deed in DEEDS.items():
            if name in (options.only or DEEDS):
                report.say(f"Measuring {name} ...")
                deed(site, report, options.quick)
    report.print()


if __name__ == "__main__":
    try:
        main()
    except Missing as problem:
        raise SystemExit(str(problem)) from None
