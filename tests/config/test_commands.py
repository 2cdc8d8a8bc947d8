"""The commands that people type: serve, make."""

import json
import re
import signal
import socket
import subprocess

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.config.processes import ROOT, Browser, Dusk, environment, manage, until


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
        until(lambda: browser.state(conversation)["reply"], what="a reply that is owed")
        dusk.process.kill()
        dusk.process.wait()
        dusk.start()
        assert browser.answer(conversation)
        said = [message["sender"] for message in browser.state(conversation)["messages"]]
        assert said == ["ai", "user", "ai", "user", "ai"]


@pytest.mark.parametrize("sig", [signal.SIGINT, signal.SIGTERM])
def test_stopping_hands_replies_on_closes_sockets_with_1012_and_exits_cleanly(dusk, sig):
    with Browser(dusk.url) as browser:
        browser.sign_in()
        conversation = browser.open_chat()
        headers = {"Cookie": browser.cookies}
        with connect(f"ws://127.0.0.1:{dusk.port}/ws/", origin=dusk.url, additional_headers=headers) as websocket:
            browser.send(conversation, "Tell me a long story about the sea, please.")
            assert dusk.stop(sig) == 0
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
    done = manage("serve", "--port", "0", DATABASE_URL="postgres://nobody@127.0.0.1:1/none")
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
