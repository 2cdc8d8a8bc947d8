"""Bells: asking a worker to look at a row that says what is owed. They may be lost; every obligation has a sweep.

A task is a function that takes the ids as text. Whoever writes the row rings by the task's name, so that the request
side need not know the worker side:

    @task
    def write_reply(reply_id: str) -> None: ...

    ring("chat.tasks.write_reply", reply.pk)   # on commit

Who hears it is a setting, `BELLS`:
    celery   Celery's own way in: a worker of its
    quick    the same message for the same worker, by hand: a quarter of the time, no Celery in a web process
    threads  this process itself, on threads: when it is the only one
    off      nobody: rows wait for the sweep
"""

import base64
import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import cache, partial
from typing import Any
from uuid import uuid4

import structlog
from django.conf import settings
from django.db import close_old_connections, transaction
from django.utils.module_loading import import_string

from config.lib import redis

log = structlog.get_logger(__name__)

THREADS = 64  # of one process that is everything: replies written at once
APP = "config.celery.app"  # by name: a process that rings by hand never needs it
QUEUE = "celery"  # Celery's default

Task = Callable[..., None]
tasks: dict[str, Task] = {}


def task(function: Task) -> Task:
    """Let a function be rung for, by the name of its module and its own. Only modules called `tasks` have some."""
    tasks[f"{function.__module__}.{function.__qualname__}"] = function
    return function


def ring(name: str, *arguments: object) -> None:
    """Ask for a task on what these ids name, when the transaction is committed; at once outside of one.

    Never raises: while nobody can be asked, rows wait.
    """
    transaction.on_commit(partial(ring_now, name, *map(str, arguments)), robust=True)


def ring_now(name: str, *arguments: str) -> None:
    """Ask at once. Never raises."""
    try:
        RINGERS[settings.BELLS](name, arguments)
    except Exception as error:
        log.warning("bell_failed", task=name, arguments=arguments, error=repr(error))


def _off(name: str, arguments: tuple[str, ...]) -> None:
    pass


# --- This process --------------------------------------------------------------------------------------------

_pool_lock = threading.Lock()
_pool: ThreadPoolExecutor | None = None


def _on_a_thread(name: str, arguments: tuple[str, ...]) -> None:
    global _pool
    with _pool_lock:
        if _pool is None:
            _pool = ThreadPoolExecutor(THREADS, "bell")
        _pool.submit(copy_context().run, _answer_on_a_thread, name, arguments)


def answer_rung(task: Task, *arguments: str, context: dict[str, Any] | None = None) -> None:
    """Do a task that a worker was rung for; what it logs bears the ids of whoever rang."""
    with structlog.contextvars.bound_contextvars(**(context or {})):
        task(*arguments)


def answer(name: str, arguments: tuple[str, ...]) -> None:
    """Do a task here and now; what goes wrong is logged, the row says that it is still owed."""
    try:
        import_string(name)(*arguments)
    except Exception:
        log.exception("task_failed", task=name, arguments=arguments)


def _answer_on_a_thread(name: str, arguments: tuple[str, ...]) -> None:
    close_old_connections()
    try:
        answer(name, arguments)
    finally:
        close_old_connections()


# --- The end of a worker ---------------------------------------------------------------------------------------

_before_stopping: list[Callable[[], None]] = []
_when_done: list[Callable[[], None]] = []


def before_stopping(deed: Callable[[], None]) -> None:
    """Do this when the worker stops, before it waits for the tasks that are at work."""
    _before_stopping.append(deed)


def when_done(deed: Callable[[], None]) -> None:
    """Do this when a process that answers its own bells has stopped, and no task is at work any more."""
    _when_done.append(deed)


def stop() -> None:
    """Answer no more bells in this process, hand on what takes long, and wait for the rest.

    What is not begun stays owed.
    """
    global _pool
    with _pool_lock:
        pool, _pool = _pool, None
    if pool is not None:
        pool.shutdown(wait=False, cancel_futures=True)
    for deed in _before_stopping:
        deed()
    if pool is not None:
        pool.shutdown()
        for deed in _when_done:
            deed()


# --- Celery ----------------------------------------------------------------------------------------------------


def _by_celery(name: str, arguments: tuple[str, ...]) -> None:
    with _line().acquire(block=True, timeout=1) as producer:
        import_string(APP).send_task(name, arguments, {"context": _context()}, producer=producer, retry=False)


@cache
def _line() -> Any:
    from kombu.pools import producers  # not needed by a process that rings by hand

    app = import_string(APP)
    # A Redis that is gone or frozen costs a sender half a second, not forty (celery's default has no limit).
    options = dict(app.conf.broker_transport_options)
    if settings.REDIS_URL:
        options |= {
            "socket_timeout": redis.SECONDS_TO_ANSWER,
            "socket_connect_timeout": redis.SECONDS_TO_ANSWER,
            "retry_on_timeout": False,
            "max_retries": 0,
        }
    return producers[app.connection_for_write(transport_options=options)]


def _by_hand(name: str, arguments: tuple[str, ...]) -> None:
    """Celery's message protocol, version 2, in the envelope of kombu's Redis transport.

    https://docs.celeryq.dev/en/stable/internals/protocol.html; a test compares it with what Celery sends.
    """
    client = redis.client(settings.REDIS_URL)
    message = celery_message(name, arguments)
    prefix = settings.CELERY_BROKER_TRANSPORT_OPTIONS.get("global_keyprefix", "")
    redis.breaker(settings.REDIS_URL).ask(client.lpush, f"{prefix}{QUEUE}", message)


def _context() -> dict[str, Any]:
    """The ids that are logged here, to be logged there."""
    return structlog.contextvars.get_contextvars()


def celery_message(name: str, arguments: tuple[str, ...]) -> str:
    """What lies in the list that a Celery worker reads."""
    task_id, given = str(uuid4()), {"context": _context()}
    body = json.dumps([arguments, given, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}])
    headers = {
        "lang": "py",
        "task": name,
        "id": task_id,
        "root_id": task_id,
        "parent_id": None,
        "group": None,
        "retries": 0,
        "eta": None,
        "expires": None,
        "timelimit": [None, None],
        "ignore_result": True,
        "argsrepr": repr(arguments),
        "kwargsrepr": "{}",
    }
    properties = {
        "correlation_id": task_id,
        "reply_to": "",
        "delivery_mode": 2,
        "delivery_info": {"exchange": "", "routing_key": QUEUE},
        "priority": 0,
        "body_encoding": "base64",
        "delivery_tag": task_id,
    }
    return json.dumps(
        {
            "body": base64.b64encode(body.encode()).decode(),
            "content-encoding": "utf-8",
            "content-type": "application/json",
            "headers": headers,
            "properties": properties,
        }
    )


RINGERS: dict[str, Callable[[str, tuple[str, ...]], None]] = {
    "celery": _by_celery,
    "quick": _by_hand,
    "threads": _on_a_thread,
    "off": _off,
}
