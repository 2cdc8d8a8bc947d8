"""From what a model writes to what a person may see, while it is still being written.

Drops blank space around the reply, reasoning in think-tags, a role marker such as “Mara:”, and characters that
cannot be seen but change how text is read or stored. However a reply is cut into pieces, the result is the same.
"""

import re

from chat.rendering import JOINERS, UNSEEN

MAX_CHARACTERS = 8_000
_MARKERS = ("assistant", "ai", "character")  # beside the character's own name
_THINK = (("<think>", "</think>"), ("<thinking>", "</thinking>"))
_SURROGATES = "\ud800-\udfff"
_ODD = re.compile(f"[{UNSEEN}{JOINERS}{_SURROGATES}]")
_DROPPED = re.compile(f"[{UNSEEN}]")


class Visible:
    """The visible part of one reply. `speaker` is the character's name, if known."""

    def __init__(self, speaker: str = "") -> None:
        self._markers = tuple({m.lower() for m in (speaker, speaker.split(" ")[0], *_MARKERS) if m})
        self._opening = True  # still deciding what the reply begins with
        self._think_end = ""  # the tag that ends the reasoning we are in
        self._held = ""  # not yet decided
        self._half = ""  # the first half of a surrogate pair
        self._before = ""  # the last character that passed
        self._space = ""  # blank space that is shown only if something follows
        self._length = 0

    @property
    def shown(self) -> bool:
        """Something is visible already."""
        return self._length > 0

    @property
    def full(self) -> bool:
        """The reply is as long as a reply may be."""
        return self._length >= MAX_CHARACTERS

    def feed(self, text: str) -> str:
        """What may be shown of the reply now that `text` has come."""
        if self._half or _ODD.search(text):
            text = self._seen(text)
        elif text:
            self._before = text[-1]
        if self._opening:
            text = self._open(text)
        return self._fit(text)

    def close(self) -> str:
        """What was held back and turned out to be visible."""
        if not self._opening or self._think_end:
            return ""
        self._opening = False
        if ":" in self._held.replace("：", ":") and self._held.strip("*_ :：\n").lower() in self._markers:
            return ""
        return self._fit(self._held)

    def _seen(self, text: str) -> str:
        """Without unseen characters. Joiners stay where they join: in emoji and in scripts that need them."""
        text = self._half + text
        self._half = text[-1] if "\ud800" <= text[-1:] <= "\udbff" else ""
        text = text[: len(text) - len(self._half)]
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        kept = []
        for character in text.replace("\u2028", "\n").replace("\u2029", "\n"):
            if character in JOINERS:
                if self._before <= "\u02ff" or self._before in JOINERS:
                    continue
            elif _DROPPED.match(character):
                continue
            kept.append(character)
            self._before = character
        return "".join(kept)

    def _open(self, text: str) -> str:
        """What follows the blank space, reasoning and role marker at the start; "" until that is decided."""
        self._held += text
        while True:
            if self._think_end:
                _, ended, rest = self._held.partition(self._think_end)
                if not ended:
                    self._held = self._held[-len(self._think_end) :]
                    return ""
                self._think_end, self._held = "", rest
            self._held = self._held.lstrip()
            if not self._held:
                return ""
            start = self._held[:12].lower()
            for begin, end in _THINK:
                if start.startswith(begin):
                    self._think_end, self._held = end, self._held[len(begin) :]
                    break
            else:
                break
        if any(begin.startswith(start) for begin, _ in _THINK):
            return ""
        after = [_after_marker(self._held, marker) for marker in self._markers]
        rest = next((found.lstrip() for found in after if found), "")
        if rest or not any(found == "" for found in after):
            text, self._held, self._opening = rest or self._held, "", False
            return text
        return ""

    def _fit(self, text: str) -> str:
        text = self._space + text
        self._space = ""
        if text[-1:].isspace():
            kept = text.rstrip()
            text, self._space = kept, text[len(kept) :]
        text = text[: MAX_CHARACTERS - self._length]
        self._length += len(text)
        return text


def _after_marker(text: str, marker: str) -> str | None:
    """What follows “Mara:” or “**Mara:**” at the start of text; None if it starts otherwise, "" if more is needed."""
    name = text.lstrip("*_")
    frame = text[: len(text) - len(name)]
    if len(frame) > 3:
        return None
    if len(name) < len(marker):
        return "" if marker.startswith(name.lower()) else None
    if name[: len(marker)].lower() != marker:
        return None
    rest = name[len(marker) :]
    framed = frame
    if framed and rest.startswith(framed):
        rest, framed = rest[len(framed) :], ""
    elif framed.startswith(rest) and framed:
        return ""
    after = rest.lstrip(" ")
    if len(rest) - len(after) > 3:
        return None
    if not after:
        return ""
    if after[0] not in ":：":
        return None
    after = after[1:]
    if framed and after.startswith(framed):
        return after[len(framed) :].lstrip()
    if framed.startswith(after) and framed:
        return ""
    return after.lstrip()
