"""Text in, safe HTML out: `*emphasis*`, line breaks and links, nothing else. Pure."""

import re
from html import escape

from chat.links import linked
from config.lib.text import seen, segments, shortened

PREVIEW_CHARACTERS = 140
_PARAGRAPHS = re.compile(r"\n{2,}")


def to_html(text: str, *, by_member: bool = False) -> str:
    """What a bubble shows: HTML-safe, with `<em>`, `<strong>`, `<br>`, `<p>` and links only.

    Each paragraph has the direction of its own first letter.
    """
    paragraphs = [""]
    for look, part in segments(text.strip("\n"), by_member=by_member):
        first, *others = _PARAGRAPHS.split(part)
        paragraphs[-1] += _dressed(look, first)
        paragraphs += [_dressed(look, other) for other in others]
    return linked("".join(f'<p dir="auto">{paragraph}</p>' for paragraph in paragraphs))


def _dressed(look: str, text: str) -> str:
    html = escape(text).replace("\n", "<br>")
    for name in look.split() if html else ():
        html = f"<{name}>{html}</{name}>"
    return html


def preview(text: str, *, by_member: bool = False) -> str:
    """One line for the thread list: 140 characters and an ellipsis, without unseen characters or marks of emphasis."""
    words = "".join(part for _, part in segments(text, by_member=by_member)).split()
    return shortened(" ".join(filter(None, map(seen, words))), PREVIEW_CHARACTERS)
