"""Amounts of money in words, as the reader's language writes them.

Amounts are integers, as Stripe counts them (https://docs.stripe.com/currencies): in the smallest unit there is, or for
some currencies that have none any more, in hundredths that are always nought. HUF and TWD have hundredths when people
pay, and none only when Stripe pays out.
"""

from decimal import ROUND_HALF_UP, Decimal

from django.utils import formats
from django.utils.translation import get_language

WITHOUT_CENTS = frozenset(
    {
        *("BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA"),
        *("PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"),
    }
)
WITH_CENTS_OF_NOUGHT = frozenset({"ISK", "UGX"})
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
    """How many digits of an amount in this currency stand after the point."""
    code = currency.upper()
    return 0 if code in WITHOUT_CENTS else 3 if code in WITH_THOUSANDTHS else 2


def whole(amount: int, currency: str) -> int:
    """The amount itself, where it is one that can be paid; else the hundredfold of it."""
    return amount * 100 if currency.upper() in WITH_CENTS_OF_NOUGHT else amount


def formatted(amount: int, currency: str) -> str:
    """The amount as people read it: $29.99 in English, 29,99 € in German."""
    code = currency.upper()
    places = decimals(code)
    shown = 0 if code in WITH_CENTS_OF_NOUGHT else places
    value = Decimal(amount).scaleb(-places).quantize(Decimal(1).scaleb(-shown), ROUND_HALF_UP)
    number = formats.number_format(value, decimal_pos=shown, use_l10n=True, force_grouping=True)
    sign = SIGNS.get(code, code)
    if (get_language() or "en").startswith(("en", "ja", "zh", "ko")):
        return f"{sign}{'' if code in SIGNS else HARD_SPACE}{number}"
    return f"{number}{HARD_SPACE}{sign}"


def per_day(amount: int, days: int) -> int:
    """The amount for one day, rounded as one learns at school."""
    return int((Decimal(amount) / days).quantize(Decimal(1), ROUND_HALF_UP))
