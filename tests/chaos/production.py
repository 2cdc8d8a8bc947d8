"""Dusk as it runs in production, each process one that can be killed, frozen and started again."""

import os
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import redis
from django.conf import settings
from django.db import connection
from django.db.models.functions import Now

from config.lib.owed import Owed
from tests.config.processes import environment, responds, until
from tests.servers import ROOT, Process, Redis, free_port


class Production:
    """web, workers and beat of the Procfile, on the test's database and a Redis of their own."""

    def __init__(self, folder: Path, **env: str) -> None:
        self.folder = folder
        self.port = free_port()
        # By this name PostgreSQL knows the connections of these processes, and of no other test's beside them.
        self.name = f"dusk-chaos-{uuid.uuid4().hex}"
        own_redis = Redis(folder)  # restarted, it is empty: what rang is forgotten
        database = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}")
        self.env = environment(
            SECRET_KEY=settings.SECRET_KEY,  # so that sessions made here are good there
            DATABASE_URL=database.geturl(),
            REDIS_URL=own_redis.url,
            PGAPPNAME=self.name,
            MAIL_ROOT=str(folder / "mail"),
            HOST="127.0.0.1",
            PORT=str(self.port),
            SITE_URL=f"http://127.0.0.1:{self.port}",
            WORKER_CONCURRENCY="32",
            REPLY_LEASE_SECONDS="3",
            REPLY_HANDOVER_SECONDS="1",
            SWEEP_SECONDS="1",
        )
        self.env |= env
        self.processes: dict[str, Process] = {"redis": own_redis}
        self.own: dict[str, dict[str, str]] = {}  # what some of them find in their environment beside that

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, *names: str) -> None:
        """Start processes; return when the servers among them answer. `worker 2` is another worker."""
        for name in names:
            if name not in self.processes:
                env = {**self.env, **self.own.get(name, {})}
                self.processes[name] = Process(name, ["bin/process", name.split()[0]], self.folder, env)
            self.processes[name].start()
        for name in names:
            until(lambda name=name: self._is_there(name), what=f"{name} at work")

    def kill(self, name: str) -> None:
        self.processes[name].kill()

    def kill_at_work(self, model: type[Owed], after: float, *, unless: Callable[[], bool]) -> bool:
        """Kill the worker so many seconds after it took something up; whether it did before `unless` came true.

        What it had in hand is anybody's at once, as when its lease is over, and its death is not held against that.
        """
        held = model._default_manager.filter(due_at__isnull=False, lease_token__isnull=False)
        until(lambda: held.exists() or unless(), what=f"a worker that has a {model._meta.verbose_name} in hand")
        if unless():
            return False
        time.sleep(after)
        self.kill("worker")
        held.update(due_at=Now(), lease_token=None, attempts=0)
        return True

    def __getitem__(self, name: str) -> Process:
        return self.processes[name]

    def redis(self) -> redis.Redis:
        return redis.Redis.from_url(self.env["REDIS_URL"], socket_timeout=5)

    def end(self) -> None:
        for process in self.processes.values():
            process.end()

    def _is_there(self, name: str) -> bool:
        self.processes[name].must_run()
        port = self.own.get(name, {}).get("PORT", self.port)
        return name.split()[0] != "web" or responds(f"http://127.0.0.1:{port}/healthz")

    def set_clock(self, name: str, seconds: float) -> None:
        """Let this process's clock be wrong by so much, from now on; for the first time before it starts."""
        clock = self.folder / f"{name}.clock"
        clock.write_text(str(seconds))
        self.own.setdefault(name, {}).update(CLOCK=str(clock), PYTHONPATH=str(ROOT / "tests" / "clocks"))
