"""The database while we wait for somebody else."""

from django.db import connection


def give_back_connection() -> None:
    """Put this thread's connection back into the pool; the next query takes one again.

    Who waits for a slow processor with a connection in hand keeps it from those who have something to do.
    """
    if not connection.in_atomic_block:
        connection.close()
