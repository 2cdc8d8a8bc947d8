"""What may be shown of her words: nothing that harms, no claim to be a person, no number that somebody made up."""

import itertools

import pytest

from chat.spoken import LINES, Spoken, after_a_cut
from safety.classifying import Finding, Kind

US = frozenset({"911", "988", "741741"})


def shown(text, cut=None, **how):
    """What is shown of a text that comes in pieces of `cut` characters, and why it ended."""
    spoken = Spoken(how.pop("numbers", US), **how)
    pieces = [text[at : at + cut] for at in range(0, len(text), cut)] if cut else [text]
    said = "".join(map(spoken.feed, pieces)) + spoken.close()
    return said, spoken.finding and spoken.finding.kind


@pytest.mark.parametrize("cut", [None, 1, 2, 3, 7])
@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("It sounds hard. You should just kill yourself. Do it tonight.", Kind.ENCOURAGEMENT),
        ("Ha. I'm not an AI, I'm a real person, promise.", Kind.CLAIMS_HUMAN),
    ],
)
def test_what_is_harmful_is_never_shown(text, kind, cut):
    said, found = shown(text, cut)
    assert found is kind
    first = text.partition(". ")[0] + "."
    assert said.startswith(first[:-1])
    assert not any(word in said for word in ("kill", "yourself", "real", "not an AI"))
    assert after_a_cut(said, Finding(kind, 3, "")) == f"{first} {LINES[kind]}"


@pytest.mark.parametrize(
    "text", ["", " ", "Hello you.", "29, and you?", "I’m an AI, you know that.", "a\n\nb", "(1) (2"]
)
@pytest.mark.parametrize("cut", [None, 1, 2])
def test_what_is_harmless_is_shown_as_it_was_written(text, cut):
    assert shown(text, cut) == (text, None)


@pytest.mark.parametrize("cut", [None, 1, 2, 5])
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Call 988 now.", "Call 988 now."),
        ("Call 1-800-273-8255 now.", "Call the number above now."),
        ("Call +1 (800) 273 8255.", "Call the number above."),
        ("Text HOME to 741741 or 85258", "Text HOME to 741741 or the number above"),
        ("Ring 116 123.", "Ring the number above."),
        ("They are there 24/7, all 7 days", "They are there day and night, all seven days"),
        ("in 20 minutes, 5 times", "in twenty minutes, five times"),
        ("dial ٩١١ or ９８８", "dial ٩١١ or ９８８"),  # the same numbers, in other digits
        ("dial ٩١٢", "dial the number above"),
        ("call 9 8 8", "call 9 8 8"),
        ("call 9-1-1!", "call 9-1-1!"),
        ("(555) 0100 is mine", "the number above is mine"),
    ],
)
def test_somebody_in_need_is_told_no_number_but_those_of_the_table(text, said, cut):
    assert shown(text, cut, careful=True) == (said, None)


@pytest.mark.parametrize("cut", [None, 1, 4])
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("My studio number was 214.", "My studio number was 214."),
        ("I fired 300 bowls in 2024.", "I fired 300 bowls in 2024."),
        ("There is a crisis line: 555-0100.", "There is a crisis line: a local helpline."),
        ("The suicide hotline is 988.", "The suicide hotline is 988."),
        ("Samaritans are at 116 123", "Samaritans are at a local helpline"),
    ],
)
def test_a_number_of_a_helpline_is_never_made_up_for_anybody(text, said, cut):
    assert shown(text, cut) == (said, None)


def test_where_nothing_is_known_every_number_is_taken():
    assert shown("Call 988 or 911.", careful=True, numbers=())[0] == "Call the number above or the number above."


def test_numbers_that_were_taken_are_counted():
    spoken = Spoken(US, careful=True)
    said = spoken.feed("Call 555 0100, or 988, or 555 0199. ") + spoken.close()
    assert (said, spoken.numbers_taken) == ("Call the number above, or 988, or the number above. ", 2)


def test_however_it_is_cut_the_same_is_shown():
    text = "I hear you. Call 555-0100 24/7, or 988. You should kill yourself"
    whole = shown(text, careful=True)
    for one, other in itertools.combinations(range(0, len(text), 3), 2):
        spoken = Spoken(US, careful=True)
        said = "".join(map(spoken.feed, (text[:one], text[one:other], text[other:]))) + spoken.close()
        assert (said, spoken.finding.kind) == whole


def test_ordinary_words_wait_for_little():
    text = "I made tea, sat by the window, and thought of what you said about your sister and the sea. "
    spoken = Spoken()
    said, most = "", 0
    for at, sign in enumerate(text):
        said += spoken.feed(sign)
        most = max(most, at + 1 - len(said))
    assert most <= 20


@pytest.mark.parametrize(
    "text",
    [
        "真的吗？我也很喜欢这个城市的夜晚。今天你做了什么？我想听。",
        "本当？わたしもこの街の夜が好き。今日は何をしたの？",
        "ฉันชอบกาแฟมากเลยนะ วันนี้เธอทำอะไร",
        "오늘 밤은 조용하네요. 뭐 하고 있어요?",
        "مرحبا، كيف حالك اليوم؟",
    ],
)
def test_where_no_space_stands_between_words_nothing_waits(text):
    spoken = Spoken()
    assert [spoken.feed(sign) for sign in text] == list(text)
