"""PostgreSQL goes away in the middle: an answer is success or a 503 that can be repeated, never a half."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import psycopg
import pytest
from django.db import connection

from chat.models import Conversation
from tests.chaos.books import faults
from tests.chaos.conftest import SECRET
from tests.chaos.members import Member, Talk
from tests.config.processes import until
from tests.factories import GirlFactory, UserFactory
from tests.fakes.turnstile import SECRET_KEY, SITE_KEY
from tests.racing import needs_postgres
from tests.servers import DEADLINE

pytestmark = [needs_postgres, pytest.mark.usefixtures("debug_off")]
END_CONNECTIONS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s"


@pytest.fixture
def ask(ask):
    # With DEBUG on, Django shows a traceback instead of the page for members. Permits are already there.
    key = {"TURNSTILE_SITE_KEY": SITE_KEY, "TURNSTILE_SECRET_KEY": SECRET_KEY}
    return {**ask, **key, "DEBUG": "0", "SECRET_KEY": SECRET}


@pytest.fixture
def administrator():
    """PostgreSQL's own administrator, beside the database that is tested."""
    own = connection.settings_dict
    where = {"host": own["HOST"], "port": own["PORT"], "user": own["USER"], "password": own["PASSWORD"]}
    where = {name: value for name, value in where.items() if value}
    with psycopg.connect(dbname="postgres", autocommit=True, **where) as administrator:
        yield administrator


@pytest.fixture
def talks(production, transactional_db):
    """Four members, each with a conversation."""
    production.start("redis", "web", "worker", "beat")
    girl = GirlFactory()
    members = [Member(production.url, UserFactory()) for _ in range(4)]
    for member in members:
        member.http.post(f"/girls/{girl.slug}/chat/", headers={"X-CSRFToken": member.http.cookies["csrftoken"]})
    found = {row.user_id: str(row.pk) for row in Conversation.objects.all()}
    yield [
        Talk(member, found[user], True, seed, permit=member.permit)
        for seed, (member, user) in enumerate(zip(members, sorted(found), strict=True))
    ]
    for member in members:
        member.http.close()


def test_connections_that_are_ended_in_the_middle_lose_nothing(production, talks, administrator):
    with ThreadPoolExecutor(len(talks)) as threads:
        talking = [threads.submit(talk, 8) for talk in talks]
        ended = answered = 0

        def goes_on():
            return sum(len(talk.answers) for talk in talks) > answered or all(talk.done() for talk in talking)

        while not all(talk.done() for talk in talking):
            answered = sum(len(talk.answers) for talk in talks) + 2
            ended += administrator.execute(END_CONNECTIONS, [production.name]).rowcount
            until(goes_on, what="another answer")
        for talk in talking:
            talk.result()
    for talk in talks:
        until(talk.is_answered, what=f"an end of what is owed in {talk.conversation}")
    answers = [answer for talk in talks for answer in talk.answers]
    assert ended, "nothing was ended"
    assert set(answers) <= {200, 201, 503}, answers
    wrong = faults(production.env, talks, free=1000)
    assert not wrong, "\n".join([*wrong, str(answers)])
    assert production["web"].runs()
    assert production["worker"].runs()


def test_a_database_that_lets_nobody_in_is_a_503_and_is_found_again(production, talks, administrator):
    name = connection.settings_dict["NAME"]
    (talk, *_) = talks
    talk(1)
    administrator.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
    try:
        administrator.execute(END_CONNECTIONS, [production.name])
        page = talk.browser.http.get(f"/chat/{talk.conversation}/")
        assert page.status_code == 503
        assert "Back in a moment" in page.text
        answer = talk.browser.http.get(f"/chat/{talk.conversation}/state/", headers={"Accept": "application/json"})
        assert answer.status_code == 503
        assert answer.json()["error"]["code"] == "unavailable"
        assert httpx.get(f"{production.url}/healthz", trust_env=False, timeout=DEADLINE).status_code == 200
    finally:
        administrator.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
    talk(2)
    until(talk.is_answered, what="an answer by the same worker")
    assert not faults(production.env, talks, free=1000)
    assert production["web"].runs()
    assert production["worker"].runs()
