"""Amounts read the way their currency and the reader's language write them."""

import pytest
from django.utils import translation

from payments import money

# Those of Stripe's list that have no sign of their own here.
WITHOUT = ("bif", "clp", "djf", "gnf", "kmf", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf")


@pytest.mark.parametrize(
    ("amount", "currency", "language", "text"),
    [
        (2999, "usd", "en", "$29.99"),
        (2900, "usd", "en", "$29.00"),
        (0, "usd", "en", "$0.00"),
        (5, "gbp", "en", "£0.05"),
        (123456789, "usd", "en", "$1,234,567.89"),
        (2999, "eur", "de", "29,99 €"),
        (123456, "eur", "de", "1.234,56 €"),
        (3000, "jpy", "en", "¥3,000"),
        (2999, "kwd", "en", "KWD 2.999"),
        (2999, "sek", "sv", "29,99 SEK"),
        # Stripe's special ones: in hundredths that are always nought, without any, and in thousandths.
        (3800000, "ugx", "en", "UGX 38,000"),
        (126667, "ugx", "en", "UGX 1,267"),
        (50000, "isk", "en", "ISK 500"),
        (50000, "isk", "de", "500 ISK"),
        (299000, "huf", "en", "HUF 2,990.00"),
        (30050, "twd", "en", "TWD 300.50"),
        *((1234567, code, "en", f"{code.upper()} 1,234,567") for code in WITHOUT),
        *((1234560, code, "en", f"{code.upper()} 1,234.560") for code in ("bhd", "jod", "omr", "tnd")),
    ],
)
def test_it_reads_as_people_write_it(amount, currency, language, text):
    with translation.override(language):
        assert money.formatted(amount, currency).replace("\u00a0", " ") == text


@pytest.mark.parametrize(("amount", "days", "a_day"), [(999, 7, 143), (2999, 30, 100), (6999, 90, 78), (5, 10, 1)])
def test_a_price_for_each_day_is_rounded(amount, days, a_day):
    assert money.per_day(amount, days) == a_day
