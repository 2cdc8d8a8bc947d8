"""What `ENGINE` names: Django's own backend, with a cheaper look at pooled connections, and less patience in requests.

Django's `CONN_HEALTH_CHECKS` asks the server a question for each piece of work, and Django 5.2 lets nobody pass a check
of their own to the pool. From 6.1 on (ticket 37075) `is_there` can be `OPTIONS["pool"]["check"]` in the settings, if it
raises what it found, and the wrapper here goes.

PostgreSQL ends a statement that takes too long, but not when it is itself silent. A request (config/lib/waiting.py)
waits no longer than it may, and when one has waited in vain, the others do not try it for a second.
"""

import select
import threading
import time
from typing import Any

import psycopg
from django.db.backends.postgresql import base
from psycopg_pool import ConnectionPool

from config.lib import waiting

SECONDS_LEFT_ALONE = 1.0
SECONDS_TO_SHOW_ITSELF = 1.0  # for a database that was away, to the one that tries it


class Breaker:
    """Whether requests try the database: not for a second after it was away, and then one of them first."""

    def __init__(self) -> None:
        self.is_open = False
        self._until = 0.0  # time.monotonic()
        self._trying = threading.Lock()

    def trip(self) -> None:
        """It was silent, or refused."""
        self._until, self.is_open = time.monotonic() + SECONDS_LEFT_ALONE, True

    def mend(self) -> None:
        """It answered."""
        self.is_open = False

    def let_one_try(self) -> threading.Lock:
        """A lock that is held now, and to be released. Raises OperationalError for all who shall not try."""
        if time.monotonic() < self._until or not self._trying.acquire(blocking=False):
            raise psycopg.OperationalError("the database is left alone for a moment")
        return self._trying


breaker = Breaker()


class Connection(psycopg.Connection[Any]):
    """A connection on which a request waits no longer than it may."""

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """As psycopg's. Raises OperationalError when a request's patience is over, and is closed then."""
        patience = waiting.seconds()
        if timeout is not None or patience is None:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, patience)
        except psycopg.errors._WaitTimeout:
            breaker.trip()
            self.close()
            raise psycopg.OperationalError(f"the database was silent for {patience} s") from None


class DatabaseWrapper(base.DatabaseWrapper):
    """Takes connections out of the pool until there is one that the server has not ended."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        options = self.settings_dict["OPTIONS"].get("pool")
        if isinstance(options, dict):  # of the process's one pool, which the first thread opens
            options.setdefault("connection_class", Connection)

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """A connection that works, as far as one can tell without asking. Each try waits as long as the pool does."""
        if waiting.seconds() is None:
            return self._from_pool(conn_params)
        if not breaker.is_open:
            try:
                return self._from_pool(conn_params)
            except psycopg.OperationalError:
                breaker.trip()
                raise
        trying = breaker.let_one_try()
        try:
            connection = self._from_pool(conn_params)
            with waiting.at_most(SECONDS_TO_SHOW_ITSELF):
                try:
                    ConnectionPool.check_connection(connection)
                except psycopg.Error:
                    connection.close()
                    if self.pool:
                        self.pool.putconn(connection)
                    raise
        except psycopg.OperationalError:
            breaker.trip()
            raise
        else:
            breaker.mend()
            return connection
        finally:
            trying.release()

    def _from_pool(self, conn_params: dict[str, Any]) -> Any:
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
