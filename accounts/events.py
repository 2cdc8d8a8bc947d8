"""Who came in, who did not, and what they changed about it: a log line and a count for each.

Neither holds an address, a password, a key or a session. An address that somebody tries stands there as a hash under
our own key: the same each time, so that one sees an attack, and nobody's to read.
"""

import structlog
from django.utils.crypto import salted_hmac
from prometheus_client import Counter

from accounts.models import User

log = structlog.get_logger(__name__)

counted = Counter("dusk_sign_in_events", "What happened to signing in.", ["event"])
WARNINGS = {"sign_in_failed", "sign_in_locked", "sign_in_inactive", "code_wrong", "no_guesses_left"}


def note(event: str, *, user: object = None, account: str | None = None) -> None:
    """Count and log one, of somebody who is known or of an address that was tried."""
    counted.labels(event).inc()
    who: dict[str, object] = {"user_id": user.pk} if isinstance(user, User) else {}
    if account:
        who["account"] = salted_hmac("accounts.events", account.lower(), algorithm="sha256").hexdigest()[:16]
    (log.warning if event in WARNINGS else log.info)(event, **who)
