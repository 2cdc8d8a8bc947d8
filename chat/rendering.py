"""Text in, safe HTML out: `*emphasis*`, line breaks and links, nothing else. Pure."""

import re
from functools import cache
from html import escape
from typing import TYPE_CHECKING

import nh3

from chat.links import linked

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

PREVIEW_CHARACTERS = 140
_MARKED = re.compile(r"[*_]")

# Characters that nobody sees, as the inside of a pattern's brackets: controls but tab and line feed, soft hyphen,
# fillers, zero-width characters, tags. Those that set the direction could make a text read as something it is not.
UNSEEN = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e007f"
)
JOINERS = "\u200c\u200d"  # not seen either, but emoji and some scripts are written with them
_UNSEEN = re.compile(f"[{UNSEEN}]")
_SEEN = re.compile(rf"[^\s{UNSEEN}{JOINERS}]")


def to_html(text: str) -> str:
    """What a bubble shows: HTML-safe, with `<em>`, `<strong>`, `<br>`, `<p>` and links only."""
    return linked(_marked_up(text))


def _marked_up(text: str) -> str:
    if not _MARKED.search(text):  # most messages: a tenth of the time of the parser
        paragraphs = re.split(r"\n{2,}", text.strip("\n"))
        return "".join(f"<p>{escape(p).replace(chr(10), '<br>')}</p>" for p in paragraphs)
    return nh3.clean(_markdown().render(text).strip(), tags={"p", "em", "strong", "br"}, attributes={})


@cache
def _markdown() -> "MarkdownIt":
    from markdown_it import MarkdownIt  # sixty modules that no process has to wait for: few messages are marked

    return MarkdownIt("zero", {"html": False, "breaks": True}).enable(["emphasis", "newline"])


def preview(text: str) -> str:
    """One line for the thread list: 140 characters and an ellipsis, without unseen characters or markup stars."""
    words = (_UNSEEN.sub("", word) for word in text.replace("*", "").split())
    line = " ".join(word for word in words if word)
    return line if len(line) <= PREVIEW_CHARACTERS else line[:PREVIEW_CHARACTERS].rstrip() + "…"


def is_blank(text: str) -> bool:
    """Whether a person would see nothing: white space and unseen characters only."""
    return _SEEN.search(text) is None


def utf16_length(text: str) -> int:
    """Length as JavaScript counts it: the unit of offsets in frames."""
    return len(text) + sum(c > "\uffff" for c in text)


def utf16_cut(text: str, units: int) -> str:
    """The first `units` UTF-16 units of a text, never half a character."""
    return text.encode("utf-16-le")[: 2 * units].decode("utf-16-le", "ignore")


def at_sentence_end(text: str) -> str:
    """A text that was cut off by the token limit, trimmed at its last whole sentence when there is one."""
    ends = [m.end() for m in re.finditer(r"[.!?…][\"'”’)*]*(?=\s|$)", text)]
    return text[: ends[-1]].rstrip() if ends and ends[-1] >= len(text) // 3 else text.rstrip() + "…"
