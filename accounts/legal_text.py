"""The Markdown of legal pages, made into HTML that may stand on a page: no tags of its own, no scripts, no pictures."""

import re
from email.utils import parseaddr
from functools import lru_cache
from itertools import pairwise
from typing import Any

import nh3
from django.conf import settings
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import slugify
from markdown_it import MarkdownIt

_NAME = re.compile(r"\{\{ *(\w+) *\}\}")
_LINK = re.compile(r"(?:https?://|mailto:|tel:|#|/(?![/\\]))", re.IGNORECASE)
_TAGS = {
    *("a", "blockquote", "br", "code", "div", "em", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre"),
    *("strong", "table", "tbody", "td", "th", "thead", "tr", "ul"),
}
_ATTRIBUTES = {
    "a": {"href", "title"},
    "p": {"class"},
    "div": {"class", "role", "tabindex", "aria-label"},
    "ol": {"start"},
    **{heading: {"id"} for heading in ("h2", "h3", "h4", "h5", "h6")},
}


def names() -> dict[str, str]:
    """What a text may call `{{ so }}`, and what stands there instead, as the settings of this site have it."""
    often = {"daily": "each day", "monthly": "each month"}.get(settings.QUOTA_RESET)
    is_scripted = not any(provider["base_url"] for provider in settings.LLM_PROVIDERS)
    return {
        "site": settings.SITE_NAME,
        "operator": settings.OPERATOR_NAME or "the people who run this site",
        "email": settings.OPERATOR_EMAIL or parseaddr(settings.DEFAULT_FROM_EMAIL)[1],
        "refills": f"; they fill up again {often}" if often else ", once; they don’t refill",
        "model_host": "On this site replies come from a script on the same machine, so nothing is sent anywhere. "
        if is_scripted
        else "",
        "browser_check": "Cloudflare checks that forms are sent by a browser and not by a robot. "
        if settings.TURNSTILE_SITE_KEY
        else "",
    }


def unknown_names(text: str) -> list[str]:
    """What a text calls `{{ so }}`, and nobody knows."""
    return sorted(set(_NAME.findall(text)) - set(names()))


def to_html(text: str) -> SafeString:
    """The page. Its first words, before any heading, are the lead; each heading has an anchor."""
    known = names()
    return _rendered(_NAME.sub(lambda found: known.get(found[1], found[0]), text))


@lru_cache(64)
def _rendered(text: str) -> SafeString:
    tokens = _markdown.parse(text)
    if tokens and tokens[0].type == "paragraph_open":
        tokens[0].attrSet("class", "lead")
    taken: set[str] = set()
    for token, inside in pairwise(tokens):
        if token.type == "heading_open":
            token.attrSet("id", _anchor(inside.content, taken))
        if token.type in ("heading_open", "heading_close") and token.tag == "h1":  # the page has one already
            token.tag = "h2"
    html = _markdown.renderer.render(tokens, _markdown.options, {})
    clean = nh3.clean(html, tags=_TAGS, attributes=_ATTRIBUTES, url_schemes={"http", "https", "mailto", "tel"})
    return mark_safe(clean)  # noqa: S308


def _anchor(heading: str, taken: set[str]) -> str:
    """A name for it that no other heading has, and no part of the page around it."""
    base = f"s-{slugify(heading, allow_unicode=True) or 'section'}"
    name, n = base, 2
    while name in taken:
        name, n = f"{base}-{n}", n + 1
    taken.add(name)
    return name


def _table_open(*_: Any) -> str:
    """A wide table moves inside its own frame: by hand, and with the keyboard."""
    return '<div class="table" role="region" tabindex="0" aria-label="Table"><table>'


def _table_close(*_: Any) -> str:
    return "</table></div>"


def _made() -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    markdown.validateLink = lambda url: bool(_LINK.match(url))  # type: ignore[method-assign]
    markdown.renderer.rules |= {"table_open": _table_open, "table_close": _table_close}  # type: ignore[attr-defined]
    return markdown


_markdown = _made()
