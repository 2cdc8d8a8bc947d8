"""Codes from a mail: what is taken for one, and how often somebody may guess."""

import uuid

import pytest

from accounts import codes
from tests.racing import race

pytestmark = pytest.mark.embedded

AWAY = "redis://127.0.0.1:9/0"  # nobody listens there


@pytest.fixture
def guess():
    """Guess at the code 123456 of one process: whether it was let in, or the code of the error."""
    name = uuid.uuid4().hex

    class Form(codes.CodeForm):
        account = "robin@mail.com"

        def process(self):
            return name

    def guess(typed):
        form = Form({"code": typed}, code="123456")
        return form.is_valid() or form.errors.as_data()["code"][0].code

    return guess


@pytest.mark.parametrize(
    "typed",
    [
        *("123456", " 123456\n", "123 456", "123-456", "1 2 3 4 5 6", "123\u2013456", "\u202d123456\u202c"),
        *("１２３４５６", "١٢٣٤٥٦", "123\u00a0456", "Your code: 123456."),
    ],
)
def test_a_code_is_taken_as_it_was_meant(guess, typed):
    assert guess(typed) is True


@pytest.mark.parametrize("typed", ["", " ", "12345", "1234567", "abcdef", "123456\x00x" * 40, "½23456", "①②③④⑤⑥"])
def test_what_is_no_code_is_not_right_and_uses_up_no_try(guess, typed):
    for _ in range(4):
        assert guess(typed) in ("required", "incomplete", "max_length", "null_characters_not_allowed")
    assert guess("123456") is True


def test_a_code_is_six_digits_and_another_each_time():
    made = {codes.make() for _ in range(200)}
    assert len(made) > 190
    assert all(len(code) == 6 and code.isascii() and code.isdecimal() for code in made)


def test_after_three_wrong_guesses_no_code_is_right_any_more(guess):
    assert [guess("000000") for _ in range(3)] == ["incorrect_code", "incorrect_code", "no_tries_left"]
    assert guess("123456") == "no_tries_left"


@pytest.mark.parametrize("redis", ["as it is", "none", "away"])
def test_forty_guesses_at_once_are_three(guess, settings, redis):
    settings.REDIS_URL = {"as it is": settings.REDIS_URL, "none": "", "away": AWAY}[redis]
    answers = race(lambda number: guess("123456"), 40)
    assert answers.count(True) == 3
    assert answers.count("no_tries_left") == 37


def test_guesses_at_one_process_are_not_counted_for_another(guess):
    state = {"at": 1.5, "email": "robin@mail.com"}
    assert codes.process("reset", state) == codes.process("reset", {**state, "code": "another", "resend_count": 1})
    others = [{**state, "at": 1.6}, {**state, "email": "kim@mail.com"}]
    names = [
        codes.process("reset", state),
        codes.process("signup", state),
        *(codes.process("reset", s) for s in others),
    ]
    assert len(set(names)) == 4
    assert not any("robin" in name for name in names)
