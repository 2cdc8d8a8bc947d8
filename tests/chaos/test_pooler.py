"""Behind a PgBouncer that hands each transaction to whichever connection is free: everybody gets their own rows."""

import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import psycopg
import pytest
from django.conf import settings
from django.db import connection

from tests.chaos.books import faults
from tests.chaos.members import Member, Talk
from tests.config.processes import manage, until
from tests.factories import UserFactory
from tests.racing import needs_postgres
from tests.servers import PgBouncer, find

pytestmark = [needs_postgres, pytest.mark.skipif(not find("pgbouncer"), reason="pgbouncer is not installed")]
IGNORED = {"ignore_startup_parameters": "options"}
MEMBERS, MESSAGES = 12, 8


@pytest.fixture
def pooled(production):
    """Production behind a PgBouncer of three connections; with DATABASE_POOLER as it should be."""

    def start(**options):
        bouncer = PgBouncer(production.folder, production.env["DATABASE_URL"], **options)
        bouncer.start()
        production.processes["pgbouncer"] = bouncer
        production.env |= {"DATABASE_URL": bouncer.url, "DATABASE_POOLER": "transaction"}
        return production.env

    return start


@pytest.fixture
def limits(transactional_db):
    """The database has them by itself, as the check asks."""
    own = connection.settings_dict
    where = {"host": own["HOST"], "port": own["PORT"], "user": own["USER"], "password": own["PASSWORD"]}
    where = {name: value for name, value in where.items() if value}
    with psycopg.connect(dbname="postgres", autocommit=True, **where) as owner:
        for name, limit in settings.DATABASE_LIMITS.items():
            owner.execute(f"ALTER DATABASE \"{own['NAME']}\" SET {name} = '{limit}'")
        yield
        owner.execute(f'ALTER DATABASE "{own["NAME"]}" RESET ALL')


def complaints(env):
    """By their numbers, what the check says that also keeps every process from starting."""
    return re.findall(r"dusk\.(E\d+)", manage("check", "--deploy", "--tag", "dusk", **env).stderr)


def test_a_pooler_that_nobody_told_us_of_is_noticed(pooled):
    assert complaints({**pooled(), "DATABASE_POOLER": ""}) == ["E015"]


def test_a_pooler_that_throws_our_limits_away_is_noticed(pooled):
    assert complaints({**pooled(**IGNORED), "DATABASE_POOLER": ""}) == ["E016", "E017"]


def test_a_pooler_before_a_database_with_limits_is_noticed_all_the_same(pooled, limits):
    assert complaints({**pooled(**IGNORED), "DATABASE_POOLER": ""}) == ["E017"]


def test_a_database_without_limits_is_refused_behind_a_pooler_too(pooled):
    assert complaints(pooled()) == ["E016"]


def test_many_members_behind_a_pooler_get_their_own_rows_and_no_errors(production, pooled, limits, mara):
    assert complaints(pooled()) == []
    production.start("redis", "web", "worker", "beat")
    with ExitStack() as stack, ThreadPoolExecutor(MEMBERS) as threads:
        members = [stack.enter_context(Member(production.url, user)) for user in UserFactory.create_batch(MEMBERS)]
        talks = [Talk(member, member.open_chat(), True, n, permit=member.permit) for n, member in enumerate(members)]

        def talk_and_read(n):
            """Say who one is, and read everything after each message: nobody else may be in it."""
            talk, read = talks[n], set()
            for message in range(MESSAGES):
                talk.send_until_acknowledged(f"I am member-{n}- for the {message}th time.")
                for path in (f"/chat/{talk.conversation}/state/", f"/chat/{talk.conversation}/", "/chat/threads/"):
                    answer = talk.browser.http.get(path)
                    assert answer.status_code == 200, answer.text
                    read |= set(re.findall(r"member-(\d+)-", answer.text))
            return read

        assert list(threads.map(talk_and_read, range(MEMBERS))) == [{str(n)} for n in range(MEMBERS)]
        for talk in talks:
            until(talk.is_answered, what=f"an end of what is owed in {talk.conversation}")
    assert {answer for talk in talks for answer in talk.answers} <= {200, 201}
    assert not faults(production.env, talks, free=1000)
    for name in ("web", "worker"):
        log = production[name].log.read_text()
        assert "prepared statement" not in log
        assert "Traceback" not in log, log
