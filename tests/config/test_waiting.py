"""Vendors and a database that say nothing: whoever does not need them notices nothing, whoever does is told soon."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
import pytest
from django.db import OperationalError, connection
from django.test import Client

from config.lib import waiting
from config.lib.postgresql import base
from tests.racing import needs_postgres


@contextmanager
def a_request():
    with waiting.at_most(5):
        yield


def test_so_many_requests_wait_for_a_vendor_and_no_more():
    bulkhead = waiting.Bulkhead(2)
    with a_request(), bulkhead.place(), bulkhead.place(), pytest.raises(waiting.Full), bulkhead.place():
        pass
    with a_request(), bulkhead.place(), bulkhead.place():
        pass


def test_a_worker_is_not_counted():
    bulkhead = waiting.Bulkhead(1)
    with bulkhead.place(), bulkhead.place(), a_request(), bulkhead.place():
        pass


@pytest.fixture
def breaker(monkeypatch):
    breaker = base.Breaker()
    monkeypatch.setattr(base, "breaker", breaker)
    monkeypatch.setattr(base, "SECONDS_LEFT_ALONE", 0.0)
    return breaker


@needs_postgres
def test_a_request_waits_for_a_silent_database_no_longer_than_it_may(transactional_db, breaker):
    with waiting.at_most(0.2), pytest.raises(OperationalError, match="silent"), connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(20)")
    assert breaker.is_open
    connection.close()
    with a_request(), connection.cursor() as cursor:  # the one that tries it finds it well
        cursor.execute("SELECT 1")
    assert not breaker.is_open


@needs_postgres
def test_who_is_no_request_waits_as_long_as_it_takes(transactional_db, breaker):
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(0.3)")
    assert not breaker.is_open


@needs_postgres
def test_a_database_that_was_away_is_tried_by_one_at_a_time(transactional_db, breaker):
    breaker.trip()
    trying, may_go_on = threading.Event(), threading.Event()

    def first():
        lock = breaker.let_one_try()
        trying.set()
        may_go_on.wait(30)
        lock.release()

    with ThreadPoolExecutor(1) as threads:
        tried = threads.submit(first)
        assert trying.wait(30)
        connection.close()
        try:
            with a_request(), pytest.raises(OperationalError, match="left alone"):
                connection.ensure_connection()
        finally:
            may_go_on.set()
        tried.result()
    with a_request():
        connection.ensure_connection()
    assert not breaker.is_open


@needs_postgres
def test_for_a_moment_nobody_tries_a_database_that_was_away(transactional_db, breaker, monkeypatch):
    monkeypatch.setattr(base, "SECONDS_LEFT_ALONE", 60.0)
    breaker.trip()
    with pytest.raises(psycopg.OperationalError, match="left alone"):
        breaker.let_one_try()
    connection.close()
    connection.ensure_connection()  # who is no request does


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_who_finds_a_vendor_beset_is_told_to_come_again(settings, monkeypatch, accept):
    settings.DEBUG = False
    settings.ALLOWED_HOSTS = ["*"]
    settings.TURNSTILE_SECRET_KEY = "0x4AAAAAAATestSecretKey"
    monkeypatch.setattr("accounts.turnstile._requests", waiting.Bulkhead(0))
    form = {"login": "alice@example.com", "password": "wrong", "cf-turnstile-response": "a-token"}
    with a_request():
        answer = Client(headers={"accept": accept}).post("/accounts/login/", form)
    assert answer.status_code == 503
    assert int(answer["Retry-After"]) > 0
    assert ("json" in answer["Content-Type"]) == (accept != "text/html")
