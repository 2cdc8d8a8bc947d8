"""What mails say and how they look: one source, our words for every one there is, and nobody else's words in ours."""

import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import allauth
import pytest
from django.conf import settings
from django.template import engines

from accounts import letters
from tests.factories import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.embedded]

PACKAGE = Path(allauth.__file__).parent / "templates"
OURS = settings.BASE_DIR / "templates"
FIREFOX = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:130.0) Gecko/20100101 Firefox/130.0"
HOSTILE = [
    "http://evil.example",
    "evil.example",
    "x@evil.example",
    "<img/src=x>",
    "a\n\nPay:\nhttp://evil.example/",
    "{{ site_url }}",
    "www․evil․example",  # dots that only look like ones
    "\u202eelpmaxe.live",
    "&lt;b&gt;",
]


def names_of_templates():
    """Every mail there is: allauth's, all but what they extend, and our own."""
    theirs = {
        str(path.relative_to(PACKAGE)).removesuffix("_message.txt")
        for path in PACKAGE.glob("*/email/*_message.txt")
        if not path.name.startswith("base_")
    }
    more = {
        str(path.relative_to(OURS)).removesuffix("_message.txt")
        for path in OURS.glob("*/email/*_message.txt")
        if not path.name.startswith("base_")
    }
    return sorted(theirs | more | {path.name.removesuffix(".body.txt") for path in OURS.glob("emails/*.body.txt")})


def context(**more):
    """What any of them may be given."""
    site = settings.SITE_URL
    return {
        "user": UserFactory.build(name="Robin Berg", premium_until=datetime(2026, 12, 24, tzinfo=UTC)),
        "code": "7QK2",
        "user_agent": FIREFOX,
        "ip": "203.0.113.9",
        "timestamp": datetime(2026, 11, 27, 0, 31, tzinfo=UTC),
        "password_reset_url": f"{site}/accounts/password/reset/",
        "signup_url": f"{site}/accounts/signup/",
        "activate_url": f"{site}/accounts/confirm-email/x/",
        "purchase": {"title": "30 days premium", "price": "$29.99", "order": "DSK-1"},
        "provider": "Google",
        "codes_left": 3,
        "at": datetime(2026, 12, 11, tzinfo=UTC),
        "days": 7,
        "name": "Robin",
        **more,
    }


class Look(HTMLParser):
    """The parts of an HTML that matter here."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.links, self.words = [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in ("href", "src", "background", "action")]

    def handle_data(self, data):
        self.words.append(data)


@pytest.mark.parametrize("template", names_of_templates())
def test_every_mail_is_in_our_words_and_looks_like_the_site(template):
    source = f"{template}_message.txt" if "/" in template else f"emails/{template}.body.txt"
    assert Path(engines["django"].get_template(source).origin.name).is_relative_to(OURS)
    subject = f"{template}_subject.txt" if "/" in template else f"emails/{template}.subject.txt"
    assert Path(engines["django"].get_template(subject).origin.name).is_relative_to(OURS)
    letter = letters.write(template, context())
    assert letter.text.startswith("Hello")
    assert letter.text.endswith(f"\n\n{settings.SITE_NAME}\n{settings.SITE_URL}/")
    assert "\n\n\n" not in letter.text
    assert 0 < len(letter.subject) <= 60
    assert "203.0.113.9" not in letter.text + letter.html
    assert "'" not in letter.text
    look = Look(letter.html)
    assert not {"img", "script", "link", "form", "iframe", "object"} & set(look.tags)
    assert all(link.startswith(f"{settings.SITE_URL}/") for link in look.links)
    assert set(re.findall(r"https?://\S+", letter.text)) <= set(look.links)  # none can only be read
    words = " ".join(" ".join(look.words).split())
    for line in letter.text.splitlines()[1:-2]:
        if line and settings.SITE_URL not in line:
            assert " ".join(line.removesuffix(":").split()) in words or line.endswith(":")
    assert letters.title(template)
    assert "7QK2" not in letters.title(template)


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("template", names_of_templates())
def test_what_somebody_calls_themselves_is_never_markup_or_a_link(template, name):
    user = UserFactory.build(username="robin", name=name)
    user.premium_until = None
    letter = letters.write(template, context(user=user, user_agent=f"{name} Firefox/130.0", name=letters.plain(name)))
    for text in (letter.subject, letter.text, letter.html):
        assert "evil" not in text
        assert "elpmaxe" not in text
    assert "img/src" not in letter.html
    assert "\n" not in letter.subject


@pytest.mark.parametrize("name", ["Robin", "Søren", "Zoë", "O’Brien", "Anne-Marie", "நிலா", "علی‌رضا", "愛", "x_1"])
def test_a_name_in_any_script_is_said(name):
    letter = letters.write("account/email/password_changed", {"user": UserFactory.build(name=name)})
    assert letter.text.startswith(f"Hello {name},\n")


def test_a_change_is_told_with_when_and_where():
    letter = letters.write("account/email/password_changed", context())
    assert "When: 27 November 2026, 00:31 UTC\nWhere: Firefox on macOS\n" in letter.text


def test_a_code_stands_by_itself_and_a_link_is_a_button():
    letter = letters.write("account/email/login_code", context())
    assert "\n\n7QK2\n\n" in letter.text
    assert re.search(r'class="code[^>]*>7QK2</td>', letter.html)
    letter = letters.write("account/email/password_changed", context())
    assert f'href="{settings.SITE_URL}/accounts/password/reset/"' in letter.html


def test_what_a_text_says_becomes_a_link_only_to_this_site():
    page = {"title": "x", "price": "y", "order": "z:\nhttps://evil.example/"}
    assert "evil" not in Look(letters.write("premium_on", context(purchase=page)).html).links


def test_a_mail_is_as_long_as_it_likes_in_a_subject_that_is_not(settings):
    settings.SITE_NAME = "Nightfall " * 40
    assert len(letters.write("account/email/login_code", context(code="7" * 500)).subject) <= letters.SUBJECT_LENGTH


def test_whoever_did_not_ask_for_a_code_reads_what_did():
    letter = letters.write("account/email/password_reset_code", context())
    assert "\n\nIt was asked for by Firefox on macOS.\n\n" in letter.text
    letter = letters.write("account/email/password_reset_code", context(user_agent="nothing that is known"))
    assert "asked for by" not in letter.text
