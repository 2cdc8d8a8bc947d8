"""A bucket and a CDN as a browser meets them: CORS and the page's own policy are enforced by nobody else."""

import pytest

from tests.config.processes import Dusk, until
from tests.e2e.conftest import of_these_tests
from tests.e2e.test_sessions import sign_in

PUT_UP = """async () => {
  const { putUp } = await import("/static/js/media/transport.js");
  const canvas = Object.assign(document.createElement("canvas"), { width: 400, height: 500 });
  canvas.getContext("2d").fillRect(0, 0, 200, 250);
  const picture = await new Promise((done) => canvas.toBlob(done, "image/jpeg"));
  const moved = [];
  try {
    const onProgress = (part) => moved.push(part);
    const { id, state } = await putUp(picture, { purpose: "avatar", name: "me.jpg", onProgress });
    return { id, state, sent: moved.at(-1) };
  } catch (error) {
    return { state: error.message };
  }
}"""
SHOW = """(path) => new Promise((done) => {
  const image = document.body.appendChild(document.createElement("img"));
  image.onload = () => done(image.naturalWidth);
  image.onerror = () => done("it did not load");
  image.src = path;
})"""


@pytest.fixture
def site(bucket, cdn, tmp_path):
    """A server with a bucket and a CDN."""
    with Dusk(tmp_path, **of_these_tests(), **bucket.environment(), **cdn.environment()) as server:
        bucket.origins = [server.url]
        yield server


def test_a_members_picture_goes_straight_to_the_bucket_and_comes_from_the_cdn(site, new_browser, alice, bucket):
    page = new_browser()
    sign_in(page.context, site.url, alice)
    page.goto(f"{site.url}/account/")
    asked = []
    page.on("request", lambda request: asked.append(f"{request.method} {request.url.split('?')[0]}"))
    upload = page.evaluate(PUT_UP)
    assert (upload["state"], upload.get("sent")) == ("ready", 1)
    pk = upload["id"]
    assert f"POST {bucket.url}/dusk-media" in asked
    assert "OPTIONS /dusk-media" in bucket.asked  # browsers ask first, because the page watches how much was sent
    made = [f"avatars/{alice.pk}/{pk}-thumb.webp", f"avatars/{alice.pk}/{pk}.webp"]
    until(lambda: bucket.listing() == made, what="an end to what was on the way")
    assert page.evaluate(SHOW, f"/media/{pk}/full") > 0
    assert any(url.startswith("GET http") and url.endswith(f"/avatars/{alice.pk}/{pk}.webp") for url in asked)


def test_a_page_elsewhere_sends_nothing_to_the_bucket(site, new_browser, alice, bucket, complaints):
    complaints.expect("CORS|Failed to load resource")
    bucket.origins = ["https://another.example"]
    page = new_browser()
    sign_in(page.context, site.url, alice)
    page.goto(f"{site.url}/account/")
    assert page.evaluate(PUT_UP) == {"state": "The connection was lost. Try again."}
    assert bucket.listing() == []
