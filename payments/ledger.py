"""The book of payments as bookkeepers want it: sums by month, and row by row for a spreadsheet.

Sums are of one currency each: currencies never add up.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import Coalesce, TruncMonth

from config.lib.database import give_back_connection
from payments import money
from payments.models import Purchase

PAGE = 1000  # rows of an export in memory at once
COLUMNS = (
    *("order", "began (UTC)", "paid (UTC)", "status", "product", "days", "currency", "price", "paid", "refunded"),
    *("method", "problem", "member number", "pseudonym", "checkout", "payment"),
)


@dataclass(frozen=True, slots=True)
class Sums:
    """What was sold in a month in a currency, and what became of that since. Amounts are in the smallest unit."""

    month: date | None  # None: of all months
    currency: str
    number: int
    sold: int
    refunded: int
    disputed: int

    @property
    def net(self) -> int:
        """What is left."""
        return self.sold - self.refunded - self.disputed

    @property
    def words(self) -> dict[str, str]:
        """The amounts as people read them."""
        amounts = {"sold": self.sold, "refunded": self.refunded, "disputed": self.disputed, "net": self.net}
        return {name: money.formatted(amount, self.currency) for name, amount in amounts.items()}


def by_month() -> list[Sums]:
    """Each month (UTC) in which something was paid, newest first; a refund counts where the sale was."""
    months = _sold().annotate(month=TruncMonth("paid_at")).values("month", "currency").order_by("-month", "currency")
    return [Sums(row["month"].date(), row["currency"], **_of(row)) for row in months.annotate(**SUMS)]


def altogether() -> list[Sums]:
    """The same of all months, for each currency."""
    currencies = _sold().values("currency").order_by("currency")
    return [Sums(None, row["currency"], **_of(row)) for row in currencies.annotate(**SUMS)]


_paid, _back = Coalesce(F("amount_total"), 0), F("amount_refunded")
SUMS = {
    "number": Count("pk"),
    "sold": Sum(_paid, default=0),
    "refunded": Sum(_back, default=0),
    "disputed": Sum(_paid - _back, filter=Q(status=Purchase.Status.DISPUTED), default=0),
}


def _sold() -> QuerySet[Purchase]:
    return Purchase.objects.filter(paid_at__isnull=False)


def _of(row: Mapping[str, Any]) -> dict[str, int]:
    return {name: row[name] for name in SUMS}


def lines(purchases: QuerySet[Purchase]) -> Iterator[list[Any]]:
    """These purchases, newest first, as rows of `COLUMNS`: a page at a time, so that memory stays as it is.

    Of the member only the number: name and address are Stripe's to keep and the console's to show.
    """
    rows = purchases.order_by("-created_at", "-pk").select_related(None).defer("snapshot", "features", "next_url")
    last: Purchase | None = None
    while True:
        page = rows
        if last is not None:
            before = Q(created_at__lt=last.created_at) | Q(pk__lt=last.pk)
            page = rows.filter(before, created_at__lte=last.created_at)
        found = list(page[:PAGE])
        give_back_connection()  # whoever reads them may be slow
        for last in found:
            yield _line(last)
        if len(found) < PAGE:
            return


def _line(row: Purchase) -> list[Any]:
    total = row.amount if row.amount_total is None else row.amount_total
    return [
        row.order,
        _time(row.created_at),
        _time(row.paid_at),
        row.get_status_display(),
        row.product_id,
        row.duration_days,
        row.currency.upper(),
        _number(row.amount, row.currency),
        _number(total if row.paid_at else 0, row.currency),
        _number(row.amount_refunded, row.currency),
        row.method,
        row.problem,
        row.user_id,
        row.pseudonym,
        row.session_id or "",
        row.payment_intent_id,
    ]


def _time(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment else ""


def _number(amount: int, currency: str) -> Decimal:
    return Decimal(amount).scaleb(-money.decimals(currency))
