"""Text in, safe HTML out: `*emphasis*` and line breaks, nothing else. Pure."""

import re
import unicodedata
from html import escape

import nh3
from markdown_it import MarkdownIt

PREVIEW_CHARACTERS = 140
_markdown = MarkdownIt("zero", {"html": False, "breaks": True}).enable(["emphasis", "newline"])
_MARKED = re.compile(r"[*_]")
# Directional overrides and isolates could make a preview read as something that it is not.
_CONTROLS = re.compile(r"[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


def to_html(text: str) -> str:
    """What a bubble shows: HTML-safe, with `<em>`, `<strong>`, `<br>` and `<p>` only."""
    if not _MARKED.search(text):  # most messages: a tenth of the time of the parser
        paragraphs = re.split(r"\n{2,}", text.strip("\n"))
        return "".join(f"<p>{escape(p).replace(chr(10), '<br>')}</p>" for p in paragraphs)
    return nh3.clean(_markdown.render(text).strip(), tags={"p", "em", "strong", "br"}, attributes={})


def preview(text: str) -> str:
    """One line for the thread list: 140 characters and an ellipsis, without controls or markup stars."""
    line = " ".join(_CONTROLS.sub("", text).replace("*", "").split())
    line = "".join(c for c in line if unicodedata.category(c) != "Cc")
    return line if len(line) <= PREVIEW_CHARACTERS else line[:PREVIEW_CHARACTERS].rstrip() + "…"


def is_blank(text: str) -> bool:
    """Whether a person would see nothing: white space, zero-width and control characters only."""
    return not any(unicodedata.category(c) not in {"Cc", "Cf", "Zs", "Zl", "Zp"} for c in text)


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
