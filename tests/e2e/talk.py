"""A conversation as a person has it: an open page, what is on it, and what one does there."""

from typing import Self

from playwright.sync_api import Locator, Page, expect

from accounts.models import User
from chat.models import Conversation
from girls.models import Girl
from tests.factories import ConversationFactory, MessageFactory


def conversation_with(slug: str, member: User, *, messages: int = 0, **fields: object) -> Conversation:
    """A conversation that has begun, all of it read: her greeting, then so many messages, each third the member's."""
    girl = Girl.objects.get(slug=slug)
    conversation = ConversationFactory(user=member, girl=girl, **fields)
    MessageFactory(conversation=conversation, text=girl.greeting, hers=True)
    for number in range(1, messages + 1):
        MessageFactory(conversation=conversation, text=f"Message number {number}.", hers=number % 3 > 0)
    read_up_to(conversation, messages + 1)
    return conversation


def read_up_to(conversation: Conversation, seq: int) -> None:
    """As if the member had read so far."""
    Conversation.objects.filter(pk=conversation.pk).update(last_read_seq=seq)
    conversation.refresh_from_db()


def wait_until_alive(page: Page) -> None:
    """A conversation is there before its scripts are; until then Enter is a new line."""
    expect(page.locator(".log.ready")).to_be_attached()


class Talk:
    """One tab that shows a conversation."""

    def __init__(self, page: Page, conversation: Conversation) -> None:
        self.page = page
        self.conversation = conversation
        self.input = page.locator("#chat-text")
        self.button = page.locator("[data-send]")
        self.log = page.get_by_role("log")
        self.messages = page.locator(".message[data-id]")
        self.last = self.messages.last.locator(".bubble")
        self.unsent = page.locator(".message.unsent")
        self.reply = page.locator(".reply [data-text]")
        self.pill = page.get_by_role("button", name="New messages")
        self.row = page.locator(f"[data-thread='{conversation.pk}']")
        self.left = page.locator(".foot [data-left]")

    def open(self) -> Self:
        """Go there, and wait until it is alive."""
        self.page.goto(f"/chat/{self.conversation.pk}/")
        return self.ready()

    def ready(self) -> Self:
        wait_until_alive(self.page)
        return self

    def tab(self) -> "Talk":
        """The same conversation in another tab of the same browser."""
        return Talk(self.page.context.new_page(), self.conversation).open()

    def send(self, text: str) -> None:
        """Write it and send it."""
        self.input.fill(text)
        self.button.click()

    def said(self) -> list[str]:
        """The messages, as the page shows them."""
        return self.messages.locator(".bubble").all_inner_texts()

    def expect_to_show_what_is_recorded(self) -> None:
        """Nothing more, nothing less, in the same order; and nothing on its way."""
        rows = list(self.conversation.messages.order_by("seq").values_list("id", "text"))
        expect(self.page.locator(".reply")).to_have_count(0)
        expect(self.unsent).to_have_count(0)
        expect(self.messages).to_have_count(len(rows))
        shown = self.messages.evaluate_all("all => all.map(m => [m.dataset.id, m.querySelector('.bubble').innerText])")
        assert shown == [[str(pk), text] for pk, text in rows]

    def below(self) -> float:
        """Pixels of the conversation below what is in view."""
        return self.log.evaluate("log => log.scrollHeight - log.clientHeight - log.scrollTop")

    def scroll_up(self, pixels: int) -> None:
        """Turn the wheel over the messages."""
        self.log.hover()
        self.page.mouse.wheel(0, -pixels)

    def voice(self) -> Locator:
        """What a screen reader is told."""
        return self.page.locator("[data-voice]")
