"""However the bytes of an answer are cut, it is the same answer."""

import json
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat.llm.answer import Answer
from chat.llm.base import ModelError
from chat.llm.sse import MAX_LINE_BYTES, MAX_TOTAL_BYTES, EventReader, TooLarge
from chat.llm.visible import MAX_CHARACTERS, Visible
from tests.fakes.model_host import DONE, delta, finish, usage

PIECES = [
    *["a", " ", "\n", "\r\n", "é", "日本", "🙂", "👩\u200d💻", "می\u200cروم", "*hm*", "x" * 300],
    *["Mara", ":", "**", "Mara: hi", "assistant:", "AI", "<think>", "</think>", "<thinking>", "</thinking>"],
    *["\u200b", "\u202e", "\x00", "\u2028", "\x85", "\x0c", "\ud83d", "\ude42"],
]
WORDS = st.lists(st.sampled_from(PIECES) | st.text(max_size=8), max_size=12)
LINE_ENDS = st.sampled_from([b"\n", b"\r\n", b"\r"])


def cut(data, where):
    """The data in pieces, cut at the given fractions."""
    edges = sorted({0, len(data), *(round(fraction * len(data)) for fraction in where)})
    return [data[a:b] for a, b in pairwise(edges)]


CUTS = st.lists(st.floats(0, 1), max_size=40)


def read(chunks):
    """What an answer comes to: its text and numbers, or its error."""
    answer, text = Answer("Mara"), ""
    try:
        for chunk in chunks:
            if not answer.done:
                news = answer.feed(chunk)
                text = news if answer.withdrew() else text + news
        if not answer.done:
            news = answer.close()
            text = news if answer.withdrew() else text + news
    except ModelError as error:
        return "" if answer.withdrew() else text, type(error), error.reason
    return text, answer.finish_reason, answer.tokens_in, answer.tokens_out


def stream(words):
    return b"".join([b": hello\n\n", *map(delta, words), finish(), usage(), DONE])


@settings(max_examples=300, deadline=None)
@given(WORDS, LINE_ENDS, CUTS)
def test_any_cut_gives_the_same_answer(words, line_end, where):
    data = stream(words).replace(b"\n", line_end)
    whole = read([data])
    assert read(cut(data, where)) == whole
    assert read([bytes([byte]) for byte in data]) == whole


@settings(max_examples=300, deadline=None)
@given(WORDS)
def test_any_way_to_cut_the_text_gives_the_same_answer(words):
    joined = "".join(words)
    assert read([stream([joined])]) == read([stream(words)]) == read([stream(list(joined))])


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400), CUTS)
def test_no_bytes_at_all_break_more_than_the_answer(data, where):
    assert read(cut(data, where)) == read([data])


@settings(max_examples=200, deadline=None)
@given(WORDS)
def test_what_is_shown_can_be_stored_and_stays_within_bounds(words):
    text = read([stream(words)])[0]
    text.encode()  # no lone surrogates
    assert "\x00" not in text
    assert text == text.strip()
    assert len(text) <= MAX_CHARACTERS


def test_characters_that_only_unicode_calls_line_ends_are_part_of_the_line():
    data = 'data: "a\u2028b\u2029c\x85d\x0be\x0cf"\n\n'.encode()
    assert EventReader().feed(data) == ['"a\u2028b\u2029c\x85d\x0be\x0cf"']


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
def test_a_line_end_that_comes_in_two_pieces_is_one(line_end):
    reader = EventReader()
    data = b"data: a\ndata: b\n\ndata: c\n\n".replace(b"\n", line_end)
    assert [event for byte in data for event in reader.feed(bytes([byte]))] == ["a\nb", "c"]


def test_invalid_utf8_is_replaced():
    assert json.loads(EventReader().feed(b'data: "a\xffb"\n\n')[0]) == "a\ufffdb"


def test_a_line_of_any_length_is_not_kept():
    reader = EventReader()
    for _ in range(MAX_LINE_BYTES // 1024):
        reader.feed(b"x" * 1024)
    with pytest.raises(TooLarge):
        reader.feed(b"x")


def test_a_stream_of_any_length_is_not_read():
    reader = EventReader()
    for _ in range(MAX_TOTAL_BYTES // 16):
        reader.feed(b": still waiting\n")
    with pytest.raises(TooLarge):
        reader.feed(b": still waiting\n")


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("Mara: Hi", "Hi"),
        ("mara : Hi", "Hi"),
        ("**Mara:** Hi", "Hi"),
        ("**Mara**: Hi", "Hi"),
        ("*Mara:* Hi", "Hi"),
        ("Assistant: Hi", "Hi"),
        ("AI:Hi", "Hi"),
        ("<think>no</think>Mara: Hi", "Hi"),
        ("Mara: *smiles* Hi", "*smiles* Hi"),
        ("*smiles* Mara: Hi", "*smiles* Mara: Hi"),
        ("Mara is my name: easy", "Mara is my name: easy"),
        ("Maraschino: a cherry", "Maraschino: a cherry"),
        ("Mara", "Mara"),
        ("Note: Hi", "Note: Hi"),
        ("Say <think> to yourself", "Say <think> to yourself"),
        ("<thin", "<thin"),
        ("Hi. <think>x</think>", "Hi."),
        ("Hello, you.\nUser: I am fine.\nMara: Great!", "Hello, you."),
        ("Hello.<|eot_id|>", "Hello."),
        ("[THINK]x[/THINK]Hello.", "Hello."),
        ("a\r\nb\u2028c", "a\nb\nc"),
        ("👩\u200d💻 می\u200cروم a\u200db", "👩\u200d💻 می\u200cروم ab"),
        ("  \n Hi \n ", "Hi"),
    ],
)
def test_only_what_the_character_says_is_shown(written, shown):
    visible = Visible("Mara")
    assert visible.feed(written) + visible.close() == shown
