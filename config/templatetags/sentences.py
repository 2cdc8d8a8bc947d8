"""What sentences of templates need. Every template may use it."""

from django.forms import BaseForm, BoundField
from django.template import Library

from accounts.turnstile import FIELD

register = Library()


@register.filter
def marked(form: BaseForm) -> list[BoundField]:
    """The fields that have errors which are shown beside them."""
    return [field for field in form.visible_fields() if field.errors and field.html_name != FIELD]
