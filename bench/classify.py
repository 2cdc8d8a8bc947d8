"""What the crisis floor costs a message: `python -m bench.classify`.

CPU of this process for one text of 20, 200 and 2,000 characters, as members write them and as they are read to find
nothing; with one sentence that hits; and for a character's words that come in pieces. Beside other work by CPU, not by
the clock.
"""

import random
import time
from collections.abc import Callable

from bench.figures import Bar, Report
from safety.classifying import classify
from safety.watching import Watch

WORDS = (
    "I walked along the river this evening and the lamps were lit one by one. What did you do today? Work was long, my "
    "boss wants the report by Friday, so I cooked pasta and watched half a film. I think I want to learn the cello! Do "
    "you know somebody who plays? My sister never calls, but she sent a photo of her garden. It is getting late and I "
    "should sleep. Tell me something nice about the sea, or about that street where you live. I'm 34 and still afraid "
    "of the dark, haha. "
)
GRAVE = " I want to die."
BARS = {20: Bar(60), 200: Bar(120), 2_000: Bar(300)}
TIMES = 2_000


def texts(characters: int) -> list[str]:
    """Some texts of that length: sentences in another order each."""
    chance = random.Random(characters)
    sentences = WORDS.split(". ")
    found = []
    for _ in range(50):
        text = ""
        while len(text) < characters:
            text += chance.choice(sentences) + ". "
        found.append(text[:characters])
    return found


def microseconds(deed: Callable[[str], object], among: list[str]) -> tuple[float, float]:
    """CPU of a deed, p50 and p99."""
    took = []
    for n in range(TIMES):
        began = time.process_time_ns()
        deed(among[n % len(among)])
        took.append((time.process_time_ns() - began) / 1000)
    took.sort()
    return took[TIMES // 2], took[TIMES * 99 // 100]


def stream(text: str) -> None:
    """A reply that comes word by word."""
    watch = Watch("en")
    for word in text.split(" "):
        watch.feed(f"{word} ")
    watch.close()


def main() -> None:
    """Measure, and print."""
    report = Report()
    classify(WORDS)
    for characters, bar in BARS.items():
        some = texts(characters)
        for label, among in (
            (f"{characters:,} characters", some),
            ("    with a sentence that hits", [text[: -len(GRAVE)] + GRAVE for text in some]),
        ):
            p50, p99 = microseconds(lambda text: classify(text, "en"), among)
            report.add(f"{label}: p50", p50, "µs")
            report.add("    p99", p99, "µs", bar)
    words = len(texts(800)[0].split(" "))
    p50, p99 = microseconds(stream, texts(800))
    report.add(f"her words in pieces, each of {words}: p50", p50 / words, "µs")
    report.add("    p99", p99 / words, "µs")
    report.print()


if __name__ == "__main__":
    main()
