"""What a crisis card shows below its words: ways to people, from the table as it stands now."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from typing_extensions import TypedDict

from chat.models import Message
from safety import helplines
from safety.helplines import Help, Line

MOST = 3  # of a kind: whoever is in need shall not have to choose among ten; all of them are on /safety/
CARDS = (Message.Notice.HELP, Message.Notice.HELD)


class WayShape(TypedDict):
    """A way to people: what it is, and where it leads when it is tapped."""

    kind: str  # call, text, chat or web
    title: str
    about: str
    url: str


class HelpShape(TypedDict):
    title: str
    ways: list[WayShape]
    danger: str  # what to do at once, and behind it the number, if one is known
    number: str
    url: str


def help_of(message: Message) -> HelpShape | None:
    """The ways of a card, in the country that it was written for; None for other lines."""
    return card(helplines.for_country(message.country)) if message.notice in CARDS else None


def card(there: Help) -> HelpShape:
    """The same of a country's help. Numbers come from the table, and from nowhere else."""
    lines = (*there.lines, *there.texts)
    calls, texts, chats = (_ways(lines, kind) for kind in ("call", "text", "chat"))
    others: WayShape = {
        "kind": "web",
        "title": "Help in another country" if there.country else "Help in your country",
        "about": urlsplit(there.others_url).netloc,
        "url": there.others_url,
    }
    emergency = next((line for line in there.emergency if line.tel), None)
    return {
        "title": "You don’t have to carry this alone",
        "ways": [*calls, *texts, *chats, others],
        "danger": "In immediate danger, call" if emergency else "In immediate danger, call your local emergency number",
        "number": emergency.display or emergency.tel if emergency else "",
        "url": emergency.call if emergency else "",
    }


def _ways(lines: tuple[Line, ...], kind: str) -> list[WayShape]:
    return [way for line in lines for way in _way(line, kind)][:MOST]


def _way(line: Line, kind: str) -> Iterator[WayShape]:
    about = ", ".join(filter(None, (line.name, line.for_whom, line.hours)))
    if kind == "call" and line.call:
        yield {"kind": kind, "title": f"Call {line.display or line.tel}", "about": about, "url": line.call}
    if kind == "text" and line.text:
        word = f"{line.sms_word} to " if line.sms_word else ""
        words = about if not line.call else "If talking feels like too much"
        yield {"kind": kind, "title": f"Text {word}{line.sms}", "about": words, "url": line.text}
    if kind == "chat" and line.chat_url:
        yield {
            "kind": kind,
            "title": f"Chat with {line.name}",
            "about": urlsplit(line.chat_url).netloc,
            "url": line.chat_url,
        }
