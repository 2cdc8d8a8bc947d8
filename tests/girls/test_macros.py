"""Placeholders of authors."""

import pytest

from girls.macros import fill


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Hi {{user}}, I am {{char}}.", "Hi Robin, I am Mara."),
        ("Hi {{User}}, {{ CHAR }}’s here.", "Hi Robin, Mara’s here."),
        ("<USER> and <BOT>, <char>", "Robin and Mara, Mara"),
        ("a{{// a note to myself}}b", "ab"),
        ("{{random:a,b}} {{}} {user} <b> 1<2", "{{random:a,b}} {{}} {user} <b> 1<2"),
        ("", ""),
    ],
)
def test_names_stand_in_their_places(written, read):
    assert fill(written, char="Mara", user="Robin") == read


def test_somebody_without_a_name_is_you():
    assert fill("Hi {{user}}!", char="Mara") == "Hi you!"


def test_what_stands_in_a_name_is_not_filled_again():
    assert fill("{{user}}", char="Mara", user="{{char}}") == "{{char}}"
