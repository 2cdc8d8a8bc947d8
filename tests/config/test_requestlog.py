"""The log says what was asked for, and nothing that is secret in it."""

import io
import logging
import uuid

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db
KEY = "cz7r3h-6f1d2a9b8c7e6d5f4a3b2c1d0e9f8a7b"


@pytest.fixture
def log(monkeypatch):
    """All that reaches stderr."""
    said = io.StringIO()
    ours = [h for h in logging.getLogger().handlers if getattr(h.formatter, "processors", None)]
    assert ours
    for handler in ours:
        monkeypatch.setattr(handler, "stream", said)
    return said


@pytest.mark.parametrize("method", ["get", "post", "head", "put"])
@pytest.mark.parametrize(
    "path",
    [
        f"/accounts/password/reset/key/1-{KEY}/",
        f"/accounts/password/reset/key/1-{KEY}",
        f"/accounts/password/reset/key/1-{KEY}/x",
        f"/account/password/reset/1-{KEY}/",
        f"/ACCOUNTS/PASSWORD/RESET/KEY/1-{KEY}/",
        f"//accounts/password/reset/key/1-{KEY}/",
        f"/accounts/confirm-email/MQ:{KEY}/",
        f"/accounts/confirm-email/MQ:{KEY}",
        f"/media/{KEY}/?Signature={KEY}",
        f"/media/signed/{KEY}",
        f"/media/disk/{KEY}",
        f"/checkout/success/?session_id=cs_{KEY}",
        f"/plans/scripted/cs_{KEY}/",
        f"/checkout/scripted/cs_{KEY}/",
        f"/?token={KEY}",
        f"/nowhere/%0a{KEY}/",
        f"/{KEY}",
    ],
)
def test_what_is_secret_in_an_address_is_in_no_log(log, settings, path, method):
    settings.DEBUG = False
    settings.ALLOWED_HOSTS = ["testserver"]
    client = Client(raise_request_exception=False)
    getattr(client, method)(path)
    getattr(client, method)(path, headers={"host": "evil.example"})
    logging.getLogger("django.request").warning("Not Found: %s", path)  # without a request nothing is known
    said = log.getvalue().replace(path, "")
    assert "request_finished" in said
    assert KEY not in said


def test_what_is_not_secret_stands_in_the_log(log, client, mara):
    client.get("/girls/mara/")
    client.get(f"/chat/{uuid.UUID(int=5)}/")
    client.get("/wp-admin/setup.php")
    said = log.getvalue()
    for path in ("/girls/mara/", f"/chat/{uuid.UUID(int=5)}/", "/wp-admin/setup.php"):
        assert f"GET {path}" in said


@pytest.mark.parametrize(
    ("path", "policy"),
    [
        (f"/accounts/password/reset/key/1-{KEY}/", "strict-origin"),
        ("/accounts/login/?next=/", "same-origin"),
        (f"/checkout/success/?session_id=cs_{KEY}", "strict-origin"),
    ],
)
def test_no_other_page_is_told_a_secret_address(client, path, policy):
    assert client.get(path)["Referrer-Policy"] == policy
