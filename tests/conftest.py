"""What every test may lean on. Alice owns, Charlie must see nothing, Mara is who they talk with."""

import time
import uuid
from datetime import timedelta

import psycopg
import pytest
import redis
import time_machine
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db import connection, transaction
from django.test import Client, TransactionTestCase
from django.utils import timezone
from hypothesis import settings as of_hypothesis

from accounts import legal
from config.lib import bells
from config.lib import redis as floor
from config.lib.adminkit import Console
from media import storage
from staff.site import ENTERED, StaffSite
from tests.factories import GirlFactory, UserFactory
from tests.fakes.cloudfront import cloudfront_server
from tests.fakes.s3 import s3_server
from tests.servers import DEADLINE

# Its own for such runs: the same examples each time, and no 0.2 s for each, which say only how busy the machine is.
of_hypothesis.load_profile("ci")

# Many at once, on a machine that does other things besides, wait for each other: for longer than people would.
if "pool" in (options := settings.DATABASES["default"]["OPTIONS"]):
    options["pool"]["timeout"] = 60
    options["options"] = options["options"].replace("lock_timeout=3s", "lock_timeout=1min")

# Made by the migrations, and by no test: after each flush Django would make them again, row by row.
KEPT = {"django_migrations", "django_content_type", "auth_permission"}


def _sweep(case: TransactionTestCase) -> None:
    """Empty the tables that a test has filled, when nobody writes any more.

    In place of Django's flush, which truncates all of them and makes permissions anew: a fifth of a second a test.
    """
    tables = [name for name in connection.introspection.django_table_names(only_existing=True) if name not in KEPT]
    names = {name: connection.ops.quote_name(name) for name in sorted(tables)}
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # Whoever still writes, and has a slow moment, is waited for; a site would not.
            cursor.execute("SET LOCAL lock_timeout = '60s'")
            cursor.execute("SET LOCAL statement_timeout = 0")
            cursor.execute(f"LOCK TABLE {', '.join(names.values())}")
        each = (f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM {quoted})" for name, quoted in names.items())
        cursor.execute(" UNION ALL ".join(each))
        for (name,) in cursor.fetchall():
            cursor.execute(f"DELETE FROM {names[name]}")


TransactionTestCase._fixture_teardown = _sweep


@pytest.fixture(autouse=True)
def _no_memory(settings, _own_redis):
    """Caches hold the counters of limits: no test inherits its neighbour's, nor meets the other core's."""
    prefix = f"{_own_redis}:{uuid.uuid4().hex}"
    settings.CACHES = {"default": {**settings.CACHES["default"], "KEY_PREFIX": prefix}}


@pytest.fixture(autouse=True)
def _nothing_published(monkeypatch):
    """Every process of a site knows which legal pages are current; here they are those that came with it."""
    monkeypatch.setattr(legal, "_remembered", (time.monotonic(), legal.of_rows([])))


@pytest.fixture
def early_in_the_hour():
    """A minute has just begun, and not the last ones of an hour: nothing that is counted by ends meanwhile.

    Some minutes ahead at most, never behind: the database keeps its own clock, and what is good for ten minutes from
    now must not be over there.
    """
    moment = timezone.now().replace(second=0, microsecond=0) + timedelta(minutes=1)
    if moment.minute >= 54:
        moment = moment.replace(minute=0) + timedelta(hours=1)
    with time_machine.travel(moment, tick=True):
        yield


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


@pytest.fixture(autouse=True)
def _as_on_the_internet(settings):
    """Staff need a second factor, though DEBUG is on."""
    settings.STAFF_SECOND_FACTOR = True


@pytest.fixture
def refusals():
    """Whom the console sends away leaves a line in the audit, as everywhere but in tests that count what was done."""


@pytest.fixture(autouse=True)
def _deeds_only(request, monkeypatch):
    if "refusals" not in request.fixturenames:
        monkeypatch.setattr(StaffSite, "refused", Console.refused)


_sign_in = Client.force_login


def _sign_in_with_all_there_is(self, user, backend=None):
    """As after every question of the sign-in: who has a second factor has shown it."""
    _sign_in(self, user, backend)
    if factor := Authenticator.objects.filter(user=user).first():
        session = self.session
        session["account_authentication_methods_user"] = str(user.pk)
        session["account_authentication_methods"] = [
            {"method": "mfa", "at": (at := time.time()), "id": factor.pk, "type": factor.type}
        ]
        session[ENTERED] = f"{user.pk}:{at}"  # and has been in the console, which is written down once
        session.save()


Client.force_login = _sign_in_with_all_there_is


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
    # To a site a Redis that is silent for half a second is away, and limits count elsewhere. Tests wait for theirs.
    floor.SECONDS_TO_ANSWER = floor.SECONDS_ON_A_LOOP = DEADLINE
    floor.OPTIONS |= dict.fromkeys(("socket_timeout", "socket_connect_timeout"), float(DEADLINE))
    if not settings.REDIS_URL:
        yield prefix
        return
    settings.CHANNEL_LAYERS["default"]["CONFIG"]["prefix"] = prefix
    yield prefix
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        for key in client.scan_iter(f"*{prefix}*"):
            client.delete(key)


@pytest.fixture(scope="session")
def _buckets():
    """A bucket and a CDN for whoever asks: moto takes two seconds to come up, so they are shared."""
    with s3_server() as s3, cloudfront_server(s3) as cdn:
        yield s3, cdn


@pytest.fixture
def bucket(settings, _buckets, monkeypatch):
    """Files are kept in a bucket, which is empty, and whose own addresses are signed.

    It lives in this process, and has more patience than a page: where it shall be given up, a test says when.
    """
    monkeypatch.setattr("media.s3.READ_SECONDS", 60.0)
    s3, cdn = _buckets
    s3.empty()
    s3.origins, cdn.ahead = [settings.SITE_URL], 0.0
    for name, value in s3.environment().items():
        setattr(settings, name, value)
    storage.store.cache_clear()
    yield s3
    s3.fault = ""  # who still waits for it goes on
    storage.store.cache_clear()


@pytest.fixture
def cdn(settings, bucket, _buckets):
    """CloudFront is before the bucket."""
    for name, value in _buckets[1].environment().items():
        setattr(settings, name, value)
    storage.store.cache_clear()
    return _buckets[1]
