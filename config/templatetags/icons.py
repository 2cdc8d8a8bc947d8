"""`{% icon "name" "classes" %}`: a drawing of the sprite. Every template may use it."""

from functools import cache
from typing import Any

from django.template import Library, Node, TemplateSyntaxError
from django.template.base import FilterExpression, Parser, Token
from django.templatetags.static import static
from django.utils.html import format_html

register = Library()


@register.tag("icon")
def do_icon(parser: Parser, token: Token) -> "IconNode":
    """The drawing, for eyes only: what it means is said in words beside it."""
    _, *parts = token.split_contents()
    if not 1 <= len(parts) <= 2:
        raise TemplateSyntaxError("An icon has a name and, if need be, classes.")
    return IconNode([parser.compile_filter(part) for part in parts])


class IconNode(Node):
    """A conversation shows two hundred icons, whose names stand in the template: each is drawn once."""

    def __init__(self, parts: list[FilterExpression]) -> None:
        self.parts = parts
        self.drawn = "" if any(part.is_var for part in parts) else None

    def render(self, context: Any) -> str:
        """The same each time, unless a name is a variable."""
        if self.drawn:
            return self.drawn
        drawn = icon(*(part.resolve(context) for part in self.parts))
        if self.drawn is None:
            self.drawn = drawn
        return drawn


@cache
def icon(name: str, classes: str = "") -> str:
    """The drawing as markup."""
    return format_html(
        '<svg class="{}" aria-hidden="true"><use href="{}#{}"></use></svg>',
        f"icon {classes}".strip(),
        static("img/sprite.svg"),
        name,
    )
