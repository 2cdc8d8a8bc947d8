"""Times as histograms: those of single days add up to that of any range, and tell its percentiles.

Bucket n holds times from BASE^n to BASE^(n+1) milliseconds. A percentile is the middle of its bucket, so it is off by
2.5 % at most, however many days are put together.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping

BASE = 1.05
LOG_BASE = math.log(BASE)

Histogram = Mapping[str, int]  # how many, by the number of the bucket, as JSON spells it


def together(histograms: Iterable[Histogram]) -> Counter[int]:
    """The histogram of all of them."""
    sums: Counter[int] = Counter()
    for histogram in histograms:
        for bucket, count in histogram.items():
            sums[int(bucket)] += count
    return sums


def percentile(histogram: Mapping[int, int], share: float) -> float | None:
    """The milliseconds that this share of them (0 to 1) took at most; None of nothing."""
    count = sum(histogram.values())
    if not count:
        return None
    left = max(1, math.ceil(count * share))
    for bucket in sorted(histogram):
        left -= histogram[bucket]
        if left <= 0:
            return float(BASE ** (bucket + 0.5))
    raise AssertionError("a share is not more than all")
