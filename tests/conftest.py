"""What every test may lean on. Alice owns, Charlie must see nothing, Mara is who they talk with."""

import uuid

import pytest

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
