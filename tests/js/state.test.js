import assert from "node:assert/strict";
import { test } from "node:test";
import { apply, begin, isBehind, isWriting, quota, streamed, unreadThreads } from "../../static/js/chat/state.js";
import { ID, all, became, girl, gone, header, message, reply, told } from "./telling.js";

const fresh = (over = {}) => begin({ conversation: header(1, { last_seq: 1 }), messages: [message(1, { sender: "ai" })], reply: null, ...over });
const texts = (state) => state.messages.map((m) => m.text);
const item = (client_id, text = client_id, status = "sending") => ({ client_id, text, created_at: 1, status });

test("a next message is shown, and its version is known", () => {
  const state = apply(fresh(), told.message(message(2)));
  assert.deepEqual(texts(state), ["text 1", "text 2"]);
  assert.equal(state.version, 2);
  assert.equal(isBehind(state), false);
});

test("the same frame twice changes nothing, not even the object", () => {
  const once = all(fresh(), told.message(message(2)), told.conversation(header(2)));
  assert.equal(apply(once, told.message(message(2))), once);
});

test("an older version of a message is ignored, a newer one replaces it", () => {
  const state = all(fresh(), told.message(message(2)), told.message(message(2, { version: 3, text: "edited" })), told.message(message(2)));
  assert.deepEqual(texts(state), ["text 1", "edited"]);
  assert.equal(state.version, 3);
});

test("a gap is shown as far as it is known, and asks", () => {
  const state = apply(fresh(), told.message(message(3)));
  assert.deepEqual(texts(state), ["text 1", "text 3"]);
  assert.equal(state.version, 1);
  assert.equal(isBehind(state), true);
});

test("a gap that closes by itself asks no more, and the order is the server's", () => {
  const state = all(fresh(), told.message(message(4)), told.message(message(3)), told.message(message(2)));
  assert.deepEqual(texts(state), ["text 1", "text 2", "text 3", "text 4"]);
  assert.equal(state.version, 4);
  assert.equal(isBehind(state), false);
});

test("the end of an answer to a watch repairs every gap, also one without a message", () => {
  const state = all(fresh(), told.message(message(5, { version: 9 })));
  const asked = all(state, told.message(message(3, { version: 4 })), told.message(message(5, { version: 9 })), told.conversation(header(11, { last_seq: 5 }), 1));
  assert.equal(asked.version, 11);
  assert.equal(isBehind(asked), false);
});

test("an answer to a newer question than what is known proves nothing", () => {
  const state = apply(fresh(), told.conversation(header(9, { last_seq: 5 }), 7));
  assert.equal(state.version, 1);
  assert.equal(isBehind(state), true);
});

test("a header that is next and says something new is a change of its own", () => {
  for (const news of [{ last_read_seq: 1 }, { text: 9 }]) {
    const state = apply(fresh(), told.conversation(header(2, { last_seq: 1, ...news })));
    assert.equal(state.version, 2);
    assert.equal(isBehind(state), false);
  }
});

test("a header that is next and says nothing new belongs to a message that was lost", () => {
  const state = apply(fresh(), told.conversation(header(2, { last_seq: 1 })));
  assert.equal(state.version, 1);
  assert.equal(isBehind(state), true);
});

test("what was read here is no news when the server says it too", () => {
  const state = all(fresh(), { type: "read", seq: 1 }, told.conversation(header(2, { last_seq: 1, last_read_seq: 1 })));
  assert.equal(isBehind(state), false);
});

test("a header that knows of a message that is not here asks", () => {
  assert.equal(isBehind(apply(fresh(), told.conversation(header(2, { last_seq: 2 })))), true);
});

test("an older header is ignored, and nobody unreads", () => {
  const state = all(fresh(), told.conversation(header(3, { last_seq: 1, text: 4, last_read_seq: 1 })), told.conversation(header(2, { last_seq: 1, text: 5 })));
  assert.equal(state.conversation.free_remaining.text, 4);
  assert.equal(apply(state, told.conversation(header(3, { last_seq: 1, last_read_seq: 0 }))).read, 1);
});

test("frames of another conversation, unknown frames and nonsense are left alone", () => {
  const state = fresh();
  for (const frame of [
    { ...told.message(message(2)), conversation: "other" },
    told.conversation({ ...header(9), id: "other" }),
    { type: "party" },
    { type: "toString" },
    { type: "__proto__" },
    {},
    null,
  ]) assert.equal(apply(state, frame), state);
});

test("an unknown kind of message keeps its text", () => {
  const state = apply(fresh(), told.message({ ...message(2), kind: "hologram" }));
  assert.equal(state.messages[1].text, "text 2");
});

test("an optimistic message gives its place to the server's, once, whichever way it comes first", () => {
  const echo = message(2, { client_id: "x" });
  const sent = apply(fresh(), { type: "send", item: item("x") });
  assert.equal(sent.outbox.length, 1);
  for (const state of [all(sent, told.message(echo), told.message(echo)), all(sent, told.message(echo), { type: "send", item: item("x") })]) {
    assert.equal(state.outbox.length, 0);
    assert.equal(state.messages.filter((m) => m.client_id === "x").length, 1);
  }
});

test("the outbox keeps the order in which it was written", () => {
  const state = all(fresh(), { type: "send", item: { ...item("b"), created_at: 2 } }, { type: "send", item: { ...item("a"), created_at: 1 } });
  assert.deepEqual(state.outbox.map((o) => o.client_id), ["a", "b"]);
  const marked = apply(state, { type: "mark", client_id: "a", status: "failed", why: "No" });
  assert.deepEqual(marked.outbox.map((o) => o.status), ["failed", "sending"]);
  assert.equal(apply(marked, { type: "mark", client_id: "a", status: "failed", why: "No" }), marked);
  assert.equal(apply(marked, { type: "drop", client_id: "a" }).outbox.length, 1);
});

test("a reply grows by its deltas, whatever overlaps or repeats", () => {
  const state = all(fresh(), told.reply(reply("r", "writing")), told.delta("r", 0, "Hello "), told.delta("r", 0, "Hello "), told.delta("r", 3, "lo wor"), told.delta("r", 9, "ld 👋"));
  assert.equal(streamed(state), "Hello world 👋");
  assert.equal(isWriting(state), true);
});

test("a hole in a reply is not filled with guesses: it asks", () => {
  const state = all(fresh(), told.reply(reply("r", "writing")), told.delta("r", 0, "Hel"), told.delta("r", 9, "ld"));
  assert.equal(streamed(state), "Hel");
  assert.equal(isBehind(state), true);
  assert.equal(isBehind(apply(state, told.reply(reply("r", "writing", "Hello world")))), false);
});

test("the text so far, a second old, takes nothing away", () => {
  const state = all(fresh(), told.reply(reply("r", "writing")), told.delta("r", 0, "Hello world"), told.reply(reply("r", "writing", "Hello")));
  assert.equal(streamed(state), "Hello world");
});

test("a reply that starts again is cleared", () => {
  const state = all(fresh(), told.reply(reply("r", "writing")), told.delta("r", 0, "Hello"), told.reply(reply("r", "writing", "")));
  assert.equal(streamed(state), "");
  assert.equal(streamed(all(state, told.delta("r", 0, "Good evening"))), "Good evening");
});

test("a lost clearing is noticed by words that do not fit", () => {
  const state = all(fresh(), told.reply(reply("r", "writing")), told.delta("r", 0, "Hello"), told.delta("r", 0, "Bye"));
  assert.equal(streamed(state), "Bye");
});

test("a tab opened in the middle of a reply goes on from there", () => {
  const state = fresh({ reply: reply("r", "writing", "Hello ") });
  assert.equal(streamed(apply(state, told.delta("r", 6, "you"))), "Hello you");
});

test("the words stay until the message is there, then are shown once", () => {
  const writing = all(fresh(), told.reply(reply("r", "writing")), told.delta("r", 0, "Hello"));
  const ended = apply(writing, told.reply(became("r", "m2")));
  assert.equal(streamed(ended), "Hello");
  assert.equal(isWriting(ended), false);
  assert.equal(isBehind(ended), true);
  const said = message(2, { sender: "ai", text: "Hello" });
  for (const state of [apply(ended, told.message(said)), all(writing, told.message(said), told.reply(became("r", "m2")))]) {
    assert.equal(streamed(state), "");
    assert.equal(isBehind(state), false);
  }
});

test("late frames of a reply that ended wake nothing", () => {
  const state = all(fresh(), told.reply(reply("a", "writing", "A")), told.message(message(2, { sender: "ai" })), told.reply(became("a", "m2")), told.reply(reply("b", "queued")));
  assert.equal(apply(state, told.reply(reply("a", "writing", "A and"))), state);
  assert.equal(apply(state, told.delta("a", 0, "A")), state);
  assert.equal(state.reply.id, "b");
});

test("the answer to a send does not undo what was faster", () => {
  const owed = { type: "owed", reply: reply("a", "queued") };
  assert.equal(apply(fresh(), owed).reply.state, "queued");
  const writing = apply(fresh(), { type: "delta", reply: "a", offset: 0, text: "Hal" });
  assert.equal(apply(writing, owed), writing);
  const failed = apply(writing, told.reply(reply("a", "failed")));
  assert.equal(apply(failed, owed), failed);
  assert.equal(apply(failed, told.reply(reply("a", "queued"))), failed);
});

test("a failure shows at once, and asking again brings a new reply", () => {
  const failed = all(fresh(), told.reply(reply("a", "writing", "Hal")), told.reply(reply("a", "failed")));
  assert.equal(failed.reply.can_retry, true);
  assert.equal(streamed(failed), "");
  assert.equal(isWriting(failed), false);
  assert.equal(isWriting(apply(failed, told.reply(reply("b", "queued")))), true);
});

test("stop keeps what was on the screen, and what still arrives does not add to it", () => {
  const writing = all(fresh(), told.reply(reply("r", "writing")), told.delta("r", 0, "Hello world"));
  const stopped = all(writing, { type: "stop", seen: 5 }, told.delta("r", 11, ", and"), told.reply(reply("r", "writing", "Hello world, and")));
  assert.equal(streamed(stopped), "Hello");
  assert.equal(isWriting(stopped), false);
  assert.equal(isWriting(apply(stopped, { type: "unstop" })), true);
  const kept = all(stopped, told.message(message(2, { sender: "ai", text: "Hello" })), told.reply(reply("r", "stopped", "", { message: "m2" })));
  assert.equal(kept.reply.state, "stopped");
  assert.equal(streamed(kept), "");
});

test("a snapshot that is older than what is known changes no reply", () => {
  const state = all(fresh(), told.message(message(2)), told.message(message(3, { sender: "ai" })), told.reply(became("r", "m3")));
  const stale = { type: "state", since: 1, conversation: header(2), reply: reply("r", "queued"), messages: [message(2)], has_more: false };
  assert.equal(apply(state, stale).reply.state, "done");
});

test("too far behind: a fresh snapshot replaces what was held", () => {
  const far = { type: "state", since: 1, conversation: header(500), reply: null, messages: [], has_more: true };
  const behind = apply(fresh(), far);
  assert.equal(isBehind(behind), true);
  const page = { type: "state", conversation: header(500), reply: null, messages: [message(499), message(500)], has_more: true };
  const state = apply(behind, page);
  assert.deepEqual(texts(state), ["text 499", "text 500"]);
  assert.equal(state.hasOlder, true);
  assert.equal(isBehind(state), false);
});

test("older messages come above, and an edit of one that is not loaded makes no hole", () => {
  const state = begin({ conversation: header(60), messages: [message(59), message(60)], reply: null, has_older: true });
  assert.equal(apply(state, told.message(message(3, { version: 61 }))).messages.length, 2);
  const more = apply(state, { type: "older", before: 59, messages: [message(57), message(58)], has_more: true });
  assert.deepEqual(more.messages.map((m) => m.seq), [57, 58, 59, 60]);
  assert.equal(more.hasOlder, true);
  assert.equal(apply(more, { type: "older", before: 57, messages: [], has_more: false }).hasOlder, false);
  assert.equal(apply(more, { type: "older", before: 59, messages: [message(56)], has_more: true }), more); // asked for before
});

test("the quota has four faces", () => {
  const face = (over) => quota(begin({ conversation: header(1, over) }), 3).kind;
  assert.deepEqual([10, 4, 3, 1, 0].map((text) => face({ text })), ["plenty", "plenty", "low", "low", "out"]);
  assert.equal(face({ text: 0, premium_active: true }), "premium");
});

test("premium that starts or ends elsewhere shows here at once", () => {
  const out = begin({ conversation: header(1, { text: 0 }) });
  const on = apply(out, { type: "account", premium_active: true, premium_until: "2026-12-21T10:00:00Z" });
  assert.equal(quota(on, 3).kind, "premium");
  assert.equal(quota(apply(on, { type: "account", premium_active: false, premium_until: null }), 3).kind, "out");
});

const row = (conversation, minute, over = {}) => ({ conversation, girl, preview: "…", last_message_at: `2026-11-21T10:${minute}:00Z`, unread: false, typing: false, ...over });

test("threads are ordered by their newest message, and a late row takes nothing back", () => {
  const state = begin({ conversation: header(1), threads: [row("a", "05"), row("b", "04")] });
  const next = apply(state, { type: "thread", thread: row("b", "06", { unread: true }) });
  assert.deepEqual(next.threads.map((t) => t.conversation), ["b", "a"]);
  assert.equal(unreadThreads(next), 1);
  assert.equal(apply(next, { type: "thread", thread: row("b", "04") }), next);
});

test("reading clears the thread's dot", () => {
  const state = begin({ conversation: header(1), threads: [row(ID, "05", { unread: true })] });
  const read = apply(state, { type: "read", seq: 1 });
  assert.equal(unreadThreads(read), 0);
  assert.equal(read.read, 1);
  assert.equal(apply(read, { type: "read", seq: 1 }), read);
});

test("the first page of threads forgets what was deleted and keeps the pages after it", () => {
  const state = begin({ threads: [row("a", "09"), row("gone", "08"), row("b", "07"), row("older", "01")], has_more: true });
  const next = apply(state, { type: "threads", first: true, threads: [row("a", "09"), row("b", "07")], has_more: true });
  assert.deepEqual(next.threads.map((t) => t.conversation), ["a", "b", "older"]);
  const only = apply(state, { type: "threads", first: true, threads: [row("a", "09")], has_more: false });
  assert.deepEqual(only.threads.map((t) => t.conversation), ["a"]);
});

/* --- Deleted, edited, answered again --- */

test("a deleted message leaves the screen, counts as a change, and no late version brings it back", () => {
  const state = all(fresh(), told.message(message(2)), told.message(gone(2, 3)), told.message(message(2)));
  assert.deepEqual(texts(state), ["text 1"]);
  assert.equal(state.version, 3);
  assert.equal(isBehind(state), false);
  assert.deepEqual(texts(all(fresh(), told.message(gone(2, 3)), told.message(message(2)))), ["text 1"]);
});

test("a message that was deleted before a fresh page was made does not come back late", () => {
  const page = begin({ conversation: header(3, { last_seq: 2 }), messages: [message(1, { sender: "ai" })] });
  assert.equal(apply(page, told.message(message(2))), page);
});

test("what changed above the first message shown is known when its page comes, which may be older", () => {
  const state = begin({ conversation: header(60), messages: [message(59), message(60)], has_older: true });
  const changed = all(state, told.message(gone(57, 61)), told.message(message(58, { version: 62, text: "edited" })));
  assert.equal(isBehind(changed), false);
  assert.deepEqual(texts(changed), ["text 59", "text 60"]);
  const more = apply(changed, { type: "older", before: 59, messages: [message(56), message(57), message(58)], has_more: true });
  assert.deepEqual(texts(more), ["text 56", "edited", "text 59", "text 60"]);
});

test("a site's line and kinds that nobody draws yet are messages like others", () => {
  const line = { ...message(2, { sender: "site", text: "You don’t have to carry this alone." }), kind: "notice" };
  const picture = { ...message(3, { sender: "ai" }), kind: "image", media: { id: "p" } };
  assert.deepEqual(texts(all(fresh(), told.message(line), told.message(picture))), ["text 1", line.text, "text 3"]);
});

const writes = (over = {}) => all(fresh(), told.reply(reply("r", "writing", "", over)), told.delta("r", 0, "Hello"));

test("a message that is not her answer ends no reply", () => {
  const user = apply(writes(), told.message(message(2)));
  assert.equal(streamed(user), "Hello");
  assert.equal(isBehind(user), false);
  const hers = apply(writes(), told.message(message(2, { sender: "ai", text: "Something else" })));
  assert.equal(streamed(hers), "Hello");
  assert.equal(isBehind(hers), true); // whose is it?
});

test("her answer without the frame that ends the reply is not shown twice, and asks", () => {
  for (const text of ["Hello you", "Hel"]) {
    const state = apply(writes(), told.message(message(2, { sender: "ai", text })));
    assert.equal(streamed(state), "");
    assert.equal(isWriting(state), false);
    assert.equal(isBehind(state), true);
    const asked = all(state, { ...told.reply(became("r", "m2")), since: 2 }, told.conversation(header(2), 2));
    assert.equal(isBehind(asked), false);
    const another = all(state, { ...told.reply(reply("r", "writing", "Hello")), since: 2 }, told.conversation(header(2), 2));
    assert.equal(streamed(another), "Hello"); // it was another reply's
    assert.equal(isBehind(another), false);
  }
});

test("her answer came before any word of it: she is not shown to type below it", () => {
  const state = all(fresh(), told.reply(reply("r", "queued")), told.message(message(2, { sender: "ai" })));
  assert.equal(isWriting(state), false);
  assert.equal(isBehind(state), true);
});

test("an answer that was there before the reply hides nothing", () => {
  const state = all(fresh(), told.message(message(2, { sender: "ai", text: "Hello you" })), told.reply(reply("r", "writing")), told.delta("r", 0, "Hello"));
  assert.equal(streamed(state), "Hello");
  assert.equal(isBehind(state), false);
});

test("a reply that ended without a message leaves nothing to wait for", () => {
  const state = apply(writes(), told.reply(reply("r", "stopped")));
  assert.equal(streamed(state), "");
  assert.equal(isBehind(state), false);
});

test("a reply whose message was deleted has landed too", () => {
  const state = all(writes(), told.message(gone(2, 3)), told.reply(became("r", "m2")));
  assert.equal(streamed(state), "");
});

test("words of a reply that nobody announced are shown, and it is asked whose they are", () => {
  const state = apply(fresh(), told.delta("r", 0, "Hello"));
  assert.equal(streamed(state), "Hello");
  assert.equal(isBehind(state), true);
});

test("another answer streams until the next version of its message is here, in whichever order they come", () => {
  const again = writes({ replaces: "m1" });
  assert.equal(streamed(again), "Hello");
  assert.equal(isBehind(again), false);
  const next = told.message(message(1, { version: 2, sender: "ai", text: "Hello again", alternatives: 2 }));
  const done = told.reply(became("r", "m1", { replaces: "m1" }));
  const waits = apply(again, done);
  assert.equal(streamed(waits), "Hello");
  assert.equal(isBehind(waits), true);
  const early = apply(again, next);
  assert.equal(streamed(early), "");
  assert.equal(isWriting(early), false);
  assert.equal(isBehind(early), true);
  for (const state of [apply(waits, next), apply(early, done)]) {
    assert.deepEqual(texts(state), ["Hello again"]);
    assert.equal(streamed(state), "");
    assert.equal(isBehind(state), false);
  }
});

test("a frame that does not say what is replaced takes nothing back", () => {
  const state = apply(writes({ replaces: "m1" }), told.reply(reply("r", "writing", "Hello you")));
  assert.equal(state.reply.replaces, "m1");
  assert.equal(streamed(state), "Hello you");
});

test("another answer that fails, or is stopped with nothing, leaves the message as it was", () => {
  for (const end of ["failed", "stopped"]) {
    const state = apply(writes({ replaces: "m1" }), told.reply(reply("r", end, "", { replaces: "m1" })));
    assert.deepEqual(texts(state), ["text 1"]);
    assert.equal(streamed(state), "");
    assert.equal(isBehind(state), false);
  }
});

test("a failed reply is not woken by words that come late", () => {
  const failed = apply(writes(), told.reply(reply("r", "failed")));
  assert.equal(apply(failed, told.delta("r", 5, " you")), failed);
});

test("a row that was on its way when its news was read is read, too", () => {
  const at = "2026-11-21T10:00:00Z";
  const late = (over) => ({ type: "thread", thread: { conversation: "c1", girl: { name: "Mara" }, preview: "", last_message_at: at, unread: true, typing: false, ...over } });
  const unread = begin({ conversation: header(2, { last_seq: 2 }), messages: [message(1), message(2, { sender: "ai" })], threads: [late().thread] });
  const read = apply(unread, { type: "read", seq: 2 });
  assert.equal(apply(read, late()).threads[0].unread, false);
  assert.equal(apply(read, late({ last_message_at: "2026-11-21T10:00:01Z" })).threads[0].unread, true); // of a newer message
  assert.equal(apply(unread, late()).threads[0].unread, true);
});
