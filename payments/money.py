"""Amounts of money in words, as the reader's language writes them. Amounts are integers in the smallest unit."""

from decimal import ROUND_HALF_UP, Decimal

from django.utils import formats
from django.utils.translation import get_language

WITHOUT_CENTS = frozenset(
    {
        *("BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA"),
        *("PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"),
    }
)
WITH_THOUSANDTHS = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})
SIGNS = {
    "USD": "$",
    "EUR": "€",
    "GBP": "£",
    "JPY": "¥",
    "AUD": "A$",
    "CAD": "CA$",
    "NZD": "NZ$",
    "INR": "₹",
    "KRW": "₩",
}
HARD_SPACE = "\u00a0"  # does not break


def decimals(currency: str) -> int:
    """How many digits this currency has after the point."""
    code = currency.upper()
    return 0 if code in WITHOUT_CENTS else 3 if code in WITH_THOUSANDTHS else 2


def formatted(amount: int, currency: str) -> str:
    """The amount as people read it: $29.99 in English, 29,99 € in German."""
    places = decimals(currency)
    value = Decimal(amount).scaleb(-places)
    number = formats.number_format(value, decimal_pos=places, use_l10n=True, force_grouping=True)
    code = currency.upper()
    sign = SIGNS.get(code, code)
    if (get_language() or "en").startswith(("en", "ja", "zh", "ko")):
        return f"{sign}{'' if code in SIGNS else HARD_SPACE}{number}"
    return f"{number}{HARD_SPACE}{sign}"


def per_day(amount: int, days: int) -> int:
    """The amount for one day, rounded as one learns at school."""
    return int((Decimal(amount) / days).quantize(Decimal(1), ROUND_HALF_UP))
