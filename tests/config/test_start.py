"""What a process has in hand when it is ready, and what it leaves for later so as to be ready sooner."""

import subprocess
import sys

from tests.config.processes import ROOT, environment
from tests.config.test_checks import SAFE

PRINT = "import sys; print(*sys.modules)"
WEB = "import config.asgi"
# As celery's own command does it, for a worker and for beat.
WORKER = "from config.celery import app; app.loader.init_worker(); app.finalize()"
# Until somebody pays, is emphatic, is answered by a model, develops.
DEAR = {"stripe", "aiohttp", "daphne.server"}


def modules_of(process: str) -> set[str]:
    env = environment(**SAFE, DJANGO_SETTINGS_MODULE="config.settings")
    command = [sys.executable, "-c", f"{process}\n{PRINT}"]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_the_web_is_ready_with_its_pages_and_without_a_worker_s_things():
    modules = modules_of(WEB)
    assert {"config.urls", "chat.views", "payments.views", "accounts.views"} <= modules
    assert not {*DEAR, "celery", "kombu", "chat.replying", "chat.llm"} & modules


def test_a_worker_is_ready_with_its_tasks_and_without_pages():
    modules = modules_of(WORKER)
    assert {"chat.replying", "payments.tasks", "accounts.tasks"} <= modules
    assert not {*DEAR, "config.urls"} & modules
