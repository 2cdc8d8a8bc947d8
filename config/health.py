"""For machines: does the process live, may it get traffic, and how is it doing.

Answered on the event loop, before Django: what the threads of pages wait for is nothing to these. Who has to be asked
(the database, Redis) is asked on a thread of its own, one question at a time, and is waited for a second at most.
"""

import asyncio
import json
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import FrameType
from typing import Any, Generic, TypeVar

from channels.layers import get_channel_layer
from django.conf import settings
from django.db import DatabaseError, OperationalError, connection
from django.utils.crypto import constant_time_compare
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest

from chat.models import Reply
from config.lib import waiting
from config.metrics import REPLIES, replies_are_late
from media.storage import StorageUnavailable, store

SECONDS = 1.0  # for an answer; who is slower counts as away
PATIENCE = 5.0  # for a database that says nothing, before its thread tries another connection

T = TypeVar("T")

draining = threading.Event()


class Question(Generic[T]):
    """Something that only others know. However many want to know, one asks, and not again for `every` seconds."""

    def __init__(self, ask: Callable[[], T], *, every: float = 0.0) -> None:
        self._ask = ask
        self._every, self._since = every, 0.0
        self._threads = ThreadPoolExecutor(1, f"health-{ask.__name__}")
        self._asked: Future[T] | None = None

    async def answer(self) -> T:
        """Raises TimeoutError, or whatever asking raised."""
        now = time.monotonic()
        if self._asked is None or (self._asked.done() and now - self._since >= self._every):
            self._since = now
            self._asked = self._threads.submit(self._on_its_thread)
        return await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(self._asked)), SECONDS)

    def _on_its_thread(self) -> T:
        with waiting.at_most(PATIENCE):
            try:
                return self._ask()
            finally:
                connection.close()


def has_tables() -> bool:
    """Whether the database answers, and is ours. Reads no table: one that is locked is none that is away."""
    return Reply._meta.db_table in connection.introspection.table_names()


def redis_serves() -> bool:
    """Whether Redis does what it is there for: a frame arrives that is sent through it."""
    return bool(get_channel_layer().carries())


def storage_serves() -> bool:
    """Whether files could be kept now. Also loads what speaks to a bucket, before the first page needs it."""
    try:
        store().answers()
    except (StorageUnavailable, waiting.Full):
        return False
    return True


def replies() -> bytes:
    """What the rows say, as Prometheus reads it."""
    return generate_latest(REPLIES)


DATABASE, LATE, REDIS, METRICS = (
    Question(has_tables),
    Question(replies_are_late),
    Question(redis_serves),
    Question(replies),
)
STORAGE = Question(storage_serves, every=10.0)  # a bucket's owner pays for each question, and anybody may ask us
AWAY = (TimeoutError, DatabaseError)


class Health:
    """The doors of machines, in front of all others."""

    def __init__(self, application: Any) -> None:
        self.application = application
        self.doors = {"/healthz": healthz, "/readyz": readyz, "/metrics": metrics}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        door = self.doors.get(scope["path"])
        if door is None:
            return await self.application(scope, receive, send)
        if scope["method"] in {"GET", "HEAD"}:
            status, kind, body = await door(scope)
        else:
            status, kind, body = 405, b"text/plain", b""
        headers = [
            (b"content-type", kind),
            (b"content-length", b"%d" % len(body)),
            (b"cache-control", b"no-store"),
            (b"x-content-type-options", b"nosniff"),
            *([(b"allow", b"GET, HEAD")] if status == 405 else []),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


Answer = tuple[int, bytes, bytes]


def _said(code: int, /, **report: str) -> Answer:
    return code, b"application/json", json.dumps(report).encode()


async def healthz(scope: Any) -> Answer:
    """The process answers. Nothing else is asked, so that a database outage restarts no server."""
    return _said(200, status="ok")


async def readyz(scope: Any) -> Answer:
    """May traffic come here? The database must answer; the rest is reported and costs nothing: rows wait."""
    if draining.is_set():
        return _said(503, status="draining")
    try:
        if not await DATABASE.answer():
            return _said(503, status="unavailable", database="empty")
    except AWAY:
        return _said(503, status="unavailable", database="away")
    late, redis, files = await asyncio.gather(_replies_state(), _redis_state(), _storage_state())
    status = "degraded" if late != "ok" or "away" in (redis, files) else "ok"
    return _said(200, status=status, database="ok", redis=redis, replies=late, storage=files)


async def _replies_state() -> str:
    try:
        return "late" if await LATE.answer() else "ok"
    except (TimeoutError, OperationalError):  # the table is locked
        return "unknown"


async def _redis_state() -> str:
    if not settings.REDIS_URL:
        return "unused"
    try:
        return "ok" if await REDIS.answer() else "away"
    except TimeoutError:
        return "away"


async def _storage_state() -> str:
    try:
        return "ok" if await STORAGE.answer() else "away"
    except TimeoutError:
        return "away"


async def metrics(scope: Any) -> Answer:
    """Prometheus' text, for the bearer of METRICS_TOKEN; without one, for anybody while DEBUG is on, else nobody.

    What the process itself knows is always there; what the rows say only when the database answers.
    """
    token = settings.METRICS_TOKEN
    given = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1")
    if not (constant_time_compare(given, f"Bearer {token}") if token else settings.DEBUG):
        return 404, b"text/plain", b"Not found."
    text = generate_latest(REGISTRY)
    try:
        text += await METRICS.answer()
    except AWAY:
        text += b"# The database is away.\n"
    return 200, CONTENT_TYPE_LATEST.encode(), text


async def lifespan(scope: Any, receive: Any, send: Any) -> None:
    """The server's own start and end (ASGI lifespan). It starts us when its signal handlers are set."""
    while True:
        moment = (await receive())["type"]
        if moment == "lifespan.startup":
            drain_on_sigterm()
            end_with_parent()
        await send({"type": f"{moment}.complete"})
        if moment == "lifespan.shutdown":
            return


def drain_on_sigterm() -> None:
    """Let /readyz say 503 from SIGTERM on, and keep serving for DRAIN_SECONDS while load balancers turn away.

    A second SIGTERM stops at once.
    """
    stop = signal.getsignal(signal.SIGTERM)
    if not callable(stop) or threading.current_thread() is not threading.main_thread():
        return

    def drain(sig: int, frame: FrameType | None) -> None:
        at_once = draining.is_set() or not settings.DRAIN_SECONDS
        draining.set()
        if at_once:
            stop(sig, frame)
        else:
            later = threading.Timer(settings.DRAIN_SECONDS, stop, (sig, frame))
            later.daemon = True
            later.start()

    signal.signal(signal.SIGTERM, drain)


def end_with_parent() -> None:
    """Stop when the process is gone that started this one to share its port (WEB_CONCURRENCY), be it by kill -9.

    Nobody would tell this one to stop any more, and whoever starts anew would find the port taken.
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="parent", daemon=True).start()
