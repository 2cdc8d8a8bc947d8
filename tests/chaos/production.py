"""Dusk as it runs in production, each process one that can be killed, frozen and started again."""

import os
import shutil
import signal
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import redis
from django.conf import settings
from django.db import connection

from tests.config.processes import DEADLINE, ROOT, environment, free_port, until

REDIS_SERVER = shutil.which("redis-server") or shutil.which("valkey-server")
HERE = "dusk-chaos"  # by this name PostgreSQL knows the connections of these processes


def last_words(log: Path) -> str:
    """The end of a log."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-40:])[-6000:]


class Process:
    """One process of ours and what it said."""

    def __init__(self, name: str, command: list[str], env: dict[str, str], folder: Path) -> None:
        self.name, self.command, self.env = name, command, env
        self.log = folder / f"{name}.log"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def start(self) -> None:
        with self.log.open("a") as out:
            self.process = subprocess.Popen(self.command, cwd=ROOT, env=self.env, stdout=out, stderr=out)

    def signal(self, sig: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(sig)

    def kill(self) -> None:
        """kill -9, at whatever line it is."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(DEADLINE)

    def wait(self) -> int:
        assert self.process is not None
        return self.process.wait(DEADLINE)

    def runs(self) -> bool:
        return self.process is not None and self.process.poll() is None


class Production:
    """web, workers and beat of the Procfile, on the test's database and a Redis of their own."""

    def __init__(self, folder: Path, **env: str) -> None:
        self.folder = folder
        self.port, self.redis_port = free_port(), free_port()
        database = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}")
        self.env = environment(
            SECRET_KEY=settings.SECRET_KEY,  # so that sessions made here are good there
            DATABASE_URL=database.geturl(),
            REDIS_URL=f"redis://127.0.0.1:{self.redis_port}/0",
            PGAPPNAME=HERE,
            HOST="127.0.0.1",
            PORT=str(self.port),
            SITE_URL=f"http://127.0.0.1:{self.port}",
            WORKER_CONCURRENCY="32",
            REPLY_LEASE_SECONDS="3",
            REPLY_HANDOVER_SECONDS="1",
            SWEEP_SECONDS="1",
        )
        self.env |= env
        self.processes: dict[str, Process] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, *names: str) -> None:
        """Start processes; return when the servers among them answer. `worker 2` is another worker."""
        for name in names:
            if name not in self.processes:
                self.processes[name] = Process(name, self._command(name), self.env, self.folder)
            self.processes[name].start()
        for name in names:
            until(lambda name=name: self._is_there(name), what=f"{name} at work")

    def kill(self, name: str) -> None:
        self.processes[name].kill()

    def __getitem__(self, name: str) -> Process:
        return self.processes[name]

    def redis(self) -> redis.Redis:
        return redis.Redis(port=self.redis_port, socket_timeout=5)

    def end(self) -> None:
        for process in self.processes.values():
            if process.runs():
                process.kill()

    def _command(self, name: str) -> list[str]:
        if name != "redis":
            return ["bin/process", name.split()[0]]
        # Restarted, it is empty: what rang is forgotten.
        options = ["--port", str(self.redis_port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        return [REDIS_SERVER, *options, "--dir", str(self.folder)]

    def _is_there(self, name: str) -> bool:
        process = self.processes[name]
        assert process.runs(), f"{name} ended:\n{last_words(self.processes[name].log)}"
        match name.split()[0]:
            case "web":
                return self._answers()
            case "redis":
                return self._pongs()
        return True

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/healthz", trust_env=False, timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def _pongs(self) -> bool:
        try:
            with self.redis() as client:
                return bool(client.ping())
        except redis.ConnectionError:
            return False
