"""Bells for the workers."""

from django.utils.module_loading import import_string

from config.lib.bells import task
from girls import publishing


@task
def finish_removals() -> None:
    """Delete for good what was deleted long enough ago."""
    publishing.finish_removals()


@task
def draw_demo() -> None:
    """Draw the photos of the demo's characters, where they have none."""
    import_string("girls.demo.pictures.draw")()  # whoever draws nothing needs no renderer
