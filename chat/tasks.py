"""Bells. A task's body is one call; the row it names is the obligation, and a sweep hears bells that were missed."""

from functools import cache
from typing import Any
from uuid import UUID

import structlog
from celery import current_app, shared_task
from django.conf import settings
from kombu.pools import producers

from chat import replying, sweeping

log = structlog.get_logger(__name__)


@shared_task
def write_reply(reply_id: str) -> None:
    """Write one reply; ring for the one that newer messages wait for."""
    if following := replying.write_reply(UUID(reply_id)):
        ring(following)


@shared_task
def sweep_replies() -> None:
    """Every 15 s: ring again for replies whose bell or worker was lost, end those that are overdue."""
    for reply_id in sweeping.sweep():
        ring(reply_id)


@cache
def _bell() -> Any:
    # A Redis that is gone or frozen costs a sender half a second, not forty (celery's default has no limit).
    options = dict(current_app.conf.broker_transport_options)
    if settings.REDIS_URL:
        options |= {"socket_timeout": 0.5, "socket_connect_timeout": 0.5, "retry_on_timeout": False, "max_retries": 0}
    return current_app.connection_for_write(transport_options=options)


def ring(reply_id: UUID) -> None:
    """Ask a worker to write this reply. Never raises: when the broker is away, the sweep rings again."""
    try:
        with producers[_bell()].acquire(block=True, timeout=1) as producer:
            write_reply.apply_async((str(reply_id),), producer=producer, retry=False)
    except Exception as error:
        log.warning("bell_failed", reply=str(reply_id), error=repr(error))
