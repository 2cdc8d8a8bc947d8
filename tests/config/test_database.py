"""Deeds whose transaction was torn are done once more; what is really wrong is said at once."""

import threading

import pytest
from django.db import OperationalError, connection, transaction

from chat.models import Conversation
from config.lib.database import tried_again
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
    assert len(tries) == 3
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
