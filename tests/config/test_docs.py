"""What the documents say is there, is there."""

import re

import pytest
from django.core.management import get_commands

from tests.servers import ROOT

DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
BY_NAME = pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)


@BY_NAME
def test_links_lead_somewhere(path):
    for target in re.findall(r"\]\(([^)#]+)\)", path.read_text()):
        assert target.startswith("https://") or (path.parent / target).exists(), target


@BY_NAME
def test_commands_exist(path):
    text = path.read_text()
    targets = set(re.findall(r"^([a-z0-9]+):", (ROOT / "Makefile").read_text(), re.M))
    assert set(re.findall(r"\bmake ([a-z0-9]+)\b(?=`|  |$)", text, re.M)) <= targets
    assert set(re.findall(r"manage\.py ([a-z_]+)", text)) <= set(get_commands())
    for script in re.findall(r"\bbin/\w+", text):
        assert (ROOT / script).exists(), script


@BY_NAME
def test_files_exist(path):
    for name in re.findall(r"`((?:accounts|chat|config|girls|media|payments|static|tests)/[\w/.]*)`", path.read_text()):
        assert (ROOT / name).exists(), name


@BY_NAME
def test_variables_are_those_of_the_example(path):
    known = set(re.findall(r"^#?([A-Z][A-Z0-9_]*)=", (ROOT / ".env.example").read_text(), re.M))
    for name in re.findall(r"`([A-Z][A-Z0-9_]*_[A-Z0-9_]+)(?:=[^`]*)?`", path.read_text()):
        assert name in known or name in {"ATOMIC_REQUESTS", "_FALLBACK"}, name


@BY_NAME
def test_metrics_are_counted(path):
    modules = [*(ROOT / "config").rglob("*.py"), ROOT / "chat" / "consumers.py", ROOT / "accounts" / "events.py"]
    source = "".join(module.read_text() for module in modules)
    for name in re.findall(r"\bdusk_\w+", path.read_text()):
        assert f'"{name}"' in source, name


def test_decisions_are_numbered_and_say_when_to_think_again():
    decisions = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    numbers = [int(path.name[:4]) for path in decisions]
    assert numbers == list(range(1, len(numbers) + 1))
    for number, path in zip(numbers, decisions, strict=True):
        assert path.name.startswith(f"{number:04}-")
        text = path.read_text()
        assert text.startswith(f"# {number}. ")
        for part in ("Date.", "Context", "Decision", "Alternatives", "Consequences", "Revisit when"):
            assert f"**{part}" in text, path.name


def test_the_two_commands_come_first():
    assert re.match(r"# Dusk\n\n```\nmake run .*\nmake test ", (ROOT / "README.md").read_text())


def test_the_procfile_names_the_four_processes():
    names = re.findall(r"^(\w+): ", (ROOT / "Procfile").read_text(), re.M)
    assert names == ["release", "web", "worker", "beat"]
    compose = (ROOT / "compose.yaml").read_text()
    assert all(f"command: {name}" in compose for name in names)
