"""What the team does below the roof, told upwards: the audit is staff's, and no app knows staff.

auditing.told_to(audit.record)                     # staff, when it is ready
auditing.tell(user, girl, "Added a photo")         # whoever does what somebody of the team asked for
"""

from collections.abc import Callable
from typing import Any

Scribe = Callable[..., object]
_scribes: list[Scribe] = []


def told_to(scribe: Scribe) -> None:
    """Whoever writes it down, from now on."""
    _scribes[:] = [scribe]


def tell(actor: Any, obj: Any, did: str, **values: Any) -> None:
    """Have it written down, in the transaction of the deed: `did` and `values` as in `Console.record`."""
    for scribe in _scribes:
        scribe(actor, obj, did, **values)
