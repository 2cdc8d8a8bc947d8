"""Where a bucket and its CDN are, as browsers spell it."""

import re
from urllib.parse import urlsplit

from config.lib.names import is_loopback

NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
WITHOUT_FORMS = (".r2.cloudflarestorage.com", ".backblazeb2.com")  # answered 501 NotImplemented in 2026
STYLES = ("virtual", "path")  # the bucket's name is in front of the host, or is the first part of the path


def endpoint(region: str, url: str = "") -> str:
    """Where S3 is asked: at its region, never at the global name, which answers browsers with redirects they drop."""
    suffix = ".cn" if region.startswith("cn-") else ""
    return url.strip().rstrip("/") or f"https://s3.{region}.amazonaws.com{suffix}"


def style(bucket: str, url: str = "", chosen: str = "") -> str:
    """How the bucket is named in addresses. Amazon wants it in front; others mostly take it behind.

    A name with dots is no single label, which a certificate for `*.s3...` would not cover.
    """
    if "." in bucket:
        return "path"
    return chosen or ("path" if url else "virtual")


def address(bucket: str, *, region: str, url: str = "", chosen: str = "") -> str:
    """The bucket's own address, without a slash at its end; "" without a bucket."""
    if not bucket:
        return ""
    place = endpoint(region, url)
    if style(bucket, url, chosen) == "path":
        return f"{place}/{bucket}"
    scheme, _, host = place.partition("://")
    return f"{scheme}://{bucket}.{host}"


def takes_forms(url: str) -> bool:
    """Whether browsers may send files there by a signed form (POST Object), unless somebody knows better."""
    return not (urlsplit(url).hostname or "").endswith(WITHOUT_FORMS)


def origin(url: str) -> str:
    """Scheme, host and port of an address, as a Content-Security-Policy names it."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""


def cdn(domain: str) -> str:
    """The address of a CDN's domain, without a slash at its end. On this machine, where tests play it, without TLS."""
    host = domain.strip().removeprefix("https://").rstrip("/")
    if not host:
        return ""
    name = urlsplit(f"//{host}").hostname or ""
    return f"{'http' if is_loopback(name) else 'https'}://{host}"
