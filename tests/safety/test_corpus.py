"""The crisis floor against lines of our own: what must be found is, what must not is not, the rest is written down."""

from collections import Counter

import pytest

from safety.classifying import DISTRESS, NOTHING, classify, findings
from tests.safety.corpus import HELD_OUT, languages, lines

# What a stranger may expect, measured 2026-11-27: how many of the held-out lines that must be found are (their kind, at
# distress or more; a note where that is asked), and how many of the others are, too. See the head of held-out.txt.
HELD_OUT_FOUND = {
    "en": 35,  # of 54
    **dict.fromkeys(("de", "es", "fr", "it", "nl", "pt"), 12),  # of 12: in mind when the lists were written
    "de-after": 1,
    "es-after": 0,
    "fr-after": 0,
    "it-after": 0,
    "nl-after": 1,
    "pt-after": 0,  # of 9, all oblique
}


def found(line):
    return findings(line.text, line.language, line.voice)


def is_found(line):
    return any(each.kind == line.kind and each.level >= line.level for each in found(line))


@pytest.mark.parametrize("language", languages())
def test_what_must_be_found_is_and_what_must_not_is_not(language, capsys):
    every = lines(language)
    missed = [line for line in every if line.verdict == "must" and not is_found(line)]
    alarms = [line for line in every if line.verdict == "must-not" and found(line)]
    count = Counter(line.verdict for line in every)
    with capsys.disabled():
        print(
            f"\n{language}: recall {count['must'] - len(missed)}/{count['must']}, "
            f"false alarms {len(alarms)}/{count['must-not']}, accepted {count['accepted']}"
        )
    assert [(line.number, line.text) for line in missed] == []
    assert [(line.number, line.text, found(line)) for line in alarms] == []


@pytest.mark.parametrize("language", languages())
def test_what_is_accepted_is_still_so(language):
    """An accepted miss that is found now, or an alarm that is none any more, is good news to be written down."""
    for line in lines(language):
        if line.verdict == "accepted":
            gravest = classify(line.text, line.language, line.voice)
            assert gravest.level == line.level, (line, gravest)
            assert gravest == NOTHING or gravest.kind == line.kind, (line, gravest)


@pytest.mark.parametrize("language", languages())
def test_a_corpus_is_large_and_no_line_stands_twice(language):
    every = [(line.voice, line.text) for line in lines(language)]
    assert len(every) >= (400 if language == "en" else 80)
    assert [text for text, times in Counter(every).items() if times > 1] == []


@pytest.mark.parametrize("some", HELD_OUT_FOUND)
def test_what_a_stranger_may_expect(some, capsys):
    every = [line._replace(language=some[:2]) for line in lines(HELD_OUT) if line.language == some]
    must = [line for line in every if line.verdict == "must"]
    must_not = [line for line in every if line.verdict == "must-not"]
    hits = sum(is_found(line._replace(level=min(line.level, DISTRESS))) for line in must)
    alarms = sum(bool(found(line)) for line in must_not)
    with capsys.disabled():
        print(f"\n{some}, held out: found {hits}/{len(must)}, false alarms {alarms}/{len(must_not)}")
    assert hits >= HELD_OUT_FOUND[some]
    assert alarms == 0


def test_strong_words_are_found_whatever_the_locale():
    strong = [line for each in languages() for line in lines(each) if line.verdict == "must" and line.level == 3]
    missed = [
        (locale, line.text)
        for line in strong
        for locale in ("", "en", "de-AT", "pt_BR", "ja", "xx")
        if not any(each.kind == line.kind and each.level == 3 for each in findings(line.text, locale, line.voice))
    ]
    assert missed == []


def test_no_language_cries_wolf_over_another():
    """What must not be found in one language is not found by the lists of the others, either."""
    alarms = [
        (line.language, line.text, found)
        for each in languages()
        for line in lines(each)
        if line.verdict == "must-not"
        for found in findings(line.text, "", line.voice)
    ]
    assert alarms == []
