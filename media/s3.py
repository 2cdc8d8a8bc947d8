"""Files in a bucket, of Amazon's S3 or of what speaks like it, and viewed through CloudFront. The only door to them.

Browsers send files straight to the bucket, by forms that are signed here, and fetch them straight from CloudFront, by
addresses that are. Without CloudFront (R2, MinIO, a bucket alone) the bucket's own addresses are signed.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice
from tempfile import NamedTemporaryFile
from typing import IO, Any
from urllib.parse import quote, urlencode

from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError, ClientError
from botocore.httpsession import URLLib3Session
from django.conf import settings
from django.core.files import File
from s3transfer.exceptions import RetriesExceededError
from storages.backends.s3 import S3Storage

from config.lib import buckets
from config.lib.database import give_back_connection
from config.lib.waiting import Bulkhead
from media import cloudfront, local
from media.storage import Form, StorageUnavailable

CONNECT_SECONDS, READ_SECONDS, ATTEMPTS = 3.0, 8.0, 2  # a page that asks us waits for 20 seconds
PART_BYTES = 8 * 1024 * 1024  # what is in memory of a file, however long it is
DELETED_AT_ONCE = 1000  # keys; S3 takes no more
# Signed addresses of the bucket itself are dated so long before they end, so that all that end together are the same.
SIGNED_FOR = timedelta(hours=1)
PUBLIC = re.compile(r"girls/[^/]+/(profile|background)/")
# Private ones for a day: CloudFront looks at the signature before it looks into its cache, and browsers find a file
# only under its address, which is another one after minutes. Were they called private, CloudFront would fetch them from
# the bucket for each person; were it minutes, what lies there for longer ("Age") would be stale in browsers at once.
CACHED = {True: "public, max-age=31536000, immutable", False: "max-age=86400"}

_requests = Bulkhead(12)  # that wait for the bucket, of the 32 that are at work in a process
_AWAY = (BotoCoreError, Boto3Error, RetriesExceededError, OSError)  # the last one of our own disk, where copies are
_ABSENT = {"404", "NoSuchKey"}


class BucketStore:
    """The store of a site with a bucket. One for a process; its threads share it."""

    def __init__(self) -> None:
        self._files = _Files(
            bucket_name=settings.AWS_S3_BUCKET,
            region_name=settings.AWS_REGION,
            endpoint_url=buckets.endpoint(settings.AWS_REGION, settings.AWS_S3_ENDPOINT_URL),
            access_key=settings.AWS_ACCESS_KEY_ID,
            secret_key=settings.AWS_SECRET_ACCESS_KEY,
            security_token=None,  # those in the environment belong to other keys
            session_profile=None,
            cloudfront_key_id=settings.CF_KEY_PAIR_ID if settings.CF_DOMAIN else None,
            cloudfront_key=cloudfront.pem(settings.CF_PRIVATE_KEY) if settings.CF_DOMAIN else None,
            file_overwrite=True,  # a key is used twice only by a retry, which writes the same again
            default_acl=None,
            client_config=Config(
                signature_version="s3v4",
                s3={"addressing_style": _style()},
                connect_timeout=CONNECT_SECONDS,
                read_timeout=READ_SECONDS,
                retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
                max_pool_connections=32,
                proxies={},  # those in the environment are not ours
                # What is sent is signed with its digest anyhow, and R2 and older MinIO know no checksums in trailers.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
            # In this thread, part by part: ten threads for each of many uploads would hold ten parts each.
            transfer_config=TransferConfig(
                use_threads=False,
                multipart_threshold=PART_BYTES,
                multipart_chunksize=PART_BYTES,
                num_download_attempts=ATTEMPTS,
            ),
        )
        self._bucket = settings.AWS_S3_BUCKET
        self._client: Any = self._files.bucket.meta.client  # the one thing of boto3's that threads may share
        self._address = buckets.address(
            self._bucket, region=settings.AWS_REGION, url=settings.AWS_S3_ENDPOINT_URL, chosen=_style()
        )
        self._cdn = buckets.cdn(settings.CF_DOMAIN)
        self._credentials = Credentials(settings.AWS_ACCESS_KEY_ID, settings.AWS_SECRET_ACCESS_KEY)

    # --- What browsers do themselves ------------------------------------------------------------------

    def upload_form(self, key: str, *, content_type: str, max_bytes: int, seconds: int) -> Form:
        """The form by which a browser may send one file to `key`, of this type, of 1 to `max_bytes` bytes, for so many
        seconds. The bucket refuses any other; our own door does, where the bucket takes no forms. Asks nobody.
        """
        if not settings.AWS_S3_FORMS:
            return local.upload_form(key, content_type=content_type, max_bytes=max_bytes, seconds=seconds)
        signed = self._client.generate_presigned_post(
            Bucket=self._bucket,
            Key=key,
            Fields={"Content-Type": content_type},
            Conditions=[{"Content-Type": content_type}, ["content-length-range", 1, max_bytes]],
            ExpiresIn=seconds,
        )
        return Form(url=signed["url"], fields=signed["fields"])

    def view_url(self, key: str, *, until: datetime) -> str:
        """Where a browser may see it until then. The same for everybody who may see it until then. Asks nobody.

        Without a CDN `until` is at most an hour ahead (ValueError otherwise).
        """
        if self._cdn:
            url: str = self._files.cloudfront_signer.generate_presigned_url(
                f"{self._cdn}/{quote(key)}", date_less_than=until
            )
            return url
        return self._signed(key, until=until)

    def download_url(self, key: str, *, name: str, seconds: int) -> str:
        """Where a browser may save it from: the bucket itself, past the CDN, which keeps copies. Asks nobody."""
        saved = {"ResponseContentDisposition": f'attachment; filename="{name}"', "ResponseCacheControl": "no-store"}
        url: str = self._client.generate_presigned_url(
            "get_object", {"Bucket": self._bucket, "Key": key, **saved}, ExpiresIn=seconds
        )
        return url

    def public_url(self, key: str) -> str:
        """Where everybody may see it, for ever. Without a CDN a door of the site, which leads to a signed address."""
        return f"{self._cdn}/{quote(key)}" if self._cdn else f"{settings.MEDIA_URL}{quote(key)}"

    def _signed(self, key: str, *, until: datetime) -> str:
        """As S3 signs addresses, but dated by their end and not by now, so that browsers find in their cache what they
        have seen. (SigV4 with query parameters; boto3 itself knows only "from now on".)
        """
        dated = until - SIGNED_FOR
        if dated > datetime.now(UTC):
            raise ValueError("An address of the bucket is signed for an hour at most.")
        signer = S3SigV4QueryAuth(self._credentials, "s3", settings.AWS_REGION)
        request = AWSRequest("GET", f"{self._address}/{quote(key)}")
        request.context["timestamp"] = dated.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
        query = {
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
            "X-Amz-Credential": signer.scope(request),
            "X-Amz-Date": request.context["timestamp"],
            "X-Amz-Expires": int(SIGNED_FOR.total_seconds()),
            "X-Amz-SignedHeaders": "host",
        }
        request.url += f"?{urlencode(query, quote_via=quote, safe='')}"
        signature = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
        return f"{request.url}&X-Amz-Signature={signature}"

    # --- What the site does ---------------------------------------------------------------------------

    def size(self, key: str) -> int | None:
        """Its bytes; None when nothing is there."""
        try:
            with _asked():
                return int(self._client.head_object(Bucket=self._bucket, Key=key)["ContentLength"])
        except FileNotFoundError:
            return None

    @contextmanager
    def open(self, key: str) -> Iterator[IO[bytes]]:
        """A copy on this disk for as long as the block runs, fetched part by part. Raises FileNotFoundError."""
        with ExitStack() as ends:
            with _asked():
                file = ends.enter_context(NamedTemporaryFile(prefix="dusk-"))
                self._client.download_fileobj(self._bucket, key, file, Config=self._files.transfer_config)
                file.flush()
            file.seek(0)
            yield file

    def put(self, key: str, file: IO[bytes], *, content_type: str) -> None:
        """Store it from its beginning, part by part. What is there is overwritten."""
        content = File(file)
        content.content_type = content_type  # type: ignore[attr-defined] # where S3Storage looks for it
        with _asked():
            self._files.save(key, content)

    def delete(self, keys: Iterable[str]) -> None:
        """Delete them; those that are absent are fine."""
        left = iter(keys)
        while some := [{"Key": key} for key in islice(left, DELETED_AT_ONCE)]:
            with _asked():
                said = self._client.delete_objects(Bucket=self._bucket, Delete={"Objects": some, "Quiet": True})
            if refused := said.get("Errors"):
                raise StorageUnavailable(f"{len(refused)} of {len(some)} not deleted: {refused[0].get('Code')}")

    def keys(self, prefix: str) -> Iterator[tuple[str, datetime]]:
        """Each key that begins so, and when it was written (aware), page by page."""
        token: dict[str, str] = {}
        while True:
            with _asked():
                page = self._client.list_objects_v2(Bucket=self._bucket, Prefix=prefix, **token)
            yield from ((entry["Key"], entry["LastModified"]) for entry in page.get("Contents", ()))
            if not page.get("IsTruncated"):
                return
            token = {"ContinuationToken": page["NextContinuationToken"]}

    def answers(self) -> None:
        """Ask whether the bucket is there, and ours. Raises StorageUnavailable, which says why not."""
        try:
            with _asked():
                self._client.head_bucket(Bucket=self._bucket)
        except FileNotFoundError as error:
            raise StorageUnavailable("there is no such bucket") from error

    def takes_forms_of(self, origin: str) -> bool:
        """Whether browsers may send files there from pages of `origin` (the bucket's CORS rule). Raises
        StorageUnavailable.
        """
        headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        asking = AWSRequest("OPTIONS", self._address, headers=headers).prepare()
        with _asked():
            said = URLLib3Session(timeout=(CONNECT_SECONDS, READ_SECONDS), proxies={}).send(asking)
        return said.status_code == 200 and said.headers.get("Access-Control-Allow-Origin") in (origin, "*")


class _Files(S3Storage):
    """The bucket as django-storages knows it: it writes files with what browsers and the CDN are told of them."""

    def get_object_parameters(self, name: str) -> dict[str, str]:
        """What is kept with a file beside its type."""
        if name.startswith("exports/"):
            return {"CacheControl": "private, no-store", "ContentDisposition": "attachment"}
        return {"CacheControl": CACHED[bool(PUBLIC.match(name))], "ContentDisposition": "inline"}


def _style() -> str:
    return buckets.style(settings.AWS_S3_BUCKET, settings.AWS_S3_ENDPOINT_URL, settings.AWS_S3_ADDRESSING_STYLE)


@contextmanager
def _asked() -> Iterator[None]:
    """The bucket is asked in here. Raises FileNotFoundError for what is not there, StorageUnavailable for whatever else
    comes of it, and Full when very many ask already. Calls the network: never inside a transaction.
    """
    with _requests.place():
        give_back_connection()
        try:
            yield
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in _ABSENT:
                raise FileNotFoundError("nothing is there") from error
            raise StorageUnavailable(_why(error)) from error
        except _AWAY as error:
            raise StorageUnavailable(_why(error)) from error


def _why(error: Exception) -> str:
    """What went wrong, for logs: the vendor's code or the kind of error. Never an address, which could be signed."""
    if isinstance(error, ClientError):
        return f"{error.operation_name}: {error.response.get('Error', {}).get('Code', 'no code')}"
    return type(error).__name__
