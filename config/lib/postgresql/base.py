"""What `ENGINE` names: Django's own backend, with a cheaper look at pooled connections.

Django's `CONN_HEALTH_CHECKS` asks the server a question for each piece of work, and Django 5.2 lets nobody pass a check
of their own to the pool. From 6.1 on (ticket 37075) `is_there` can be `OPTIONS["pool"]["check"]` in the settings, if it
raises what it found, and the wrapper here goes.
"""

import select
from typing import Any

import psycopg
from django.db.backends.postgresql import base
from psycopg_pool import ConnectionPool


class DatabaseWrapper(base.DatabaseWrapper):
    """Takes connections out of the pool until there is one that the server has not ended."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """A connection that works, as far as one can tell without asking. Each try waits as long as the pool does."""
        connection = super().get_new_connection(conn_params)
        if self.pool:
            for _ in range(self.pool.max_size):  # after a restart of the server all of them are dead
                if is_there(connection):
                    break
                self.pool.putconn(connection)  # which makes another in its place
                connection = super().get_new_connection(conn_params)
        return connection

    def is_there(self) -> bool:
        """Whether the connection that is held now still works, as far as one can tell without asking."""
        return is_there(self.connection)


def is_there(connection: Any) -> bool:
    """Whether the server still holds its end of an idle psycopg connection. Asks it only when there is reason to.

    An idle server says nothing. If there is something to read, it is most likely its goodbye; otherwise a notice, which
    the question takes in. A server that vanished without a word is noticed at the next statement, as with any check.
    """
    if connection.closed:
        return False
    look = select.poll()
    look.register(connection.fileno(), select.POLLIN)
    if look.poll(0):
        try:
            ConnectionPool.check_connection(connection)
        except psycopg.Error:
            connection.close()
            return False
    return True
