"""Charts are geometry that follows from numbers, whatever these are."""

import math
import re
from itertools import pairwise

import pytest

from staff import charts


def points(path):
    return [tuple(map(float, pair.split())) for pair in path.removeprefix("M").split("L") if pair]


@pytest.mark.parametrize(
    ("most", "ticks"),
    [
        (0, [0, 1]),
        (1, [0, 1]),
        (2, [0, 1, 2]),
        (3, [0, 1, 2, 3]),
        (4, [0, 2, 4]),
        (7, [0, 5, 10]),
        (4967, [0, 2000, 4000, 6000]),
        (6000, [0, 2000, 4000, 6000]),
        (6001, [0, 5000, 10_000]),
        (104, [0, 50, 100, 150]),
        (10**15 + 1, [0, 5 * 10**14, 10**15, 15 * 10**14]),
    ],
)
def test_a_scale_has_round_numbers_from_nothing_to_the_highest(most, ticks):
    assert charts.scale(most) == ticks


@pytest.mark.parametrize("most", [*range(1, 300), *(round(1.37**n) for n in range(120))])
def test_every_scale_holds_what_it_is_for_in_few_steps(most):
    ticks = charts.scale(most)
    assert ticks[-1] >= most > ticks[-2]
    assert 2 <= len(ticks) <= charts.STEPS + 1
    assert len({b - a for a, b in pairwise(ticks)}) == 1


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        *(
            (0, "0"),
            (950, "950"),
            (1000, "1k"),
            (1250, "1.25k"),
            (40_000, "40k"),
            (200_000, "200k"),
            (825_630, "826k"),
            (999_600, "1M"),
        ),
        *((3_000_000, "3M"), (19_103_400, "19.1M"), (2 * 10**9, "2bn"), (-1500, "-1.5k")),
    ],
)
def test_numbers_of_scales_are_short(number, shown):
    assert charts.compact(number) == shown


def test_a_line_goes_from_edge_to_edge_and_ends_in_a_dot():
    chart = charts.line([0, 10, 5], [2, 2, 2], ["1 May", "2 May", "3 May"], shown=3)
    assert points(chart.path) == [(0, 100), (50, 0), (100, 50)]  # ten is the top of the scale
    assert points(chart.before) == [(0, 80), (50, 80), (100, 80)]
    assert chart.dot == "M100.0 50.0h0"
    assert chart.area.startswith(chart.path)
    assert [(tick.at, tick.label) for tick in chart.ys] == [(0, "10"), (50, "5"), (100, "0")]
    assert [(t.at, t.label, t.anchor) for t in chart.xs] == [
        (0, "1 May", "start"),
        (50, "2 May", "middle"),
        (100, "3 May", "end"),
    ]


@pytest.mark.parametrize("values", [[0, 0, 0], [7, 7, 7], [10**12, 1], [1]])
def test_all_alike_nothing_huge_or_alone_is_drawn_inside_the_box(values):
    chart = charts.line(values, [], [str(n) for n in range(len(values))])
    drawn = points(chart.path)
    assert len(drawn) == max(2, len(values))
    assert all(0 <= x <= 100 and 0 <= y <= 100 for x, y in drawn)
    assert all(math.isfinite(number) for pair in drawn for number in pair)
    assert drawn[0][1] == (100 if values[0] == 0 else drawn[0][1])
    assert chart.before == ""


def test_a_line_of_nothing_is_no_path():
    chart = charts.line([], [], [])
    assert (chart.path, chart.area, chart.dot, list(chart.xs)) == ("", "", "", [])
    assert [tick.label for tick in chart.ys] == ["1", "0"]


@pytest.mark.parametrize("count", [1, 2, 7, 30, 90])
def test_labels_never_crowd(count):
    chart = charts.line(list(range(count)), [], [f"day {n}" for n in range(count)])
    assert len(chart.xs) <= 4
    assert chart.xs[0].label == "day 0"
    assert chart.xs[-1].label == f"day {count - 1}"
    bars = charts.bars([[n] for n in range(count)], [f"day {n}" for n in range(count)])
    assert len(bars.xs) <= 6


def test_parts_of_a_bar_stand_on_each_other_and_do_not_touch():
    chart = charts.bars([[3, 0, 1], [0, 0, 0]], ["a", "b"])
    low, high = chart.parts  # what is nothing is not drawn
    assert (low.series, high.series) == (0, 2)
    assert low.y == 25
    assert high.y == 0
    assert high.y + high.height < low.y
    assert low.y + low.height <= 100
    assert (low.x, low.width) == (high.x, high.width) == (10, 30)


def test_very_small_parts_have_no_negative_height():
    chart = charts.bars([[1_000_000, 1]], ["a"])
    assert all(part.height >= 0 for part in chart.parts)


@pytest.mark.parametrize(
    ("number", "most", "share"), [(0, 10, 0), (10, 10, 100), (5, 10, 50), (1, 10**6, 1), (0, 0, 0), (3, 0, 0)]
)
def test_whatever_is_there_can_be_seen(number, most, share):
    assert charts.share(number, most) == share


def test_paths_hold_numbers_alone():
    chart = charts.line([3, 1, 2], [1, 5, 9], ["<script>", "b", "c"])
    for path in (chart.path, chart.area, chart.before, chart.dot):
        assert re.fullmatch(r"[MLhZ0-9. ]*", path)
