"""What machines ask: does it live, may it get traffic, how are the replies doing."""

import asyncio
import signal
import sys
import threading
from datetime import timedelta

import httpx
import pytest
import redis
from django.db import connection, transaction
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from accounts import emails
from accounts.models import Mail
from chat import consumers  # noqa: F401 - the gauge of open sockets is theirs
from chat.models import Conversation, Reply
from config import health
from config.asgi import application
from media import storage
from tests.config.processes import environment, responds, until
from tests.racing import needs_postgres
from tests.servers import DEADLINE, Process, Redis, free_port, listens


@pytest.fixture(autouse=True)
def _patient_probes(monkeypatch):
    """What is there may take longer, on a busy machine, than the second after which it counts as away."""
    monkeypatch.setattr(health, "SECONDS", DEADLINE)


@pytest.fixture
def conversation(alice, mara):
    return Conversation.objects.create(user=alice, girl=mara)


def owe(conversation, **fields):
    return Reply.objects.create(conversation=conversation, answers_through=1, **fields)


def ask(path, method="GET", **headers):
    """What a probe is told."""

    async def asking():
        way = httpx.ASGITransport(application)
        async with httpx.AsyncClient(transport=way, base_url="http://10.0.0.7:8000") as probe:
            return await probe.request(method, path, headers=headers)

    return asyncio.run(asking())


def samples(**headers):
    answer = ask("/metrics", **headers)
    assert answer.status_code == 200
    families = text_string_to_metric_families(answer.text)
    return {(s.name, *sorted(s.labels.values())): s.value for family in families for s in family.samples}


def through(settings, url):
    """Let frames go through this Redis."""
    layer = {"BACKEND": "config.lib.layers.RedisLayer", "CONFIG": {"url": url, "prefix": "dusk:test"}}
    settings.REDIS_URL, settings.CHANNEL_LAYERS = url, {"default": layer}


@pytest.mark.parametrize("allowed", ["&*", "&other:*"])
def test_a_redis_that_lets_no_frame_through_is_not_ok(transactional_db, settings, tmp_path, allowed):
    with Redis(tmp_path) as redis_server:
        with redis.Redis.from_url(redis_server.url) as boss:
            boss.acl_setuser("dusk", enabled=True, passwords=["+secret"], commands=["+@all"], keys=["*"], reset=True)
            boss.execute_command("ACL", "SETUSER", "dusk", "resetchannels", allowed)
        url = redis_server.url.replace("redis://", "redis://dusk:secret@")
        through(settings, url)
        answer = ask("/readyz").json()
        assert (answer["redis"], answer["status"]) == (("ok", "ok") if allowed == "&*" else ("away", "degraded"))


def test_healthz_asks_nobody():
    assert ask("/healthz").json() == {"status": "ok"}  # without the db fixture: a query would fail


@pytest.mark.embedded
def test_ready_when_the_database_answers(transactional_db, settings):
    answer = ask("/readyz")
    assert answer.status_code == 200, answer.text
    said = "ok" if settings.REDIS_URL else "unused"
    assert answer.json() == {"status": "ok", "database": "ok", "redis": said, "replies": "ok", "storage": "ok"}


def test_without_redis_it_is_degraded_and_ready_all_the_same(transactional_db, settings):
    through(settings, "redis://127.0.0.1:1/0")
    answer = ask("/readyz")
    assert answer.status_code == 200
    assert answer.json()["status"] == "degraded"
    assert answer.json()["redis"] == "away"


@pytest.fixture
def _asked_anew(monkeypatch):
    """The storage is asked each time."""
    monkeypatch.setattr(health, "STORAGE", health.Question(health.storage_serves))


@pytest.mark.usefixtures("_asked_anew")
@pytest.mark.parametrize("fault", ["500", "close", "silent"])
def test_without_its_bucket_it_is_degraded_and_ready_all_the_same(transactional_db, bucket, fault, monkeypatch):
    storage.store()  # loading boto3 takes longer than a probe waits
    assert ask("/readyz").json()["storage"] == "ok"
    bucket.fault = fault
    if fault == "silent":
        monkeypatch.setattr(health, "SECONDS", 3.0)
    answer = ask("/readyz")
    assert answer.status_code == 200
    assert (answer.json()["status"], answer.json()["storage"]) == ("degraded", "away")


@pytest.mark.usefixtures("_asked_anew")
def test_a_disk_that_takes_no_files_is_said_to_be_away(transactional_db, settings, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    settings.MEDIA_ROOT = tmp_path / "file" / "media"
    answer = ask("/readyz")
    assert (answer.status_code, answer.json()["storage"]) == (200, "away")


def test_however_often_one_asks_the_storage_is_asked_once_in_a_while(transactional_db, monkeypatch):
    asked = []
    monkeypatch.setattr(health, "STORAGE", health.Question(lambda: not asked.append(1), every=60))
    for _ in range(5):
        assert ask("/readyz").json()["storage"] == "ok"
    assert len(asked) == 1


@pytest.mark.embedded
@pytest.mark.parametrize(
    ("state", "fields"),
    [("queued", {"due_at": timedelta(seconds=40)}), ("writing", {"due_at": timedelta(seconds=40)})],
)
def test_a_reply_that_nobody_takes_is_reported(transactional_db, conversation, state, fields):
    owe(conversation, state=state, **{name: timezone.now() - age for name, age in fields.items()})
    answer = ask("/readyz")
    assert answer.status_code == 200
    assert answer.json()["replies"] == "late"


def test_a_process_that_is_leaving_is_not_ready_but_alive(transactional_db):
    health.draining.set()
    try:
        assert ask("/readyz").status_code == 503
        assert ask("/healthz").status_code == 200
    finally:
        health.draining.clear()


def test_a_server_that_is_told_to_stop_says_so_while_it_serves_on(tmp_path):
    port = free_port()
    settings = {"DATABASE_URL": f"sqlite:///{tmp_path}/dusk.sqlite3", "REDIS_URL": "", "DRAIN_SECONDS": "600"}
    env = environment(**settings, HOST="127.0.0.1", PORT=str(port))
    command = [sys.executable, "-m", "config.server"]
    url = f"http://127.0.0.1:{port}"
    with Process("web", command, tmp_path, env) as server:
        until(lambda: responds(f"{url}/healthz"), what="an answer")
        server.signal(signal.SIGTERM)
        # Without its tables it is unready at first too: what it says tells the two apart.
        until(lambda: "draining" in httpx.get(f"{url}/readyz", trust_env=False).text, what="that it is draining")
        assert httpx.get(f"{url}/readyz", trust_env=False).status_code == 503
        assert responds(f"{url}/healthz")
        assert server.stop() in {0, -signal.SIGTERM}  # at the second one it stops at once


def test_probes_change_nothing(transactional_db):
    for path in ("/healthz", "/readyz", "/metrics"):
        assert ask(path, "POST").status_code == 405


def test_metrics_are_for_the_bearer_of_the_token_only(transactional_db, settings):
    settings.METRICS_TOKEN = "a-token"
    assert ask("/metrics").status_code == 404
    assert ask("/metrics", Authorization="Bearer another").status_code == 404
    assert ask("/metrics", Authorization="Bearer a-token").status_code == 200


def test_without_a_token_metrics_are_for_nobody_outside_debug(transactional_db, settings):
    settings.METRICS_TOKEN = ""
    settings.DEBUG = False
    assert ask("/metrics").status_code == 404
    settings.DEBUG = True
    assert ask("/metrics").status_code == 200


@pytest.mark.embedded
def test_metrics_say_what_is_owed_and_how_old_it_is(transactional_db, conversation, settings):
    settings.METRICS_TOKEN = "a-token"
    owe(conversation, created_at=timezone.now() - timedelta(seconds=50))
    said = samples(Authorization="Bearer a-token")
    assert said["dusk_replies_owed", "queued"] == 1
    assert said["dusk_replies_owed", "writing"] == 0
    assert 50 <= said["dusk_queue_age_seconds",] < 60
    assert said["dusk_open_sockets",] >= 0


@pytest.mark.embedded
def test_metrics_say_how_the_model_hosts_did(transactional_db, conversation, settings):
    settings.METRICS_TOKEN = "a-token"
    now = timezone.now()
    host = {"provider": "primary", "model": "m", "finished_at": now}
    for first, total in ((90, 1500), (400, 2500)):
        figures = {"first_token_ms": first, "total_ms": total, "tokens_in": 100, "tokens_out": 20}
        owe(conversation, state="done", **host, **figures)
    owe(conversation, state="failed", **host, error="timeout")
    owe(conversation, state="done", **{**host, "finished_at": now - timedelta(minutes=6)}, tokens_out=9)
    said = samples(Authorization="Bearer a-token")
    assert said["dusk_replies_finished", "done", "m", "primary"] == 2
    assert said["dusk_replies_finished", "failed", "m", "primary"] == 1
    assert said["dusk_llm_tokens", "in", "m", "primary"] == 200
    assert said["dusk_llm_tokens", "m", "out", "primary"] == 40
    assert said["dusk_llm_first_token_seconds_bucket", "0.1", "m", "primary"] == 1
    assert said["dusk_llm_first_token_seconds_bucket", "0.5", "m", "primary"] == 2
    assert said["dusk_llm_total_seconds_bucket", "+Inf", "m", "primary"] == 2


@pytest.mark.embedded
def test_metrics_count_the_mails_that_wait_or_were_not_sent(transactional_db, settings, alice):
    settings.METRICS_TOKEN = "a-token"
    now = timezone.now()
    for fields in (
        {"created_at": now - timedelta(seconds=50)},
        {"due_at": None},
        {"due_at": None, "handed_at": now},
        {"due_at": None, "sent_at": now, "handed_at": now},
    ):
        Mail.objects.filter(pk=emails.owe("sessions_ended", {}, user=alice).pk).update(**fields)
    said = samples(Authorization="Bearer a-token")
    assert [said["dusk_mails", state] for state in ("waiting", "failed", "unclear")] == [1, 1, 1]
    assert 50 <= said["dusk_mail_age_seconds",] < 60


@pytest.mark.embedded
def test_what_the_rows_say_costs_four_queries(conversation, django_assert_num_queries):
    with django_assert_num_queries(4):  # replies owed, replies finished, mails owed, mails unsent
        assert b"dusk_replies_owed" in health.replies()


@needs_postgres
def test_a_locked_table_is_no_database_that_is_away(transactional_db, settings, monkeypatch):
    monkeypatch.setattr(health, "SECONDS", 2.0)
    settings.METRICS_TOKEN = ""
    settings.DEBUG = True
    locked, over = threading.Event(), threading.Event()

    def lock():
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("LOCK TABLE chat_reply IN ACCESS EXCLUSIVE MODE")
            locked.set()
            over.wait(30)
        connection.close()

    holder = threading.Thread(target=lock)
    holder.start()
    try:
        assert locked.wait(30)
        answer = ask("/readyz")
        assert answer.status_code == 200
        assert answer.json()["replies"] == "unknown"
        assert "dusk_open_sockets" in ask("/metrics").text
    finally:
        over.set()
        holder.join()


def test_children_of_a_parent_that_was_killed_let_the_port_go(tmp_path):
    port = free_port()
    more = {"DATABASE_URL": f"sqlite:///{tmp_path}/dusk.sqlite3", "REDIS_URL": "", "WEB_CONCURRENCY": "2"}
    env = environment(**more, HOST="127.0.0.1", PORT=str(port))
    with Process("web", [sys.executable, "-m", "config.server"], tmp_path, env) as web:
        until(lambda: responds(f"http://127.0.0.1:{port}/healthz"), what="an answer")
        web.kill()
        until(lambda: not listens(port), what="a free port")
