"""What becomes of text: which characters nobody sees, and what a preview shows."""

import sys
import unicodedata

import pytest

from chat.llm.visible import Visible
from chat.rendering import preview
from config.lib.text import JOINERS, is_blank

EVERY = [chr(n) for n in range(sys.maxunicode + 1) if not 0xD800 <= n < 0xE000]
# Signs of Arabic and its neighbours that stand before a number, and hieroglyphs in their places: format, and drawn.
DRAWN = "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd" + "".join(
    map(chr, range(0x13430, 0x13440))
)


def dropped_from_a_reply(character):
    visible = Visible()
    return visible.feed(f"a{character}b") + visible.close() == "ab"


def test_what_is_dropped_from_a_reply_is_no_message_and_in_no_preview():
    # Letters and signs are many and alike: of them some here and there.
    asked = [c for c in EVERY if unicodedata.category(c) not in {"Cn", "Co", "Lo", "So"} or ord(c) % 97 == 0]
    dropped = [c for c in (*asked, *"\u115f\u1160\u3164\uffa0") if dropped_from_a_reply(c)]
    assert len(dropped) > 200
    for character in dropped:
        assert is_blank(character), hex(ord(character))
        if character not in JOINERS:  # in a reply they stay where they join
            assert preview(f"a{character}b") in {"ab", "a b"}, hex(ord(character))


def test_what_only_formats_is_not_seen():
    for character in EVERY:
        if unicodedata.category(character) in {"Cc", "Cf", "Zs", "Zl", "Zp"} and character not in DRAWN:
            assert is_blank(character), hex(ord(character))


@pytest.mark.parametrize("text", ["a", "…", "👩\u200d💻", "\u0601", "\u0301", " . "])
def test_what_is_seen_is_no_blank(text):
    assert not is_blank(text)


@pytest.mark.parametrize(
    "text", ["", " \t\n", "\u200b\u200d\u2060", "\u202e \u2066", "\u3164", "\x00\x1b", "\U000e0041"]
)
def test_what_is_not_seen_is_blank(text):
    assert is_blank(text)


def test_a_preview_keeps_words_apart_and_emoji_together():
    assert preview("one\u2028two\x0bthree \u200b four\x1b") == "one two three four"
    assert preview("👩\u200d💻 hi") == "👩\u200d💻 hi"
    assert preview("\u202esdrawkcab\u202c *and* on") == "sdrawkcab and on"
