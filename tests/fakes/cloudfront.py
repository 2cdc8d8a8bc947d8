"""CloudFront before the bucket: faces are for everybody, all else for whoever has an address that was signed for it."""

import base64
import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.fakes.listening import Server
from tests.fakes.s3 import BUCKET, FakeS3

KEY_PAIR_ID = "K2FAKEFAKEFAKE"
UNSIGNED = re.compile(r"/girls/[^/]+/(profile|background)/[^/]+")


class FakeCloudFront:
    """The distribution: its key group and its behaviours."""

    def __init__(self, url: str, behind: FakeS3) -> None:
        self.url, self.behind = url, behind
        self.ahead = 0.0  # seconds by which its clock is later than ours
        self.private_key = rsa.generate_private_key(65537, 2048)
        self.key_group = {KEY_PAIR_ID: self.private_key.public_key()}

    @property
    def pem(self) -> str:
        """The private key, as openssl writes it."""
        return self.private_key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()

    def environment(self) -> dict[str, str]:
        """What a site of this distribution has in its environment, beside its bucket."""
        return {
            "CF_DOMAIN": urlsplit(self.url).netloc,
            "CF_KEY_PAIR_ID": KEY_PAIR_ID,
            "CF_PRIVATE_KEY": self.pem.strip().replace("\n", "\\n"),
        }

    def lets_in(self, url: str) -> bool:
        """Whether this address may be viewed: of a public file, or signed by a key of the group and not at its end."""
        parts = urlsplit(url)
        if UNSIGNED.fullmatch(parts.path):
            return True
        said = {name: values[0] for name, values in parse_qs(parts.query).items()}
        try:
            key, ends = self.key_group[said["Key-Pair-Id"]], int(said["Expires"])
            signature = base64.b64decode(said["Signature"].translate(str.maketrans("-_~", "+=/")), validate=True)
        except (KeyError, ValueError):
            return False
        statement = {"Resource": url.split("?")[0], "Condition": {"DateLessThan": {"AWS:EpochTime": ends}}}
        policy = json.dumps({"Statement": [statement]}, separators=(",", ":"))  # the canned one, rebuilt from its parts
        try:
            key.verify(signature, policy.encode(), padding.PKCS1v15(), hashes.SHA1())
        except InvalidSignature:
            return False
        return time.time() + self.ahead < ends


@contextmanager
def cloudfront_server(behind: FakeS3, port: int = 0) -> Iterator[FakeCloudFront]:
    """Serve on this port, or a free one, until the block ends."""

    class Edge(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, headers, body = 403, [], b"<Error><Code>AccessDenied</Code></Error>"
            if fake.lets_in(fake.url + self.path):
                asked = {"Range": self.headers["Range"]} if "Range" in self.headers else {}
                status, headers, body = behind.ask_moto("GET", f"/{BUCKET}{urlsplit(self.path).path}", b"", asked)
            self.send_response(status)
            for name, value in headers:
                if name.lower() in ("content-type", "cache-control", "content-disposition", "content-range", "etag"):
                    self.send_header(name, value)
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass

    server = Server(("127.0.0.1", port), Edge)
    server.daemon_threads = True
    fake = FakeCloudFront(f"http://127.0.0.1:{server.server_port}", behind)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
