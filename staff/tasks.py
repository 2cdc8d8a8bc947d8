"""Bells for the workers."""

from uuid import UUID

from config.lib.bells import task
from safety import reporting
from staff import erasing, exporting, rollups


@task
def see_to_export(export_id: str) -> None:
    """Make one copy of somebody's data, or remove it."""
    exporting.see_to(UUID(export_id))


@task
def see_to_erasure(person: str) -> None:
    """Erase one person whose day has come."""
    erasing.see_to(int(person))


@task
def sweep() -> None:
    """Remove copies that nobody knows of, and what was kept of reports that were decided long ago."""
    exporting.sweep()
    reporting.sweep()


@task
def count_days() -> None:
    """Every five minutes: the figures of today, and of days that are over."""
    rollups.keep_up()
