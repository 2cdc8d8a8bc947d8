"""Bells. A task's body is one call; the row it names is the obligation, and a sweep hears bells that were missed."""

from uuid import UUID

from chat import replying, starting
from config.lib.bells import task


@task
def write_reply(reply_id: str) -> None:
    """Write one reply."""
    replying.write_reply(UUID(reply_id))


@task
def erase(conversation_id: str) -> None:
    """Erase what was said in a deleted conversation."""
    starting.erase_words(UUID(conversation_id))
