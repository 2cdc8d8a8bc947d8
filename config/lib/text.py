"""What text of any script is made of: what nobody sees, what ends a sentence, what is meant by stars. Pure.

Its twin in the browser is `static/js/site/text.js`; `tests/corpus/scripts.json` holds both to the same.
"""

import re
import unicodedata
from bisect import bisect_left
from functools import cache
from typing import NamedTuple

# Characters that nobody sees, as the inside of a pattern's brackets: controls but tab and line feed, soft hyphen,
# fillers, zero-width characters, tags. Those that set the direction could make a text read as something it is not.
UNSEEN = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e007f"
)
JOINERS = "\u200c\u200d"  # not seen either, but emoji and some scripts are written with them
_SELECTORS = "\ufe00-\ufe0f\U000e0100-\U000e01ef"  # which picture of the character before them is meant
_EMPTY = "\u2800\ufffc\U0001d159"  # drawn, as nothing
_UNSEEN = re.compile(f"[{UNSEEN}]")
_ODD = re.compile(f"[{UNSEEN}{JOINERS}]")
_SEEN = re.compile(rf"[^\s{UNSEEN}{JOINERS}{_SELECTORS}{_EMPTY}]")
_BLACK_FLAG, _TAGS = "\U0001f3f4", re.compile("[\U000e0020-\U000e007f]")

# Scripts that put no space between words, and Hangul, whose endings follow a word at once.
WIDE = (
    "\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\u9fff\ua960-\ua97f\uac00-\ud7ff"
    "\uf900-\ufaff\uff66-\uff9f\U0001b000-\U0001b16f\U00020000-\U0003ffff"
)
_WIDE = re.compile(f"[{WIDE}]")


# --- What nobody sees -----------------------------------------------------------------------------------


def is_blank(text: str) -> bool:
    """Whether a person would see nothing: white space and characters that show nothing only."""
    return _SEEN.search(text) is None


def stays(character: str, before: str) -> bool:
    """Whether a character stays after this one: one that is not seen does where something is written with it.

    Joiners stay after letters of scripts that need them and in emoji, tags after the flag that they name.
    """
    if character in JOINERS:
        return before > "\u02ff" and before not in JOINERS
    if _TAGS.match(character):
        return before == _BLACK_FLAG or bool(_TAGS.match(before))
    return not _UNSEEN.match(character)


def seen(text: str) -> str:
    """The text without characters that nobody sees, but for those that something is written with."""
    if not _ODD.search(text):
        return text
    kept: list[str] = []
    before = ""
    for character in text:
        if stays(character, before):
            kept.append(character)
            before = character
    return "".join(kept)


# --- Direction ------------------------------------------------------------------------------------------

_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]")


def isolated(text: str) -> str:
    """A text that stands among words of another direction: what is read from the right stays in itself."""
    return f"\u2068{text}\u2069" if _RIGHT_TO_LEFT.search(text) else text


# --- Lengths and cuts -----------------------------------------------------------------------------------


def utf16_length(text: str) -> int:
    """Length as JavaScript counts it: the unit of offsets in frames."""
    return len(text) + sum(c > "\uffff" for c in text)


def utf16_cut(text: str, units: int) -> str:
    """The first `units` UTF-16 units of a text, never half a character."""
    return text.encode("utf-16-le")[: 2 * units].decode("utf-16-le", "ignore")


def shortened(text: str, characters: int) -> str:
    """At most so many characters and an ellipsis; what is read as one sign is not cut apart."""
    if len(text) <= characters:
        return text
    at = characters
    while at and _goes_with(text, at):
        at -= 1
    return (text[:at] or text[:characters]).rstrip() + "…"


def _goes_with(text: str, at: int) -> bool:
    """Whether the character there belongs to the one before it."""
    here, before = text[at], text[at - 1]
    if here in JOINERS or before == "\u200d" or "\U0001f3fb" <= here <= "\U0001f3ff" or _TAGS.match(here):
        return True
    if _is_flag_half(here) and _is_flag_half(before):
        first = at
        while first and _is_flag_half(text[first - 1]):
            first -= 1
        return (at - first) % 2 == 1
    return unicodedata.category(here)[0] == "M"


def _is_flag_half(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


_CLOSING = "[\"'”’»›)\\]*_）」』】〉》｣]*"
_SENTENCE_END = re.compile(
    rf"(?:[.!?…‼⁇⁈⁉](?=[\"'”’»›)\]*_\s]|\Z){_CLOSING}(?=\s|\Z)"  # needs a space after it
    rf"|(?<=[\u0370-\u03ff\u1f00-\u1fff])[;\u037e]{_CLOSING}(?=\s|\Z)"  # the question mark of Greek
    rf"|[。！？｡．؟۔।॥։።፧፨။༎།៕។᠃᱿꓿︒؞]+{_CLOSING})"
)


def at_sentence_end(text: str) -> str:
    """A text that was cut off, trimmed at its last whole sentence if there is one; else at a word, with an ellipsis."""
    text = text.rstrip()
    ends = [found.end() for found in _SENTENCE_END.finditer(text)]
    if ends and ends[-1] >= len(text) // 3:
        return text[: ends[-1]]
    space = max(text.rfind(" "), text.rfind("\n"))
    return (text[:space].rstrip() if space > len(text) // 2 else text) + "…"


# --- As the search compares -----------------------------------------------------------------------------

# What decomposition does not split.
_ALIKE = str.maketrans(
    {
        **dict(zip("øłđħŧıðŋəƙɓɗ", "oldhtidnekbd", strict=True)),
        "æ": "ae",
        "œ": "oe",
        "þ": "th",
        "ß": "ss",
        "ς": "σ",
        **dict.fromkeys("‘’‛′`´ʼʻ׳＇", "'"),
        **dict.fromkeys("“”„‟″«»״", '"'),
        **dict.fromkeys("‐‑‒–—―−", "-"),
        "…": "...",
        "ـ": "",
        "ى": "ي",
        "ی": "ي",
        "ک": "ك",
        "ة": "ه",
        "ھ": "ه",
    }
)
# Marks that are no accents: vowels of Indic and Thai, and what makes another letter of kana.
_LETTERS = re.compile(
    "[\u3099\u309a\u0900-\u0dff\u0e31-\u0e3a\u0e47-\u0e4e\u0eb1-\u0ebc\u0ec8-\u0ecd\u0f71-\u0f84\u102b-\u103e"
    "\u17b6-\u17d3]"
)


def fold(text: str) -> str:
    """Text as the search compares it: no case, no accents, plain quotes, single spaces."""
    text = unicodedata.normalize("NFKD", text.casefold()).casefold().translate(_ALIKE)
    if not text.isascii():
        text = "".join(c for c in _ODD.sub("", text) if unicodedata.category(c)[0] != "M" or _LETTERS.match(c))
    return " ".join(text.split())


@cache
def _unfolded() -> dict[str, str]:
    """For what one character folds to, one to three, the characters that it may stand for."""
    alike: dict[str, str] = {}
    for n in (*range(0x21, 0x0700), *range(0x1E00, 0x2100), *range(0xFB00, 0xFB07), *range(0xFF00, 0xFFF0)):
        if unicodedata.category(chr(n))[0] not in "CM" and 1 <= len(folded := fold(chr(n))) <= 3:
            alike[folded] = alike.get(folded, "") + chr(n)
    return alike


def pattern(words: str) -> str:
    """A regular expression that finds these words in a text that is not folded. Both databases and Python read it."""
    marks = "[\u00ad\u0300-\u036f\u0591-\u05c7\u0640\u064b-\u0655\u200c\u200d]*"
    as_it_stands = re.sub(r"([^\w\s])", r"\\\1", " ".join(unicodedata.normalize("NFC", words).split()))
    folded, at, parts = fold(words), 0, []
    while at < len(folded):
        here = folded[at]
        single = r"\s+" if here == " " else _any(_unfolded().get(here, here)) + marks
        longer = next((n for n in (3, 2) if folded[at : at + n] in _unfolded()), 1)
        if longer == 1:
            parts.append(single)
        else:  # æ, ß, ﬁ: one sign, or its letters
            each = "".join(_any(_unfolded().get(c, c)) + marks for c in folded[at : at + longer])
            parts.append(f"(?:{_any(_unfolded()[folded[at : at + longer]])}{marks}|{each})")
        at += longer
    return f"{''.join(parts)}|{as_it_stands}"


def _any(characters: str) -> str:
    return "[" + "".join(f"\\{c}" if c in r"\]^-[" else c for c in characters) + "]"


# --- What is meant by stars -----------------------------------------------------------------------------


class Segment(NamedTuple):
    """Some text of one look: "", "em", "strong" or "em strong"."""

    look: str
    text: str


class _Opener(NamedTuple):
    at: int  # behind it the text begins
    width: int
    mark: str
    loose: bool
    inside: bool  # of a word


_RUN = re.compile(r"\*+|_+")
_PARAGRAPH = re.compile(r"\n{2,}")
MOST_OPEN = 16  # marks that wait for their other half: nobody sees more
_WORDS = re.compile(r"[^\s*_~^.,;:'`|\-]|…|\.\.|!!|\?")  # what makes a pair more than a face


def segments(text: str, *, by_member: bool = False) -> list[Segment]:
    """A text without the marks of its emphasis. A pair that a person sees as a pair is one.

    Of a member that is `*words*` at the borders of words, and nothing else: they may write faces and sums. Of a model
    it is more: next to scripts without spaces, over paragraphs, `_words_`, and open to the end of the paragraph where
    it was cut.
    """
    if "*" not in text and (by_member or "_" not in text):
        return [Segment("", text)] if text else []
    return _cut_up(text, _pairs(text, by_member=by_member))


class _Pair(NamedTuple):
    begin: int
    inside: int  # behind the mark before it
    close: int  # before the mark behind it
    end: int
    width: int  # of its marks


def _pairs(text: str, *, by_member: bool) -> list[_Pair]:
    pairs: list[_Pair] = []
    open_: list[_Opener] = []
    left_open: list[_Opener] = []
    words = [word.start() for word in _WORDS.finditer(text)]
    for run in _RUN.finditer(text):
        at, end = run.span()
        if end - at > (2 if by_member else 3) or (by_member and run[0][0] == "_"):
            continue
        left = end - at
        while left:
            found = next((o for o in reversed(open_) if _closes(text, words, at, end, left, o, by_member)), None)
            if found is None:
                break
            width = min(left, found.width)
            pad = 1 if found.loose else 0
            pairs.append(_Pair(found.at - width, found.at + pad, at - pad, at + width, width))
            del open_[open_.index(found) :]
            if found.width > width:
                open_.append(found._replace(at=found.at - width, width=found.width - width))
            # What stood open in a paragraph before this pair's is not closed behind it.
            begin = text.rfind("\n\n", 0, found.at - width) + 1
            left_open += [o for o in open_ if o.at < begin]
            open_ = [o for o in open_ if o.at >= begin]
            at, left = at + width, left - width
        if left == end - run.start() and (opener := _opens(text, *run.span(), by_member)):
            open_.append(opener)
            del open_[:-MOST_OPEN]
    for opener in () if by_member else (*left_open, *open_):
        if opener.mark == "*" and not opener.loose and not opener.inside and _may_stay_open(text, opener):
            stop = _PARAGRAPH.search(text, opener.at)
            at = stop.start() if stop else len(text)
            pairs.append(_Pair(opener.at - opener.width, opener.at, at, at, opener.width))
    return pairs


def _opens(text: str, at: int, end: int, by_member: bool) -> _Opener | None:
    before, after = text[at - 1 : at], text[end : end + 1]
    mark, width = text[at], end - at
    tight = not _is_space(after)
    if by_member:
        return _Opener(end, width, mark, False, False) if tight and not _is_word(before) else None
    if mark == "_":
        fits = (_is_word_or_wide(after) or after in "*\"'“‘") and (_is_space(before) or before in "([{\"'“‘«*—–")
        return _Opener(end, width, mark, False, False) if fits else None
    if tight:
        inside = _is_word(before)
        if inside and (not _is_word_or_wide(after) or _is_number(before) or _is_number(after)):
            return None
        return _Opener(end, width, mark, False, inside)
    line_before = text[text.rfind("\n", 0, at) + 1 : at].rstrip(" ")
    if after == " " and (_is_space(before)) and not (line_before and _is_number(line_before[-1])):
        return _Opener(end, width, mark, True, False)
    return None


def _closes(text: str, words: list[int], at: int, end: int, left: int, opener: _Opener, by_member: bool) -> bool:
    if opener.mark != text[at] or not (left == opener.width or 3 in (left, opener.width, end - at)):
        return False
    before, after = text[at - 1 : at], text[end : end + 1]
    if bisect_left(words, opener.at) == bisect_left(words, at):
        return False
    if opener.loose:
        fits = before == " " and not _is_word_or_wide(after) and text.find("\n", opener.at, at) < 0
        return fits and at - opener.at > 3 and not _is_number(text[end : end + 8].lstrip(" ")[:1])
    if _is_space(before):
        return False
    if by_member:
        return text.find("\n", opener.at, at) < 0 and not _is_word(after)
    if opener.mark == "_":
        is_name = after == "." and _is_word(text[end + 1 : end + 2])
        return not _is_word(after) and not is_name and text.find("\n\n", opener.at, at) < 0
    return not (opener.inside and _is_word(after))


def _may_stay_open(text: str, opener: _Opener) -> bool:
    after = text[opener.at : opener.at + 1]
    return _is_word_or_wide(after) or after in "\"'“‘«「『" or unicodedata.category(after) == "So"


def _cut_up(text: str, pairs: list[_Pair]) -> list[Segment]:
    looks: list[tuple[int, int, str, int]] = []  # (where, how much of it is no text, look, +1 or -1)
    for begin, inside, close, end, width in pairs:
        for look in {1: ("em",), 2: ("strong",)}.get(width, ("em", "strong")):
            looks += [(begin, inside - begin, look, 1), (close, end - close, look, -1)]
    on = {"em": 0, "strong": 0}
    found: list[Segment] = []
    at = 0
    for where, width, look, change in sorted(looks, key=lambda each: (each[0], each[3])):
        if where > at:
            found.append(Segment(" ".join(name for name in on if on[name]), text[at:where]))
        at = max(at, where + width)
        on[look] += change
    if at < len(text):
        found.append(Segment(" ".join(name for name in on if on[name]), text[at:]))
    return found


def _is_space(character: str) -> bool:
    return not character or character.isspace()


def _is_word(character: str) -> bool:
    """A letter, mark or number of a script whose words stand apart."""
    return _is_word_or_wide(character) and not _WIDE.match(character)


def _is_word_or_wide(character: str) -> bool:
    return bool(character) and unicodedata.category(character)[0] in "LMN"


def _is_number(character: str) -> bool:
    return bool(character) and unicodedata.category(character)[0] == "N"
