"""S3 over real HTTP: moto keeps the files, and a strict front asks first what moto never asks.

It verifies what the bucket of a real account would: the policy of an upload form (signature, end, every condition and
every field), signatures of headers and of addresses, their ends, digests of bodies, and that nothing private is read
without one. It can be told to fail.

    python -m tests.fakes.s3 PORT [CDN_PORT]     the same in a process of its own; prints the site's environment

`POST /-/` with JSON sets the attributes below from outside, as in {"fault": "500"}.
"""

import base64
import contextlib
import hashlib
import hmac
import http.client
import json
import logging
import re
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler
from importlib import import_module
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from tests.fakes import sigv4
from tests.fakes.listening import Server

BUCKET, REGION = "dusk-media", "eu-west-1"
KEY_ID, SECRET = "AKIAFAKEFAKEFAKEFAKE", "fake-secret/with+signs"
SKEW = 15 * 60  # seconds that a clock may be wrong by
MULTIPART_NAME = re.compile(rb'name="([^"]*)"')
# moto asks only whether anybody signed.
SIGNED = "AWS4-HMAC-SHA256 Credential=moto/20260101/eu-west-1/s3/aws4_request, SignedHeaders=host, Signature=0"


class Refused(Exception):
    """An error as S3 words it."""

    def __init__(self, status: int, code: str, message: str = "") -> None:
        super().__init__(code)
        self.status, self.code, self.message = status, code, message or code


class FakeS3:
    """The bucket, its CORS rule, and switches for faults."""

    def __init__(self, url: str, moto: str) -> None:
        self.url = url
        self.moto = moto
        self.origins: list[str] = []  # whose pages may send files; * is anybody's
        self.page = 1000  # keys that a listing names at once
        self.takes_forms = True  # R2 and B2 do not
        self.fault = ""  # "500", "503" (SlowDown), "silent", "close", "short" (half of what was asked, then the end)
        self.only = ""  # the fault is of this method's requests alone
        self.stumbles = 0  # so many requests fail, then none
        self.ahead = 0.0  # seconds by which its clock is later than ours
        self.refused: list[str] = []  # codes, in order
        self.asked: list[str] = []  # "METHOD path"
        self.gone = threading.Event()
        self.empty()

    def now(self) -> float:
        """Seconds since the epoch, by its own clock."""
        return time.time() + self.ahead

    def environment(self) -> dict[str, str]:
        """What a site of this bucket has in its environment; without a CDN."""
        return {
            "AWS_S3_BUCKET": BUCKET,
            "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_S3_ENDPOINT_URL": self.url,
        }

    def empty(self) -> None:
        """Forget every file and every fault."""
        self.fault, self.only, self.stumbles, self.ahead, self.takes_forms, self.page = "", "", 0, 0.0, True, 1000
        self.refused.clear()
        self.asked.clear()
        self.ask_moto("POST", "/moto-api/reset")
        where = (
            f"<CreateBucketConfiguration><LocationConstraint>{REGION}</LocationConstraint></CreateBucketConfiguration>"
        )
        self.ask_moto("PUT", f"/{BUCKET}", where.encode())

    def ask_moto(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        """Status, headers and body of moto's answer."""
        parts = urlsplit(self.moto)
        with contextlib.closing(http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)) as moto:
            moto.request(method, path, body, {**(headers or {}), "Authorization": SIGNED})
            answer = moto.getresponse()
            return answer.status, answer.getheaders(), answer.read()

    def file(self, key: str) -> bytes | None:
        """What is kept there."""
        status, _, body = self.ask_moto("GET", f"/{BUCKET}/{key}")
        return body if status == 200 else None

    def headers(self, key: str) -> dict[str, str]:
        """What a viewer is told of it, by header in lower case."""
        return {name.lower(): value for name, value in self.ask_moto("HEAD", f"/{BUCKET}/{key}")[1]}

    def listing(self) -> list[str]:
        """Every key, in order."""
        listing = self.ask_moto("GET", f"/{BUCKET}?list-type=2")[2].decode()
        return re.findall(r"<Key>([^<]*)</Key>", listing)

    # --- What S3 asks ---------------------------------------------------------------------------------

    def verify_credential(self, credential: str, date: str) -> str:
        """The scope of a signature by a key that is known, and of the right day and region."""
        key_id, _, scope = credential.partition("/")
        if key_id != KEY_ID:
            raise Refused(403, "InvalidAccessKeyId")
        if scope != f"{date[:8]}/{REGION}/s3/aws4_request":
            raise Refused(400, "AuthorizationQueryParametersError", "the scope is of another day, region or service")
        return scope

    def verify_headers(self, method: str, target: str, headers: dict[str, str], body: bytes) -> None:
        """Refuse a request whose headers are not signed, or are of another time, or whose body is another."""
        said = re.fullmatch(
            r"AWS4-HMAC-SHA256 Credential=(\S+), SignedHeaders=(\S+), Signature=(\w+)", headers.get("authorization", "")
        )
        if not said:
            raise Refused(403, "AccessDenied")
        credential, signed, signature = said.groups()
        date, payload = headers.get("x-amz-date", ""), headers.get("x-amz-content-sha256", "")
        scope = self.verify_credential(credential, date)
        if abs(_seconds(date) - self.now()) > SKEW:
            raise Refused(403, "RequestTimeTooSkewed")
        must = {"host", *(name for name in headers if name.startswith("x-amz-"))}
        if not must <= set(signed.split(";")):
            raise Refused(403, "AccessDenied", "There were headers present in the request which were not signed")
        if payload.startswith("STREAMING"):
            raise Refused(501, "NotImplemented", "a body in signed chunks, which R2 and others do not know")
        if payload not in ("UNSIGNED-PAYLOAD", hashlib.sha256(body).hexdigest()):
            raise Refused(400, "XAmzContentSHA256Mismatch")
        parts = urlsplit(target)
        query = [pair if "=" in pair else f"{pair}=" for pair in parts.query.split("&") if pair]
        text = sigv4.text_to_sign(method, parts.path, query, headers, signed, payload, date, scope)
        if not hmac.compare_digest(signature, sigv4.sign(SECRET, scope, text)):
            raise Refused(403, "SignatureDoesNotMatch")

    def verify_address(self, method: str, target: str, headers: dict[str, str]) -> None:
        """Refuse an address whose signature is another's, or has ended, or has not begun."""
        parts = urlsplit(target)
        pairs = parts.query.split("&")
        named = {name: unquote(value) for name, _, value in (pair.partition("=") for pair in pairs)}
        try:
            date, lasts, signed = named["X-Amz-Date"], int(named["X-Amz-Expires"]), named["X-Amz-SignedHeaders"]
            scope = self.verify_credential(named["X-Amz-Credential"], date)
            text = sigv4.text_to_sign(
                method,
                parts.path,
                [pair for pair in pairs if not pair.startswith("X-Amz-Signature=")],
                headers,
                signed,
                "UNSIGNED-PAYLOAD",
                date,
                scope,
            )
        except (KeyError, ValueError) as error:
            raise Refused(400, "AuthorizationQueryParametersError", str(error)) from error
        if not 0 < lasts <= 7 * 24 * 3600 or "host" not in signed.split(";"):
            raise Refused(400, "AuthorizationQueryParametersError")
        if not hmac.compare_digest(named["X-Amz-Signature"], sigv4.sign(SECRET, scope, text)):
            raise Refused(403, "SignatureDoesNotMatch")
        if self.now() < _seconds(date) - SKEW:
            raise Refused(403, "AccessDenied", "Request is not yet valid")
        if self.now() > _seconds(date) + lasts:
            raise Refused(403, "AccessDenied", "Request has expired")

    def verify_form(self, fields: dict[str, str], bucket: str, size: int) -> None:
        """Refuse a form that is not the one that was signed, or too late, or with another file than it allows."""
        try:
            policy = json.loads(base64.b64decode(fields["policy"], validate=True))
            ends = datetime.fromisoformat(policy["expiration"]).timestamp()
            scope = self.verify_credential(fields["x-amz-credential"], fields["x-amz-date"])
            signature = sigv4.sign(SECRET, scope, fields["policy"])
        except (KeyError, ValueError) as error:
            raise Refused(403, "AccessDenied", f"no policy that can be read: {error}") from error
        if not hmac.compare_digest(fields.get("x-amz-signature", ""), signature):
            raise Refused(403, "SignatureDoesNotMatch")
        if self.now() > ends:
            raise Refused(403, "AccessDenied", "Invalid according to Policy: Policy expired.")
        values = {**fields, "bucket": bucket}
        matched = {"policy", "x-amz-signature", *(name for name in fields if name.startswith("x-ignore-"))}
        for condition in policy["conditions"]:
            if isinstance(condition, dict):
                ((name, wanted),) = condition.items()
                rule = "eq"
            else:
                rule, name, wanted = condition
            if rule == "content-length-range":
                if size < int(name):
                    raise Refused(400, "EntityTooSmall")
                if size > int(wanted):
                    raise Refused(400, "EntityTooLarge")
                continue
            name = name.removeprefix("$").lower()
            value = values.get(name)
            if value is None or not (value == wanted if rule == "eq" else value.startswith(wanted)):
                raise Refused(403, "AccessDenied", f"Policy Condition failed: {condition}")
            matched.add(name)
        if extra := set(fields) - matched:
            raise Refused(403, "AccessDenied", f"Extra input fields: {', '.join(sorted(extra))}")


def _seconds(date: str) -> float:
    try:
        return datetime.strptime(f"{date}+0000", "%Y%m%dT%H%M%SZ%z").timestamp()
    except ValueError as error:
        raise Refused(403, "AccessDenied", "no date that can be read") from error


def parts_of(body: bytes, content_type: str) -> tuple[dict[str, str], bytes]:
    """The fields of a form before its file, by name in lower case, and the file. What comes after it does not count."""
    said = re.search(r'boundary="?([^";]+)', content_type)
    if not said:
        raise Refused(412, "PreconditionFailed", "Bucket POST must be of the enclosure-type multipart/form-data")
    fields: dict[str, str] = {}
    for part in (b"\r\n" + body).split(b"\r\n--" + said[1].encode())[1:]:
        head, _, value = part.partition(b"\r\n\r\n")
        if name := MULTIPART_NAME.search(head):
            if name[1] == b"file":
                return fields, value
            fields[name[1].decode().lower()] = value.decode()
    raise Refused(400, "InvalidArgument", "POST requires exactly one file upload per request.")


class Front(BaseHTTPRequestHandler):
    """The door. Path-style addresses: /bucket/key."""

    protocol_version = "HTTP/1.1"
    fake: FakeS3

    def handle_one(self) -> None:
        """Answer one request of any method."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == "/-/":
            return self.set_switches(body)
        self.fake.asked.append(f"{self.command} {self.path}")
        if self.command != "OPTIONS" and self.fails():
            return None
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            return self.answer(*self.judged(headers, body))
        except Refused as refused:
            self.fake.refused.append(refused.code)
            text = f"<Error><Code>{refused.code}</Code><Message>{escape(refused.message)}</Message></Error>"
            return self.answer(refused.status, [("Content-Type", "application/xml")], text.encode())

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_OPTIONS = handle_one

    def judged(self, headers: dict[str, str], body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        """What moto says, if S3 would ask it. Raises Refused."""
        parts = urlsplit(self.path)
        bucket = parts.path.split("/")[1]
        if self.command == "OPTIONS":
            if not self.cors_headers() or headers.get("access-control-request-method") not in ("POST", "PUT", "GET"):
                raise Refused(403, "AccessForbidden", "CORSResponse: This CORS request is not allowed.")
            return 200, [], b""
        if self.command == "POST" and parts.path.rstrip("/") == f"/{bucket}" and not parts.query:
            if not self.fake.takes_forms:
                raise Refused(501, "NotImplemented", "PostObject")
            fields, file = parts_of(body, headers.get("content-type", ""))
            self.fake.verify_form(fields, bucket, len(file))
            sent = {"Content-Type": fields.get("content-type", "binary/octet-stream")}
            status, _, said = self.fake.ask_moto("PUT", f"/{bucket}/{fields['key']}", file, sent)
            return (204, [], b"") if status == 200 else (status, [], said)
        if "X-Amz-Signature" in parse_qs(parts.query):
            self.fake.verify_address(self.command, self.path, headers)
            path = parts.path
        else:
            self.fake.verify_headers(self.command, self.path, headers, body)
            path = f"{self.path}&max-keys={self.fake.page}" if "list-type=2" in parts.query else self.path
        passed = {name: value for name, value in headers.items() if name not in ("authorization", "host", "expect")}
        return self.fake.ask_moto(self.command, path, body, passed)

    def cors_headers(self) -> list[tuple[str, str]]:
        """For pages of those who may read the answer."""
        origin = self.headers.get("Origin")
        if not origin or not {origin, "*"} & set(self.fake.origins):
            return []
        asked = self.headers.get("Access-Control-Request-Headers", "")
        allow = [("Access-Control-Allow-Headers", asked)] if asked else []
        return [("Access-Control-Allow-Origin", origin), ("Access-Control-Allow-Methods", "POST, PUT, GET"), *allow]

    def answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        """Send it; half of it, when that is the fault."""
        kept = ("content-type", "last-modified", "etag", "cache-control", "content-disposition", "content-range")
        self.send_response(status)
        for name, value in headers:
            if name.lower() in kept or name.lower().startswith("x-amz-"):
                self.send_header(name, value)
        for name, value in self.cors_headers():
            self.send_header(name, value)
        length = next((value for name, value in headers if name.lower() == "content-length"), "")
        self.send_header("Content-Length", length if self.command == "HEAD" and length else str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        if self.fake.fault == "short" and self.command == "GET":
            self.wfile.write(body[: len(body) // 2])
            self.close_connection = True
            return
        self.wfile.write(body)

    def fails(self) -> bool:
        """Whether it was told to; then it has."""
        fault = self.fake.fault if self.command.startswith(self.fake.only) else ""
        if self.fake.stumbles:
            self.fake.stumbles, fault = self.fake.stumbles - 1, "500"
        if fault == "silent":
            while self.fake.fault == "silent" and not self.fake.gone.wait(0.05):
                pass
        elif fault in ("500", "503"):
            code = "InternalError" if fault == "500" else "SlowDown"
            self.answer(int(fault), [], f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode())
            return True
        if fault in ("silent", "close"):
            self.close_connection = True
            return True
        return False

    def set_switches(self, body: bytes) -> None:
        """From outside."""
        for name, value in json.loads(body).items():
            setattr(self.fake, name, value)
        self.answer(200, [], b"")

    def log_message(self, *args: Any) -> None:
        pass


@contextmanager
def s3_server(port: int = 0) -> Iterator[FakeS3]:
    """Serve on this port, or a free one, until the block ends."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # moto's server names each request
    # Loading moto takes a second, which tests without a bucket do not pay.
    moto = import_module("moto.moto_server.threaded_moto_server").ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    moto.start()
    server = Server(("127.0.0.1", port), Front)
    server.daemon_threads = True
    fake = FakeS3(f"http://127.0.0.1:{server.server_port}", "http://{}:{}".format(*moto.get_host_and_port()))
    Front.fake = fake
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        fake.gone.set()
        server.shutdown()
        server.server_close()
        thread.join()
        moto.stop()


if __name__ == "__main__":
    from tests.fakes.cloudfront import cloudfront_server

    with s3_server(int(sys.argv[1])) as fake, cloudfront_server(fake, int((sys.argv[2:] or ["0"])[0])) as cdn:
        fake.origins = ["*"]
        environment = {**fake.environment(), **(cdn.environment() if sys.argv[2:] else {})}
        sys.stdout.write("".join(f"{name}={value}\n" for name, value in environment.items()))
        sys.stdout.flush()
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()
