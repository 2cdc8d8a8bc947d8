"""From a text as people type it to its plain words: what is compared with the word lists. Pure.

Characters are folded one by one, so that a text that comes in pieces folds like the whole, wherever it is cut.
"""

import re
import unicodedata

from config.lib.text import JOINERS, UNSEEN

END = "\n"  # of a sentence, as a token
_STOP = "\0"  # the same in a folded text, where no such character is left
_ENDINGS = (". ", "? ", "! ")
EMOJI = "🔫🔪💊🩸🪦⚰💣☠💀😂🤣😹"  # those that carry something
APOSTROPHES = "'’‘‛ʼʻ`´′＇"

_DROPPED = re.compile(f"[{UNSEEN}{JOINERS}{APOSTROPHES}]")
CHUNK = re.compile(r"\n\s*\n|\S+")  # what stands between spaces; an empty line, which ends a sentence
# A number; a word, also with a sign in a letter's place; an emoji; a mark that ends a sentence if it stands last, but
# not the dots of "I ... just". The end of a line ends none: people break lines in the middle of a sentence.
_TOKEN = re.compile(
    rf"\d+|[^\W\d_](?:[^\W_]|[@$*](?=[^\W_]))*|[{EMOJI}]|(?<![.!?])(?:\.|[!?][.!?]*)(?=[\"”’»)*_]*\Z)|;\Z"
)
DISGUISES = "013457@$*"  # in a letter's place; a star is an i, as in k*ll
_DISGUISED = re.compile(rf"(?<=[^\W\d_])[{DISGUISES}](?=[^\W\d_])")
_MEANT = dict(zip(DISGUISES, "oieastasi", strict=True))
_RUN = re.compile(r"([a-z])\1\1")
_REPEATED = re.compile(r"([a-z])\1+")
_SPELLED = re.compile(r" [a-z](?: [a-z]){2,}(?= )")
_KEPT = 5_000  # folded characters: all alphabets, not all of Unicode


class _Folds(dict[int, str]):
    """What str.translate asks for each character: without case, accent or form; nothing, where nobody sees it."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        folded = ""
        if not _DROPPED.match(character):
            plain = unicodedata.normalize("NFKD", character.casefold())
            plain = "".join(part for part in plain if unicodedata.category(part) not in {"Mn", "Cf"})
            folded = _DROPPED.sub("", unicodedata.normalize("NFKD", plain.casefold()))
        if len(self) < _KEPT:
            self[code] = folded
        return folded


_FOLDS = _Folds({ord(space): " " for space in "\r\x0b\x0c\x85"} | {0x2028: "\n", 0x2029: "\n"})
_PLAIN = re.compile(r"[\t\n -~]*")  # ASCII that needs no table


def fold(text: str) -> str:
    """The text without case, accents, apostrophes, forms of letters, and characters that nobody sees."""
    text = text.replace("’", "'")  # as phones write it
    if _PLAIN.fullmatch(text):
        return text.lower().replace("'", "").replace("`", "")
    return text.translate(_FOLDS)


def sentences(text: str, vocabulary: dict[str, str]) -> list[str]:
    """The sentences of a text, each as its plain words with a space around every one of them.

    `vocabulary` names the word that is meant by one in which a letter is drawn out: see `squeezed`.
    """
    folded = fold(text)
    if ".." not in folded:  # what most sentences end with, in one go
        for mark in _ENDINGS:
            folded = folded.replace(mark, f" {_STOP} ")
    found: list[str] = []
    for chunk in CHUNK.findall(folded) if "\n" in folded else folded.replace(", ", " ").split():
        if chunk.isalpha():
            found.append(chunk)
        else:
            found += tokens(chunk)
    if _RUN.search(folded):
        found = [meant(word, vocabulary) for word in found]
    return _SPELLED.sub(_joined, f" {' '.join(found)} ").split(END)


def tokens(chunk: str) -> list[str]:
    """The words in what stands between two spaces, without disguise (k1ll is kill); END if a sentence ends there."""
    if chunk == _STOP or chunk.isspace():
        return [END]
    found = _TOKEN.findall(chunk)
    return [(_revealed(token) if token[0].isalpha() else END if token[0] in ".!?;" else token) for token in found]


def meant(word: str, vocabulary: dict[str, str]) -> str:
    """The word in which a letter was drawn out: diiie is die."""
    if _RUN.search(word):
        return vocabulary.get(squeezed(word), squeezed(word))
    return word


def squeezed(word: str) -> str:
    """The word with each letter once where it stands several times in a row."""
    return _REPEATED.sub(r"\1", word)


def joined(letters: list[str]) -> list[str]:
    """Letters that follow each other are one word that was spelled, from three on: k y s."""
    return ["".join(letters)] if len(letters) > 2 else letters


def _revealed(token: str) -> str:
    return token if token.isalpha() else _DISGUISED.sub(lambda found: _MEANT[found[0]], token)


def _joined(found: re.Match[str]) -> str:
    return " " + found[0].replace(" ", "")
