"""Bells for the workers."""

from uuid import UUID

from config.lib.bells import task
from media import files, processing


@task
def see_to_uploads(upload_id: str) -> None:
    """See to this upload, and to any other that is due."""
    processing.see_to_all()


@task
def remove_file(file_id: str) -> None:
    """Remove the objects of one file that is gone."""
    files.remove(UUID(file_id))


@task
def sweep() -> None:
    """Remove files and objects that nobody points at."""
    files.sweep()
