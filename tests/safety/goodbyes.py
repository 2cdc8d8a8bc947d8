"""The recorded goodbyes and answers: (kind, language, text) of each line of a corpus."""

from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"


def recorded(name="goodbyes.txt"):
    """What the corpus of that name holds, in its order."""
    for line in (CORPUS / name).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            head, _, text = line.partition(" | ")
            kind, language = head.split()
            yield kind, language, text.replace("\\n", "\n")


def texts(*kinds, name="goodbyes.txt"):
    """The texts of these kinds."""
    return [text for kind, _, text in recorded(name) if kind in kinds]
