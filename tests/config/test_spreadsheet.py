"""CSV for a spreadsheet: what members typed is never computed."""

import csv
import io
import tracemalloc
from decimal import Decimal

import pytest

from config.lib import spreadsheet


def read(rows):
    text = "".join(rows)
    assert text.startswith("\ufeff")
    return list(csv.reader(io.StringIO(text[1:], newline="")))


@pytest.mark.parametrize(
    "evil",
    [
        '=HYPERLINK("http://evil.example","x")',
        "+1+1",
        "-2+3",
        "@SUM(A1)",
        "\t=1+1",
        "\r=1+1",
        "\n=1+1",
        "  =1+1",
        "＝1+1",
        "\x00=1+1",
    ],
)
def test_a_text_that_a_spreadsheet_would_compute_begins_with_an_apostrophe(evil):
    ((first, *_),) = read(spreadsheet.rows(["a"], [[evil]]))[1:]
    assert first == f"'{evil.replace(chr(0), '')}"


def test_commas_quotes_and_lines_stay_in_their_cell():
    told = ["a,b", 'say "hi"', "two\r\nlines", "plain", 'x",=1+1,"y']
    assert read(spreadsheet.rows(["a"], [told]))[1] == told


def test_numbers_stay_numbers_and_nothing_is_empty():
    assert read(spreadsheet.rows(["a"], [[Decimal("-29.99"), 0, None, "", "ü €"]]))[1] == ["-29.99", "0", "", "", "ü €"]


def test_no_lines_make_a_file_with_a_header():
    assert read(spreadsheet.rows(["a", "b"], [])) == [["a", "b"]]


def test_a_long_file_needs_no_more_memory_than_a_short_one():
    def peak(lines):
        tracemalloc.start()
        for _ in spreadsheet.rows(["a"], (["x" * 100] for _ in range(lines))):
            pass
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    assert peak(20_000) < 2 * peak(1_000)
