"""Messages are read inside one conversation, always: that is what lets the table be split by conversation one day."""

import ast
import re

import pytest

from tests.servers import ROOT

FOLDERS = ("chat", "girls", "accounts", "media", "payments", "config", "staff")
COUNTS = {ROOT / "staff" / "rollups.py"}  # a day's messages by character: sums, which parts of a table add up to
SOURCES = [
    path
    for folder in FOLDERS
    for path in (ROOT / folder).rglob("*.py")
    if "migrations" not in path.parts and path not in COUNTS
]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_read_of_messages_names_its_conversation(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Attribute) or node.attr != "objects":
            continue
        if isinstance(node.value, ast.Name) and node.value.id in ("Message", "Alternative"):
            line = path.read_text().splitlines()[node.lineno - 1]
            following = " ".join(path.read_text().splitlines()[node.lineno - 1 : node.lineno + 2])
            assert re.search(r"conversation\s*=|\.create\(", following), f"{path}:{node.lineno}: {line.strip()}"
