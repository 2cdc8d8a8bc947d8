"""How long a silent host is waited for: that depends on signs of life, and on who else could be asked."""

import pytest

from chat.llm import BrokenOff, NoAnswer
from tests.chat.llm.conftest import ask, provider
from tests.fakes.model_host import DONE, HANG, Head, delta, finish, http, said


@pytest.fixture
def _hasty(settings):
    settings.LLM_FIRST_TOKEN_SECONDS, settings.LLM_TOTAL_SECONDS = 0.3, 30.0


pytestmark = pytest.mark.usefixtures("_hasty")
THOUGHTS = [step for _ in range(10) for step in (delta(None, reasoning_content="hm"), 0.1)]
TAGGED = [step for word in ["<think>", *["hm "] * 9, "</think>"] for step in (delta(word), 0.1)]
SLOW = {
    "a cold model": [1.0, *said("Warm now.")],
    "a cold model that sent its head": [Head(), 1.0, *said("Warm now.")],
    "a cold model behind a proxy that keeps alive": [b": ping\n\n", 0.5, b": ping\n\n", 0.5, *said("Warm now.")],
    "long thoughts": [*THOUGHTS, *said("Warm now.")],
    "long thoughts in a tag": [*TAGGED, *said("Warm now.")],
    "silence in the middle": [delta("Warm"), 1.0, delta(" now."), finish(), DONE],
    "thoughts that name a reason to end": [
        *[step for _ in range(8) for step in (delta(None, reasoning="hm", finish="stop"), 0.1)],
        *said("Warm now."),
    ],
}


@pytest.mark.parametrize("answer", SLOW.values(), ids=SLOW)
async def test_with_nobody_else_to_turn_to_there_is_patience(only_primary, answer):
    only_primary.play(answer)
    assert (await ask())[0] == "Warm now."
    assert len(only_primary.requests) == 1


async def test_the_last_host_is_waited_for_too(both):
    primary, fallback = both
    primary.play(http(500))
    fallback.play([1.0, *said("Warm now.")])
    assert (await ask())[1].provider == "fallback"


@pytest.mark.parametrize("answer", [THOUGHTS, TAGGED], ids=["beside the words", "in a tag"])
async def test_a_thought_is_a_sign_of_life(both, answer):
    primary, fallback = both
    primary.play([*answer, *said("Warm now.")])
    text, end = await ask()
    assert (text, end.provider) == ("Warm now.", "primary")
    assert not fallback.requests


async def test_thoughts_leave_time_for_the_other_host(both):
    primary, _ = both
    primary.play([step for _ in range(500) for step in (delta(None, reasoning="hm"), 0.02)])
    assert (await ask(seconds=4))[1].provider == "fallback"


async def test_nobody_waits_longer_than_the_reply_may_take(only_primary):
    only_primary.play([Head(), HANG])
    with pytest.raises(NoAnswer, match="no answer in time"):
        await ask(seconds=0.8)


async def test_who_falls_silent_in_the_middle_is_gone(settings, only_primary):
    settings.LLM_READ_SECONDS = 0.3
    only_primary.play([delta("Well, "), HANG])
    with pytest.raises(BrokenOff, match="no answer in time"):
        await ask()


async def test_words_that_are_written_slowly_are_waited_for_with_two_hosts_too(settings, both):
    primary, fallback = both
    settings.LLM_TOTAL_SECONDS = 0.4
    primary.play([delta("Warm"), 1.0, delta(" now."), finish(), DONE])
    assert (await ask())[0] == "Warm now."
    assert not fallback.requests
    settings.LLM_PROVIDERS = [provider("primary", primary.url)]
