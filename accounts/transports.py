"""How a mail leaves the house: Resend, any mail server, or, while neither is set, a folder on this disk.

Each is a mail backend of Django's that also says how far it came. What matters is whether the mail was handed over:
before that, trying again is harmless; afterwards it may be sent twice, unless the other side knows it by its key.
"""

import os
import smtplib
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from email.utils import parseaddr
from pathlib import Path
from typing import Any
from uuid import UUID

import requests
from anymail.backends.resend import EmailBackend as AnymailResend
from anymail.backends.resend import ResendPayload
from anymail.exceptions import AnymailError, AnymailRequestsAPIError
from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.backends.smtp import EmailBackend as DjangoSmtp
from urllib3.exceptions import NewConnectionError

from accounts import mailbox

Mark = Callable[[], None]

FOR_GOOD = (400, 413, 422)  # Resend's: about this mail, so that the next try would be answered alike
START_MAIL = 354  # a mail server's: go on, let me have it
GOODBYE_SECONDS = 1.0  # for a mail server to answer a farewell; the mail is with it already


class NotSent(Exception):
    """It was refused, or nobody was there: nothing was handed over. `for_good`: the next try would be no better."""

    def __init__(self, why: str, *, for_good: bool = False) -> None:
        super().__init__(why)
        self.for_good = for_good


class Unclear(Exception):
    """It was handed over, and nobody said what became of it."""


class Transport(BaseEmailBackend):
    """Hands over one mail. `repeats`: for how long the same mail may be handed over again and still arrives once."""

    repeats = timedelta(0)

    def deliver(self, message: EmailMessage, key: UUID, mark: Mark) -> None:
        """Hand it over; `mark` is called just before. Raises NotSent, Unclear and whatever `mark` raises."""
        raise NotImplementedError

    def greet(self) -> str:
        """Whether a mail would be taken, without one: who would, in words. Raises NotSent."""
        raise NotImplementedError


def greet() -> str:
    """Ask whoever carries mails whether one would be taken. Raises NotSent."""
    connection = get_connection()
    return connection.greet() if isinstance(connection, Transport) else "whoever the settings name"


def repeats() -> timedelta:
    """For how long a mail may be handed over again."""
    connection = get_connection()
    return connection.repeats if isinstance(connection, Transport) else timedelta(0)


def deliver(message: EmailMessage, key: UUID, mark: Mark) -> None:
    """Hand over a mail by whatever is set. Raises NotSent, Unclear and whatever `mark` raises."""
    try:
        message.message()
    except (UnicodeError, ValueError) as error:  # a header that cannot be: an address, or a name, of two lines
        raise NotSent(_said(error), for_good=True) from error
    connection = get_connection()
    if isinstance(connection, Transport):
        connection.deliver(message, key, mark)
    else:  # one of Django's own, as in tests
        mark()
        connection.send_messages([message])


class Resend(Transport, AnymailResend):
    """Resend's API, which knows a mail by its Idempotency-Key for a day."""

    repeats = timedelta(hours=23)

    def build_message_payload(self, message: EmailMessage, defaults: Any) -> ResendPayload:
        """As anymail does, with the mail's key."""
        headers = {"Idempotency-Key": message.key}  # type: ignore[attr-defined]  # set below
        return ResendPayload(message, defaults, self, headers=headers)

    def deliver(self, message: EmailMessage, key: UUID, mark: Mark) -> None:
        """Post it."""
        message.key = str(key)  # type: ignore[attr-defined]
        for name in ("Date", "Message-ID"):  # Resend gives its own
            message.extra_headers.pop(name, None)
        mark()
        try:
            self.send_messages([message])
        except AnymailRequestsAPIError as error:
            if _nobody_was_there(error):
                raise NotSent(_said(error)) from error
            status = error.status_code or 0
            # 409 is Resend's answer while the same key is still at work, too.
            if 400 <= status < 500 and status != 409:
                raise NotSent(f"Resend answered {status}: {_reason(error)}", for_good=status in FOR_GOOD) from error
            raise Unclear(f"Resend answered {status}" if status else _said(error)) from error
        except AnymailError as error:  # it cannot be said in Resend's way
            raise NotSent(_said(error), for_good=True) from error

    def greet(self) -> str:
        """Ask for its list of domains, which a key for sending alone may not see."""
        key, url = settings.RESEND_API_KEY, f"{settings.RESEND_API_URL.rstrip('/')}/domains"
        domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2].lower()
        try:
            said = requests.get(url, headers={"Authorization": f"Bearer {key}"}, timeout=(5, 10))
            told = said.json()
        except (requests.RequestException, ValueError) as error:
            raise NotSent(_said(error)) from error
        if said.status_code != 200:
            if isinstance(told, dict) and told.get("name") == "restricted_api_key":
                return "Resend takes the key, which is for sending alone"
            why = told.get("message", "") if isinstance(told, dict) else ""
            raise NotSent(f"Resend answered {said.status_code}: {why}")
        rows = told.get("data") if isinstance(told, dict) else None
        verified = {row.get("name") for row in rows or () if isinstance(row, dict) and row.get("status") == "verified"}
        if domain not in verified:
            raise NotSent(f"{domain} is not verified at Resend", for_good=True)
        return f"Resend takes mails from {domain}"


class _Conversation(smtplib.SMTP):
    """Says when it comes to the mail itself: the other side answers 354 to nothing else."""

    before_mail: Mark

    def getreply(self) -> tuple[int, bytes]:
        reply = super().getreply()
        if reply[0] == START_MAIL:
            self.before_mail()
        return reply


class _SafeConversation(_Conversation, smtplib.SMTP_SSL):
    """The same, in TLS from the first byte on."""


class Smtp(Transport, DjangoSmtp):
    """Any mail server. It forgets what it was handed: the same mail twice is two mails."""

    connection: Any  # Django's, whose types do not know what is private
    _partial_connection: Any

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        """Conversations that say when it comes to the mail itself."""
        return _SafeConversation if self.use_ssl else _Conversation

    def deliver(self, message: EmailMessage, key: UUID, mark: Mark) -> None:
        """Speak with it; an answer to any word of ours is an answer."""
        is_marked = False

        def marking() -> None:
            nonlocal is_marked
            mark()
            is_marked = True

        try:
            self.open()
            self.connection.before_mail = marking
            self._send(message)  # type: ignore[attr-defined]  # Django's
        except smtplib.SMTPRecipientsRefused as refused:
            code, words = next(iter(refused.recipients.values()))
            raise NotSent(f"The mail server answered {code}: {_text(words)}", for_good=code >= 500) from refused
        except smtplib.SMTPResponseException as answer:
            for_good = isinstance(answer, smtplib.SMTPDataError) and answer.smtp_code >= 500
            why = f"The mail server answered {answer.smtp_code}: {_text(answer.smtp_error)}"
            raise NotSent(why, for_good=for_good) from answer
        except (OSError, smtplib.SMTPException) as error:
            raise (Unclear if is_marked else NotSent)(_said(error)) from error
        finally:
            self._part()

    def greet(self) -> str:
        """Come in, and leave."""
        try:
            self.open()
        except smtplib.SMTPResponseException as answer:
            raise NotSent(f"the mail server answered {answer.smtp_code}: {_text(answer.smtp_error)}") from answer
        except (OSError, smtplib.SMTPException) as error:
            raise NotSent(_said(error)) from error
        finally:
            self._part()
        return f"{self.host} let us in"

    def _part(self) -> None:
        """Say goodbye. Whatever comes of that, the mail is where it is."""
        conversation = self.connection or self._partial_connection
        self.connection = self._partial_connection = None
        if conversation is not None:
            with suppress(OSError, smtplib.SMTPException):
                if conversation.sock is not None:
                    conversation.sock.settimeout(GOODBYE_SECONDS)
                conversation.quit()
            conversation.close()


class Disk(Transport):
    """The local twin: each mail is a file that bears its key, and a word on the console."""

    repeats = timedelta.max

    def deliver(self, message: EmailMessage, key: UUID, mark: Mark) -> None:
        """Keep it, and say so."""
        mark()
        try:
            mailbox.keep(key, message.message().as_bytes())
        except OSError as error:
            raise NotSent(_said(error)) from error
        # What mails say is nobody's to read in the log of a server.
        words = f"\n{message.body}\n" if settings.DEBUG else ""
        text = f"--- A mail to {', '.join(message.to)}: {message.subject}\n{words}--- kept as {mailbox.path(key)}\n"
        with suppress(OSError, ValueError):  # a console that is gone or speaks no Unicode
            sys.stdout.write(text)
            sys.stdout.flush()

    def greet(self) -> str:
        """Whether there is room for one."""
        folder = Path(settings.MAIL_ROOT)
        there = next(path for path in (folder, *folder.parents) if path.exists())
        if not os.access(there, os.W_OK):
            raise NotSent(f"{there} cannot be written to")
        return "not set up: mails are kept on this disk"


def _said(error: Exception) -> str:
    """In one line, and without what the mail says."""
    return f"{type(error).__name__}: {error}".splitlines()[0]


def _nobody_was_there(error: AnymailRequestsAPIError) -> bool:
    cause = error.__cause__
    why = getattr(cause.args[0], "reason", None) if cause and cause.args else None
    return isinstance(cause, requests.ConnectTimeout) or isinstance(why, NewConnectionError)


def _reason(error: AnymailRequestsAPIError) -> str:
    """What Resend gave as its reason."""
    try:
        return str(error.response.json()["message"])
    except (AttributeError, LookupError, TypeError, ValueError):
        return "no reason given"


def _text(words: bytes | str) -> str:
    return words.decode(errors="replace") if isinstance(words, bytes) else words
