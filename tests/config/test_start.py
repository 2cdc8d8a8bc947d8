"""What a process has in hand when it is ready, and what it leaves for later so as to be ready sooner."""

import subprocess
import sys

import pytest

from tests.config.processes import ROOT, environment
from tests.config.test_checks import SAFE

PRINT = "import sys; print(*sys.modules)"
WEB = "import config.asgi"
# As celery's own command does it, for a worker and for beat.
WORKER = "from config import celery_app as app; app.loader.init_worker(); app.finalize()"
DEAR = {
    "stripe": "somebody pays",
    "markdown_it": "somebody is emphatic",
    "aiohttp": "a reply is written",
    "daphne.server": "somebody develops",
}


def modules_of(process: str) -> set[str]:
    env = environment(**SAFE, DJANGO_SETTINGS_MODULE="config.settings")
    command = [sys.executable, "-c", f"{process}\n{PRINT}"]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize("process", [WEB, WORKER], ids=["web", "worker"])
def test_what_is_dear_is_imported_when_it_is_needed(process):
    assert not DEAR.keys() & modules_of(process)


def test_the_web_is_ready_when_its_pages_are():
    assert {"config.urls", "chat.views", "payments.views", "accounts.views"} <= modules_of(WEB)


def test_who_serves_no_pages_loads_none():
    assert "config.urls" not in modules_of(WORKER)
