"""The small language of the word lists."""

import re

import pytest

from safety.phrases import is_open, parse, pattern


def hits(phrase, text, **lists):
    return bool(re.search(pattern(parse(phrase, lists)), f" {text} "))


@pytest.mark.parametrize(
    ("phrase", "yes", "no"),
    [
        ("kill myself", "i kill myself now", "kill himself myself"),
        ("suicid*", "very suicidal", "asuicidal"),
        ("(kill|hurt me) now", "hurt me now", "hurt now"),
        ("want [really|so much] out", "want so much out", "want much out"),
        ("want ..2 out", "want to get out", "want to get right out"),
        ("^ so", "so it is", "and so"),
        ("so .", "and so", "so it is"),
        ("I'm", "im", "i m"),
        ("möchte", "mochte", "machte"),
    ],
)
def test_phrases_mean_what_they_say(phrase, yes, no):
    assert hits(phrase, yes)
    assert not hits(phrase, no)


def test_lists_have_names():
    assert hits("die {soon}", "die this night", soon="now|this night")


@pytest.mark.parametrize("phrase", ["(a", "a)", "[a|b", "a | b", "{nobody}"])
def test_what_makes_no_sense_is_refused(phrase):
    with pytest.raises(ValueError, match=r"Brackets|There is no list|Not a phrase"):
        parse(phrase, {})


@pytest.mark.parametrize(
    ("said", "begun", "open_"),
    [
        ("", "", True),
        ("", "y", True),
        ("", "n", False),
        ("you", "", True),
        ("you", "sho", True),
        ("you", "shou1", True),
        ("you should just", "", True),
        ("you should not", "", False),
        ("you should just be", "", False),
        ("you should die", "", False),
    ],
)
def test_a_phrase_is_open_as_long_as_it_may_be_in_the_making(said, begun, open_):
    phrase = parse("you should [just|really] (die|leave)", {})
    assert is_open(phrase, said.split(), 0, begun) is open_
