"""Addresses in safe HTML become links: http and https, each shown as the address that it leads to. Pure."""

import re

_TAG = re.compile(r"(<[^>]*>)")
# An address ends at white space, at what nobody sees, and at the marks that people put round it: in escaped text quotes
# and brackets are entities.
_ADDRESS = re.compile(
    r"(?<![a-z0-9+.-])https?://(?:(?!&(?:quot|gt|lt|#x27|#39);)[^\s<>\x00-\x20\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e"
    r"\u2060-\u206f\ufeff，。、！？；：「」『』（）《》【】])+",
    re.IGNORECASE,
)
_AFTER = re.compile(r"(?:[.,:!?…'*_~\]}|]|&amp;|(?<!&amp)(?<!&quot)(?<!&gt)(?<!&lt)(?<!&#x27);)+$")
_NAMED = re.compile(r"https?://(?:\[[0-9a-f:.]+\]|[^\s/?#@:\[\]]+)(?::\d{1,5})?(?:[/?#].*)?", re.IGNORECASE)


def linked(html: str) -> str:
    """The same HTML, in whose text every address is a link. `html` holds no links and no attributes yet."""
    if "://" not in html:
        return html
    parts = _TAG.split(html)
    return "".join(part if part.startswith("<") else _ADDRESS.sub(_link, part) for part in parts)


def _link(found: re.Match[str]) -> str:
    address = _AFTER.sub("", found[0])
    while address.endswith(")") and address.count(")") > address.count("("):  # it was inside of brackets
        address = _AFTER.sub("", address[:-1])
    if not _NAMED.fullmatch(address):  # without a host; or with a user's name before it, which looks like one
        return found[0]
    after = found[0][len(address) :]
    return f'<a href="{address}" rel="noopener nofollow ugc" target="_blank">{address}</a>{after}'
