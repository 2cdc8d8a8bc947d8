"""What every test may lean on. Alice owns, Charlie must see nothing, Mara is who they talk with."""

import pytest
from django.core.cache import cache

from tests.factories import GirlFactory, UserFactory


@pytest.fixture(autouse=True)
def _no_memory():
    """Caches hold the counters of limits: no test inherits its neighbour's."""
    cache.clear()


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
