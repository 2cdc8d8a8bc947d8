"""Charts as geometry: what a template draws as SVG, without a script and without a style. Pure functions.

All places are in percent. A line is drawn in a box of 100 by 100 that is stretched to its place; bars and labels are
not, so round corners and letters keep their shape and size on a phone.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

SIDE = 100  # of the box of a line, so that its places are in percent, too
STEPS = 3  # on the scale at least, from nothing to the top
BAR, GAP = 0.6, 0.6  # of the room that each bar has; percent of the height between two parts of one
SUFFIXES = ((1_000_000_000, "bn"), (1_000_000, "M"), (1000, "k"))


@dataclass(frozen=True, slots=True)
class Tick:
    """A label of a scale, at so many percent from the left or from the top."""

    at: float
    label: str
    anchor: str = "middle"


@dataclass(frozen=True, slots=True)
class Line:
    """A line over the area below it, a dotted one beside it, a dot at its end; all as paths."""

    path: str
    area: str
    before: str
    dot: str
    ys: Sequence[Tick]
    xs: Sequence[Tick]


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a bar, in percent; `series` says whose."""

    x: float
    y: float
    width: float
    height: float
    series: int


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars of parts that stand on each other."""

    parts: Sequence[Part]
    ys: Sequence[Tick]
    xs: Sequence[Tick]


def compact(number: float) -> str:
    """A number in three digits at most: 950, 1.2k, 40k, 3M."""
    rounded = float(f"{number:.2e}")  # 999,600 is 1M, not 1000k
    for size, suffix in SUFFIXES:
        if abs(rounded) >= size:
            return f"{rounded / size:g}{suffix}"
    return f"{number:g}"


def scale(most: float) -> list[int]:
    """Round numbers from 0 to one that is no less than `most`: 1, 2 or 5 and noughts apart. Whole ones, of counts."""
    rough = max(1.0, most / STEPS)
    size = 10 ** math.floor(math.log10(rough))
    step = next(int(times * size) for times in (1, 2, 5, 10) if times * size >= rough * (1 - 1e-12))
    top = max(1, math.ceil(most / step))
    return [step * n for n in range(top + 1)]


def line(values: Sequence[int], before: Sequence[int], labels: Sequence[str], *, shown: int = 4) -> Line:
    """`values` one by one, from the left to the right edge, and `before` for comparison. `shown` labels below them."""
    ticks = scale(max([*values, *before], default=0))
    path, points = _path(values, ticks[-1])
    area = f"{path}L{SIDE} {SIDE}L0 {SIDE}Z" if path else ""
    dot = "M{} {}h0".format(*points[-1]) if points else ""
    return Line(path, area, _path(before, ticks[-1])[0], dot, _heights(ticks), _along(labels, shown))


def bars(stacks: Sequence[Sequence[int]], labels: Sequence[str], *, shown: int = 6) -> Bars:
    """One bar for each stack: its numbers one upon the other, in the order of the series."""
    ticks = scale(max((sum(stack) for stack in stacks), default=0))
    room = 100 / max(1, len(stacks))
    parts = []
    for place, stack in enumerate(stacks):
        top = 100.0
        for series, number in enumerate(stack):
            height = 100 * number / ticks[-1]
            top -= height
            if number:
                x, gap = (place + (1 - BAR) / 2) * room, min(GAP, height / 2)
                parts.append(Part(_two(x), _two(top), _two(room * BAR), _two(height - gap), series))
    every = max(1, math.ceil(len(labels) / shown))
    xs = [Tick(_two((n + 0.5) * room), label) for n, label in enumerate(labels) if n % every == 0]
    return Bars(parts, _heights(ticks), xs)


def share(number: float | Decimal, most: float | Decimal) -> float:
    """How long a bar is, in percent; what is there at all can be seen."""
    return max(1.0, _two(100 * float(number) / float(most))) if number and most else 0.0


def _path(values: Sequence[int], top: int) -> tuple[str, list[tuple[float, float]]]:
    """A single value is a level line: nothing is known of where it comes from."""
    levels = [_two(SIDE - SIDE * value / top) for value in values]
    if not levels:
        return "", []
    if len(levels) == 1:
        levels *= 2
    points = [(_two(SIDE * n / (len(levels) - 1)), level) for n, level in enumerate(levels)]
    return "M" + "L".join(f"{x} {y}" for x, y in points), points


def _heights(ticks: Sequence[int]) -> list[Tick]:
    return [Tick(_two(100 - 100 * tick / ticks[-1]), compact(tick)) for tick in reversed(ticks)]


def _along(labels: Sequence[str], shown: int) -> list[Tick]:
    last = len(labels) - 1
    if last < 1:
        return [Tick(0.0, label, "start") for label in labels]
    places = sorted({round(last * n / (shown - 1)) for n in range(shown)})
    anchors = {0: "start", last: "end"}
    return [Tick(_two(100 * n / last), labels[n], anchors.get(n, "middle")) for n in places]


def _two(number: float) -> float:
    return round(number, 2)
