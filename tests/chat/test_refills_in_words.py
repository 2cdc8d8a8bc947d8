"""What the site says about free messages is what becomes of them: once, or filled up again by the calendar."""

from datetime import date

import pytest

from chat.models import Conversation
from config.context import refills

pytestmark = [pytest.mark.django_db(transaction=True)]
NEVER, DAILY, MONTHLY = ("They don’t refill.", "They fill up again at midnight UTC.", "They fill up again on 1 ")


@pytest.mark.parametrize(
    ("often", "talk_says", "plans_say"),
    [
        ("never", NEVER, "10 with each character, once"),
        ("daily", DAILY, "10 with each character, each day"),
        ("monthly", MONTHLY, "10 with each character, each month"),
    ],
)
def test_every_page_says_the_same(hands, client, settings, often, talk_says, plans_say):
    settings.QUOTA_RESET = often
    Conversation.objects.update(free_text=2)
    talk, plans, terms, account = (
        client.get(url).content.decode() for url in (hands.url, "/plans/", "/terms/", "/account/premium/")
    )
    assert talk_says in talk
    assert (NEVER in talk) == (often == "never")
    assert plans_say in plans
    assert ("they don’t refill" in terms) == (often == "never")
    assert ("some free messages, once" in account) == (often == "never")


@pytest.mark.parametrize(
    ("today", "when"),
    [
        (date(2026, 11, 27), "on 1 December"),
        (date(2026, 12, 31), "on 1 January"),
        (date(2026, 1, 31), "on 1 February"),
        (date(2028, 2, 29), "on 1 March"),
    ],
)
def test_the_next_month_begins_on_its_first(settings, today, when):
    settings.QUOTA_RESET = "monthly"
    assert refills(today)["when"] == when
