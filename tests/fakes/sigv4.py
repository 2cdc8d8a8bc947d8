"""Amazon's signature version 4, from its specification and not from botocore: what verifies must not be what signed."""

import hashlib
import hmac
from collections.abc import Mapping


def signing_key(secret: str, day: str, region: str, service: str = "s3") -> bytes:
    """The key of one day, region and service."""
    key = f"AWS4{secret}".encode()
    for word in (day, region, service, "aws4_request"):
        key = hmac.new(key, word.encode(), hashlib.sha256).digest()
    return key


def sign(secret: str, scope: str, text: str) -> str:
    """The signature, in hex. `scope` is `day/region/service/aws4_request`."""
    day, region, service, _ = scope.split("/")
    return hmac.new(signing_key(secret, day, region, service), text.encode(), hashlib.sha256).hexdigest()


def text_to_sign(
    method: str,
    path: str,
    query: list[str],
    headers: Mapping[str, str],
    signed: str,
    payload: str,
    date: str,
    scope: str,
) -> str:
    """What is signed of a request: path and query as they came over the wire, without the signature itself."""
    lines = [f"{name}:{' '.join(headers[name].split())}\n" for name in signed.split(";")]
    canonical = "\n".join([method, path, "&".join(sorted(query)), "".join(lines), signed, payload])
    return "\n".join(["AWS4-HMAC-SHA256", date, scope, hashlib.sha256(canonical.encode()).hexdigest()])
