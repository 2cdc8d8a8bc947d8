"""The local twin of bucket and CDN: what is public, what is signed, and films in parts."""

from datetime import UTC, datetime, timedelta

import pytest

from media.storage import store, window_end

FILM = bytes(range(256)) * 2000


@pytest.fixture(autouse=True)
def _files(disk):
    (disk.parent / "secret.webp").write_bytes(b"secret")
    names = ("girls/a.webp", "girls/a.svg", "girls/1/profile/b.webp", "girls/1/background/c.webp")
    private = ("girls/1/media/d.webp", "girls/1/profile/b.html", "avatars/1/e.webp", "tmp/f.webp")
    for name in (*names, *private):
        path = disk / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"bytes")
    (disk / "girls/1/media/film.mp4").write_bytes(FILM)


@pytest.mark.parametrize("path", ["girls/a.webp", "girls/1/profile/b.webp", "girls/1/background/c.webp"])
def test_a_characters_face_is_public(client, path):
    answer = client.get(f"/media/{path}")
    assert b"".join(answer.streaming_content) == b"bytes"
    assert answer["Content-Type"] == "image/webp"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Cache-Control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize(
    "path",
    [
        "girls/none.webp",
        "girls/a.svg",
        "girls/1/profile/b.html",
        "girls/1/media/d.webp",
        "girls/",
        "girls",
        "avatars/1/e.webp",
        "tmp/f.webp",
        "girls/../avatars/1/e.webp",
        "girls/%2e%2e/avatars/1/e.webp",
        "girls/1/profile/../media/d.webp",
        "girls/1/profile/..%2fmedia%2fd.webp",
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


def test_a_signed_address_shows_one_file_until_it_is_over(client, time_machine):
    time_machine.move_to(datetime(2026, 11, 26, 12, 0, 1, tzinfo=UTC))
    address = store().view_url("girls/1/media/d.webp", until=window_end())
    assert "girls" not in address
    assert store().view_url("girls/1/media/d.webp", until=window_end()) == address  # browsers can keep it
    answer = client.get(address)
    assert b"".join(answer.streaming_content) == b"bytes"
    assert "private" in answer["Cache-Control"]
    assert client.get(address[:-1] + ("a" if address[-1] != "a" else "b")).status_code == 403
    time_machine.move_to(datetime(2026, 11, 26, 12, 5, 0, tzinfo=UTC))
    assert client.get(address).status_code == 403


def test_an_address_is_good_for_at_least_half_of_five_minutes(time_machine):
    for seconds in range(0, 300, 7):
        now = datetime(2026, 11, 26, 12, 0, 0, tzinfo=UTC) + timedelta(seconds=seconds)
        time_machine.move_to(now)
        assert timedelta(seconds=150) < window_end() - now <= timedelta(seconds=300)


@pytest.mark.parametrize(
    ("asked", "status", "first", "last"),
    [
        (None, 200, 0, 511_999),
        ("bytes=0-", 206, 0, 511_999),
        ("bytes=0-0", 206, 0, 0),
        ("bytes=100-300000", 206, 100, 300_000),
        ("bytes=511999-", 206, 511_999, 511_999),
        ("bytes=500000-9999999999", 206, 500_000, 511_999),
        ("bytes=-1000", 206, 511_000, 511_999),
        ("bytes=-9999999", 206, 0, 511_999),
        ("bytes=0-1,5-9", 200, 0, 511_999),
        ("bytes=a-b", 200, 0, 511_999),
        ("bytes=-", 200, 0, 511_999),
        ("lines=1-2", 200, 0, 511_999),
    ],
)
def test_a_film_is_sent_in_the_parts_that_a_browser_asks_for(client, asked, status, first, last):
    address = store().view_url("girls/1/media/film.mp4", until=window_end())
    answer = client.get(address, headers={"Range": asked} if asked else {})
    assert answer.status_code == status
    assert b"".join(answer.streaming_content) == FILM[first : last + 1]
    assert answer["Content-Length"] == str(last - first + 1)
    assert answer["Accept-Ranges"] == "bytes"
    if status == 206:
        assert answer["Content-Range"] == f"bytes {first}-{last}/512000"


@pytest.mark.parametrize("asked", ["bytes=512000-", "bytes=9-3", "bytes=-0"])
def test_a_part_that_is_not_there(client, asked):
    answer = client.get(store().view_url("girls/1/media/film.mp4", until=window_end()), headers={"Range": asked})
    assert answer.status_code == 416
    assert answer["Content-Range"] == "bytes */512000"


def test_what_a_browser_has_is_not_sent_again(client):
    address = store().view_url("girls/1/media/film.mp4", until=window_end())
    tag = client.get(address)["ETag"]
    assert client.get(address, headers={"If-None-Match": tag}).status_code == 304
    other = client.get(address, headers={"Range": "bytes=0-9", "If-Range": '"other"'})
    assert other.status_code == 200
