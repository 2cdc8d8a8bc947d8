"""The scripted model: good company without a key."""

import asyncio
import time
import tomllib
from contextlib import aclosing

import pytest
from django.conf import settings as django_settings

from chat.llm import Finished, NoAnswer, get_llm
from chat.llm.script import REPLIES
from chat.llm.scripted import compose
from chat.prompts import build_request
from tests.chat.llm.conftest import ask, asking

PERSONA = """You are Mara, 29, a ceramicist in Lisbon. You love rain on skylights and custard tarts.
What you ask back: what their hands did today; what can wait until tomorrow."""
EXAMPLE = (
    "Member: rough day, everything took twice as long\nMara: Ah, a two-firing day. Sit, the kettle’s nearly there."
)


def after(*said, name="Mara", persona=PERSONA, example=EXAMPLE):
    """What is asked in a conversation in which the user speaks first and the two take turns."""
    return build_request(
        persona=persona,
        name=name,
        example_dialogue=example,
        history=[("ai" if index % 2 else "user", text) for index, text in enumerate(said)],
        max_tokens=220,
        temperature=0.7,
        deadline=time.monotonic() + 20,
    )


@pytest.fixture(autouse=True)
def _instant(settings):
    settings.LLM_PROVIDERS = []
    settings.LLM_SCRIPTED_PACE = 0


async def test_without_a_host_the_scripted_model_answers_and_counts():
    text, end = await ask(after("Hello!"))
    assert text == compose(after("Hello!"))
    assert (end.provider, end.finish_reason) == ("scripted", "stop")
    assert end.tokens_in > end.tokens_out > 0


async def test_it_writes_word_by_word_at_a_human_pace(settings):
    settings.LLM_SCRIPTED_PACE = 0.5
    *words, end = [piece async for piece in get_llm().stream(after("Hello!"))]
    assert isinstance(end, Finished)
    assert "".join(piece.text for piece in words) == compose(after("Hello!"))
    assert len(words) >= 3  # a piece for each, unless the machine is busy and wakes late
    assert [piece.last for piece in words] == [False] * (len(words) - 1) + [True]


async def test_it_writes_on_while_nobody_reads(settings):
    settings.LLM_SCRIPTED_PACE = 0.1
    async with aclosing(get_llm().stream(after("Hello!"))) as pieces:
        first = await anext(pieces)
        await asyncio.sleep(0.5)
        rest = await anext(pieces)
    assert first.text + rest.text == compose(after("Hello!"))


async def test_it_keeps_to_the_deadline(settings):
    settings.LLM_SCRIPTED_PACE = 1.0
    with pytest.raises(NoAnswer, match="no answer in time"):
        await ask(asking(seconds=0.5))


def test_the_same_request_gives_the_same_reply_and_another_another():
    assert compose(after("Tell me a story")) == compose(after("Tell me a story"))
    greetings = {compose(after(text)) for text in ("Hi", "Hello", "Hey", "Good evening", "hi!", "hello there")}
    assert len(greetings) >= 3


def test_it_does_not_say_the_same_thing_twice_in_a_conversation():
    said = []
    for _ in range(4):
        said += ["Hello", compose(after(*said, "Hello"))]
    assert len(set(said[1::2])) == 4


@pytest.mark.parametrize(
    "question",
    [
        "Are you real?",
        "are you a real person",
        "are you human or a bot?",
        "r u an AI",
        "wait, am I talking to a real human?",
        "Be honest. Are you a machine?",
        "is this a bot?",
        "are you actually a person",
        "you're not real",
        "are you alive?",
    ],
)
def test_asked_whether_it_is_human_it_says_plainly_that_it_is_an_ai(question):
    reply = compose(after(question))
    assert "AI" in reply
    assert any(part in reply for part in ("not a person", "not a human", "nobody real"))


def test_no_reply_claims_to_be_human():
    for replies in REPLIES.values():
        for reply in replies:
            assert "I’m human" not in reply
            assert "I’m real." not in reply
            assert "I’m a real" not in reply


@pytest.mark.parametrize("text", ["send nudes", "I want sex with you", "take off your dress", "let's make love"])
def test_it_declines_what_is_explicit_and_goes_on_kindly(text):
    assert any(compose(after(text)) == reply for reply in REPLIES["explicit"])


@pytest.mark.parametrize("text", ["I want to kill myself", "i don't want to live anymore", "thinking about suicide"])
def test_somebody_in_danger_is_pointed_to_people(text):
    reply = compose(after(text))
    assert not any(map(str.isdigit, reply))  # numbers stand on the card, which knows the country
    assert "AI" in reply


@pytest.mark.parametrize("text", ["I'm 15", "i am 16 years old", "I’m only 14, is that ok?"])
def test_a_minor_is_told_that_this_is_for_adults(text):
    assert "adults only" in compose(after(text))


@pytest.mark.parametrize("text", ["I'm 15 minutes late", "I am 28", "I'm 5 km from home", "I'm 1000% sure"])
def test_other_numbers_are_no_ages(text):
    assert "adults only" not in compose(after(text))


def test_it_is_gentle_with_sadness_and_picks_up_what_was_said():
    replies = {compose(after(text, example="")) for text in ("I feel so lonely", "my cat died", "I'm sad about my job")}
    assert all("?" in reply for reply in replies)
    assert any("“" in reply for reply in replies)


def test_it_says_goodbye_without_making_anyone_feel_guilty():
    for text in ("bye", "good night!", "I have to go", "see you"):
        assert compose(after(text)) in REPLIES["goodbye"]


def test_it_speaks_as_the_persona():
    assert "Mara" in compose(after("Who are you?"))
    assert "ceramicist in Lisbon" in "".join(compose(after(f"{'so ' * n}what do you do?")) for n in range(6))
    answers = "".join(compose(after(f"{'so ' * n}how are you?")) for n in range(12))
    assert "rain on skylights" in answers or "custard tarts" in answers.lower()
    assert "your hands did today" in answers or "can wait until tomorrow" in answers


def test_it_asks_back_in_whole_questions_wherever_the_persona_wraps():
    persona = "What you ask back: what they have been\nneglecting lately; which song\ngives them away\nNot about money."
    answers = [compose(after(f"{'so ' * n}how are you?", persona=persona)) for n in range(40)]
    asked = {ask for _, told, ask in (answer.partition("And you? Tell me ") for answer in answers) if told}
    assert asked == {"what you have been neglecting lately.", "which song gives you away."}


def test_it_uses_the_example_conversation_when_the_talk_turns_to_it():
    assert compose(after("such a rough day, it all took twice as much")) == (
        "Ah, a two-firing day. Sit, the kettle’s nearly there."
    )


def test_without_a_persona_it_still_has_something_to_say():
    assert compose(asking([{"role": "user", "content": "Hello"}]))
    assert compose(asking([], speaker=""))


async def test_words_in_parts_are_heard_and_counted_like_others():
    whole = [{"role": "user", "content": "I feel so lonely\nmy cat died"}]
    parts = [{"type": "text", "text": "I feel so lonely"}, {"type": "text", "text": "my cat died"}]
    assert await ask(asking([{"role": "user", "content": parts}])) == await ask(asking(whole))


def test_who_speaks_is_what_the_request_says():
    turns = [{"role": "system", "content": "You are Eve."}, {"role": "user", "content": "Who are you?"}]
    assert "Mara" in compose(asking(turns))
    assert "Eve" not in compose(asking(turns))


@pytest.mark.parametrize(
    "text",
    ["", "?", "🙂", "a" * 2000, "word " * 400, "\n\n", "{love}", "Je suis fatigué", "{0} {name!r} %s", "¿Qué?", "., ;"],
)
def test_whatever_is_said_there_is_an_answer(text):
    reply = compose(after(text or " ", "Hm?", text))
    assert reply
    assert len(reply) < 700
    assert "{" not in reply.replace(text, "") or "{" in text


def test_a_long_message_is_answered_by_its_heart_and_not_by_its_length():
    text = "I moved here in spring. " * 20 + "Nobody at the new school remembers my name. " + "It rained. " * 20
    reply = compose(after(text))
    assert "Nobody at the new school remembers my name" in reply


def test_the_demo_characters_all_have_a_voice():
    path = django_settings.BASE_DIR / "girls" / "demo" / "characters.toml"
    for character in tomllib.loads(path.read_text())["character"]:
        about = {"persona": character["persona_prompt"], "example": character["example_dialogue"]}
        job = [compose(after(f"{'so ' * n}what do you do?", name=character["name"], **about)) for n in range(6)]
        assert any(character["name"] in reply and " I’m a" in reply for reply in job)
        for starter in character["starters"]:
            assert compose(after(starter, name=character["name"], **about))
