"""Bells. A task's body is one call; the row it names is the obligation, and a sweep hears bells that were missed."""

from uuid import UUID

from celery import shared_task

from chat import replying, sweeping
from config.lib import bells


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


def ring(reply_id: UUID) -> None:
    """Ask a worker to write this reply. Never raises."""
    bells.ring(write_reply, str(reply_id))
