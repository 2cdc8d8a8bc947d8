"""What every test may lean on. Alice owns, Charlie must see nothing, Mara is who they talk with."""

import uuid

import pytest
from django.conf import settings
from django.db import connection

from config.lib import bells
from tests.factories import GirlFactory, UserFactory


@pytest.fixture(autouse=True)
def _no_memory(settings):
    """Caches hold the counters of limits: no test inherits its neighbour's, nor meets the other core's."""
    settings.CACHES = {"default": {**settings.CACHES["default"], "KEY_PREFIX": uuid.uuid4().hex}}


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
    """Threads of workers and sockets keep pooled connections; the test database cannot be dropped under them."""
    yield
    if hasattr(connection, "close_pool"):
        connection.close_pool()


@pytest.fixture(autouse=True, scope="session")
def _own_frames():
    """Frames of tests go where only they listen: not to somebody's tabs, nor to the other core's tests."""
    if settings.REDIS_URL:
        settings.CHANNEL_LAYERS["default"]["CONFIG"]["prefix"] = f"dusk-test-{uuid.uuid4().hex}:"
