"""Real processes, real servers, and their ends."""

import fcntl

import pytest

from tests.chaos.members import Member
from tests.chaos.production import Production
from tests.config.processes import manage
from tests.fakes.model_host import DONE, ModelHost, delta, finish, usage
from tests.servers import find, last_words

SECRET = "for-tests-only-" + "0123456789abcdef" * 4


def pytest_collection_modifyitems(items):
    for item in items:
        if "tests/chaos/" in item.path.as_posix():
            item.add_marker(pytest.mark.chaos)


def slowly(*words, pause=0.1):
    """An answer that is still being written when something happens to it."""
    steps = [delta("", role="assistant")]
    for word in words:
        steps += [delta(word), pause]
    return [*steps, finish() + usage() + DONE]


@pytest.fixture
def host():
    """The model host that all processes of a test ask."""
    with ModelHost() as host:
        host.play(slowly("I ", "was ", "thinking ", "the ", "same."))
        yield host


@pytest.fixture
def ask(host):
    """The environment that names it."""
    return {"LLM_BASE_URL_PRIMARY": host.url, "LLM_MODEL_PRIMARY": "test", "FREE_TEXT": "1000"}


@pytest.fixture(scope="session")
def hashed_names(tmp_path_factory, worker_id):
    """Static files as they are without DEBUG, collected once for all processes that test side by side."""
    shared = tmp_path_factory.getbasetemp()
    shared = shared if worker_id == "master" else shared.parent
    with (shared / "collected").open("a+") as collected:
        fcntl.flock(collected, fcntl.LOCK_EX)
        if not collected.tell():
            done = manage("collectstatic", "--noinput", DEBUG="0", SECRET_KEY=SECRET)
            assert done.returncode == 0, done.stderr
            collected.write("once")


@pytest.fixture
def debug_off(settings, ask, hashed_names):
    """What the processes of a test share with it when `ask` turns DEBUG off: their secret, their static files."""
    settings.SECRET_KEY = ask["SECRET_KEY"]


@pytest.fixture
def production(tmp_path, transactional_db, ask):
    """Dusk as in production; nothing of it runs yet."""
    if not find("redis"):
        pytest.skip("needs a redis-server to kill")
    production = Production(tmp_path, **ask)
    yield production
    production.end()


@pytest.fixture
def member(production, alice, mara):
    """Alice's browser."""
    with Member(production.url, alice) as member:
        yield member


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """When a test fails, what its processes said last belongs to the report."""
    report = yield
    if report.failed and "tmp_path" in item.funcargs:
        for log in sorted(item.funcargs["tmp_path"].glob("*.log")):
            report.sections.append((f"{log.stem} said last", last_words(log)))
    return report
