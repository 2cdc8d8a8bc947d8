"""Bells. The rows are the obligation; the sweep hears bells that were missed."""

from uuid import UUID

from celery import shared_task

from config.lib.bells import ring
from payments import catalog, mails, sweeping, webhooks


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
