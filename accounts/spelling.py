"""One spelling for what people type to say who they are, whatever keyboard, system or clipboard it comes from."""

import unicodedata
from contextlib import suppress
from typing import Any, Literal

import idna
from allauth.account import fields as allauth_fields
from django.db import models

from config.lib import text

_BETWEEN_NAMES = f" .,'’ʼ·-&{text.JOINERS}"


def address(typed: str) -> str:
    """An e-mail address as it is kept, compared and written to.

    In lower case, without spaces and the invisible marks that come along when something is pasted; full-width letters
    are plain ones. A domain in another script is written as mail is sent to it (IDNA 2008: Python's own codec, of 2003,
    would turn straße.example into strasse.example, which is somebody else's).
    """
    plain = unicodedata.normalize("NFKC", typed)
    plain = "".join(c for c in plain if unicodedata.category(c) != "Cf").strip().lower()
    local, at, domain = plain.rpartition("@")
    if at and not domain.isascii():
        with suppress(idna.IDNAError):  # the field says that it is no address
            domain = idna.encode(domain, uts46=True).decode("ascii")
    return f"{local}{at}{domain}"


def name(typed: str) -> str:
    """What somebody is called, as it is kept: on one line, without what nobody sees or what turns the direction."""
    return " ".join(text.seen(unicodedata.normalize("NFC", typed)).split())


def is_name(kept: str) -> bool:
    """Whether somebody can be called so: letters of any script, numbers, emoji, and what stands between them in names.

    No brackets, quotes, colons or other marks: what reads it next may be a model, which is told nothing more by it.
    """
    return unicodedata.category(kept[0])[0] in "LN" and all(map(_stands_in_names, kept))


def _stands_in_names(character: str) -> bool:
    kind = unicodedata.category(character)
    return kind[0] in "LMN" or kind == "So" or character in _BETWEEN_NAMES or "\U0001f3fb" <= character <= "\U0001f3ff"


def username(typed: str) -> str:
    """A username as it is kept: full-width letters are plain ones, and nothing invisible comes along."""
    return text.seen(unicodedata.normalize("NFKC", typed)).strip()


def password(typed: str) -> str:
    """A password as it is hashed: é is one character or two (e and an accent), as the system that it is typed on likes.

    Nothing is taken away: a space at either end is as good as any other character (NIST SP 800-63B, 3.1.1.2).
    """
    return unicodedata.normalize("NFKC", typed)


def passwords(typed: str) -> list[str]:
    """All spellings under which an older hash of it may have been made; the one of today first. Mostly there is one."""
    forms: tuple[Literal["NFC", "NFD", "NFKD"], ...] = ("NFC", "NFD", "NFKD")
    return list(dict.fromkeys([password(typed), typed, *(unicodedata.normalize(form, typed) for form in forms)]))


class AddressFormField(allauth_fields.EmailField):
    """Takes an e-mail address in any spelling."""

    def to_python(self, value: Any) -> Any:
        """The one that we keep."""
        return address(super().to_python(value) or "")


class AddressField(models.EmailField):
    """Keeps and compares e-mail addresses in the one spelling, whoever writes or asks."""

    def to_python(self, value: Any) -> Any:
        """Also of what is compared with it."""
        value = super().to_python(value)
        return value if value is None else address(value)

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        """The object knows it, too, from now on."""
        value = self.to_python(super().pre_save(model_instance, add))
        setattr(model_instance, self.attname, value)
        return value

    def formfield(self, **kwargs: Any) -> Any:
        """A field of forms that does the same."""
        return super().formfield(**{"form_class": AddressFormField, **kwargs})
