"""Addresses in messages are links; whatever else looks like one is text."""

import html
import re

import pytest

from chat.rendering import to_html


def links(text):
    return re.findall(r'<a href="([^"]*)"', to_html(text))


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("See https://example.com", "https://example.com"),
        ("https://example.com/a/b?c=d&e=f#g", "https://example.com/a/b?c=d&amp;e=f#g"),
        ("Look (https://example.com/a), it is good.", "https://example.com/a"),
        ("https://en.wikipedia.org/wiki/Dusk_(disambiguation)", "https://en.wikipedia.org/wiki/Dusk_(disambiguation)"),
        ('He said "https://example.com/a".', "https://example.com/a"),
        ("<https://example.com/a>", "https://example.com/a"),
        ("*https://example.com/a_b_c*", "https://example.com/a_b_c"),
        ("去看 https://example.com/路 。", "https://example.com/路"),
        ("看https://example.com/a，很好", "https://example.com/a"),
        ("xhttps://example.com", None),
        ("看 https://example.com/a，很好", "https://example.com/a"),
        ("HTTPS://EXAMPLE.COM", "HTTPS://EXAMPLE.COM"),
        ("http://192.168.1.5:8000/chat/", "http://192.168.1.5:8000/chat/"),
        ("http://[::1]:8000/", "http://[::1]:8000/"),
        ("https://example.com/?q=a&", "https://example.com/?q=a"),
        ("https://example.com/it's", "https://example.com/it"),
        ("https://example.com...", "https://example.com"),
        ("https://münchen.example/ß", "https://münchen.example/ß"),
    ],
)
def test_an_address_is_a_link_to_just_that(text, address):
    found = links(text)
    assert found == ([address] if address else [])
    if address:
        assert f">{address}</a>" in to_html(text)
        assert 'rel="noopener nofollow ugc" target="_blank"' in to_html(text)
    shown = html.unescape(re.sub(r"<[^>]*>", "", to_html(text)))
    assert shown == text.replace("*", "")  # nothing is lost


@pytest.mark.parametrize(
    "text",
    [
        "javascript:alert(1)",
        "javascript://example.com/%0aalert(1)",
        "data:text/html,<script>alert(1)</script>",
        "ftp://example.com",
        "//example.com",
        "example.com",
        "https://",
        "https:///etc/passwd",
        "https://?q",
        "https://bank.example@evil.example/",
        "https://\u202egpj.exe",
        "[click](javascript:alert(1))",
    ],
)
def test_what_leads_elsewhere_is_text(text):
    assert "<a" not in to_html(text)


@pytest.mark.parametrize(
    "text",
    [
        'https://example.com/"onmouseover="alert(1)',
        "https://example.com/'onmouseover='alert(1)",
        "https://example.com/<img src=x onerror=alert(1)>",
        'https://example.com/*" style="x*',
        "https://example.com/&quot;onclick=alert(1)",
        "https://example.com/\u200bx onclick=alert(1)",
    ],
)
def test_no_address_gets_out_of_its_attribute(text):
    tags = re.findall(r"<[^>]*>", to_html(text))
    ours = r'<p dir="auto">|</p>|</?(?:em|strong)>|<br>|</a>'
    ours += r'|<a href="https://[^"<>\s]*" rel="noopener nofollow ugc" target="_blank">'
    assert all(re.fullmatch(ours, tag) for tag in tags), tags


def test_a_text_of_nothing_but_addresses_is_as_quick_as_any():
    text = "https://" + "a." * 900 + ")" * 90
    assert len(to_html(text)) < 10_000
