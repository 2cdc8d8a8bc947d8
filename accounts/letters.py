"""What a mail says: its words from one text template, and from these words its look.

The text is what counts, and everybody gets it. The HTML is made of the same paragraphs: one that is nothing but the
code is shown large; a label, a colon and an address of this site are a button; the last one is the signature. Nothing
else becomes markup or a link, whatever it says. What people call themselves is only said when it can be nothing but a
name.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.template import Context
from django.template.loader import get_template, render_to_string
from django.utils import timezone

from accounts.devices import UNKNOWN, recognise
from accounts.models import User

SUBJECT_LENGTH = 200
NAME_LENGTH = 40


@dataclass(frozen=True)
class Letter:
    """A mail without its envelope."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True)
class Paragraph:
    """A piece of a mail, and what it is: `words`, `code`, `facts`, `button`, `link` or `signature`."""

    kind: str
    lines: list[str]
    address: str = ""


def write(template: str, context: dict[str, Any]) -> Letter:
    """Write a mail: ours, `templates/emails/<template>.{subject,body}.txt`, or one of allauth's, by all but its ending:
    `account/email/password_changed` is `templates/account/email/password_changed_{subject,message}.txt`.
    """
    user, agent = context.get("user"), context.get("user_agent")
    known = {
        "name": name_of(user) if user else "",
        "device": device_of(agent) if agent else "",
        "timestamp": timezone.now(),
    }
    context = _common() | known | context
    of_theirs = "/" in template
    text = _render(f"{template}_message.txt" if of_theirs else f"emails/{template}.body.txt", context)
    text = re.sub(r"[ \t]+\n", "\n", text.replace("\r", ""))
    text = re.sub(r"\n{3,}", "\n\n", text).strip()
    subject = _subject(template, context)
    code = str(context.get("code") or "")
    paragraphs = _paragraphs(text, code=code)
    look = {"subject": subject, "heading": title(template) if code else subject, "paragraphs": paragraphs}
    html = render_to_string("emails/layout.html", _common() | look)
    return Letter(subject, text, html)


def title(template: str) -> str:
    """What a mail is about, without what only its reader may know."""
    return _subject(template, _common()).removesuffix(" is")


def name_of(user: User) -> str:
    """The first word that somebody is called by, if a mail can say it."""
    return plain(user.get_short_name())


def device_of(agent: str) -> str:
    """What asked, from its `User-Agent`, which anybody may make up; empty when that says nothing that is known."""
    name = recognise(agent).name
    return "" if name == UNKNOWN else plain(name)


def plain(words: str) -> str:
    """What somebody else wrote, if it can be nothing but a name, in any script; else nothing.

    What has a dot, a slash, an @ in it would be a link in many a mail program, and in a mail of ours.
    """
    words = unicodedata.normalize("NFC", words)
    is_plain = all(c in " '’-_\u200c\u200d" or unicodedata.category(c)[0] in "LMN" for c in words)
    return words if is_plain and len(words) <= NAME_LENGTH else ""


def _common() -> dict[str, Any]:
    return {"site_name": settings.SITE_NAME, "site_url": settings.SITE_URL}


def _subject(template: str, context: dict[str, Any]) -> str:
    name = f"{template}_subject.txt" if "/" in template else f"emails/{template}.subject.txt"
    return " ".join(_render(name, context).split())[:SUBJECT_LENGTH]


def _render(name: str, context: dict[str, Any]) -> str:
    """It is text: nothing in it is escaped."""
    template: Any = get_template(name)
    return str(template.template.render(Context(context, autoescape=False)))


def _paragraphs(text: str, *, code: str) -> list[Paragraph]:
    button = re.compile(rf"([^\n:]+):\s+({re.escape(settings.SITE_URL)}/\S*)")
    pieces = text.split("\n\n")
    found: list[Paragraph] = []
    for piece in pieces:
        lines = piece.split("\n")
        kinds = {paragraph.kind for paragraph in found}
        if code and piece.strip() == code:
            found.append(Paragraph("code", lines))
        elif way := button.fullmatch(piece):
            found.append(Paragraph("link" if "button" in kinds else "button", [way[1]], way[2]))
        elif lines[0].startswith("When: "):
            found.append(Paragraph("facts", lines))
        elif piece is pieces[-1] and len(pieces) > 1:
            found.append(Paragraph("signature", lines))
        else:
            found.append(Paragraph("words", lines))
    return found
