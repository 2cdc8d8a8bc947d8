"""Bells for the workers."""

from celery import shared_task

from accounts import permits


@shared_task
def sweep_permits() -> None:
    """Delete permits that are long over."""
    permits.sweep()
