"""Do the books add up? What the database says, against what members were promised."""

import json
from collections import Counter, defaultdict
from datetime import datetime

from tests.chaos.members import OWED
from tests.config.processes import manage


def rows(env):
    """All of chat's rows, from whichever database this environment names: [(model, fields with pk)]."""
    done = manage("dumpdata", "chat", **env)
    assert done.returncode == 0, done.stderr
    found = defaultdict(list)
    for row in json.loads(done.stdout):
        found[row["model"].removeprefix("chat.")].append({"pk": row["pk"], **row["fields"]})
    return found


def faults(env, talks, *, free):
    """Everything that is wrong, in words. Each talk knows what was acknowledged; `free` is what each began with."""
    found = rows(env)
    wrong = []
    for talk in talks:
        mine = [m for m in found["message"] if m["conversation"] == talk.conversation]
        replies = [r for r in found["reply"] if r["conversation"] == talk.conversation]
        (row,) = [c for c in found["conversation"] if c["pk"] == talk.conversation]
        wrong += [f"{talk.conversation}: {what}" for what in _faults(row, mine, replies, talk, free)]
    return wrong


def _faults(row, messages, replies, talk, free):
    messages.sort(key=lambda m: m["seq"])
    asked = [m for m in messages if m["sender"] == "user"]
    said = [m for m in messages if m["sender"] == "ai"]
    seqs = [m["seq"] for m in messages]
    if seqs != list(range(1, row["last_seq"] + 1)):
        yield f"seq has gaps: {seqs}, last_seq {row['last_seq']}"
    if len({m["version"] for m in messages}) < len(messages) or max(m["version"] for m in messages) > row["version"]:
        yield "versions repeat or run ahead"

    times = Counter(m["client_id"] for m in asked)
    for client_id in talk.acknowledged:
        if times[client_id] != 1:
            yield f"acknowledged {client_id} is there {times[client_id]} times"
    if set(times) != set(talk.acknowledged):
        yield f"never acknowledged, but there: {set(times) - set(talk.acknowledged)}"

    if waiting := [r["pk"] for r in replies if r["state"] in OWED]:
        yield f"left waiting: {waiting}"
    done = [r for r in replies if r["state"] == "done"]
    stopped = [r for r in replies if r["state"] == "stopped"]
    if len({r["answers_through"] for r in done + stopped}) < len(done + stopped):
        yield "answered twice"
    made = Counter(m["reply"] for m in said if m["seq"] > 1)  # the first is her greeting
    if {r["pk"] for r in done} - set(made) or set(made) - {r["pk"] for r in done + stopped} or set(made.values()) - {1}:
        yield f"{len(done)} replies done, {len(stopped)} stopped, {len(said) - 1} messages of hers"
    answered = max((r["answers_through"] for r in done + stopped), default=0)
    failed = max((r["answers_through"] for r in replies if r["state"] == "failed"), default=0)
    for message in asked:
        if message["seq"] > max(answered, failed):
            yield f"seq {message['seq']} is neither answered nor visibly failed"
        if message["charged_as"] and (message["seq"] > answered or not talk.charged):
            yield f"seq {message['seq']} was charged for nothing"

    charged = sum(m["charged_as"] == "text" for m in asked)
    if row["free_text"] != free - charged:
        yield f"{row['free_text']} left of {free}, {charged} charged"


def waits(found):
    """Seconds from each send of a member's to the first end that says something of it: inf where there is none."""
    replies = defaultdict(list)
    for reply in found["reply"]:
        replies[reply["conversation"]].append(reply)
    for message in found["message"]:
        if message["sender"] == "user":
            sent = moment(message["created_at"])
            about = [r for r in replies[message["conversation"]] if r["answers_through"] >= message["seq"]]
            ends = [moment(r["finished_at"]) for r in about if r["state"] not in OWED]
            yield min(((end - sent).total_seconds() for end in ends if end >= sent), default=float("inf"))


def moment(text):
    return datetime.fromisoformat(text)
