"""`{% icon "name" "classes" %}`: a drawing of the sprite. Every template may use it."""

from functools import cache

from django.template import Library
from django.templatetags.static import static
from django.utils.html import format_html

register = Library()


@register.simple_tag
@cache  # a conversation shows two hundred of them
def icon(name: str, classes: str = "") -> str:
    """The drawing, for eyes only: what it means is said in words beside it."""
    return format_html(
        '<svg class="{}" aria-hidden="true"><use href="{}#{}"></use></svg>',
        f"icon {classes}".strip(),
        static("img/sprite.svg"),
        name,
    )
