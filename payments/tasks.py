"""Bells. The rows are the obligation; the sweep hears bells that were missed."""

from functools import cache
from typing import Any
from uuid import UUID

import structlog
from celery import current_app, shared_task
from django.conf import settings
from kombu.pools import producers

from payments import catalog, mails, sweeping, webhooks

log = structlog.get_logger(__name__)


@shared_task
def process_event(event_id: str) -> None:
    """Look into one event."""
    webhooks.process(event_id)


@shared_task
def settle_purchase(purchase_id: str) -> None:
    """Ask about one purchase that nobody told us about."""
    sweeping.look_after(UUID(purchase_id))


@shared_task
def send_mail(purchase_id: str) -> None:
    """Send one mail that is owed."""
    mails.send_owed(UUID(purchase_id))


@shared_task
def sweep() -> None:
    """Every minute: ring for what waits, drop what was half made, keep the catalog fresh."""
    for event_id in sweeping.waiting_events():
        ring(process_event, event_id)
    for purchase_id in sweeping.due_purchases():
        ring(settle_purchase, str(purchase_id))
    for purchase_id in sweeping.owed_mails():
        ring(send_mail, str(purchase_id))
    sweeping.drop_half_made()
    catalog.refresh_if_stale()


@cache
def _bell() -> Any:
    # A Redis that is gone or frozen costs the webhook half a second, not forty (celery's default has no limit).
    options = dict(current_app.conf.broker_transport_options)
    if settings.REDIS_URL:
        options |= {"socket_timeout": 0.5, "socket_connect_timeout": 0.5, "retry_on_timeout": False, "max_retries": 0}
    return current_app.connection_for_write(transport_options=options)


def ring(task: Any, argument: str) -> None:
    """Ask a worker to do a task. Never raises: when the broker is away, the sweep rings again."""
    try:
        with producers[_bell()].acquire(block=True, timeout=1) as producer:
            task.apply_async((argument,), producer=producer, retry=False)
    except Exception as error:
        log.warning("bell_failed", task=task.name, argument=argument, error=repr(error))
