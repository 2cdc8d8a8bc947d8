"""Files in a bucket: S3 over HTTP, with a front that refuses what Amazon would, and CloudFront before it."""

import base64
import io
import itertools
import json
import os
import socket
import subprocess
import sys
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
import time_machine
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from config.lib import buckets
from config.lib.waiting import Full, at_most
from media import cloudfront, s3
from media.s3 import BucketStore
from media.storage import StorageUnavailable
from tests.config.processes import environment, until
from tests.fakes.s3 import BUCKET
from tests.servers import DEADLINE, ROOT, free_port, listens

KEY = "tmp/7a6f0c6e-6f57-4f6c-9d7e-0f4d1c1f9a11"
HTTP = {"trust_env": False, "timeout": DEADLINE}  # of those who play the browser
R2 = "https://account.r2.cloudflarestorage.com"
IN_AWS = {
    "AWS_S3_BUCKET": "dusk-media",
    "AWS_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "AKIAKEY",
    "AWS_SECRET_ACCESS_KEY": "secret",
}
FACE, PRIVATE = "girls/7/profile/a.webp", "girls/7/media/b.webp"


@pytest.fixture
def store(bucket):
    return BucketStore()


@pytest.fixture
def form(store):
    return store.upload_form(KEY, content_type="image/png", max_bytes=10, seconds=60)


def send(form, content=b"0123456789", *, headers=None, then=None, **changes):
    """What the bucket says to a form that a browser sends: fields first, in their order, then the file."""
    fields = {**form.fields, **changes}
    body = [*((name, (None, value)) for name, value in fields.items() if value is not None)]
    body.append(("file", ("a.png", content, "image/png")))
    body += [(name, (None, value)) for name, value in (then or {}).items()]
    return httpx.post(form.url, files=body, headers=headers, **HTTP)


def in_minutes(minutes):
    return datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=minutes)


# --- A form is for one file ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"1", b"0123456789"])
def test_what_was_asked_for_arrives(store, form, bucket, content):
    assert send(form, content).status_code == 204
    assert bucket.file(KEY) == content
    assert bucket.headers(KEY)["content-type"] == "image/png"
    assert store.size(KEY) == len(content)


@pytest.mark.parametrize(
    ("content", "changes", "code"),
    [
        (b"0123456789a", {}, "EntityTooLarge"),
        (b"", {}, "EntityTooSmall"),
        (b"1", {"Content-Type": "image/svg+xml"}, "AccessDenied"),
        (b"1", {"Content-Type": None}, "AccessDenied"),
        (b"1", {"key": "tmp/another"}, "AccessDenied"),
        (b"1", {"key": FACE}, "AccessDenied"),
        (b"1", {"acl": "public-read"}, "AccessDenied"),
        (b"1", {"Cache-Control": "max-age=1"}, "AccessDenied"),
        (b"1", {"x-amz-meta-a": "b"}, "AccessDenied"),
        (b"1", {"success_action_redirect": "https://evil.example/"}, "AccessDenied"),
        (b"1", {"policy": None}, "AccessDenied"),
        (b"1", {"x-amz-signature": "0" * 64}, "SignatureDoesNotMatch"),
        (b"1", {"x-amz-signature": None}, "SignatureDoesNotMatch"),
    ],
)
def test_any_other_is_refused(form, bucket, content, changes, code):
    answer = send(form, content, **changes)
    assert answer.status_code in (400, 403)
    assert bucket.refused == [code]
    assert bucket.listing() == []


@pytest.mark.parametrize(
    "change",
    [
        lambda policy: policy.update(expiration="2099-01-01T00:00:00Z"),
        lambda policy: policy["conditions"].clear(),
        lambda policy: policy["conditions"].append(["starts-with", "$acl", ""]),
        lambda policy: next(c for c in policy["conditions"] if "content-length-range" in c).__setitem__(2, 10**9),
    ],
)
def test_a_policy_that_was_altered_is_refused(form, bucket, change):
    policy = json.loads(base64.b64decode(form.fields["policy"]))
    change(policy)
    send(form, b"1", policy=base64.b64encode(json.dumps(policy).encode()).decode())
    assert bucket.refused == ["SignatureDoesNotMatch"]
    assert bucket.listing() == []


def test_a_form_ends(form, bucket):
    bucket.ahead = 30
    assert send(form).status_code == 204
    bucket.ahead = 62
    assert send(form, b"late").status_code == 403
    assert bucket.file(KEY) == b"0123456789"


def test_a_form_that_is_sent_again_replaces_its_own_file_and_nothing_else(form, bucket):
    send(form, b"first")
    send(form, b"second")
    assert bucket.file(KEY) == b"second"
    assert bucket.listing() == [KEY]


def test_fields_behind_the_file_change_nothing(form, bucket):
    assert send(form, b"1", then={"key": FACE}).status_code == 204
    assert bucket.listing() == [KEY]


def test_each_field_has_its_condition_and_the_rest_is_as_narrow_as_can_be(form):
    policy = json.loads(base64.b64decode(form.fields["policy"]))
    exact = {name.lower(): value for c in policy["conditions"] if isinstance(c, dict) for name, value in c.items()}
    fields = {name.lower(): value for name, value in form.fields.items()}
    assert set(fields) - {"policy", "x-amz-signature"} == set(exact) - {"bucket"}
    assert all(fields[name] == value for name, value in exact.items() if name != "bucket")
    assert [c for c in policy["conditions"] if not isinstance(c, dict)] == [["content-length-range", 1, 10]]


def test_pages_of_this_site_may_send_it_and_no_others(form, bucket, settings):
    asked = {"Access-Control-Request-Method": "POST"}
    for origin, status in ((settings.SITE_URL, 200), ("https://evil.example", 403)):
        answer = httpx.options(form.url, headers={"Origin": origin, **asked}, **HTTP)
        assert answer.status_code == status
        allowed = answer.headers.get("Access-Control-Allow-Origin")
        assert allowed == (origin if status == 200 else None)
    assert send(form, headers={"Origin": settings.SITE_URL}).headers["Access-Control-Allow-Origin"] == settings.SITE_URL


# --- The site's own hands --------------------------------------------------------------------------------------------


def test_what_is_put_is_there_and_what_is_deleted_is_not(store, bucket):
    store.put(PRIVATE, io.BytesIO(b"a picture"), content_type="image/webp")
    assert store.size(PRIVATE) == 9
    with store.open(PRIVATE) as file:
        assert file.read() == b"a picture"
        file.seek(2)
        assert file.read() == b"picture"
        path = Path(file.name)
        assert path.read_bytes() == b"a picture"
    assert not path.exists()
    store.put(PRIVATE, io.BytesIO(b"again"), content_type="image/webp")
    assert bucket.file(PRIVATE) == b"again"
    store.delete([PRIVATE, "girls/7/media/never.webp"])
    assert store.size(PRIVATE) is None
    assert bucket.listing() == []


def test_it_is_put_from_its_beginning_and_left_open(store, bucket):
    file = io.BytesIO(b"all of it")
    file.read()
    store.put(PRIVATE, file, content_type="image/webp")
    assert bucket.file(PRIVATE) == b"all of it"
    assert not file.closed


def test_what_is_not_there_is_not_found(store):
    assert store.size(KEY) is None
    with pytest.raises(FileNotFoundError), store.open(KEY):
        pass


def test_faces_are_cached_for_a_year_and_the_rest_for_a_day(store, bucket):
    for key in (FACE, "girls/7/background/a-card.avif", PRIVATE, "avatars/3/a.webp"):
        store.put(key, io.BytesIO(b"a"), content_type="image/webp")
        kept = bucket.headers(key)["cache-control"]
        public = key.startswith(("girls/7/profile", "girls/7/background"))
        assert kept == ("public, max-age=31536000, immutable" if public else "max-age=86400")
        assert bucket.headers(key)["content-disposition"] == "inline"
        assert bucket.headers(key)["content-type"] == "image/webp"


def test_every_key_is_listed_page_by_page_and_deleted_in_batches(store, bucket, monkeypatch):
    monkeypatch.setattr(s3, "DELETED_AT_ONCE", 2)
    bucket.page = 2
    keys = [f"tmp/{n}" for n in range(5)]
    for key in [*keys, PRIVATE]:
        store.put(key, io.BytesIO(b"a"), content_type="image/png")
    before = datetime.now(UTC) - timedelta(minutes=1)
    listed = list(store.keys("tmp/"))
    assert [key for key, _ in listed] == keys
    assert all(before < written < before + timedelta(minutes=2) for _, written in listed)
    store.delete(key for key, _ in listed)
    assert bucket.listing() == [PRIVATE]
    assert sum("?delete" in asked for asked in bucket.asked) == 3
    assert sum("list-type=2" in asked for asked in bucket.asked) == 3


def test_threads_share_it(store, bucket):
    def work(n):
        key, content = f"girls/7/media/{n}.webp", f"picture {n}".encode() * 1000
        store.put(key, io.BytesIO(content), content_type="image/webp")
        with store.open(key) as file:
            assert file.read() == content
        assert store.size(key) == len(content)
        store.delete([key])

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(24)))
    assert bucket.listing() == []
    assert bucket.refused == []


# --- Who may see it --------------------------------------------------------------------------------------------------


@pytest.fixture
def files(store):
    """A face and something private, in the bucket."""
    store.put(FACE, io.BytesIO(b"her face"), content_type="image/webp")
    store.put(PRIVATE, io.BytesIO(b"0123456789"), content_type="video/mp4")


def get(url, **headers):
    return httpx.get(url, headers=headers, **HTTP)


def test_nobody_reads_the_bucket_without_a_signature(bucket, files):
    for key in (FACE, PRIVATE):
        assert get(f"{bucket.url}/{BUCKET}/{key}").status_code == 403
    assert get(f"{bucket.url}/{BUCKET}").status_code == 403


def test_an_address_of_the_bucket_opens_until_its_end(store, bucket, files):
    url = store.view_url(PRIVATE, until=in_minutes(5))
    answer = get(url)
    assert (answer.status_code, answer.content) == (200, b"0123456789")
    assert answer.headers["Content-Type"] == "video/mp4"
    assert get(url, Range="bytes=2-3").content == b"23"  # films are wound
    bucket.ahead = 4 * 60 + 30
    assert get(url).status_code == 200
    bucket.ahead = 5 * 60 + 2
    assert get(url).status_code == 403


def test_an_address_is_the_same_for_the_same_end_and_opens_nothing_else(store, bucket, files):
    until = in_minutes(5)
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=40), tick=True):
        later = store.view_url(PRIVATE, until=until)
    url = store.view_url(PRIVATE, until=until)
    assert url == later
    assert url != store.view_url(PRIVATE, until=until + timedelta(minutes=1))
    assert get(url.replace(PRIVATE, FACE)).status_code == 403
    assert get(url.replace("X-Amz-Expires=3600", "X-Amz-Expires=86400")).status_code == 403
    assert httpx.put(url, content=b"another", **HTTP).status_code == 403
    assert httpx.delete(url, **HTTP).status_code == 403
    assert bucket.file(PRIVATE) == b"0123456789"


def test_an_address_of_the_bucket_lasts_an_hour_at_most(store):
    with pytest.raises(ValueError, match="an hour"):
        store.view_url(PRIVATE, until=in_minutes(61))


def test_it_is_signed_as_boto3_would_sign_it_an_hour_before(store):
    until = datetime(2026, 11, 26, 12, 5, tzinfo=UTC)
    with time_machine.travel(until - s3.SIGNED_FOR, tick=False):
        theirs = store._client.generate_presigned_url(
            "get_object", Params={"Bucket": BUCKET, "Key": PRIVATE}, ExpiresIn=3600
        )
    with time_machine.travel(until - timedelta(minutes=4), tick=False):
        assert store.view_url(PRIVATE, until=until) == theirs


def test_a_face_without_a_cdn_is_behind_the_sites_own_door(store):
    assert store.public_url(FACE) == f"/media/{FACE}"


@pytest.mark.parametrize(
    ("bucket_name", "endpoint", "style"),
    [
        ("dusk-media", "", ""),
        ("dusk-media", "", "path"),
        ("media.dusk.example", "", ""),
        ("dusk-media", "https://account.r2.cloudflarestorage.com", ""),
        ("dusk-media", "https://account.r2.cloudflarestorage.com/", "virtual"),
        ("dusk-media", "http://minio:9000", ""),
    ],
)
@pytest.mark.parametrize("region", ["eu-west-1", "us-east-1"])
def test_the_buckets_address_is_the_one_that_boto3_takes(settings, bucket, bucket_name, endpoint, style, region):
    settings.AWS_S3_BUCKET, settings.AWS_S3_ENDPOINT_URL = bucket_name, endpoint
    settings.AWS_S3_ADDRESSING_STYLE, settings.AWS_REGION = style, region
    ours = buckets.address(bucket_name, region=region, url=endpoint, chosen=style)
    form = BucketStore().upload_form(KEY, content_type="image/png", max_bytes=1, seconds=60)
    assert form.url.rstrip("/") == ours
    assert endpoint or region in urlsplit(ours).hostname  # the global name redirects browsers, which they do not follow


def test_the_address_in_china_is_there():
    assert buckets.address("b-1", region="cn-north-1") == "https://b-1.s3.cn-north-1.amazonaws.com.cn"


# --- CloudFront ------------------------------------------------------------------------------------------------------


@pytest.fixture
def viewed(cdn):
    """The store of a site with a CDN, and what may be viewed there."""
    store = BucketStore()
    store.put(FACE, io.BytesIO(b"her face"), content_type="image/webp")
    store.put(PRIVATE, io.BytesIO(b"0123456789"), content_type="video/mp4")
    return store


def test_a_signed_address_opens_at_the_cdn_until_its_end(viewed, cdn):
    url = viewed.view_url(PRIVATE, until=in_minutes(5))
    assert url.startswith(f"{cdn.url}/{PRIVATE}?Expires=")
    answer = get(url)
    assert (answer.status_code, answer.content) == (200, b"0123456789")
    assert get(url, Range="bytes=2-3").content == b"23"
    cdn.ahead = 4 * 60 + 30
    assert get(url).status_code == 200
    cdn.ahead = 5 * 60 + 2
    assert get(url).status_code == 403


def test_nothing_private_opens_there_with_another_signature(viewed, cdn):
    until = in_minutes(5)
    url, ends = viewed.view_url(PRIVATE, until=until), int(until.timestamp())
    for other in (
        url.split("?")[0],
        url.replace(f"Expires={ends}", f"Expires={ends + 3600}"),
        url.replace("/media/b.webp", "/media/c.webp"),
        url.replace("Key-Pair-Id=K2", "Key-Pair-Id=K3"),
        url.replace("Signature=", "Signature=A"),
    ):
        assert other != url
        assert get(other).status_code == 403
    assert get(url).status_code == 200


def test_another_key_signs_nothing(settings, cdn):
    key = rsa.generate_private_key(65537, 2048)
    settings.CF_PRIVATE_KEY = as_pem(key)
    assert not cdn.lets_in(BucketStore().view_url(PRIVATE, until=in_minutes(5)))


def test_an_address_of_the_cdn_is_the_same_for_the_same_end(viewed):
    until = in_minutes(5)
    assert viewed.view_url(PRIVATE, until=until) == BucketStore().view_url(PRIVATE, until=until)


def test_a_face_is_for_everybody_and_cached_for_a_year(viewed, cdn):
    url = viewed.public_url(FACE)
    assert url == f"{cdn.url}/{FACE}"
    answer = get(url)
    assert (answer.status_code, answer.content) == (200, b"her face")
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"


def as_pem(key, form=serialization.PrivateFormat.PKCS8, password=None):
    cipher = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, form, cipher).decode()


RSA = rsa.generate_private_key(65537, 2048)


@pytest.mark.parametrize(
    "written",
    [
        as_pem(RSA),
        as_pem(RSA, serialization.PrivateFormat.TraditionalOpenSSL),
        as_pem(RSA).strip().replace("\n", "\\n"),
        f'"{as_pem(RSA)}"'.replace("\n", "\\n"),
        base64.b64encode(as_pem(RSA).encode()).decode(),
        base64.encodebytes(as_pem(RSA).encode()).decode(),
    ],
)
def test_a_key_is_read_however_it_was_written(cdn, settings, written):
    cdn.key_group["K-rsa"] = RSA.public_key()
    settings.CF_KEY_PAIR_ID, settings.CF_PRIVATE_KEY = "K-rsa", written
    assert cdn.lets_in(BucketStore().view_url(PRIVATE, until=in_minutes(5)))


@pytest.mark.parametrize(
    "written",
    [
        "",
        "K2JCJMDEHXQW5F",
        "/etc/private_key.pem",
        as_pem(RSA)[:400],
        as_pem(RSA, password=b"secret"),
        as_pem(rsa.generate_private_key(65537, 1024)),
        as_pem(ec.generate_private_key(ec.SECP256R1())),
        RSA.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode(),
    ],
)
def test_a_key_that_signs_nothing_is_named_and_not_shown(written):
    with pytest.raises(ValueError, match="it ") as refused:
        cloudfront.pem(written)
    assert not written or written[:20] not in str(refused.value)


# --- When the bucket is away -----------------------------------------------------------------------------------------


def deeds(store):
    """Everything that asks the bucket."""

    def open_it():
        with store.open(PRIVATE):
            pass

    return {
        "size": lambda: store.size(PRIVATE),
        "open": open_it,
        "put": lambda: store.put(PRIVATE, io.BytesIO(b"a"), content_type="image/webp"),
        "delete": lambda: store.delete([PRIVATE]),
        "keys": lambda: list(store.keys("tmp/")),
        "answers": store.answers,
    }


DEEDS = ["size", "open", "put", "delete", "keys", "answers"]


@pytest.mark.parametrize("deed", DEEDS)
@pytest.mark.parametrize("fault", ["500", "503", "close", "silent"])
def test_a_bucket_that_is_away_is_said_to_be_and_not_waited_for(bucket, monkeypatch, fault, deed):
    if fault == "silent":  # for as long as the test takes: that it ends is the proof
        monkeypatch.setattr(s3, "READ_SECONDS", 0.3)
    store = BucketStore()
    bucket.fault = fault
    with pytest.raises(StorageUnavailable):
        deeds(store)[deed]()
    # Two attempts; what is fetched in parts is tried anew by two hands. The last may be given up before it is read.
    attempts = 4 if (fault, deed) == ("silent", "open") else 2
    until(lambda: len(bucket.asked) >= attempts, what=f"{attempts} attempts")
    assert len(bucket.asked) == attempts


@pytest.mark.parametrize("deed", DEEDS)
def test_a_bucket_where_nobody_listens_is_away(bucket, settings, deed):
    settings.AWS_S3_ENDPOINT_URL = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(StorageUnavailable):
        deeds(BucketStore())[deed]()


def test_a_host_that_takes_no_connection_is_given_up_after_three_seconds(bucket, settings):
    # A queue of one that is full: the system answers no more.
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for knocks in (first, second):
            knocks.setblocking(False)
            knocks.connect_ex(full.getsockname())
        settings.AWS_S3_ENDPOINT_URL = f"http://127.0.0.1:{full.getsockname()[1]}"
        began = time.monotonic()
        with pytest.raises(StorageUnavailable):
            BucketStore().size(PRIVATE)
        assert time.monotonic() - began < DEADLINE  # the system itself would try for two minutes, twice


def test_a_disk_that_takes_no_copy_is_a_storage_that_is_away(store, files, monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "not-there"))
    with pytest.raises(StorageUnavailable), store.open(PRIVATE):
        pass


def test_half_a_file_is_none(store, bucket, files):
    bucket.fault = "short"
    with pytest.raises(StorageUnavailable), store.open(PRIVATE):
        pass


def test_one_stumble_is_not_noticed(store, bucket, files, monkeypatch):
    bucket.stumbles = 1
    assert store.size(PRIVATE) == 10


def test_a_bucket_that_is_back_is_used_again(store, bucket, files):
    bucket.fault = "close"
    with pytest.raises(StorageUnavailable):
        store.size(PRIVATE)
    bucket.fault = ""
    assert store.size(PRIVATE) == 10


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("AWS_SECRET_ACCESS_KEY", "another", "403"),
        ("AWS_ACCESS_KEY_ID", "AKIAANOTHER", "403"),
        ("AWS_S3_BUCKET", "no-such-bucket", "no such bucket"),
    ],
)
def test_keys_and_buckets_that_are_none_are_said_to_be(settings, bucket, name, value, code):
    setattr(settings, name, value)
    with pytest.raises(StorageUnavailable, match=code):
        BucketStore().answers()


def test_what_is_said_of_it_holds_no_address_and_no_secret(bucket, settings):
    settings.AWS_SECRET_ACCESS_KEY = "another-secret"
    with pytest.raises(StorageUnavailable) as refused:
        BucketStore().size(PRIVATE)
    assert str(refused.value) == "HeadObject: 403"


def test_not_all_of_a_process_waits_for_the_bucket(bucket, store):
    places = [s3._requests.place() for _ in range(12)]
    with at_most(DEADLINE):
        for place in places:
            place.__enter__()
        with pytest.raises(Full):
            store.size(KEY)
        for place in places:
            place.__exit__(None, None, None)
        assert store.size(KEY) is None


# --- What it costs ---------------------------------------------------------------------------------------------------


@pytest.fixture
def bucket_elsewhere(settings, tmp_path):
    """A bucket in a process of its own, so that this one's memory is the store's."""
    port = free_port()
    command = [sys.executable, "-m", "tests.fakes.s3", str(port)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            deadline = time.monotonic() + DEADLINE
            while not listens(port) and time.monotonic() < deadline and process.poll() is None:
                time.sleep(0.05)
            for line in itertools.islice(process.stdout, 5):
                name, _, value = line.strip().partition("=")
                setattr(settings, name, value)
            yield
        finally:
            process.terminate()


def test_a_film_is_never_in_memory(bucket_elsewhere, tmp_path):
    film, megabyte = tmp_path / "film", os.urandom(2**20)
    with film.open("wb") as file:
        for _ in range(100):
            file.write(megabyte)
    store = BucketStore()
    store.put("tmp/warm", io.BytesIO(megabyte * 9), content_type="video/mp4")
    tracemalloc.start()
    try:
        with film.open("rb") as file:
            store.put(PRIVATE, file, content_type="video/mp4")
        with store.open(PRIVATE) as file:
            assert sum(len(part) for part in iter(lambda: file.read(2**20), b"")) == film.stat().st_size
            file.seek(-(2**20), os.SEEK_END)
            assert file.read() == megabyte
        assert tracemalloc.get_traced_memory()[1] < 32 * 2**20
    finally:
        tracemalloc.stop()
    assert store.size(PRIVATE) == 100 * 2**20


def test_a_site_without_a_bucket_does_not_load_boto3():
    script = "import django; django.setup(); import config.asgi, config.celery, sys; print('boto3' in sys.modules)"
    env = environment(DJANGO_SETTINGS_MODULE="config.settings")
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


# --- What pages may load ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("env", "sends_to", "views_at"),
    [
        ({}, "", ""),
        (IN_AWS, "https://dusk-media.s3.eu-west-1.amazonaws.com", "https://dusk-media.s3.eu-west-1.amazonaws.com"),
        (
            IN_AWS | {"CF_DOMAIN": "media.dusk.example"},
            "https://dusk-media.s3.eu-west-1.amazonaws.com",
            "https://media.dusk.example",
        ),
        (IN_AWS | {"AWS_S3_ENDPOINT_URL": "https://minio.example:9000"}, *["https://minio.example:9000"] * 2),
        (IN_AWS | {"AWS_S3_ENDPOINT_URL": "https://minio.example", "AWS_S3_FORMS": "0"}, "", "https://minio.example"),
        (IN_AWS | {"AWS_S3_ENDPOINT_URL": R2}, "", R2),
    ],
)
def test_pages_send_files_to_the_bucket_and_show_those_of_the_cdn(env, sends_to, views_at):
    script = (
        "from django.conf import settings as s; import json; print(json.dumps(s.CONTENT_SECURITY_POLICY, default=str))"
    )
    env = environment(DJANGO_SETTINGS_MODULE="config.settings", **env)
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    allowed = json.loads(done.stdout)["DIRECTIVES"]
    far = {name: [word for word in allowed[name] if word.startswith("https")] for name in allowed if "-src" in name}
    far = {name: words for name, words in far.items() if words}
    wanted = {"connect-src": sends_to, "img-src": views_at, "media-src": views_at}
    assert far == {name: [origin] for name, origin in wanted.items() if origin}
