"""Bells: asking a worker to look at a row that says what is owed. They may be lost; every obligation has a sweep."""

from functools import cache
from typing import Any

import structlog
from celery import current_app
from django.conf import settings
from kombu.pools import producers

log = structlog.get_logger(__name__)


def ring(task: Any, argument: str) -> None:
    """Ask a worker to do a task on the row that this id names. Never raises: while the broker is away, rows wait."""
    try:
        with producers[_line()].acquire(block=True, timeout=1) as producer:
            task.apply_async((argument,), producer=producer, retry=False)
    except Exception as error:
        log.warning("bell_failed", task=task.name, argument=argument, error=repr(error))


@cache
def _line() -> Any:
    # A Redis that is gone or frozen costs a sender half a second, not forty (celery's default has no limit).
    options = dict(current_app.conf.broker_transport_options)
    if settings.REDIS_URL:
        options |= {"socket_timeout": 0.5, "socket_connect_timeout": 0.5, "retry_on_timeout": False, "max_retries": 0}
    return current_app.connection_for_write(transport_options=options)
