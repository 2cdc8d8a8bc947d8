"""Who helps in which country: what pages, cards and her mouth may say. Without a database the file is the floor."""

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote

import structlog
from django.db import DatabaseError
from django.utils.translation import get_language_info
from django_countries import countries as names_of

from safety import loading
from safety.models import Helpline

log = structlog.get_logger(__name__)

SECONDS = 60  # that a process may go on showing what staff have changed
OTHERS = "https://findahelpline.com/"
_ALIASES = {"UK": "GB"}
_kept: tuple[float, tuple[Helpline, ...]] | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One way to people. Links are as dialled inside the country."""

    name: str
    display: str = ""
    tel: str = ""
    sms: str = ""
    sms_word: str = ""
    chat_url: str = ""
    hours: str = ""
    languages: str = ""
    for_whom: str = ""

    @property
    def call(self) -> str:
        """The link that rings; empty where nobody is called."""
        return f"tel:{self.tel}" if self.tel else ""

    @property
    def text(self) -> str:
        """The link that opens a text message, with its word; empty where nobody is texted."""
        if not self.sms:
            return ""
        return f"sms:{self.sms}" + (f"?body={quote(self.sms_word)}" if self.sms_word else "")

    @property
    def spoken(self) -> str:
        """Its languages by name: “de, fr” is German, French."""
        return re.sub(r"\b[a-z]{2}\b(?=$|[,;])", lambda code: _language(code[0]), self.languages)


@dataclass(frozen=True, slots=True)
class Help:
    """What a country has. `country` is empty when nothing is known of it: then there is `others_url` alone."""

    country: str
    country_name: str
    emergency: tuple[Line, ...]
    lines: tuple[Line, ...]
    texts: tuple[Line, ...]  # those that are texted or chatted with only
    others_url: str = OTHERS


def _language(code: str) -> str:
    try:
        return str(get_language_info(code)["name"])
    except KeyError:
        return code


def for_country(code: str) -> Help:
    """The help of a country, by its ISO code; of one that we know nothing of, the international one."""
    code = _ALIASES.get(code.upper(), code.upper())
    rows = [row for row in _rows() if row.country == code] if code else []
    kinds = Helpline.Kind
    return Help(
        country=code if rows else "",
        country_name=str(names_of.name(code)) if rows else "",
        emergency=_lines(rows, kinds.EMERGENCY),
        lines=_lines(rows, kinds.LINE),
        texts=_lines(rows, kinds.TEXT, kinds.CHAT),
        others_url=next((row.chat_url for row in _rows() if not row.country and row.chat_url), OTHERS),
    )


def countries() -> list[tuple[str, str]]:
    """Code and name of each country that we know help in, by name."""
    codes = {row.country for row in _rows()} - {""}
    return sorted(((code, str(names_of.name(code))) for code in codes), key=lambda pair: pair[1])


def numbers(code: str) -> frozenset[str]:
    """Every number that may be said to somebody there, digits alone: whatever else has digits was made up."""
    there = for_country(code)
    found: set[str] = set()
    for line in (*there.emergency, *there.lines, *there.texts):
        found |= {line.tel.lstrip("+"), line.sms.lstrip("+"), *re.findall(r"\d+", line.name)}
    return frozenset(found - {""})


def country_of(country: str, accept_language: str = "") -> str:
    """Where somebody is, as far as they said: the account's country, else the region of the language that their browser
    likes best (`en-IE` says Ireland, `en` nothing), else nowhere."""
    if country:
        return country.upper()
    liked = []
    for place, part in enumerate(accept_language[:500].split(",")):
        tag, _, weight = part.strip().partition(";q=")
        region = next((piece for piece in tag.split("-")[1:] if re.fullmatch("[A-Za-z]{2}", piece)), "").upper()
        region = _ALIASES.get(region, region)
        if region in names_of:
            liked.append((-_weight(weight), place, region))
    return min(liked)[2] if liked else ""


def _weight(q: str) -> float:
    return float(q) if re.fullmatch(r"[01](\.\d{1,3})?", q) else 1.0


def forget() -> None:
    """Read the table again: staff changed it."""
    global _kept
    _kept = None


def _rows() -> tuple[Helpline, ...]:
    """What is shown. Without a database, or before anything was loaded: what is shipped."""
    global _kept
    now = time.monotonic()
    if _kept and now - _kept[0] < SECONDS:
        return _kept[1]
    try:
        table = tuple(Helpline.objects.all())
    except DatabaseError as error:
        log.warning("helplines_from_the_file", why=type(error).__name__)
        return loading.shipped()
    rows = tuple(row for row in table if row.shown) if table else loading.shipped()
    _kept = now, rows
    return rows


def _lines(rows: Iterable[Helpline], *kinds: Helpline.Kind) -> tuple[Line, ...]:
    fields = ("name", "display", "tel", "sms", "sms_word", "chat_url", "hours", "languages", "for_whom")
    return tuple(Line(**{name: getattr(row, name) for name in fields}) for row in rows if row.kind in kinds)
