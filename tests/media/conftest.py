"""Uploads as a browser makes them, to a storage of the test's own."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from media import storage
from tests.factories import UserFactory


@pytest.fixture(autouse=True)
def disk(settings, tmp_path):
    """This disk, empty, for each test."""
    settings.MEDIA_ROOT = tmp_path / "media"
    storage.store.cache_clear()
    yield tmp_path / "media"
    storage.store.cache_clear()


@pytest.fixture
def editor(db):
    return UserFactory(administrator=True, username="editor")


class Uploader:
    """What the uploader of a page does, step by step."""

    def __init__(self, client):
        self.client = client

    def post(self, path, body=None):
        return self.client.post(path, json.dumps(body or {}), content_type="application/json")

    def ask(self, content=b"x", name="photo.jpg", content_type="image/jpeg", purpose="avatar", target=None, size=None):
        size = len(content) if size is None else size
        said = {"purpose": purpose, "target": target or {}, "name": name, "content_type": content_type, "size": size}
        return self.post("/media/uploads/", said)

    def send(self, asked, content, content_type="image/jpeg", **fields):
        form = {**asked["fields"], **fields, "file": SimpleUploadedFile("blob", content, content_type)}
        return self.client.post(asked["url"], form)

    def complete(self, asked):
        return self.post(f"/media/uploads/{asked['upload']['id']}/complete/")

    def state(self, asked):
        return self.client.get(f"/media/uploads/{asked['upload']['id']}/").json()["upload"]

    def put_up(self, content, **asking):
        """All of it; answers how the upload stands then."""
        asked = self.ask(content, **asking).json()
        sent = self.send(asked, content)
        assert sent.status_code == 204, sent.content
        assert self.complete(asked).status_code == 200
        return self.state(asked)


@pytest.fixture
def uploader(client):
    return Uploader(client)
