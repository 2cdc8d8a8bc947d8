"""Whoever owes rings, on commit, by the task's name; who hears it is a setting; lost bells cost time, never work."""

import base64
import json
import subprocess
import sys
import threading
import time
import uuid

import pytest
import redis
from django.db import transaction

from accounts.models import Mail
from config.lib import bells
from tests.config.processes import ROOT, environment
from tests.servers import DEADLINE

pytestmark = pytest.mark.embedded
FIXED = {"lang", "task", "group", "retries", "eta", "expires", "timelimit", "parent_id"}


class Undone(Exception):
    pass


class Done:
    """What tasks of these tests were asked to do."""

    def __init__(self):
        self.asked, self.go_on, self.fails = [], threading.Event(), False


done = Done()


def note(*arguments):
    done.asked.append(arguments)
    if done.fails:
        raise RuntimeError("this task is broken")


def wait(*arguments):
    done.asked.append(arguments)
    done.go_on.wait(DEADLINE)


NOTE, WAIT = f"{__name__}.note", f"{__name__}.wait"


@pytest.fixture(autouse=True)
def _nothing_done(monkeypatch):
    done.__init__()
    for hooks in ("_before_stopping", "_when_done"):  # the desk of this process goes on
        monkeypatch.setattr(bells, hooks, [])
    yield
    done.go_on.set()
    bells.stop()


def soon(answer):
    deadline = time.monotonic() + DEADLINE
    while not answer():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return True


@pytest.mark.django_db(transaction=True)
def test_a_bell_rings_when_what_is_owed_is_committed_and_not_before(rung):
    with transaction.atomic():
        bells.ring(Mail.TASK, uuid.UUID(int=7))
        assert rung == []
    assert rung == [(Mail.TASK, str(uuid.UUID(int=7)))]


@pytest.mark.django_db(transaction=True)
def test_what_was_undone_rings_for_nobody(rung):
    def undone():
        with transaction.atomic():
            bells.ring(Mail.TASK, 7)
            raise Undone

    with pytest.raises(Undone):
        undone()
    assert rung == []


@pytest.mark.parametrize("how", ["quick", "celery"])
def test_a_redis_that_is_away_costs_half_a_second_at_most_and_no_error(settings, how):
    settings.BELLS, settings.REDIS_URL = how, "redis://127.0.0.1:1/0"
    bells.ring_now(Mail.TASK, "7")


def test_one_process_answers_its_own_bells_on_threads(settings):
    settings.BELLS = "threads"
    for n in range(100):
        bells.ring_now(NOTE, str(n))
    assert soon(lambda: sorted(done.asked, key=lambda asked: int(asked[0])) == [(str(n),) for n in range(100)])


def test_a_task_that_fails_harms_nobody(settings):
    settings.BELLS = "threads"
    done.fails = True
    bells.ring_now(NOTE, "1")
    bells.ring_now("accounts.tasks.no_such_task", "1")
    assert soon(lambda: len(done.asked) == 1)
    done.fails = False
    bells.ring_now(NOTE, "2")
    assert soon(lambda: ("2",) in done.asked)


def test_who_stops_finishes_what_is_at_work_and_begins_nothing_more(settings):
    settings.BELLS = "threads"
    for n in range(bells.THREADS + 5):
        bells.ring_now(WAIT, str(n))
    assert soon(lambda: len(done.asked) == bells.THREADS)
    stopping = threading.Thread(target=bells.stop)
    stopping.start()
    stopping.join(0.1)
    assert stopping.is_alive()  # it waits for what is at work
    done.go_on.set()
    stopping.join(DEADLINE)
    assert not stopping.is_alive()
    assert len(done.asked) == bells.THREADS


@pytest.mark.skipif("not __import__('django.conf').conf.settings.REDIS_URL", reason="needs a Redis")
def test_by_hand_a_worker_finds_the_very_message_that_celery_would_have_sent(settings):
    prefix = f"dusk-test-{uuid.uuid4().hex}:"
    settings.CELERY_BROKER_TRANSPORT_OPTIONS = {"ack_emulation": False, "global_keyprefix": prefix}
    code = (
        "import django; django.setup()\n"
        "from django.conf import settings\n"
        f"settings.CELERY_BROKER_TRANSPORT_OPTIONS['global_keyprefix'] = {prefix!r}\n"
        "from config.lib import bells\n"
        "settings.BELLS = 'celery'\n"
        "bells.ring_now('accounts.tasks.send_mail', 'an-id')\n"
    )
    env = environment(DJANGO_SETTINGS_MODULE="config.settings")
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, check=True)
    settings.BELLS = "quick"
    bells.ring_now("accounts.tasks.send_mail", "an-id")
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        ours, celerys = (json.loads(said) for said in client.lrange(f"{prefix}celery", 0, -1))
        client.delete(*client.scan_iter(f"{prefix}*"))
    assert json.loads(base64.b64decode(ours["body"])) == json.loads(base64.b64decode(celerys["body"]))
    assert {n: ours["headers"].get(n) for n in FIXED} == {n: celerys["headers"].get(n) for n in FIXED}
    for said in (ours, celerys):
        assert said["headers"]["id"] == said["properties"]["correlation_id"] == said["headers"]["root_id"]
        assert said["properties"]["delivery_info"] == {"exchange": "", "routing_key": "celery"}
    for field in ("content-type", "content-encoding"):
        assert ours[field] == celerys[field]
    for field in ("body_encoding", "delivery_mode", "priority"):
        assert ours["properties"][field] == celerys["properties"][field]


def test_a_process_that_rings_by_hand_never_loads_celery():
    code = (
        "import config.asgi, sys\n"
        "from config.lib import bells\n"
        "bells.ring_now('accounts.tasks.send_mail', 'an-id')\n"
        "assert not {'celery', 'kombu'} & set(sys.modules), 'they are loaded'\n"
    )
    env = environment(REDIS_URL="redis://127.0.0.1:1/0", BELLS="quick")
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
