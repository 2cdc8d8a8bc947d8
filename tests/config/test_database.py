"""Deeds whose transaction was torn are done once more; what is really wrong is said at once. Connections that the
server ended are not handed out.
"""

import threading
from contextlib import suppress

import psycopg
import pytest
from django.conf import settings
from django.db import DatabaseError, OperationalError, connection, transaction
from psycopg_pool import ConnectionPool

from chat.models import Conversation
from config.lib.database import DatabaseThreads, patiently, tried_again
from config.lib.postgresql.base import is_there
from tests.config.processes import manage
from tests.factories import ConversationFactory
from tests.racing import needs_postgres, race

pytestmark = [pytest.mark.django_db(transaction=True), needs_postgres]


def test_two_deeds_in_each_others_way_are_both_done():
    rows = [ConversationFactory(), ConversationFactory()]
    both_hold_one = threading.Barrier(2)
    tries = []

    @tried_again
    def lock_both(number):
        first, second = rows if number else reversed(rows)
        tries.append(number)
        with transaction.atomic(durable=True):
            Conversation.objects.locked(first.pk).bump()
            if len(tries) <= 2:
                both_hold_one.wait()
            Conversation.objects.locked(second.pk).bump()

    assert race(lock_both, 2) == [None, None]
    assert len(tries) > 2  # one was torn; on a busy machine it may take the row from under the other's nose once more
    assert {row.version for row in Conversation.objects.all()} == {2}


def test_a_connection_that_is_ended_in_the_middle_leaves_no_half_and_no_double(settings):
    settings.DEBUG = False  # as in production: a debugging cursor would ask the dead connection for the statement
    row = ConversationFactory()
    tries = []

    @tried_again
    def bump():
        tries.append(1)
        with transaction.atomic(durable=True):
            Conversation.objects.locked(row.pk).bump()
            if len(tries) == 1:
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    assert race(lambda _: bump(), 1) == [None]
    assert len(tries) == 2
    assert Conversation.objects.get().version == 1


def test_what_is_not_torn_is_not_tried_again():
    tries = []

    @tried_again
    def time_out():
        tries.append(1)
        with transaction.atomic(durable=True), connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 1")
            cursor.execute("SELECT pg_sleep(5)")

    (result,) = race(lambda _: time_out(), 1)
    assert isinstance(result, OperationalError)
    assert len(tries) == 1


def backend(_):
    """Which of the server's processes serves a piece of work."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return cursor.fetchone()[0]


def beside():
    """A connection beside the pool."""
    return psycopg.connect(**connection.get_connection_params(), autocommit=True)


def end(pids):
    """End those, and return when they are gone."""
    with beside() as administrator:
        ended = administrator.execute("SELECT pg_terminate_backend(pid, 9000) FROM unnest(%s) AS pid", [pids])
        assert all(gone for (gone,) in ended)


def test_connections_that_the_server_ended_while_idle_are_not_handed_out():
    before = race(backend, 8)
    end(list(set(before)))
    after = race(backend, 8)
    assert all(isinstance(pid, int) for pid in after), after
    assert not set(after) & set(before)


def test_taking_a_connection_from_the_pool_asks_the_server_nothing(monkeypatch):
    connection.close_pool()  # another test's connections in it may have been ended, and those are asked
    race(backend, 1)
    monkeypatch.setattr(ConnectionPool, "check_connection", lambda connection: pytest.fail("it was asked"))
    assert all(isinstance(pid, int) for pid in race(backend, 8))


def test_a_server_that_only_said_something_is_still_there():
    with beside() as idle, beside() as other:
        idle.execute("LISTEN dusk_test")
        other.execute("NOTIFY dusk_test")
        assert is_there(idle)
        assert not idle.closed


def test_a_server_that_said_goodbye_is_not():
    with beside() as idle:
        end([idle.info.backend_pid])
        assert not is_there(idle)
        assert idle.closed
        assert not is_there(idle)


@pytest.mark.parametrize("keep", [True, False])
async def test_threads_for_the_database_find_it_again_after_it_ended_their_connections(keep):
    in_database = DatabaseThreads(1, "test-db", keep=keep)

    def backend():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            return cursor.fetchone()[0]

    def end(pid):
        with suppress(OperationalError), connection.cursor() as cursor:  # it may be its own
            cursor.execute("SELECT pg_terminate_backend(%s, 9000)", [pid])  # returns when it is gone

    def broken():
        with connection.cursor() as cursor:
            cursor.execute("SELECT nothing_like_it")

    first = await in_database(backend)
    if keep:
        assert await in_database(backend) == first
    await DatabaseThreads(1, "other-db")(end, first)
    second = await in_database(backend)
    assert second != first
    with pytest.raises(DatabaseError):
        await in_database(broken)
    assert await in_database(backend)
    await in_database(lambda: connection.close())


def _limits():
    with connection.cursor() as cursor:
        return [cursor.execute(f"SHOW {name}").fetchone()[0] for name in settings.DATABASE_LIMITS]


def test_who_serves_has_limits_and_a_migration_only_for_locks():
    assert list(settings.DATABASE_LIMITS.values()) == ["10s", "3s", "30s"]
    assert _limits() == ["10s", "1min", "30s"]  # for locks, as tests/conftest.py has it
    with patiently():
        assert _limits() == ["0", "1min", "0"]
    assert _limits() == ["10s", "1min", "30s"]


def test_a_command_takes_as_long_as_it_takes():
    ask = "from django.db import connection as c; u = c.cursor(); print(u.execute('SHOW statement_timeout').fetchone())"
    done = manage("shell", "--no-imports", "-c", ask)
    assert "('0',)" in done.stdout, done.stderr
