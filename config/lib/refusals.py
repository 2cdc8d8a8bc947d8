"""Security checks that failed: a log line and a count for each, in words that are always the same few.

What a browser sent stands in neither: only which check it was, and why.
"""

import re

import structlog
from prometheus_client import Counter

log = structlog.get_logger(__name__)

# Whatever is none of these is "other": a label that anybody could invent would fill the memory of whoever counts.
REASONS = {
    "turnstile": frozenset(
        {
            *("no-token", "token-used-before", "unavailable", "refused", "hostname", "action", "stale"),
            *("local-twin", "test-key"),
            # Cloudflare's own
            *("missing-input-secret", "invalid-input-secret", "missing-input-response", "invalid-input-response"),
            *("bad-request", "timeout-or-duplicate", "internal-error"),
        }
    ),
    "permit": frozenset({"absent", "foreign", "scope", "expired", "used-up"}),
    "csrf": frozenset({"origin", "no-referer", "referer", "no-cookie", "no-token", "token"}),
    "socket": frozenset({"no-origin", "origin", "no-session"}),
}

failed = Counter("dusk_security_checks_failed", "Security checks that failed.", ["check", "reason"])


def note(check: str, reason: str, **ids: object) -> None:
    """Count and log one. The most telling word of the reason is its label."""
    words = [word for word in re.findall(r"[a-z][a-z-]*", reason) if word in REASONS[check]]
    label = words[-1] if words else "other"
    failed.labels(check, label).inc()
    log.warning("security_check_failed", check=check, reason=label, **ids)
