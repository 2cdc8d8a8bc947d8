"""The whole way of a file at the site's doors, with a bucket behind them and CloudFront before it, or not."""

import io
from datetime import timedelta

import httpx
import pytest
from django.db.models.functions import Now
from PIL import Image

from girls.models import Girl, Media
from media import files, processing
from media.models import File, Upload
from tests.media.drawing import picture

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("_commits_are_commits")]


@pytest.fixture
def _commits_are_commits(transactional_db):
    """Bells ring on commit."""


class Sender:
    """As in conftest.py, but the file goes where the form says, over HTTP."""

    def __init__(self, uploader, bucket):
        self.uploader, self.bucket = uploader, bucket

    def put_up(self, content, **asking):
        asked = self.uploader.ask(content, **asking).json()
        assert self.send(asked, content).status_code == 204
        assert self.uploader.complete(asked).status_code == 200
        return self.uploader.state(asked)

    def send(self, asked, content):
        parts = [*((name, (None, value)) for name, value in asked["fields"].items()), ("file", ("blob", content))]
        return httpx.post(asked["url"], files=parts, trust_env=False, timeout=60)


@pytest.fixture
def sender(uploader, bucket, client, editor):
    client.force_login(editor)
    return Sender(uploader, bucket)


def look(url):
    return httpx.get(url, trust_env=False, timeout=60)


def retry_now():
    """The waits between tries are over."""
    Upload.objects.owed().update(due_at=Now() - timedelta(seconds=1))
    File.objects.owed().update(due_at=Now() - timedelta(seconds=1))


def test_a_photo_goes_to_the_bucket_and_is_seen_at_the_cdn(cdn, sender, bucket, client, mara, alice, heard):
    upload = sender.put_up(picture(), purpose="girl_media", target={"girl": mara.pk, "surface": "gallery"})
    assert (upload["state"], upload["error"]) == ("ready", "")
    keys = bucket.listing()
    assert keys
    assert all(key.startswith(f"girls/{mara.pk}/media/{upload['id']}") for key in keys)  # and nothing in tmp/
    photo = Media.objects.select_related("file").get()
    client.force_login(alice)
    assert client.get(photo.file.full_url).status_code == 404  # not published
    Media.objects.update(published=True)
    answer = client.get(photo.file.full_url)
    assert answer.status_code == 302
    seen = look(answer["Location"])
    assert (seen.status_code, seen.headers["Content-Type"]) == (200, "image/webp")
    assert Image.open(io.BytesIO(seen.content)).format == "WEBP"
    assert look(answer["Location"].split("?")[0]).status_code == 403
    assert look(f"{bucket.url}/dusk-media/{photo.file.key}").status_code == 403
    cdn.ahead = 301
    assert look(answer["Location"]).status_code == 403
    Media.objects.all().delete()
    files.forget([photo.file_id])
    assert bucket.listing() == []


@pytest.mark.parametrize("through", ["cdn", "bucket"])
def test_her_face_is_seen_by_everybody(through, request, sender, bucket, client, mara, heard):
    if through == "cdn":
        request.getfixturevalue("cdn")
    assert sender.put_up(picture(), purpose="girl_profile", target={"girl": mara.pk})["state"] == "ready"
    client.logout()
    url = Girl.objects.get().portrait_url
    if through == "bucket":
        answer = client.get(url)
        assert answer.status_code == 302
        url = answer["Location"]
    else:
        assert "?" not in url
    seen = look(url)
    assert (seen.status_code, seen.headers["Cache-Control"]) == (200, "public, max-age=31536000, immutable")


@pytest.mark.usefixtures("early_in_the_hour")  # an address stays the same for two and a half minutes, by the clock
def test_a_bucket_alone_shows_it_by_addresses_of_its_own(sender, bucket, client, mara, heard):
    upload = sender.put_up(picture(), purpose="girl_media", target={"girl": mara.pk, "surface": "gallery"})
    location = client.get(f"/media/{upload['id']}/card")["Location"]
    assert location.startswith(f"{bucket.url}/dusk-media/girls/{mara.pk}/media/{upload['id']}-card.")
    assert client.get(f"/media/{upload['id']}/card")["Location"] == location
    assert look(location).status_code == 200
    bucket.ahead = 301
    assert look(location).status_code == 403


def test_where_a_bucket_takes_no_forms_files_come_through_the_site(
    settings, uploader, bucket, client, editor, mara, heard
):
    settings.AWS_S3_FORMS, bucket.takes_forms = False, False
    client.force_login(editor)
    upload = uploader.put_up(picture(), purpose="girl_media", target={"girl": mara.pk, "surface": "gallery"})
    assert upload["state"] == "ready"
    assert all(upload["id"] in key for key in bucket.listing())
    assert look(client.get(f"/media/{upload['id']}/card")["Location"]).status_code == 200


def test_what_never_arrived_is_not_completed(sender, uploader, bucket, mara):
    asked = uploader.ask(picture(), purpose="girl_profile", target={"girl": mara.pk}).json()
    answer = uploader.complete(asked)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "not_sent")


def test_a_bucket_that_is_away_is_said_so_and_the_upload_goes_on_later(sender, uploader, bucket, mara, heard):
    content = picture()
    asked = uploader.ask(content, purpose="girl_profile", target={"girl": mara.pk}).json()
    sender.send(asked, content)
    bucket.fault = "500"
    answer = uploader.complete(asked)
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert answer.json()["error"]["code"] == "storage_unavailable"
    bucket.fault = ""
    assert uploader.complete(asked).json()["upload"]["state"] == "ready"


def test_a_bucket_that_goes_away_under_the_worker_is_waited_for(sender, uploader, bucket, mara):
    content = picture()
    asked = uploader.ask(content, purpose="girl_profile", target={"girl": mara.pk}).json()
    sender.send(asked, content)
    assert uploader.complete(asked).json()["upload"]["state"] == "arrived"
    for fault in ("close", "500", "503"):
        bucket.fault = fault
        processing.see_to_all()
        assert uploader.state(asked)["state"] == "arrived"
        retry_now()
    bucket.fault = ""
    processing.see_to_all()
    assert uploader.state(asked)["state"] == "ready"
    assert File.objects.count() == 1


@pytest.mark.parametrize("method", ["GET", "PUT", "POST"])
def test_whichever_step_it_is_that_fails_the_next_try_goes_on_from_there(sender, uploader, bucket, mara, method):
    content = picture()
    target = {"girl": mara.pk, "surface": "gallery"}
    asked = uploader.ask(content, purpose="girl_media", target=target).json()
    sender.send(asked, content)
    uploader.complete(asked)
    bucket.fault, bucket.only = "500", method  # read what came; put what was made of it; remove what came
    processing.see_to_all()
    assert uploader.state(asked)["state"] == ("ready" if method == "POST" else "arrived")
    assert Media.objects.count() == File.objects.count() == (1 if method == "POST" else 0)
    assert f"tmp/{asked['upload']['id']}" in bucket.listing()
    bucket.fault = ""
    retry_now()
    processing.see_to_all()
    assert uploader.state(asked)["state"] == "ready"
    (file,) = File.objects.all()
    assert bucket.listing() == sorted(file.all_keys())
    assert Media.objects.get().file == file


def test_what_could_not_be_removed_is_removed_later(sender, client, bucket, mara, heard):
    upload = sender.put_up(picture(), purpose="girl_media", target={"girl": mara.pk, "surface": "gallery"})
    bucket.fault = "500"
    Media.objects.all().delete()
    files.forget([upload["id"]])
    assert client.get(f"/media/{upload['id']}/card").status_code == 404  # at once, whatever the bucket does
    assert File.objects.exists()
    bucket.fault = ""
    assert bucket.listing() != []
    retry_now()
    files.remove(File.objects.get().pk)
    assert bucket.listing() == []
    assert not File.objects.exists()


def test_strays_in_the_bucket_are_swept(sender, bucket, mara, heard, monkeypatch):
    upload = sender.put_up(picture(), purpose="girl_media", target={"girl": mara.pk, "surface": "gallery"})
    kept = bucket.listing()
    stray = "b0000000-0000-4000-8000-000000000000"
    for key in (f"tmp/{stray}", f"girls/{mara.pk}/media/{stray}-card.webp", "backup/of-somebody-else.tar"):
        bucket.ask_moto("PUT", f"/dusk-media/{key}", b"x")
    monkeypatch.setattr(files, "LONG_AGO", timedelta(seconds=-5))
    files._sweep_objects("tmp")
    files._sweep_objects("girls")
    assert bucket.listing() == sorted([*kept, "backup/of-somebody-else.tar"])
    assert upload["id"] in bucket.listing()[-1]
