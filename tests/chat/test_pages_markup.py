"""What the chat's pages promise before any script runs."""

import gzip
import json
import re
from datetime import UTC, datetime

import pytest
from django.utils import timezone

from chat.models import Conversation, Message
from tests.chat.conftest import work
from tests.factories import GirlFactory

pytestmark = pytest.mark.django_db(transaction=True)

SUM = "271828*31415"  # what comes of it stands nowhere by chance, as two digits do
HOSTILE = f"</script><script>alert(1)</script><img src=x onerror=alert(1)>{{{{{SUM}}}}}\"'&"


def page(client, url):
    response = client.get(url)
    assert response.status_code == 200
    return response.content.decode()


def state_of(html):
    found = re.search(r'<script id="chat-state" type="application/json">(.*?)</script>', html, re.S)
    assert found
    return json.loads(found[1])


def test_a_conversation_can_be_read_without_javascript(hands, client):
    hands.send("First line\nsecond *line*")
    work()
    html = page(client, hands.url)
    assert "First line<br>second <em>line</em>" in html.replace("<br />", "<br>").replace("<br>\n", "<br>")
    assert html.count('data-version="') == 3  # greeting, message, reply
    assert "Writing here needs JavaScript" in html


def test_what_anybody_says_is_inert(hands, client):
    hands.send(HOSTILE)
    html = page(client, hands.url)
    assert "<script>alert" not in html
    assert "<img src=x" not in html
    assert str(271828 * 31415) not in html
    assert state_of(html)["messages"][-1]["text"] == HOSTILE
    listed = page(client, "/chat/")
    assert "<script>alert" not in listed
    assert "<img src=x" not in listed


def test_what_a_row_shows_is_not_sent_again_for_the_script(hands, client):
    hands.send("Some *words*")
    said = state_of(page(client, hands.url))["messages"][-1]
    assert said["text"] == "Some *words*"
    assert not {"id", "html", "created_at"} & said.keys()


def test_a_hostile_name_is_inert(alice, client):
    girl = GirlFactory(name=HOSTILE[:60], is_active=True)
    client.force_login(alice)
    client.post(f"/girls/{girl.slug}/chat/")
    html = page(client, f"/chat/{Conversation.objects.get(girl=girl).pk}/")
    assert "<script>alert" not in html
    assert "<img src=x" not in html


def test_pages_keep_to_the_strict_policy(hands, client):
    for url in ("/chat/", hands.url):
        html = page(client, url)
        assert not re.search(r"<[^>]+\s(style|on[a-z]+)=", html)
        scripts = re.findall(r"<script(?![^>]*(?:\bsrc=|application/json))[^>]*>", html)
        assert scripts == []


def test_every_conversation_says_that_she_is_an_ai(hands, client, mara):
    html = page(client, hands.url)
    assert f"<bdi>{mara.name}</bdi> is an AI character, not a person. Replies are generated and can be wrong." in html
    assert "badge ai" in html


def test_messages_and_their_template_are_one_markup(hands, client):
    html = page(client, hands.url)
    shapes = [
        re.sub(r'\s(?:data-id|data-version|datetime)="[^"]*"|\s?(?:ai|user) first last', "", item)
        for item in re.findall(r'<li tabindex="-1" class="message.*?</li>', html, re.S)
    ]
    bare = [re.sub(r">[^<]*", ">", re.sub(r'</?(?:p|em|strong|br)(?: dir="auto")?>', "", shape)) for shape in shapes]
    assert len(bare) == 2  # the greeting, and the template
    assert bare[0] == bare[1]


def test_no_chats_yet_leads_to_the_characters(alice, client):
    client.force_login(alice)
    html = page(client, "/chat/")
    assert "No chats yet" in html
    assert "Explore characters" in html


@pytest.mark.parametrize(("left", "face"), [(10, "plenty"), (4, "plenty"), (3, "low"), (1, "low"), (0, "out")])
def test_what_is_left_shows_before_any_script(hands, client, left, face):
    Conversation.objects.update(free_text=left)
    html = page(client, hands.url)
    assert f'data-quota="{face}"' in html
    assert f"{left} free message{'' if left == 1 else 's'} left" in html


def test_a_conversation_of_fifty_messages_is_a_small_page(hands, client):
    for _ in range(25):
        Conversation.objects.update(free_text=10)
        hands.send("A message of a usual length, with a thought in it and a question at the end, is it not?")
        work()
    html = page(client, hands.url)
    assert html.count('data-version="') == 50
    assert len(gzip.compress(html.encode())) < 15_000


def test_times_are_shown_as_they_travel_and_as_people_read_them(hands, client):
    hands.send("Good evening")
    moment = datetime(timezone.now().year, 3, 1, 9, 5, 7, 123456, tzinfo=UTC)  # another year would be said
    Message.objects.update(created_at=moment)
    Conversation.objects.update(last_message_at=moment)
    html = page(client, hands.url)
    travels = f"{moment.year}-03-01T09:05:07.123456Z"
    assert html.count(f'<time datetime="{travels}">1 Mar, 09:05</time>') == 2
    assert f'<time datetime="{travels}" data-time>1 Mar</time>' in html
    assert state_of(html)["threads"][0]["last_message_at"] == travels


def test_a_line_of_the_site_says_when(hands, client):
    when = datetime(2026, 3, 1, 9, 5, 7, tzinfo=UTC)
    Message.objects.update(sender="site", kind="notice", created_at=when)
    assert '<time datetime="2026-03-01T09:05:07Z" hidden></time>' in page(client, hands.url)
