"""What replies cost: by the operator's prices, and nothing is said where there are none."""

from decimal import Decimal

import pytest

from chat import prices

HOSTS = {
    "primary": {"input": 2.0, "cached": 0.5, "output": 10.0},
    "fallback": {"input": 1.0, "cached": 0.0, "output": 0.0},
}


@pytest.fixture(autouse=True)
def _priced(settings):
    settings.LLM_PRICES = HOSTS


@pytest.mark.parametrize(
    ("provider", "tokens", "dollars"),
    [
        ("primary", (1_000_000, None, 0), "2"),
        ("primary", (1_000_000, 400_000, 100_000), "2.4"),  # 0.6 × 2 + 0.4 × 0.5 + 0.1 × 10
        ("primary", (100, 900, 0), "0.00005"),  # a host that claims more of its cache than it was sent
        ("primary", (None, None, 100_000), "1"),
        ("fallback", (1_000_000, 400_000, 5), "1"),  # its cache has no price of its own
        ("primary", (0, 0, 0), "0"),
    ],
)
def test_a_reply_costs_what_its_tokens_do(provider, tokens, dollars):
    assert prices.cost(provider, *tokens) == Decimal(dollars)


@pytest.mark.parametrize(
    ("provider", "tokens"), [("primary", (None, None, None)), ("scripted", (9, 0, 9)), ("", (9, 0, 9))]
)
def test_what_nobody_knows_costs_nothing_that_could_be_added(provider, tokens):
    assert prices.cost(provider, *tokens) is None


def test_without_prices_there_is_no_cost(settings):
    settings.LLM_PRICES = {name: {"input": 0.0, "cached": 0.3, "output": 0.0} for name in HOSTS}
    assert not prices.has_price("primary")
    assert prices.cost("primary", 9, 0, 9) is None
