"""What Dusk asks of whoever takes the money, in its own words. The shapes of a processor stay behind its door.

ProcessorError
├── ProcessorDown        it did not answer, or asked to be left alone: later it may
│   └── ProcessorBusy    it was not asked: as many requests as may are waiting for it
├── ProcessorRefused     it will not do this: asking again will not help
│   ├── NotForSale       not this product at this price: our list is wrong about it
│   └── NotServed        not for this key or account, whatever is asked: the operator's to mend
├── UnknownPayment       it knows no such payment
└── BadEvent             it did not send this, or not lately, or it makes no sense
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from config.lib.waiting import Bulkhead
from payments.models import Purchase

requests = Bulkhead(12)  # that wait for the processor, of the 32 that are at work in a process


class ProcessorError(Exception):
    """Something did not work at the processor's. The text is for logs and staff, not for members."""


class ProcessorDown(ProcessorError):
    """It did not answer in time, or not sensibly."""


class ProcessorBusy(ProcessorDown):
    """Too many wait for it already."""


class ProcessorRefused(ProcessorError):
    """It understood, and will not."""


class NotForSale(ProcessorRefused):
    """It will not sell this product at this price."""


class NotServed(ProcessorRefused):
    """It does nothing for whoever asks with this key, or for this account."""


class UnknownPayment(ProcessorError):
    """It has no payment of this id."""


class BadEvent(ProcessorError):
    """Not an event of the processor's."""


@dataclass(frozen=True)
class Offer:
    """A product as the processor describes it, sellable or not. Empty is what it does not say."""

    product_id: str
    name: str
    description: str = ""
    features: list[str] = field(default_factory=list)
    metadata: Mapping[str, str] = field(default_factory=dict)
    price_id: str = ""
    price_active: bool = False
    one_time: bool = False
    amount: int | None = None
    currency: str = ""


@dataclass(frozen=True)
class Started:
    """A checkout page that waits to be paid."""

    session_id: str
    url: str


class State(StrEnum):
    """How far a payment has come."""

    OPEN = "open"
    PENDING = "pending"
    PAID = "paid"
    FAILED = "failed"
    EXPIRED = "expired"


@dataclass(frozen=True)
class Payment:
    """All that the processor says about one checkout at this moment. Amounts are in the smallest unit."""

    session_id: str
    state: State
    url: str
    livemode: bool
    mode: str
    reference: str
    metadata: Mapping[str, str]
    prices: tuple[tuple[str, int], ...]  # (price id, quantity)
    currency: str
    subtotal: int
    total: int
    discount: int
    tax: int
    payment_intent_id: str
    amount_refunded: int
    is_refunded: bool  # wholly
    is_disputed: bool  # and not won
    method: str
    receipt_url: str
    snapshot: dict[str, Any]


@dataclass(frozen=True)
class Event:
    """News from the processor: a hint to look, never the truth. One of the ids says at what."""

    id: str
    type: str
    livemode: bool
    session_id: str
    payment_intent_id: str


class Processor(Protocol):
    """Takes money. A module can be one. All but `verify_event` may call the network: never in a transaction."""

    def is_live(self) -> bool:
        """Whether the money is real."""

    def list_offers(self) -> list[Offer]:
        """Every product it has active. Raises ProcessorDown, ProcessorRefused."""

    def start(self, purchase: Purchase, *, email: str, success_url: str, cancel_url: str) -> Started:
        """A page to pay this purchase at; for the same purchase the same page.

        Raises ProcessorDown, ProcessorRefused, NotForSale. An address that it does not take is left out.

        It sends people back to `success_url` with `session_id` in the query.
        """

    def look_up(self, session_id: str) -> Payment:
        """How a payment stands now. Raises ProcessorDown, ProcessorRefused, UnknownPayment."""

    def find_session(self, payment_intent_id: str) -> str:
        """Which checkout a payment was made at; empty if none. Raises ProcessorDown, ProcessorRefused."""

    def verify_event(self, body: bytes, headers: Mapping[str, str]) -> Event | None:
        """What the bytes say, once it is proven who sent them; None for news we do not need. Raises BadEvent."""
