"""What every test may lean on. Alice owns, Charlie must see nothing, Mara is who they talk with."""

import uuid

import psycopg
import pytest
import redis
from django.conf import settings
from django.db import connection

from config.lib import bells
from tests.factories import GirlFactory, UserFactory


@pytest.fixture(autouse=True)
def _no_memory(settings, _own_redis):
    """Caches hold the counters of limits: no test inherits its neighbour's, nor meets the other core's."""
    prefix = f"{_own_redis}:{uuid.uuid4().hex}"
    settings.CACHES = {"default": {**settings.CACHES["default"], "KEY_PREFIX": prefix}}


@pytest.fixture(autouse=True)
def _nobody_hears(settings):
    """Bells are for tests that ask for them: what is owed is a row, and here nobody takes it unasked."""
    settings.BELLS = "off"


@pytest.fixture
def heard(settings):
    """Bells are heard by a worker that is as quick as can be: on the spot, after the commit."""
    bells.RINGERS["at once"] = bells.answer
    settings.BELLS = "at once"


@pytest.fixture
def rung(settings):
    """The bells that rang, as (task, *arguments); nobody hears them."""
    rung = []
    bells.RINGERS["written down"] = lambda name, arguments: rung.append((name, *arguments))
    settings.BELLS = "written down"
    return rung


@pytest.fixture(autouse=True)
def _cheap_passwords(settings):
    """Passwords are hashed for real elsewhere; here it would only cost time."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def alice(db):
    return UserFactory(username="alice")


@pytest.fixture
def charlie(db):
    return UserFactory(username="charlie")


@pytest.fixture
def mara(db):
    return GirlFactory(name="Mara", slug="mara")


@pytest.fixture(autouse=True, scope="session")
def _no_connection_is_left(django_db_setup):
    """The test database cannot be dropped under anybody: the pool's connections are closed, and those that the threads
    of replies and sockets keep for as long as the process lives are ended from the other side.
    """
    yield
    if connection.vendor == "postgresql":
        others = "datname = current_database() AND pid <> pg_backend_pid()"
        with psycopg.connect(**connection.get_connection_params(), autocommit=True) as last:
            connection.close_pool()
            last.execute(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE {others}")


@pytest.fixture(autouse=True, scope="session")
def _own_redis():
    """What tests keep in Redis, and the frames they send, are theirs alone: the other core's tests, or somebody's site
    on the same Redis, neither hear them nor are heard. Production's processes get a Redis of their own (tests/chaos).
    """
    prefix = f"dusk-test-{uuid.uuid4().hex}"
    if not settings.REDIS_URL:
        yield prefix
        return
    settings.CHANNEL_LAYERS["default"]["CONFIG"]["prefix"] = prefix
    yield prefix
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        for key in client.scan_iter(f"*{prefix}*"):
            client.delete(key)
