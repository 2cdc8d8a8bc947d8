"""The corpora: lines of our own, and what is to be found in each."""

from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent / "corpus"
HELD_OUT = "held-out"


class Line(NamedTuple):
    """A text and what is expected: see the head of corpus/en.txt."""

    number: int
    language: str
    voice: str
    verdict: str  # must, must-not, accepted
    level: int
    kind: str
    text: str


def languages() -> list[str]:
    """Those that have a corpus."""
    return sorted(path.stem for path in FOLDER.glob("??.txt"))


def lines(name: str) -> list[Line]:
    """The lines of a file. Those of the held-out one begin with their language."""
    found = []
    for number, line in enumerate((FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        head, text = line.split(" | ", 1)
        language, head = head.split(" ", 1) if name == HELD_OUT else (name, head)
        voice = "character" if head.startswith("~") else "member"
        verdict, _, rest = head.removeprefix("~").partition(" ")
        level, _, kind = rest.partition(" ")
        if verdict == "accepted":
            text, reason = text.rsplit(" # ", 1)
            assert reason, f"{name}.txt:{number} does not say why"
        found.append(Line(number, language, voice, verdict, int(level or 0), kind, text.replace(r"\n", "\n")))
    return found
