"""What was acknowledged is never lost, though processes are killed -9 at random points."""

import random
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.chaos.books import faults
from tests.chaos.members import Talk
from tests.config.processes import Browser, Dusk, until

SEED = 20261121
FREE = 1000
MEMBERS = {"member@example.com": True, "premium@example.com": False, "admin@example.com": True}  # charged?
CHARACTERS = ("mara", "yuna")
EACH = 17  # 102 sends


def sign_in(url):
    """Three members, each with two conversations."""
    talks = []
    for email, charged in MEMBERS.items():
        browser = Browser(url)
        browser.sign_in(email)
        talks += [Talk(browser, browser.open_chat(slug), charged, SEED + len(talks)) for slug in CHARACTERS]
    return talks


def send_while(talks, victims, strike):
    """Everybody talks; each few messages one of the victims is struck. Returns when nothing is owed any more."""
    chance = random.Random(SEED)

    def sent():
        return sum(len(talk.acknowledged) for talk in talks)

    with ThreadPoolExecutor(len(talks)) as threads:
        talking = [threads.submit(talk, EACH) for talk in talks]
        for victim in victims:
            goal = sent() + chance.randint(4, len(talks) * EACH // len(victims) - 2)
            until(lambda goal=goal: sent() >= goal or all(t.done() for t in talking), what=f"{goal} messages sent")
            strike(victim)
        for talk in talking:
            talk.result()
    for talk in talks:
        until(talk.is_answered, what=f"an end of what is owed in {talk.conversation}")
    for talk in talks:
        talk.browser.http.close()


def report(wrong, talks):
    return "\n".join([*wrong, *(f"{talk.conversation}: {talk.answers}" for talk in talks)])


@pytest.mark.embedded
def test_a_hundred_sends_survive_the_deaths_of_the_one_process_of_a_laptop(tmp_path, ask):
    dusk = Dusk(tmp_path, **ask, REPLY_LEASE_SECONDS="3", SWEEP_SECONDS="1")
    dusk.start()
    try:
        talks = sign_in(dusk.url)

        def strike(_):
            dusk.kill()
            dusk.start()

        send_while(talks, range(3), strike)
        assert sum(len(talk.acknowledged) for talk in talks) == len(talks) * EACH
        wrong = faults(dusk.env, talks, free=FREE)
        assert not wrong, report(wrong, talks)
    finally:
        dusk.end()
