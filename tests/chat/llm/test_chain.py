"""Whom the chain asks, and when."""

from dataclasses import dataclass

import pytest
from structlog.testing import capture_logs

from chat.llm import BrokenOff, NoAnswer, Text, close_llm, get_llm
from chat.llm.base import FilteredAnswer, Finished, Refused, TimedOut, Unreachable
from chat.llm.chain import Breaker, Chain
from tests.chat.llm.conftest import ask, asking, provider
from tests.fakes.model_host import CUT, DONE, delta, event, finish, http, said


class Clock:
    def __init__(self):
        self.now = 1_000.0

    def __call__(self):
        return self.now


class Host:
    """A model host that does what it is told next, and for ever after the last."""

    def __init__(self, name, *deeds):
        self.name, self.deeds, self.asked = name, list(deeds), 0

    async def aclose(self):
        pass

    async def stream(self, request):
        self.asked += 1
        deed = self.deeds.pop(0) if len(self.deeds) > 1 else self.deeds[0]
        if isinstance(deed, Exception):
            raise deed
        yield Text(deed)
        yield Finished(self.name, "model", "stop", None, None)


async def no_pause(seconds):
    pass


async def reply(chain):
    """Which host answered."""
    pieces = [piece async for piece in chain.stream(asking(seconds=60))]
    return pieces[-1].provider


# --- Through the door -----------------------------------------------------------------------------


@pytest.mark.parametrize("failure", [http(408), http(409), http(425), http(500), http(503), [CUT]])
async def test_a_passing_failure_is_tried_again_at_the_same_host(both, failure):
    primary, fallback = both
    primary.play(failure, said("Here again."))
    assert (await ask())[0] == "Here again."
    assert (len(primary.requests), len(fallback.requests)) == (2, 0)


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 413, 422])
async def test_a_refusal_that_will_not_change_is_not_tried_again(both, status):
    primary, fallback = both
    primary.play(http(status), said("Here again."))
    assert (await ask())[1].provider == "fallback"
    assert (len(primary.requests), len(fallback.requests)) == (1, 1)


async def test_a_host_with_too_much_to_do_is_left_for_the_fallback_at_once(both):
    primary, _ = both
    primary.play(http(429, retry_after="1"), said("Here again."))
    assert (await ask())[1].provider == "fallback"
    assert len(primary.requests) == 1


async def test_the_only_host_with_too_much_to_do_is_asked_again(only_primary):
    only_primary.play(http(429, retry_after="0"), said("Here again."))
    assert (await ask())[0] == "Here again."


@pytest.mark.parametrize("wait", ["31", "3600", "1e9"])
async def test_nobody_is_kept_waiting_because_a_host_says_so(only_primary, wait):
    only_primary.play(http(429, retry_after=wait))
    with pytest.raises(NoAnswer):
        await ask()
    assert len(only_primary.requests) == 1


async def test_with_another_host_nobody_waits_for_long(both):
    primary, _ = both
    primary.play(http(503, retry_after="6"), said("Here again."))
    assert (await ask())[1].provider == "fallback"


async def test_the_only_host_may_take_its_time_to_load_its_model(monkeypatch, only_primary):
    monkeypatch.setattr("chat.llm.chain.WAKING_SECONDS", 0.05)
    loading = http(503, b'{"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}}')
    only_primary.play(*[loading] * 5, said("Awake."))
    assert (await ask())[0] == "Awake."


async def test_a_host_that_loads_its_model_for_ever_ends_with_the_reply(monkeypatch, only_primary):
    monkeypatch.setattr("chat.llm.chain.WAKING_SECONDS", 0.05)
    only_primary.play(http(503, b'{"error": "Model mara-7b is currently loading", "estimated_time": 20}'))
    with pytest.raises(NoAnswer, match="http 503"):
        await ask(seconds=1.5)


async def test_nobody_waits_for_a_host_that_loads_while_another_could_answer(both):
    primary, _ = both
    primary.play(http(503, b'{"error": {"message": "Loading model"}}'))
    assert (await ask())[1].provider == "fallback"
    assert len(primary.requests) == 2


@pytest.mark.parametrize("wait", ["soon", "nan", "inf", "Wed, 21 Oct 2026 07:28:00 GMT"])
async def test_a_wait_that_is_no_number_is_not_believed(only_primary, wait):
    only_primary.play(http(503, retry_after=wait), said("Here again."))
    assert (await ask())[0] == "Here again."


async def test_each_host_is_asked_at_most_twice(both):
    for host in both:
        host.play(http(500))
    with pytest.raises(NoAnswer) as failure:
        await ask()
    assert [len(host.requests) for host in both] == [2, 2]
    assert failure.value.reasons == ("primary: http 500",) * 2 + ("fallback: http 500",) * 2


async def test_a_wait_that_passes_the_deadline_is_not_begun(only_primary):
    only_primary.play(http(503, retry_after="4"))
    with pytest.raises(NoAnswer):
        await ask(seconds=3)
    assert len(only_primary.requests) == 1


async def test_only_a_fallback_is_enough(settings, fallback):
    settings.LLM_PROVIDERS = [provider("primary", ""), provider("fallback", fallback.url)]
    assert (await ask())[1].provider == "fallback"


async def test_a_host_that_keeps_failing_is_left_alone(both):
    primary, fallback = both
    primary.play(http(404))
    with capture_logs() as logs:
        for _ in range(8):
            assert (await ask())[1].provider == "fallback"
    assert len(primary.requests) == 5
    assert len(fallback.requests) == 8
    assert [entry["provider"] for entry in logs if entry["event"] == "model_host_breaker_opened"] == ["primary"]


async def test_a_host_that_was_left_alone_is_still_better_than_none(both):
    primary, fallback = both
    primary.play(http(404))
    for _ in range(5):
        await ask()
    primary.play(said("Here again."))
    fallback.play(http(404))
    assert (await ask())[1].provider == "primary"


async def test_when_all_are_left_alone_all_are_still_tried(both):
    for host in both:
        host.play(http(404))
    for _ in range(7):
        with pytest.raises(NoAnswer):
            await ask()
    assert [len(host.requests) for host in both] == [7, 7]


SECRET = event({"error": {"message": "secret", "type": "server_error"}})


@pytest.mark.parametrize(
    ("script", "visible", "failure"),
    [
        ([delta("Hel") + SECRET, finish(), DONE], False, NoAnswer),  # in one packet: nobody saw the words
        ([delta("Hel"), 0.5, SECRET, finish(), DONE], True, BrokenOff),
    ],
)
async def test_logs_say_which_and_why_and_nothing_else(only_primary, script, visible, failure):
    only_primary.play(script)
    with capture_logs() as logs, pytest.raises(failure):
        await ask()
    assert logs == [
        {
            "event": "model_host_failed",
            "log_level": "warning",
            "provider": "primary",
            "status": None,
            "reason": "error inside the answer server_error",
            "attempt": 1,
            "visible": visible,
        }
    ]


async def test_one_chain_for_each_event_loop_until_it_is_closed(only_primary):
    first = get_llm()
    assert get_llm() is first
    await close_llm()
    assert get_llm() is not first


# --- The breaker, with a clock of its own -----------------------------------------------------------


async def test_after_thirty_seconds_one_probe_goes_and_closes_the_breaker():
    clock = Clock()
    primary, fallback = Host("primary", *[TimedOut("late")] * 5, "hi"), Host("fallback", "hi")
    chain = Chain([primary, fallback], clock=clock, pause=no_pause)
    assert [await reply(chain) for _ in range(5)] == ["fallback"] * 5
    clock.now += 29
    assert await reply(chain) == "fallback"
    assert primary.asked == 5
    clock.now += 1
    assert [await reply(chain) for _ in range(2)] == ["primary"] * 2


async def test_a_probe_that_fails_keeps_it_open_for_another_thirty_seconds():
    clock = Clock()
    primary, fallback = Host("primary", TimedOut("late")), Host("fallback", "hi")
    chain = Chain([primary, fallback], clock=clock, pause=no_pause)
    for _ in range(5):
        await reply(chain)
    clock.now += 30
    await reply(chain)
    assert primary.asked == 6
    clock.now += 29
    await reply(chain)
    assert primary.asked == 6


async def test_while_a_probe_is_under_way_nobody_else_is_sent():
    clock = Clock()
    breaker = Breaker(clock)
    for _ in range(5):
        breaker.failed()
    clock.now += 30
    assert breaker.allows()
    assert not breaker.allows()


@pytest.mark.parametrize("seconds", [15, 16])
async def test_failures_far_apart_do_not_open_it(seconds):
    clock = Clock()
    breaker = Breaker(clock)
    for _ in range(5):
        breaker.failed()
        clock.now += seconds
    assert breaker.is_open == (seconds == 15)


async def test_an_answer_in_between_starts_the_count_again():
    primary = Host("primary", *[TimedOut("late")] * 4, "hi", *[TimedOut("late")] * 4, "hi")
    chain = Chain([primary, Host("fallback", "hi")], clock=Clock(), pause=no_pause)
    assert [await reply(chain) for _ in range(10)] == (["fallback"] * 4 + ["primary"]) * 2


@pytest.mark.parametrize("error", [Refused(400), Refused(422), FilteredAnswer("filtered")])
async def test_what_may_be_about_one_conversation_does_not_open_it(error):
    primary = Host("primary", error)
    chain = Chain([primary, Host("fallback", "hi")], clock=Clock(), pause=no_pause)
    for _ in range(8):
        await reply(chain)
    assert primary.asked == 8


@dataclass
class Unheard:
    """A piece of a kind that nobody knows yet."""


async def test_a_piece_of_another_kind_is_handed_on_and_another_host_may_still_answer():
    class Thinking(Host):
        async def stream(self, request):
            yield Unheard()
            raise TimedOut("late")

    chain = Chain([Thinking("primary"), Host("fallback", "hi")], pause=no_pause)
    pieces = [piece async for piece in chain.stream(asking())]
    assert pieces == [Unheard(), Text("hi"), Finished("fallback", "model", "stop", None, None)]


async def test_a_pause_before_asking_again_is_short_and_never_the_same():
    pauses = []

    async def pause(seconds):
        pauses.append(seconds)

    for _ in range(20):
        with pytest.raises(NoAnswer):
            await reply(Chain([Host("primary", Unreachable("gone"))], pause=pause))
    assert all(0.1 <= seconds <= 0.4 for seconds in pauses)
    assert len(set(pauses)) > 10
