"""What an EMAIL_URL means, and what is said of one that means nothing."""

import pytest

from config.lib.mailservers import MailServer, read


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("", MailServer()),
        ("smtp://127.0.0.1", MailServer("127.0.0.1", 25)),
        ("smtp+tls://mail.example", MailServer("mail.example", 587, starttls=True)),
        ("smtp+ssl://mail.example", MailServer("mail.example", 465, tls=True)),
        ("smtps://mail.example", MailServer("mail.example", 465, tls=True)),
        ("smtps://mail.example:587", MailServer("mail.example", 587, starttls=True)),
        ("smtp+ssl://mail.example:587", MailServer("mail.example", 587, tls=True)),
        (" smtp+tls://u%40x:p%2F%23w@[::1]:2525/ ", MailServer("::1", 2525, "u@x", "p/#w", starttls=True)),
    ],
)
def test_it_is_read_as_it_was_meant(url, server):
    assert read(url) == server


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mail.example:587", "not with smtp"),
        ("https://mail.example", "begins with https"),
        ("smtp+tls://", "names no host"),
        ("smtp+tls://mail.example:smtp", "port is no number"),
        ("smtp+tls://u:p#w@mail.example", "%23"),
        ("smtp+tls://u:p/w@mail.example", "%2F"),
        ("smtp+tls://u:p?w@mail.example", "%3F"),
        ("smtp+tls://u@x:p@mail.example", "two @"),
        ("smtp+tls://user@mail.example", "no password"),
        ("smtp+tls://[::1", "host is none"),
    ],
)
def test_what_is_wrong_with_it_is_said(url, words):
    server = read(url)
    assert words in server.problem
    assert not server.host
