"""What the team did, written down once and never changed: who, when, from where, to what, before and after, why."""

import getpass
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from allauth.account.adapter import get_adapter
from django.apps import apps
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.core.validators import validate_ipv46_address
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.text import capfirst

from accounts import devices
from accounts.models import User
from girls.versions import Part, compare
from staff.models import Audit

SHELL = "shell"  # who did it, when nobody signed in
SECRET = frozenset(
    ["password", "password1", "password2", "secret", "seed", "token", "code", "session_key", "credential"]
)  # never kept


def record(
    actor: User | None,
    obj: Model,
    did: str,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    reason: str = "",
    request: HttpRequest | None = None,
) -> Audit:
    """Write it down, in the transaction of the deed. Without `actor` somebody at the shell did it: the device is then
    the name that the machine knows them by.

    `before` and `after` hold the values of the fields that changed; instances and sets of them are kept as their names.
    """
    return Audit.objects.create(
        actor=actor,
        actor_name=actor.username if actor else SHELL,
        address=_address(request) if request else None,
        device=_device(request) if request else "" if actor else _at_the_shell(),
        did=did[:500],
        table=obj._meta.label,
        key=str(obj.pk)[:64],
        name=str(obj)[:200],
        person=obj.pk if isinstance(obj, User) else getattr(obj, "user_id", None),
        before=_values(before),
        after=_values(after),
        reason=reason[:500],
    )


def _device(request: HttpRequest) -> str:
    return devices.recognise(request.headers.get("User-Agent", "")).name[:200]


def _at_the_shell() -> str:
    try:
        return getpass.getuser()[:200]
    except (OSError, KeyError):  # a container's user may have no name
        return f"user {os.getuid()}"


def _address(request: HttpRequest) -> str | None:
    address = get_adapter().get_client_ip(request)
    try:
        validate_ipv46_address(address)
    except ValidationError:  # a Unix socket has none
        return None
    return str(address)


def _values(values: dict[str, Any] | None) -> dict[str, Any] | None:
    kept = {name: _value(value) for name, value in (values or {}).items() if name not in SECRET}
    return kept or None


def _value(value: Any) -> Any:
    if isinstance(value, Model):
        return str(value)
    if isinstance(value, QuerySet | list | tuple | set):
        return [_value(item) for item in value]
    try:
        json.dumps(value, cls=DjangoJSONEncoder)
    except (TypeError, ValueError):
        return str(value)
    return value


# --- To be read -------------------------------------------------------------------------------------------------

LONG = 60  # characters of a text that is shown as what went and what came
# Fields that are shown to who may change such rows only, wherever they stand.
PRIVATE = {"girls.Girl": ("girls.change_girl", frozenset({"persona_prompt", "example_dialogue", "voice_id"}))}


@dataclass(frozen=True, slots=True)
class Change:
    """One value before and after, in words; of a long text also which parts went and which came."""

    label: str
    before: str
    after: str
    parts: list[Part] = field(default_factory=list)
    is_private: bool = False


def changes(line: Audit, user: Any) -> Iterator[Change]:
    """What a line says of values, as far as this member of the team may read them."""
    before, after = line.before or {}, line.after or {}
    permission, private = PRIVATE.get(line.table, ("", frozenset()))
    for name in dict.fromkeys((*before, *after)):
        label = _label(line.table, name)
        if name in private and not user.has_perm(permission):
            yield Change(label, "", "", is_private=True)
            continue
        old, new = (_in_words(values.get(name)) for values in (before, after))
        is_long = bool(old and new) and max(len(old), len(new)) > LONG
        yield Change(label, old, new, compare(old, new) if is_long else [])


def _label(table: str, name: str) -> str:
    try:
        told: Any = apps.get_model(table)._meta.get_field(name)
        return str(capfirst(told.verbose_name))
    except (LookupError, FieldDoesNotExist, AttributeError):
        return str(capfirst(name.replace("_", " ")))


def _in_words(value: Any) -> str:
    match value:
        case None | "" | [] | {}:
            return ""
        case bool():
            return "Yes" if value else "No"
        case list():
            return ", ".join(map(_in_words, value))
        case dict():
            return "; ".join(f"{name}: {_in_words(inner)}" for name, inner in value.items())
    return str(value)
