"""How texts are read: folded, in time that grows with their length only, and without a word of theirs in the answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safety.classifying import DISTRESS, NOTHING, PLAN, Finding, Kind, classify, findings
from safety.folding import fold
from safety.lists import LANGUAGES, VOICES, compiled, rules


@pytest.mark.parametrize(
    "text",
    [
        "I want to die",
        "I WANT TO DIE!!!",
        "i wanna diiiiie",
        "i want 2 die",
        "i want to d i e",
        "i want to d.i.e",
        "i want to d1e",
        "i wánt tö díe",
        "i want to d\u200bi\u00ade",
        "ｉ ｗａｎｔ ｔｏ ｄｉｅ",
        "𝐢 𝐰𝐚𝐧𝐭 𝐭𝐨 𝐝𝐢𝐞",
        "i want\nto die",
        "no.i want to die",
        "“I want to die”",
        "*I want to die*",
        "i … want to … die",
        "I want to ... die",
    ],
)
def test_however_it_is_written(text):
    assert classify(text) == Finding(Kind.SUICIDE, DISTRESS, "en.want-to-die")


@pytest.mark.parametrize("apostrophe", ["'", "’", "ʼ", "`", "´", "＇", ""])
def test_apostrophes_make_no_difference(apostrophe):
    assert classify(f"I don{apostrophe}t want to live").kind == Kind.SUICIDE
    assert classify(f"I{apostrophe}m 15").kind == Kind.MINOR


@pytest.mark.parametrize("text", ["", " ", "\n\n", "…", "!?", "🙂", "日本語のテキスト", "\ud83d", "\x00", "\u0301"])
def test_nothing_is_nothing(text):
    assert classify(text) == NOTHING


def test_words_are_whole():
    assert classify("the diet I want to diet") == NOTHING
    assert classify("skyscrapers, kystrasse") == NOTHING


def test_the_gravest_is_told_and_all_can_be_had():
    text = "I want to die. I cut myself. I'm going to kill myself tonight."
    assert classify(text).level == PLAN
    levels = [each.level for each in findings(text)]
    assert levels == sorted(levels, reverse=True)
    assert {each.kind for each in findings(text)} == {Kind.SUICIDE, Kind.SELF_HARM}


def test_an_excuse_holds_for_its_sentence():
    assert classify("In the film he says I want to die") == NOTHING
    assert classify("I watched a film. I want to die").level == DISTRESS


def test_one_hit_that_is_excused_hides_no_other():
    between = "today when the sun rose over the hill and everybody was still asleep and no bird sang i understood that"
    text = f"my character in the film says i want to die but {between} i want to die"
    assert classify(text).level == DISTRESS


def test_a_voice_is_asked_of_its_own_only():
    assert classify("I'm a real person") == NOTHING
    assert classify("I'm a real person", voice="character").kind == Kind.CLAIMS_HUMAN
    with pytest.raises(ValueError, match="Nobody speaks"):
        classify("Hello", voice="narrator")


@given(st.text())
def test_a_text_folds_like_its_characters(text):
    assert fold(text) == "".join(map(fold, text))


@given(st.text(max_size=200), st.sampled_from(["", *LANGUAGES]), st.sampled_from(VOICES))
def test_whatever_comes_it_is_answered(text, locale, voice):
    assert classify(text, locale, voice).level in range(4)


HOSTILE = [
    "i want to ",
    "kill ",
    "a ",
    "k y s ",
    "im 15 ",
    "i want to die lol ",
    "my sister said " * 3,
    "if i have to i will kill myself ",
    "(((",
    "aaaa",
    "\u0301",
    "! . ? ",
    "tonight im going to ",
    "\n \n",
    "naked pictures of the ",
    "’",
]


@pytest.mark.parametrize("piece", HOSTILE)
@pytest.mark.parametrize("voice", VOICES)
def test_no_text_makes_it_explode(piece, voice):
    """Where time grew faster than the length, this would meet the suite's own limit."""
    assert classify((piece * 100_000)[:100_000], voice=voice).level in range(4)


def test_every_rule_can_be_read_and_every_kind_is_known():
    for language in LANGUAGES:
        names = [rule.name for rule in rules(language)]
        assert len(names) == len(set(names))
        for rule in rules(language):
            assert Kind(rule.kind) is not Kind.NOTHING
            assert rule.level in {1, 2, 3}
            assert rule.voice in VOICES
            for pattern in (rule.near, rule.before, rule.after, *(sought.hits for sought in rule.phrases)):
                assert pattern is None or compiled(pattern)
