"""The commands that people type: serve, make."""

import json
import os
import re
import signal
import socket
import subprocess
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import connection
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from chat.models import Message
from tests.config.processes import Browser, Dusk, environment, manage
from tests.fakes.model_host import ModelHost, said
from tests.servers import ROOT, Redis, find


@pytest.fixture
def dusk(tmp_path):
    dusk = Dusk(tmp_path)
    dusk.start()
    yield dusk
    dusk.end()


def test_one_process_serves_answers_and_survives_a_restart_with_a_reply_owed(dusk):
    with Browser(dusk.url) as browser:
        browser.sign_in()
        conversation = browser.open_chat()
        browser.send(conversation, "Good evening, Mara.")
        assert browser.answer(conversation)

        browser.send(conversation, "Tell me a long story about the sea, please.")
        # Accepted, and not answered yet: nobody waits in a request for what a worker writes.
        assert browser.state(conversation)["reply"]["state"] in {"queued", "writing"}
        dusk.kill()
        dusk.start()
        assert browser.answer(conversation)
        said = [message["sender"] for message in browser.state(conversation)["messages"]]
        assert said == ["ai", "user", "site", "ai", "user", "ai"]  # the site says once that she is an AI


@contextmanager
def open_tab(dusk):
    """A browser that is signed in, its conversation, and the socket of its tab, after a message was sent."""
    with Browser(dusk.url) as browser:
        browser.sign_in()
        conversation = browser.open_chat()
        headers = {"Cookie": browser.cookies}
        with connect(f"ws://127.0.0.1:{dusk.port}/ws/", origin=dusk.url, additional_headers=headers) as websocket:
            browser.send(conversation, "Tell me a long story about the sea, please.")
            yield browser, conversation, websocket


def test_one_process_tells_an_open_tab_each_word_as_it_is_written(dusk):
    with open_tab(dusk) as (_, _, websocket):
        heard = []
        while not heard or heard[-1]["type"] != "message" or heard[-1]["message"]["sender"] != "ai":
            heard.append(json.loads(websocket.recv(timeout=60)))
    shown = ""
    for frame in heard:
        if frame["type"] == "delta":
            assert frame["offset"] == len(shown)
            shown += frame["text"]
        elif frame["type"] == "reply" and frame["reply"]["state"] == "writing":
            shown = frame["reply"]["text"]  # once a second all of it; the last words come with the message
    assert sum(frame["type"] == "delta" for frame in heard) > 3
    assert heard[-1]["message"]["text"].startswith(shown.strip())


@pytest.mark.parametrize("way", ["environment", ".env"])
def test_the_same_command_takes_the_real_servers_that_are_named(tmp_path, transactional_db, way):
    if not (settings.POSTGRES and find("redis")):
        pytest.skip("needs PostgreSQL, and a redis-server to start")
    database = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
    # A Redis of its own: this process's worker would hear the bells of others, and others its.
    with ModelHost() as host, Redis(tmp_path) as own_redis:
        host.play(said("From the host that was named."))
        real = {
            "DATABASE_URL": database,
            "REDIS_URL": own_redis.url,
            "LLM_BASE_URL_PRIMARY": host.url,
            "LLM_MODEL_PRIMARY": "named",
        }
        dusk = Dusk(tmp_path, **real)
        if way == ".env":
            file = tmp_path / ".env"
            file.write_text("".join(f"{name}={value}\n" for name, value in real.items()))
            dusk.env = {name: value for name, value in dusk.env.items() if name not in real} | {"ENV_FILE": str(file)}
        dusk.start()
        try:
            with Browser(dusk.url) as browser:
                browser.sign_in()
                conversation = browser.open_chat()
                browser.send(conversation, "Who are you?")
                assert browser.answer(conversation) == "From the host that was named."
                assert "Demo: replies come from" not in browser.http.get("/terms/").text
                assert browser.http.get("/readyz").json()["redis"] == "ok"
        finally:
            dusk.end()
    assert host.requests[0].body["model"] == "named"
    assert Message.objects.filter(conversation=conversation, text="From the host that was named.").exists()


@pytest.mark.parametrize("sig", [signal.SIGINT, signal.SIGTERM])
def test_stopping_hands_replies_on_closes_sockets_with_1012_and_exits_cleanly(dusk, sig):
    with open_tab(dusk) as (browser, conversation, websocket):
        assert dusk.stop(sig) == 0, dusk.said()
        with pytest.raises(ConnectionClosed) as closed:
            list(websocket)
        assert closed.value.rcvd.code == 1012
        assert "Traceback" not in dusk.log.read_text()
        dusk.start()
        assert browser.answer(conversation)


def test_serving_greets_with_the_address_and_the_three_accounts(dusk):
    said = dusk.log.read_text()
    assert dusk.url in said
    for email in ("member@example.com", "premium@example.com", "admin@example.com", "demo-password"):
        assert email in said


def test_serving_names_a_model_host_that_runs_here_while_none_is_named(tmp_path):
    class LmStudio(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"data": [{"id": "a-local-model"}]}')

        def log_message(self, *args):
            pass

    try:
        there = ThreadingHTTPServer(("127.0.0.1", 1234), LmStudio)
    except OSError:
        pytest.skip("somebody has LM Studio’s port")
    threading.Thread(target=there.serve_forever, daemon=True).start()
    dusk = Dusk(tmp_path)
    try:
        dusk.start()
        assert "LM Studio runs here" in dusk.log.read_text()
        assert "LLM_MODEL_PRIMARY=a-local-model" in dusk.log.read_text()
    finally:
        dusk.end()
        there.shutdown()
        there.server_close()


def test_a_taken_port_is_said_in_a_sentence():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = manage("serve", PORT=str(port))
    assert done.returncode == 1
    assert f"Port {port} is taken. Choose another: PORT={port + 1} make run" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("port", ["eighty", "70000"])
def test_a_port_that_is_none_is_said_in_a_sentence(port):
    done = manage("serve", PORT=port)
    assert done.returncode == 1
    assert port in done.stderr
    assert "Traceback" not in done.stderr


def test_a_database_that_is_away_is_said_in_a_sentence(tmp_path):
    done = manage("serve", PORT="0", DATABASE_URL="postgres://nobody@127.0.0.1:1/none")
    assert done.returncode == 1
    assert "The database does not answer" in done.stderr
    assert "Traceback" not in done.stderr


def test_nothing_that_people_or_characters_say_reaches_a_log_and_the_request_id_goes_with_the_reply(tmp_path):
    dusk = Dusk(tmp_path, LOG_LEVEL="DEBUG")
    dusk.start()
    try:
        with Browser(dusk.url) as browser:
            browser.sign_in()
            conversation = browser.open_chat()
            sent = browser.send(conversation, "My secret is xylophone-4711.")
            answer = browser.answer(conversation)
        assert dusk.stop() == 0
    finally:
        dusk.end()
    log = dusk.log.read_text()
    assert "xylophone" not in log
    assert answer not in log
    assert "for-tests-only" not in log
    # What is written last about a send is by the worker, and names the request that asked for it.
    posted = re.search(rf"POST /chat/{conversation}/messages/.*?request_id=\S*?([0-9a-f-]{{36}})", log)[1]
    ended = next(line for line in log.splitlines() if "reply_ended" in line)
    assert posted in ended
    assert json.loads(sent.text)["reply"]["id"] in ended


def test_developers_have_their_server_that_reloads():
    assert "--websocket_handshake_timeout" in manage("runserver", "--help").stdout  # daphne's, not Django's own


def test_make_help_names_every_target():
    targets = re.findall(r"^([a-z0-9]+):", (ROOT / "Makefile").read_text(), re.M)
    said = subprocess.run(["make", "help"], cwd=ROOT, env=environment(), capture_output=True, text=True, check=True)
    for target in targets:
        assert f"make {target}" in said.stdout


def test_make_calls_scripts_that_exist_and_ci_calls_make_test():
    for script in re.findall(r"@(bin/\w+)", (ROOT / "Makefile").read_text()):
        if script != "bin/bench":  # comes with the benchmark
            assert (ROOT / script).stat().st_mode & 0o100, script
    assert "exec make test" in (ROOT / ".ci" / "run").read_text()
