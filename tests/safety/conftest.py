"""Each test reads the table itself, and leaves nothing in mind."""

import pytest

from safety import helplines


@pytest.fixture(autouse=True)
def _nothing_in_mind():
    helplines.forget()
    yield
    helplines.forget()
