"""Bells for the workers."""

from uuid import UUID

from accounts import permits, posting, restricting, sessions
from config.lib.bells import task


@task
def sweep_permits() -> None:
    """Delete permits that are long over."""
    permits.sweep()


@task
def sweep_restrictions() -> None:
    """Let those in again whose pause is over."""
    restricting.expire()


@task
def sweep_sessions() -> None:
    """Delete sessions that are over."""
    sessions.sweep()


@task
def sweep_mails() -> None:
    """Forget mails that are long over."""
    posting.sweep()


@task
def send_mail(mail_id: str) -> None:
    """Send one mail that is owed."""
    posting.send(UUID(mail_id))
