"""The one sweep, and when what is done at its time."""

from config.lib import owed
from config.lib.bells import task


@task
def sweep() -> None:
    """Ring again for everything that is owed and was not heard."""
    owed.sweep()
