"""The local twin of the CDN."""

import pytest


@pytest.fixture(autouse=True)
def _files(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    (tmp_path / "secret.webp").write_bytes(b"secret")
    for name in ("girls/a.webp", "girls/a.svg", "girls/a.html", "avatars/b.webp"):
        path = tmp_path / "media" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"bytes")


def test_a_characters_picture_is_public(client):
    answer = client.get("/media/girls/a.webp")
    assert b"".join(answer.streaming_content) == b"bytes"
    assert answer["Content-Type"] == "image/webp"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Cache-Control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize(
    "path",
    [
        "girls/none.webp",
        "girls/a.svg",
        "girls/a.html",
        "girls/",
        "girls",
        "avatars/b.webp",
        "girls/../avatars/b.webp",
        "girls/%2e%2e/avatars/b.webp",
        "girls/../../secret.webp",
        "girls/..%2f..%2fsecret.webp",
        "girls/%00.webp",
        "/etc/passwd",
        "girls//etc/passwd.webp",
        f"girls/{'x' * 400}.webp",
    ],
)
def test_nothing_else_is(client, path):
    assert client.get(f"/media/{path}").status_code == 404
