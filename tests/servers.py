"""PostgreSQL, Redis, PgBouncer and processes of ours: found, installed where that is allowed, started, and ended by
their own pid. For bin/test, bin/bench, the tests and the benchmark alike.

Nothing but the standard library: bin/test needs it before there are packages, and none of it needs Django.
"""

from __future__ import annotations

import contextlib
import glob
import os
import pwd
import random
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).resolve().parent.parent
DEADLINE = 120  # seconds, never waited for in full, unless something is broken: a start takes eight of a whole core

# What a program is called, where it hides, and what brings it on Debian and on macOS.
PROGRAMS = {
    "postgres": (
        ["initdb"],
        [
            "/usr/lib/postgresql/*/bin/initdb",
            "/opt/homebrew/opt/postgresql*/bin/initdb",
            "/usr/local/opt/postgresql*/bin/initdb",
        ],
        "postgresql",
        "postgresql@17",
    ),
    "redis": (["redis-server", "valkey-server"], [], "redis-server", "redis"),
    "pgbouncer": (["pgbouncer"], ["/usr/sbin/pgbouncer"], "pgbouncer", "pgbouncer"),
    "nginx": (["nginx"], ["/usr/sbin/nginx"], "nginx-light", "nginx"),
    "caddy": (["caddy"], [], "caddy", "caddy"),
    "ffmpeg": (["ffmpeg"], [], "ffmpeg", "ffmpeg"),
    "chromium": (  # the shell first: it opens no windows, which take Chromium itself a third of a journey
        ["chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"],
        [
            "/Applications/Chromium.app/Contents/MacOS/Chromium",
            "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
        ],
        "chromium-headless-shell",
        "--cask chromium",
    ),
}


class Missing(Exception):
    """Something is not installed or does not run; the message says what to do, or what it said last."""


# --- Programs --------------------------------------------------------------------------------------


def find(program: str) -> str | None:
    """The program's path, the newest version of several."""
    names, places, _, _ = PROGRAMS[program]
    for name in names:
        if path := shutil.which(name):
            return path
    found = [path for place in places for path in glob.glob(place)]
    return max(found, key=lambda path: [int(n) for n in re.findall(r"\d+", path)], default=None)


def provide(programs: list[str]) -> None:
    """Have these programs, by installing them where that is allowed. Raises Missing."""
    missing = [p for p in programs if not find(p)]
    if not missing:
        return
    debian = " ".join(PROGRAMS[p][2] for p in missing)
    if os.geteuid() == 0 and shutil.which("apt-get"):
        print(f"Installing {debian} ...", flush=True)  # noqa: T201 - it takes a while
        quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL}
        quiet["env"] = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-qq"], check=False, **quiet)
        subprocess.run(
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *debian.split()], check=False, **quiet
        )
        missing = [p for p in programs if not find(p)]
    if missing:
        lines = [f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not installed."]
        lines.append("  Debian, Ubuntu: sudo apt install " + " ".join(PROGRAMS[p][2] for p in missing))
        lines += [f"  macOS: brew install {PROGRAMS[p][3]}" for p in missing]
        if {"postgres", "redis"} & set(missing):
            lines.append("  Or name running servers in DATABASE_URL and REDIS_URL.")
        raise Missing("\n".join(lines))


def lesser_user() -> str | None:
    """Who runs what refuses to be run by root; None for anybody else, who runs it as themselves."""
    if os.geteuid() != 0:
        return None
    return "postgres" if "postgres" in {entry.pw_name for entry in pwd.getpwall()} else "nobody"


def _as(user: str | None) -> dict[str, Any]:
    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []} if user else {}


# --- Processes ---------------------------------------------------------------------------------------


def free_port() -> int:
    """A port that nobody listens on.

    Of those that no system gives away by itself: who gets it may take seconds to start, and others ask for any
    meanwhile.
    """
    for port in random.SystemRandom().sample(range(10_000, 32_000), 1000):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise Missing("no port is free")


def listens(port: int) -> bool:
    """Whether somebody does."""
    try:
        with socket.create_connection(("127.0.0.1", port), 1):
            return True
    except OSError:
        return False


def last_words(log: Path) -> str:
    """The end of a log."""
    text = log.read_text(errors="replace") if log.exists() else ""
    return "\n".join(text.splitlines()[-40:])[-6000:]


class Process:
    """One process that can be started, frozen, killed and started again. What it says goes to a file, which grows.

    As a context manager: it runs from the beginning of the block to its end, however that ends.
    """

    stop_signal = signal.SIGTERM

    def __init__(
        self,
        name: str,
        command: list[str],
        folder: Path,
        env: Mapping[str, str] | None = None,
        *,
        cwd: Path = ROOT,
        user: str | None = None,
        apart: bool = False,
    ) -> None:
        self.name, self.command, self.log = name, command, folder / f"{name}.log"
        self.env, self.cwd, self.user = env, cwd, user
        self.apart = apart  # in a session of its own: Ctrl-C is for whoever started it, who stops it in order
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, again if it ran before. Returns at once."""
        with self.log.open("a") as out:
            self.process = subprocess.Popen(
                self.command,
                cwd=self.cwd,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=self.apart,
                **_as(self.user),
            )

    def wait_for(self, port: int) -> None:
        """Return when it listens there. Raises Missing, with its last words."""
        deadline = time.monotonic() + DEADLINE
        while not listens(port):
            self.must_run()
            if time.monotonic() > deadline:
                raise Missing(f"{self.name} does not listen:\n{self.said()}")
            time.sleep(0.01)
        self.must_run()  # otherwise it is somebody else who listens

    @property
    def pid(self) -> int:
        """Of the process itself: bin/process replaces itself by what it starts."""
        assert self.process is not None
        return self.process.pid

    def runs(self) -> bool:
        """Whether it was started and has not ended."""
        return self.process is not None and self.process.poll() is None

    def must_run(self) -> None:
        """Raise Missing, with its last words, when it is gone."""
        if not self.runs():
            raise Missing(f"{self.name} ended:\n{self.said()}")

    def said(self) -> str:
        """The end of its log."""
        return last_words(self.log)

    def signal(self, sig: signal.Signals) -> None:
        """Send it a signal."""
        assert self.process is not None
        self.process.send_signal(sig)

    def wait(self) -> int:
        """Its exit status, when it has ended."""
        assert self.process is not None
        return self.process.wait(DEADLINE)

    def stop(self, sig: signal.Signals | None = None) -> int:
        """Ask it to end; its exit status."""
        self.signal(sig or self.stop_signal)
        return self.wait()

    def kill(self) -> None:
        """kill -9, at whatever line it is, be it frozen."""
        assert self.process is not None
        self.process.kill()
        self.wait()

    def end(self) -> None:
        """Kill it, if it still runs."""
        if self.runs():
            self.kill()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        if not self.runs():
            return
        assert self.process is not None
        self.process.send_signal(self.stop_signal)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()


# --- Servers ------------------------------------------------------------------------------------------


class Redis(Process):
    """A Redis of our own. Restarted, it is empty."""

    def __init__(self, folder: Path, *, apart: bool = False) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        command = [find("redis") or "redis-server", "--port", str(self.port), "--bind", "127.0.0.1"]
        command += ["--save", "", "--appendonly", "no", "--dir", str(folder)]
        super().__init__("redis", command, folder, apart=apart)

    def start(self) -> None:
        """Start it, and return when it answers."""
        super().start()
        self.wait_for(self.port)


class PgBouncer(Process):
    """A PgBouncer of our own before the PostgreSQL of a DATABASE_URL: transaction mode, few connections."""

    def __init__(self, folder: Path, database_url: str, *, connections: int = 3, **options: str) -> None:
        self.port = free_port()
        behind = urlsplit(database_url)
        self.url = behind._replace(netloc=f"{behind.username}@127.0.0.1:{self.port}").geturl()
        users = folder / "pgbouncer-users.txt"
        users.write_text(f'"{unquote(behind.username or "")}" "{unquote(behind.password or "")}"\n')
        settings = {
            "listen_addr": "127.0.0.1",
            "listen_port": str(self.port),
            "unix_socket_dir": "",
            "auth_type": "trust",
            "auth_file": str(users),
            "pool_mode": "transaction",
            "default_pool_size": str(connections),
            "max_client_conn": "500",
            **options,
        }
        lines = ["[databases]", f"* = host={behind.hostname} port={behind.port or 5432}", "[pgbouncer]"]
        lines += [f"{name} = {value}" for name, value in settings.items()]
        config = folder / "pgbouncer.ini"
        config.write_text("\n".join(lines) + "\n")
        command = [find("pgbouncer") or "pgbouncer", str(config)]
        if user := lesser_user():  # it reads its files before it becomes somebody who may not
            command[1:1] = ["-u", user]
        super().__init__("pgbouncer", command, folder)

    def start(self) -> None:
        """Start it, and return when it listens."""
        super().start()
        self.wait_for(self.port)


class Postgres(Process):
    """A PostgreSQL of our own. Nothing of it has to survive, so nothing is synced, unless it is `durable`."""

    stop_signal = signal.SIGINT  # a fast shutdown: whoever is connected is shown out

    def __init__(self, folder: Path, *, durable: bool = False, apart: bool = False) -> None:
        self.port = free_port()
        self.url = f"postgres://postgres@127.0.0.1:{self.port}/dusk"
        self.bin, home, user = Path(find("postgres") or "").resolve().parent, folder / "postgres", lesser_user()
        home.mkdir()
        if user:
            shutil.chown(home, user)
        init = [str(self.bin / "initdb"), "-D", str(home / "data"), "-U", "postgres", "-A", "trust", "-E", "UTF8"]
        made = subprocess.run(
            [*init, "--no-locale", "--no-sync"], capture_output=True, text=True, cwd=home, check=False, **_as(user)
        )
        if made.returncode:
            raise Missing(f"initdb failed:\n{made.stderr}")
        options: dict[str, object] = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": home,
            "max_connections": 300,
        }
        if not durable:
            options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        command = [str(self.bin / "postgres"), "-D", str(home / "data")]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        super().__init__("postgres", command, folder, cwd=home, user=user, apart=apart)

    def start(self) -> None:
        """Start it, and return when it listens, which is a moment before it answers."""
        super().start()
        self.wait_for(self.port)

    def create(self) -> None:
        """Make its database."""
        command = [str(self.bin / "createdb"), "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "dusk"]
        deadline = time.monotonic() + DEADLINE
        while time.monotonic() < deadline:
            if subprocess.run(command, capture_output=True, check=False).returncode == 0:
                return
            time.sleep(0.1)
        raise Missing(f"no database could be made:\n{self.said()}")


@contextlib.contextmanager
def postgres(scratch: Path, *, durable: bool = False) -> Iterator[str]:
    """A PostgreSQL of our own for as long as a block runs; gives its DATABASE_URL."""
    with Postgres(scratch, durable=durable, apart=True) as server:
        server.create()
        yield server.url
