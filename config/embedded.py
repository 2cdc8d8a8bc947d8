"""Everything in one process: the web server, its own worker, and the clock. What `manage.py serve` runs.

The same code as production, only together: bells are answered on threads of this process, and what is owed is claimed
from the same rows, so a process that dies leaves nothing behind that the next one does not find.
"""

import signal
import socket
import threading
import time
from collections.abc import Iterable
from types import FrameType

import uvicorn
from django.conf import settings

from config import server
from config.lib import bells, owed

WEB_STOP_SECONDS = 3  # for requests that are being answered
SWEEP, SOON = "config.tasks.sweep", 3.0  # seconds between sweeps while leases of the last run may end
WORKER_STOP_SECONDS = 8  # for replies to be handed on


class Server(uvicorn.Server):
    """uvicorn that lets go of the worker at the first signal, so that both stop at the same time."""

    def __init__(self, config: uvicorn.Config, worker: "Worker") -> None:
        super().__init__(config)
        self.worker = worker

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop serving and stop answering bells."""
        self.worker.let_go()
        super().handle_exit(sig, frame)


class Worker:
    """What a worker and beat are in production: the threads that answer bells, and one that keeps the time."""

    def __init__(self) -> None:
        settings.BELLS = "threads"  # whatever rings in this process is heard in it
        self.leaving = threading.Event()
        self.left = threading.Event()

    def start(self, first: Iterable[str] = ()) -> None:
        """Answer bells from now on: at once these, and what the last run left behind."""
        for name in first:
            bells.ring_now(name)
        threading.Thread(target=self._keep_time, name="clock", daemon=True).start()

    def let_go(self) -> None:
        """Answer no more bells and hand on the replies that are being written. Returns at once; safe to repeat."""
        if not self.leaving.is_set():
            self.leaving.set()
            threading.Thread(target=self._leave, name="worker-leaving", daemon=True).start()

    def join(self) -> None:
        """Wait until it has nothing in hand. What it cannot hand on in time, a sweep finds when the lease is over."""
        self.let_go()
        self.left.wait(WORKER_STOP_SECONDS)

    def _keep_time(self) -> None:
        due = dict.fromkeys(settings.SCHEDULE, 0.0)  # at once, then at their times
        leases_end = time.monotonic() + settings.REPLY_LEASE_SECONDS + owed.UNHEARD.total_seconds()
        while not self.leaving.is_set():
            now = time.monotonic()
            for name in [name for name, at in due.items() if at <= now]:
                due[name] = now + settings.SCHEDULE[name]
                if name == SWEEP and now < leases_end:  # those of a run that was killed
                    due[name] = min(due[name], now + SOON)
                bells.ring_now(name)
            self.leaving.wait(min(due.values()) - time.monotonic())

    def _leave(self) -> None:
        bells.stop()
        self.left.set()


def listen(host: str, port: int) -> socket.socket:
    """The server's socket. Raises OSError when the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    listener.listen(server.BACKLOG)
    return listener


def serve(listener: socket.socket, first: Iterable[str] = ()) -> None:
    """Serve until SIGINT or SIGTERM, then finish requests, close sockets with 1012, and hand replies on.

    These tasks are done first, beside it.
    """
    worker = Worker()
    config = uvicorn.Config(
        server.APPLICATION, lifespan="off", timeout_graceful_shutdown=WEB_STOP_SECONDS, **server.OPTIONS
    )
    # uvicorn raises the signal again when it has stopped. By then it was obeyed.
    for sig in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sig, lambda *_: None)
    worker.start(first)
    try:
        Server(config, worker).run(sockets=[listener])
    finally:
        worker.join()
