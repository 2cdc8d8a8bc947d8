"""Bells. A task's body is one call; the row it names is the obligation, and a sweep hears bells that were missed."""

from uuid import UUID

from chat import replying, resetting, starting
from config.lib.bells import task


@task
def write_reply(reply_id: str) -> None:
    """Write one reply."""
    replying.write_reply(UUID(reply_id))


@task
def erase(conversation_id: str) -> None:
    """Erase what was said in a deleted conversation."""
    starting.erase_words(UUID(conversation_id))


@task
def reset_quotas(reset_id: str) -> None:
    """Carry out a reset of many conversations' free messages, or go on with it."""
    resetting.carry_out(UUID(reset_id))


@task
def keep_calendar() -> None:
    """Owe the reset of this day or month."""
    resetting.keep_calendar()
