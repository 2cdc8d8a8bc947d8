"""Bells. The rows are the obligation; the sweep hears bells that were missed."""

from uuid import UUID

from config.lib.bells import task
from payments import catalog, sweeping, webhooks


@task
def process_event(event_id: str) -> None:
    """Look into one event."""
    webhooks.process(event_id)


@task
def settle_purchase(purchase_id: str) -> None:
    """Ask about one purchase that nobody told us about."""
    sweeping.look_after(UUID(purchase_id))


@task
def refresh_catalog(row: str) -> None:
    """Ask what is on sale."""
    catalog.refresh_if_due()


@task
def tidy() -> None:
    """Every minute: drop what was half made, and see that there is a catalog to keep fresh."""
    sweeping.drop_half_made()
    catalog.exists()
