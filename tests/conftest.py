"""What every test may lean on. Alice owns, Charlie must see nothing, Mara is who they talk with."""

import uuid

import pytest
import redis
from django.conf import settings
from django.db import connection

from config import celery_app
from tests.factories import GirlFactory, UserFactory


@pytest.fixture(autouse=True)
def _no_memory(settings):
    """Caches hold the counters of limits: no test inherits its neighbour's, nor meets the other core's."""
    settings.CACHES = {"default": {**settings.CACHES["default"], "KEY_PREFIX": uuid.uuid4().hex}}


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
    """Threads of workers and sockets keep pooled connections; the test database cannot be dropped under them."""
    yield
    if hasattr(connection, "close_pool"):
        connection.close_pool()


@pytest.fixture(autouse=True, scope="session")
def _own_queue():
    """Bells and frames of tests go where only they listen: not to somebody's worker, nor to the other core's tests."""
    prefix = f"dusk-test-{uuid.uuid4().hex}:"
    celery_app.conf.broker_transport_options = {
        **celery_app.conf.broker_transport_options,
        "global_keyprefix": prefix,
    }
    if settings.REDIS_URL:
        settings.CHANNEL_LAYERS["default"]["CONFIG"]["prefix"] = prefix
    yield
    if settings.REDIS_URL:
        client = redis.Redis.from_url(settings.REDIS_URL)
        for key in client.scan_iter(f"{prefix}*"):
            client.delete(key)
