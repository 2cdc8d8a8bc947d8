"""What sentences of templates need. Every template may use it."""

from datetime import datetime

from django.forms import BaseForm, BoundField
from django.template import Library
from django.utils import timezone
from django.utils.formats import date_format

from accounts.turnstile import FIELD

register = Library()


@register.filter
def marked(form: BaseForm) -> list[BoundField]:
    """The fields that have errors which are shown beside them."""
    return [field for field in form.visible_fields() if field.errors and field.html_name != FIELD]


@register.filter
def days_ago(moment: datetime) -> str:
    """How long ago, to the day; after a month which day it was."""
    days = (timezone.localdate() - timezone.localdate(moment)).days
    if days <= 0:
        return "today"
    if days == 1:
        return "yesterday"
    return f"{days} days ago" if days < 31 else f"on {date_format(timezone.localdate(moment), 'j F Y')}"
