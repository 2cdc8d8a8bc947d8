"""Who speaks: a reply is her words only. Lines of the member's end it, her own name before her words goes."""

import re
from collections.abc import Sequence

# What models call the two, beside their names.
MEMBER = (
    "user",
    "you",
    "human",
    "member",
    "usuario",
    "utilisateur",
    "benutzer",
    "用户",
    "ユーザー",
    "пользователь",
    "system",
)
HERS = ("assistant", "ai", "character", "model", "bot", "chatbot")
_FRAME = r"[ \t>]{0,4}(?:#{2,4}\s?)?[*_\[]{0,4}"
_AFTER = r"[*_\]]{0,4}[ \t]{0,2}[:：][*_]{0,4}"
_HEADINGS = "instruction|input|human|user"  # as they stand between turns in Alpaca's format
MOST_HELD = 100


class Lines:
    """Watches the beginnings of lines."""

    def __init__(self, speaker: str, listener: str) -> None:
        hers = _names(speaker, HERS)
        theirs = [name for name in _names(listener, MEMBER) if name not in hers]
        self._hers = re.compile(
            rf"{_FRAME}(?:{_any(hers)}){_AFTER}[ \t]*|#{{2,4}}\s?response\s*[:：]?\s*", re.IGNORECASE
        )
        self._theirs = re.compile(rf"{_FRAME}(?:{_any(theirs)}){_AFTER}|#{{2,4}}\s?(?:{_HEADINGS})\b", re.IGNORECASE)
        self._all = [
            *hers,
            *theirs,
            *(f"{mark} {name}" for mark in ("##", "###") for name in ("response", "instruction", "input")),
        ]
        self._held = ""
        self._begins = True  # at the beginning of a line
        self._skips = False  # a line of the member's before she has said anything

    def feed(self, text: str, *, spoken: bool) -> tuple[str, bool]:
        """What of a text is hers, and whether the reply ends here. `spoken`: she has said something before."""
        if not self._begins and "\n" not in text and not self._skips:
            return text, False
        out: list[str] = []
        text, self._held = self._held + text, ""
        while text:
            if self._skips or not self._begins:
                line, ended, text = text.partition("\n")
                if not self._skips:
                    out.append(line + ended)
                self._begins, self._skips = bool(ended), self._skips and not ended
                continue
            if self._theirs.match(text):
                if spoken or any(piece.strip() for piece in out):
                    return "".join(out), True
                self._begins, self._skips = False, True
            elif found := self._hers.match(text):
                if found.end() == len(text):  # blanks after it may still come
                    self._held = text
                    break
                text = text[found.end() :]
                self._begins = text[:1] == "\n"
                if self._begins and not spoken:
                    text = text.lstrip("\n")
            elif self._may_become(text):
                self._held = text
                break
            elif text[0] == "\n":
                out.append("\n")
                text = text[1:]
            else:
                self._begins = False
        return "".join(out), False

    def close(self) -> str:
        """What was held back and is no name before words."""
        held, self._held = self._held, ""
        return "" if self._hers.match(held) or self._theirs.match(held) else held

    def _may_become(self, text: str) -> bool:
        """Whether more of this line may make it begin with a name."""
        if len(text) > MOST_HELD or "\n" in text:
            return False
        rest = text.lstrip(" \t>*_[").lower()
        if not rest or (rest.startswith("#") and not rest.strip("# ")):
            return len(text) < 8
        return any(
            name.startswith(rest)
            or (rest.startswith(name) and not rest[len(name) :].strip("*_] \t") and len(rest) < len(name) + 7)
            for name in self._all
        )


def _names(name: str, others: Sequence[str]) -> list[str]:
    words = name.lower().split()
    return [*dict.fromkeys(filter(None, [" ".join(words), words[0] if words else "", *others]))]


def _any(names: Sequence[str]) -> str:
    return "|".join(re.escape(name) for name in names)
