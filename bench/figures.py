"""Each figure beside the bar that it must clear, the aim beyond it, and what other products reached."""

from dataclasses import dataclass
from typing import Any

# Median added time to the first token on such a machine, with the same kind of model host.
OTHERS = {
    1: "Open WebUI 50, Chainlit 11, SillyTavern 7",
    50: "Open WebUI 712, Chainlit 12",
    200: "Chainlit 584, SillyTavern 5; Open WebUI loses messages from 100 on",
}


@dataclass(frozen=True)
class Bar:
    """What a figure must not pass; with `least`, what it must reach."""

    value: float
    aim: str = ""
    others: str = ""
    least: bool = False

    def holds(self, value: float) -> bool:
        """Whether the figure clears it."""
        return value >= self.value if self.least else value <= self.value


BARS = {
    "start": Bar(2, "1.2"),
    "added 1": Bar(8, "5", OTHERS[1]),
    "added 50": Bar(8, "6", OTHERS[50]),
    "added 200": Bar(12, "6", OTHERS[200]),
    "added p95 1": Bar(40),
    "added p95 50": Bar(40),
    "added p95 200": Bar(40),
    "errors": Bar(0),
    "accepted 1": Bar(8),
    "cpu": Bar(25),
    "cpu instant": Bar(7, "3.8"),
    "throughput": Bar(230, "268", least=True),
    "watch": Bar(0.2),
    "conversation": Bar(10),
    "burst": Bar(1.7),
    "idle": Bar(1024),
    "growth conversation": Bar(1.2),
    "growth thread list": Bar(1.2),
}
BARS |= {"growth state": BARS["growth conversation"], "growth thread page": BARS["growth thread list"]}


class Report:
    """Collects figures and prints them as a table."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, ...]] = []
        self.remarks: list[str] = []

    def say(self, text: str) -> None:
        """What is going on."""
        print(text, flush=True)

    def add(self, label: str, value: float | None, unit: str, bar: Bar | None = None) -> None:
        """One row."""
        if value is None:
            return self.rows.append((label, "none", "", "MISSED", "", ""))
        shown = f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:,.1f}"
        if unit in ("x", "cores") or abs(value) < 1:
            shown = f"{value:.2f}" if value else "0"
        verdict, limit = "", ""
        if bar is not None:
            limit = f"{'>=' if bar.least else '<='} {bar.value:g}"
            verdict = "" if bar.holds(value) else "MISSED"
        others = bar.others if bar else ""
        return self.rows.append((label, f"{shown} {unit}".strip(), limit, verdict, bar.aim if bar else "", others))

    def talk(self, people: int, result: dict[str, Any]) -> None:
        """How soon the first words came, and whether all came."""
        some = "1 conversation" if people == 1 else f"{people} conversations"
        self.add(f"added to first token, {some}: p50", result["added"]["p50"], "ms", BARS.get(f"added {people}"))
        self.add("    p95", result["added"]["p95"], "ms", BARS.get(f"added p95 {people}"))
        self.add("    of it until the model is asked, p50", result["asked"]["p50"], "ms")
        self.add("    of it from its token to the screen, p50", result["shown"]["p50"], "ms")
        self.add("    send accepted, p50", result["accepted"]["p50"], "ms", BARS.get(f"accepted {people}"))
        self.lost(result)

    def lost(self, result: dict[str, Any]) -> None:
        """Messages that were refused, not answered, or answered with other words than the model's."""
        self.add(f"    errors in {result['messages']} messages", result["errors"], "", BARS["errors"])
        if result["gaps"]:  # frames may be lost; the whole text follows within a second, and the message in the end
            self.add("    replies that came with a gap in the stream", result["gaps"], "")
        if result["error"]:
            self.remarks.append(f"the first error: {result['error']}")

    def cost(self, result: dict[str, Any], label: str, bar: Bar) -> None:
        """CPU for each message, by process."""
        each = {name: seconds * 1000 / result["messages"] for name, seconds in result["spent"].items()}
        stores = {name: each.pop(name) for name in ("postgresql", "redis")}
        self.add(label, sum(each.values()), "ms", bar)
        for name, ms in (each | stores).items():
            self.add(f"    {name}", ms, "ms")

    def pages(self, took: dict[str, float], asked: dict[str, int]) -> None:
        """What reading costs, and how it grows."""
        for name, queries in asked.items():
            if name in took:
                self.add(f"{name}: {queries} queries, p50", took[name], "ms", BARS.get(name))
            else:
                self.add(f"{name}: queries", queries, "")
            if name.endswith(", long"):
                name = name.removesuffix(", long")
                self.add("    times the short one", took[f"{name}, long"] / took[name], "x", BARS[f"growth {name}"])

    def print(self) -> None:
        """The table."""
        table = [("", "ours", "bar", "", "aim", "others"), *self.rows]
        widths = [max(len(row[i]) for row in table) for i in range(5)]
        self.say("")
        for row in table:
            cells = [row[0].ljust(widths[0]), *(row[i].rjust(widths[i]) for i in (1, 2)), row[3].ljust(widths[3])]
            self.say("  ".join([*cells, row[4].rjust(widths[4]), row[5]]).rstrip())
        for remark in self.remarks:
            self.say(remark)
