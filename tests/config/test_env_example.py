""".env.example says everything that can be set, and copying it changes nothing."""

import re
import subprocess
import sys
from itertools import pairwise

from tests.config.processes import environment
from tests.servers import ROOT

EXAMPLE = (ROOT / ".env.example").read_text()
ELSEWHERE = {"HOST", "PORT", "WEB_CONCURRENCY", "WORKER_CONCURRENCY", "FORWARDED_ALLOW_IPS", "POSTGRES_PASSWORD"}


def names_in_settings():
    source = (ROOT / "config" / "settings.py").read_text()
    for name in re.findall(r'(?:env\.\w+|words)\(\s*f?"([^"]+)"', source):
        if "{" in name:
            yield from (re.sub(r"\{.*\}", provider, name) for provider in ("PRIMARY", "FALLBACK"))
        else:
            yield name


def test_it_names_exactly_what_is_read():
    named = re.findall(r"^#?([A-Z0-9_]+)=", EXAMPLE, re.M)
    assert len(named) == len(set(named))
    assert set(named) == set(names_in_settings()) | ELSEWHERE


def test_what_is_read_elsewhere_is_read():
    where = [ROOT / "Procfile", ROOT / "compose.yaml", ROOT / "config" / "server.py"]
    text = "".join(path.read_text() for path in where)
    assert all(name in text for name in ELSEWHERE)


def test_each_variable_has_a_comment_above():
    lines = EXAMPLE.splitlines()
    for above, line in pairwise(lines):
        if re.match(r"#?[A-Z0-9_]+=", line):
            assert above.startswith("# "), line


def test_a_copy_of_it_starts(tmp_path):
    copy = tmp_path / ".env"
    copy.write_text(EXAMPLE.replace("DEBUG=0", "DEBUG=1").replace("SECRET_KEY=\n", "SECRET_KEY=anything\n", 1))
    env = environment(ENV_FILE=str(copy))
    for name in ("DEBUG", "SECRET_KEY"):
        del env[name]
    command = [sys.executable, "manage.py", "check"]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
