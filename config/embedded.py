"""Everything in one process: the web server, a Celery worker and beat. What `manage.py serve` runs.

The same code as production, only together: the worker claims replies from the same rows, so a process that dies
leaves nothing behind that the next one does not find. The broker is memory:// or, with REDIS_URL, Redis.
"""

import signal
import socket
import threading
import time
from types import FrameType

import uvicorn
from celery import Celery, signals
from celery.beat import EmbeddedService
from celery.worker import state

WORKER_SLOTS = 64  # replies written at once
WEB_STOP_SECONDS = 3  # for requests that are being answered
WORKER_STOP_SECONDS = 8  # for replies to be handed on


class Server(uvicorn.Server):
    """uvicorn that lets go of the worker at the first signal, so that both stop at the same time."""

    def __init__(self, config: uvicorn.Config, worker: "Worker") -> None:
        super().__init__(config)
        self.worker = worker

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop serving and stop taking tasks."""
        self.worker.let_go()
        super().handle_exit(sig, frame)


class Worker:
    """A Celery worker and beat in two threads of this process."""

    def __init__(self, app: Celery) -> None:
        # Without it the pool's threads would run under another app, with none of our settings.
        app.set_default()
        self.controller = app.WorkController(
            pool="threads",
            concurrency=WORKER_SLOTS,
            without_heartbeat=True,
            without_mingle=True,
            without_gossip=True,
            optimization="fair",
        )
        self.beat = EmbeddedService(app, thread=True, scheduler_cls=app.conf.beat_scheduler)
        self.thread = threading.Thread(target=self.controller.start, name="worker", daemon=True)
        self.leaving = threading.Event()

    def start(self) -> None:
        """Take tasks from now on, and at once what the last run left behind."""
        self.thread.start()
        self.beat.start()
        self.controller.app.send_task("chat.tasks.sweep_replies")

    def let_go(self) -> None:
        """Take no more tasks and hand on the replies that are being written. Returns at once; safe to repeat."""
        if not self.leaving.is_set():
            self.leaving.set()
            threading.Thread(target=self._leave, name="worker-leaving", daemon=True).start()

    def _leave(self) -> None:
        # What Celery's own signal handlers do; those need the main thread, which is uvicorn's.
        self.beat.service.stop()
        signals.worker_shutting_down.send(sender=self.controller.hostname, sig="SIGTERM", how="Warm", exitcode=0)
        state.should_stop = 0

    def join(self) -> None:
        """Wait until it has nothing in hand. What it cannot hand on in time, a sweep finds when the lease is over.

        Not until its thread ends: Celery's loop looks up every two seconds only.
        """
        self.let_go()
        until = time.monotonic() + WORKER_STOP_SECONDS
        while self.thread.is_alive() and state.reserved_requests and time.monotonic() < until:
            self.thread.join(0.05)


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
    listener.listen(2048)
    return listener


def serve(listener: socket.socket, app: Celery) -> None:
    """Serve until SIGINT or SIGTERM, then finish requests, close sockets with 1012, and hand replies on."""
    worker = Worker(app)
    config = uvicorn.Config(
        "config.asgi:application",
        log_config=None,
        access_log=False,
        lifespan="off",
        ws_max_size=64 * 1024,
        ws_max_queue=8,
        ws_per_message_deflate=False,
        ws_ping_interval=20,
        ws_ping_timeout=20,
        timeout_graceful_shutdown=WEB_STOP_SECONDS,
    )
    # uvicorn raises the signal again when it has stopped. By then it was obeyed.
    for sig in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sig, lambda *_: None)
    worker.start()
    try:
        Server(config, worker).run(sockets=[listener])
    finally:
        worker.join()
