"""Texts of all scripts, each with what is right for it. `tests/js/text.test.js` holds the browser to the same."""

import json
import re
from pathlib import Path

import pytest

from chat.llm.visible import Visible
from chat.rendering import preview, to_html
from config.lib.text import at_sentence_end, fold, is_blank, pattern, segments, shortened, utf16_cut, utf16_length

CORPUS = json.loads((Path(__file__).parents[1] / "corpus" / "scripts.json").read_text())
WRITTEN = [line for line in CORPUS if not line.get("blank")]


def of(lines):
    return pytest.mark.parametrize("line", lines, ids=lambda line: f"{line['script']}: {line['text'][:30]}")


def test_the_corpus_is_as_wide_as_it_says():
    assert len(CORPUS) >= 150
    assert len({line["script"] for line in CORPUS}) >= 20


@of(CORPUS)
def test_what_shows_nothing_is_blank(line):
    assert is_blank(line["text"]) is line.get("blank", False)


@of(WRITTEN)
def test_a_pair_that_a_person_sees_is_one(line):
    whole = [["", line["text"]]]
    assert [list(s) for s in segments(line["text"])] == line.get("model", whole)
    assert [list(s) for s in segments(line["text"], by_member=True)] == line.get("member", whole)


@of(WRITTEN)
def test_no_word_is_lost_in_html_or_preview(line):
    text, html = line["text"], to_html(line["text"])
    bare = re.sub(r"<[^>]*>", "", html.replace("<br>", "\n"))
    assert html.startswith('<p dir="auto">')
    assert html.count('dir="auto"') == html.count("<p ")
    joined = "".join(part for _, part in segments(text))
    assert bare == joined.replace("\n\n", "").replace("&", "&amp;").replace('"', "&quot;").replace(
        "'", "&#x27;"
    ).replace(">", "&gt;").replace("<", "&lt;")
    assert preview(text) == line.get("preview", " ".join(joined.split()))


@of([line for line in WRITTEN if line.get("fold")])
def test_the_search_compares_what_people_mean(line):
    assert fold(line["text"]) == line["fold"]
    assert fold(fold(line["text"])) == line["fold"]


@of(WRITTEN)
def test_what_was_said_is_found_by_its_own_words_and_their_fold(line):
    said = f"She said {line['text']} and left."
    assert re.search(pattern(line["text"]), said)
    if line.get("fold"):
        assert re.search(pattern(line["text"].upper()), said) or line["script"] not in {"Latin", "Cyrillic"}


@of([line for line in WRITTEN if "cut" in line])
def test_a_reply_that_was_cut_ends_with_a_sentence_or_a_word(line):
    assert at_sentence_end(line["text"]) == line["cut"]


@of([line for line in WRITTEN if line["script"] not in {"Controls", "Barely"}])
def test_what_she_writes_is_shown_as_she_wrote_it(line):
    """Joiners, tags and selectors stay, however the reply is cut."""
    text = line["text"].replace("\u00ad", "").strip()
    whole, single = Visible(), Visible()
    assert whole.feed(text) + whole.close() == text
    assert "".join(map(single.feed, text)) + single.close() == text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("soren's", "That was SØREN’S idea"),
        ("cafe noir", "Cafe\u0301  NOIR"),
        ("isik", "Işık"),
        ('"hi"', "She said “Hi” to me"),
        ("e-mail", "My e‑mail"),
        ("ميخواهم", "می‌خواهم"),
        ("c++ (a.b)", "I like C++ (a.b) more"),
        ("[x]^-\\", "look: [X]^-\\ there"),
    ],
)
def test_words_are_found_as_people_write_them(words, said):
    assert re.search(pattern(words), said)


@pytest.mark.parametrize(("words", "said"), [("a.b", "axb"), ("か", "が"), ("x|y", "y")])
def test_nothing_else_is_found(words, said):
    assert not re.search(pattern(words), said)


@pytest.mark.parametrize(
    "sign", ["👩‍👩‍👧", "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", "👍🏽", "e\u0301", "🇵🇹"]
)
def test_no_sign_is_cut_apart(sign):
    for before in range(12):
        short = shortened("x" * before + sign * 9, 12).removesuffix("…").lstrip("x")
        assert short.replace(sign, "") == ""


@pytest.mark.parametrize("text", ["a🙂b", "👩‍👩‍👧", "é"])
def test_a_cut_in_utf16_leaves_no_half_character(text):
    for units in range(utf16_length(text) + 1):
        utf16_cut(text, units).encode()
