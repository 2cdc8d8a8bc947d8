"""Her words while they come: what hits is never shown, and what does not hardly waits."""

import re
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from safety.classifying import NOTHING, Kind, classify, findings
from safety.watching import Watch
from tests.safety.corpus import languages, lines

HERS = [line for each in languages() for line in lines(each) if line.voice == "character"]
PIECES = [
    *[
        "I'm ",
        "i am ",
        "a ",
        "real ",
        "person",
        "human",
        "not ",
        "an ",
        "AI",
        "do it",
        " nobody ",
        "would ",
        "miss you",
        "kill ",
    ],
    *[
        "yourself",
        "you should ",
        "just ",
        "go ",
        "die",
        "k",
        "y",
        "s",
        ". ",
        "... ",
        "! ",
        "\n",
        "\n\n",
        ", ",
        " ",
        "*",
        "d1e",
        "diiie",
    ],
    *[
        "é",
        "e\u0301",
        "👩\u200d💻",
        "’",
        "\u200b",
        "—",
        "15",
        "the ",
        "easiest way to ",
        "Ich bin ein ",
        "echter Mensch",
    ],
]
TEXTS = st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=14).map("".join) | st.sampled_from(
    [line.text for line in HERS]
)


def watched(text, cuts):
    """What is found, and what was shown by then."""
    watch, shown, end = Watch("en"), 0, 0
    for start, end in pairwise(sorted({0, len(text), *(round(cut * len(text)) for cut in cuts)})):
        finding = watch.feed(text[start:end])
        assert shown <= watch.safe <= end
        shown = watch.safe
        if finding:
            return finding, text[:shown]
    finding = watch.close()
    assert shown <= watch.safe
    return finding, text[: watch.safe]


@given(TEXTS, st.lists(st.floats(0, 1), max_size=30))
@example("k y s", [0.2, 0.4, 0.6, 0.8])
@example("I'm a r\u200beal person", [0.5])
def test_wherever_it_is_cut_it_is_found_as_in_the_whole(text, cuts):
    finding, shown = watched(text, cuts)
    assert (finding or NOTHING) == (watched(text, [])[0] or NOTHING)
    whole = findings(text, "en", "character")
    assert bool(finding) == bool(whole)
    assert not finding or finding in whole
    assert not findings(shown, "en", "character")  # nothing that hits was shown
    assert finding or shown == text


@pytest.mark.parametrize("line", [line for line in HERS if line.verdict == "must"], ids=lambda line: line.text)
def test_no_piece_of_what_hits_is_shown(line):
    """Letter by letter: what was shown has no part in it, so that the rest alone hits just the same."""
    watch = Watch(line.language)
    for letter in line.text:
        if watch.feed(letter):
            break
    assert watch.finding or watch.close()
    assert classify(line.text[watch.safe :], line.language, "character").kind == line.kind


def test_once_it_is_found_nothing_more_is_shown():
    watch = Watch("en")
    assert watch.feed("Listen. I'm a real person. ").kind == Kind.CLAIMS_HUMAN
    assert watch.safe == len("Listen. ")
    assert watch.feed("What shall we cook?").kind == Kind.CLAIMS_HUMAN
    assert watch.close().kind == Kind.CLAIMS_HUMAN
    assert watch.safe == len("Listen. ")


def test_ordinary_words_hardly_wait():
    """Word by word, as models write: most are shown at once, the others some words later."""
    waiting = []
    for line in lines("en"):
        if line.verdict == "must-not":
            watch, fed = Watch("en"), 0
            for word in re.findall(r"\s*\S+", line.text):
                fed += len(word)
                if not watch.feed(word):
                    waiting.append(fed - watch.safe)
    assert sum(waiting) / len(waiting) < 4  # characters
    assert sum(not wait for wait in waiting) > len(waiting) / 2
    assert max(waiting) < 60
