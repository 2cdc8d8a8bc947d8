"""Production's processes, started as the Procfile says, and what they cost."""

import os
import socket
import subprocess
import time
from pathlib import Path
from typing import Self

ROOT = Path(__file__).resolve().parent.parent
TICKS = os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listens(port: int) -> bool:
    """Whether somebody does."""
    try:
        with socket.create_connection(("127.0.0.1", port), 1):
            return True
    except OSError:
        return False


class Process:
    """One process of ours. Its words go to a file; it is ended by its own pid."""

    def __init__(self, name: str, command: list[str], env: dict[str, str], folder: Path) -> None:
        self.name, self.log = name, folder / f"{name}.log"
        with self.log.open("a") as out:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    @property
    def pid(self) -> int:
        """Of the process itself: bin/process replaces itself by what it starts."""
        return self.process.pid

    def wait_for(self, port: int) -> Self:
        """Return when it listens there."""
        deadline = time.monotonic() + 60
        while not listens(port):
            self.must_run()
            if time.monotonic() > deadline:
                raise SystemExit(f"{self.name} does not listen:\n{self.said()}")
            time.sleep(0.01)
        return self

    def must_run(self) -> None:
        """End everything, with its last words, when it is gone."""
        if self.process.poll() is not None:
            raise SystemExit(f"{self.name} ended:\n{self.said()}")

    def said(self) -> str:
        """The end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-30:])


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far; 0 when it is gone or elsewhere."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory_mb(pid: int) -> tuple[float, float]:
    """RSS and PSS."""
    sizes = {"Rss": 0.0, "Pss": 0.0}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        name, _, value = line.partition(":")
        if name in sizes:
            sizes[name] = int(value.split()[0]) / 1024
    return sizes["Rss"], sizes["Pss"]
