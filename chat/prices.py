"""What the hosts' work costs, by the prices that the operator named."""

from decimal import Decimal

from django.conf import settings

PER = 1_000_000  # tokens, which prices are for


def has_price(provider: str) -> bool:
    """Whether the operator said what this host costs."""
    prices = settings.LLM_PRICES.get(provider, {})
    return bool(prices.get("input") or prices.get("output"))


def cost(provider: str, tokens_in: int | None, tokens_cached: int | None, tokens_out: int | None) -> Decimal | None:
    """US dollars for so many tokens at a host ("primary", "fallback"); None where no price is set, or nothing known.

    `tokens_cached` are those of `tokens_in` that the host had read before; without a price of their own they cost what
    others do.
    """
    if not has_price(provider) or (tokens_in is None and tokens_out is None):
        return None
    prices = {name: Decimal(str(price)) for name, price in settings.LLM_PRICES[provider].items()}
    read = tokens_in or 0
    cached = min(tokens_cached or 0, read)
    spent = (read - cached) * prices["input"] + cached * (prices["cached"] or prices["input"])
    return (spent + (tokens_out or 0) * prices["output"]) / PER
