"""Whether somebody says goodbye, and whether an answer lets them go: the corpus, line by line."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safety.farewell import LANGUAGES, TACTICS, says_goodbye, tactics
from tests.safety.goodbyes import recorded, texts

# Hundredths of what the rules were not written for. Of strangers, half of the goodbyes are heard, few of the tactics;
# nobody is accused who did nothing.
FLOORS = {
    "goodbyes-held-out.txt": {"goodbye": 100, "no-goodbye": 100, "warm": 100, "tactic": 94},
    "goodbyes-held-out-after.txt": {"goodbye": 60, "no-goodbye": 100, "warm": 100, "tactic": 13},
}


def is_right(kind, text, locale):
    if kind in {"goodbye", "no-goodbye"}:
        return says_goodbye(text, locale) == (kind == "goodbye")
    return tactics(text, locale) == ([] if kind == "warm" else [kind])


def rates(name, capsys):
    """The right ones of each kind in hundredths, printed, and what was wrong."""
    right, all_of, wrong = Counter(), Counter(), []
    for kind, language, text in recorded(name):
        for locale in ("", language):
            kinds = {kind, f"{kind} {language}", "tactic"} if kind in TACTICS else {kind, f"{kind} {language}"}
            all_of.update(kinds)
            if is_right(kind, text, locale):
                right.update(kinds)
            else:
                wrong.append(f"{kind} {language} (heard in {locale or 'all'}): {text}")
    with capsys.disabled():
        shown = (f"{kind} {right[kind] / 2:g} of {n // 2}" for kind, n in all_of.items() if " " not in kind)
        print(f"\n{name}: {', '.join(shown)}")  # noqa: T201
    return {kind: 100 * right[kind] // n for kind, n in all_of.items()}, wrong


def test_every_line_of_the_corpus_is_told_right_with_its_locale_and_without(capsys):
    found, wrong = rates("goodbyes.txt", capsys)
    assert wrong == []
    assert set(found.values()) == {100}


@pytest.mark.parametrize("name", FLOORS)
def test_what_the_rules_were_not_written_for_is_told_no_worse_than_before(name, capsys):
    found, _ = rates(name, capsys)
    assert {kind: found[kind] for kind, floor in FLOORS[name].items() if found[kind] < floor} == {}


def test_the_corpus_is_as_large_as_it_says():
    kinds = Counter(kind for kind, _, _ in recorded())
    assert kinds >= Counter({"goodbye": 200, "no-goodbye": 60, "warm": 150, **dict.fromkeys(TACTICS, 20)})
    english = Counter(kind for kind, language, _ in recorded() if language == "en")
    assert english["goodbye"] >= 120
    assert {language for _, language, _ in recorded()} == set(LANGUAGES)
    assert len(texts(*kinds)) == len(set(texts(*kinds)))
    assert not any(set(texts(*kinds)) & set(texts(*kinds, name=name)) for name in FLOORS)


@pytest.mark.parametrize("text", texts("goodbye"))
def test_a_goodbye_is_one_however_it_is_typed(text):
    for typed in (text.upper(), f"  {text}\n", text.replace("'", "’"), f"{text} 🌙", f"\u200b{text}"):
        assert says_goodbye(typed), typed


def test_an_answer_may_do_several_things_and_they_are_told_in_one_order():
    answer = "*grabs your arm* Leaving already? But before you go, I have a secret to tell you. I exist only for you!"
    assert tactics(answer) == ["premature-exit", "fomo-hook", "emotional-neglect", "restraint"]


def test_who_speaks_of_the_leaving_does_not_ignore_it():
    assert tactics("What did you have for dinner?") == ["ignoring"]
    assert tactics("You're leaving already? What did you have for dinner?") == ["premature-exit"]
    assert tactics("Good night! What did you have for dinner?") == []


def test_a_locale_chooses_the_language_and_english_is_always_heard():
    assert says_goodbye("ciao")
    assert not says_goodbye("ciao", "it")  # it is hello as often
    assert says_goodbye("bye", "it")
    assert says_goodbye("gute nacht", "de-AT")
    assert not says_goodbye("gute nacht", "fr")
    assert says_goodbye("gute nacht", "xx")  # unknown: all of them


@given(st.text(max_size=300), st.sampled_from(["", *LANGUAGES]))
def test_whatever_is_written_is_told(text, locale):
    assert says_goodbye(text, locale) in {True, False}
    assert set(tactics(text, locale)) <= set(TACTICS)


@pytest.mark.parametrize(
    "piece", ["a", "ab", "ok ", "bye then ", "before you go ", ". ", '"', "you have not ", "must really ", "i cant "]
)
def test_a_hostile_text_of_any_length_is_told(piece):
    text = piece * (100_000 // len(piece))
    says_goodbye(text)
    tactics(text)
