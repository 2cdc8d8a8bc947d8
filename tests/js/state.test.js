import assert from "node:assert/strict";
import { test } from "node:test";
import { apply, begin, isBehind, isWriting, quota, streamed, unreadThreads } from "../../static/js/chat/state.js";

const ID = "c1";
const girl = { name: "Mara", slug: "mara", avatar_url: "/mara.svg" };

function message(seq, { version = seq, sender = "user", text = `text ${seq}`, client_id = null } = {}) {
  return { id: `m${seq}`, seq, version, sender, kind: "text", text, html: `<p>${text}</p>`, media: null, created_at: "2026-11-21T10:00:00Z", client_id };
}

function header(version, { last_seq = version, last_read_seq = 0, text = 10, premium_active = false } = {}) {
  return { id: ID, girl, version, last_seq, last_read_seq, free_remaining: { text, media: 2, audio: 3 }, premium_active, premium_until: null };
}

function reply(id, state, text = "") {
  return { id, state, text, can_retry: state === "failed" };
}

const told = {
  message: (m) => ({ type: "message", conversation: ID, version: m.version, message: m }),
  conversation: (c, since) => ({ type: "conversation", conversation: c, ...(since !== undefined && { since }) }),
  reply: (r) => ({ type: "reply", conversation: ID, reply: r }),
  delta: (id, offset, text) => ({ type: "delta", conversation: ID, reply: id, offset, text }),
};

const fresh = (over = {}) => begin({ conversation: header(1, { last_seq: 1 }), messages: [message(1, { sender: "ai" })], reply: null, ...over });
const all = (state, ...frames) => frames.reduce(apply, state);
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

test("a header that is next and has no new message is a change of its own", () => {
  const state = apply(fresh(), told.conversation(header(2, { last_seq: 1, last_read_seq: 1 })));
  assert.equal(state.version, 2);
  assert.equal(isBehind(state), false);
});

test("a header that knows of a message that is not here asks", () => {
  assert.equal(isBehind(apply(fresh(), told.conversation(header(2, { last_seq: 2 })))), true);
});

test("an older header is ignored, and nobody unreads", () => {
  const state = all(fresh(), told.conversation(header(3, { last_seq: 1, text: 4, last_read_seq: 1 })), told.conversation(header(2, { last_seq: 1, text: 5 })));
  assert.equal(state.conversation.free_remaining.text, 4);
  assert.equal(apply(state, told.conversation(header(3, { last_seq: 1, last_read_seq: 0 }))).conversation.last_read_seq, 1);
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
  const ended = apply(writing, told.reply(reply("r", "done")));
  assert.equal(streamed(ended), "Hello");
  assert.equal(isWriting(ended), false);
  assert.equal(isBehind(ended), true);
  const said = message(2, { sender: "ai", text: "Hello" });
  for (const state of [apply(ended, told.message(said)), all(writing, told.message(said), told.reply(reply("r", "done")))]) {
    assert.equal(streamed(state), "");
    assert.equal(isBehind(state), false);
  }
});

test("late frames of a reply that ended wake nothing", () => {
  const state = all(fresh(), told.reply(reply("a", "writing", "A")), told.message(message(2, { sender: "ai" })), told.reply(reply("a", "done")), told.reply(reply("b", "queued")));
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
  const kept = all(stopped, told.message(message(2, { sender: "ai", text: "Hello" })), told.reply(reply("r", "stopped")));
  assert.equal(kept.reply.state, "stopped");
  assert.equal(streamed(kept), "");
});

test("a snapshot that is older than what is known changes no reply", () => {
  const state = all(fresh(), told.message(message(2)), told.message(message(3, { sender: "ai" })), told.reply(reply("r", "done")));
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
  const more = apply(state, { type: "older", messages: [message(57), message(58)], has_more: true });
  assert.deepEqual(more.messages.map((m) => m.seq), [57, 58, 59, 60]);
  assert.equal(more.hasOlder, true);
  assert.equal(apply(more, { type: "older", messages: [], has_more: false }).hasOlder, false);
});

test("the quota has four faces", () => {
  const face = (over) => quota(begin({ conversation: header(1, over) })).kind;
  assert.deepEqual([10, 4, 3, 1, 0].map((text) => face({ text })), ["plenty", "plenty", "low", "low", "out"]);
  assert.equal(face({ text: 0, premium_active: true }), "premium");
});

test("premium that starts or ends elsewhere shows here at once", () => {
  const out = begin({ conversation: header(1, { text: 0 }) });
  const on = apply(out, { type: "account", premium_active: true, premium_until: "2026-12-21T10:00:00Z" });
  assert.equal(quota(on).kind, "premium");
  assert.equal(quota(apply(on, { type: "account", premium_active: false, premium_until: null })).kind, "out");
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
  assert.equal(read.conversation.last_read_seq, 1);
  assert.equal(apply(read, { type: "read", seq: 1 }), read);
});

test("the first page of threads forgets what was deleted and keeps the pages after it", () => {
  const state = begin({ threads: [row("a", "09"), row("gone", "08"), row("b", "07"), row("older", "01")], has_more: true });
  const next = apply(state, { type: "threads", first: true, threads: [row("a", "09"), row("b", "07")], has_more: true });
  assert.deepEqual(next.threads.map((t) => t.conversation), ["a", "b", "older"]);
  const only = apply(state, { type: "threads", first: true, threads: [row("a", "09")], has_more: false });
  assert.deepEqual(only.threads.map((t) => t.conversation), ["a"]);
});

/* --- The promise itself: whatever is lost, doubled or late, one answer makes the tab equal to the database. --- */

function random(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/* A server with one conversation: every deed gives one parcel of frames, in the order in which it is sent. */
class Server {
  constructor(rand) {
    Object.assign(this, { rand, version: 0, seq: 0, read: 0, free: 10, messages: [], reply: null, replies: 0, parcels: [] });
    this.write("ai", "Hi");
  }
  header() {
    return header(this.version, { last_seq: this.seq, last_read_seq: this.read, text: this.free });
  }
  tell(...frames) {
    this.parcels.push([...frames, told.conversation(this.header())]);
  }
  write(sender, text, client_id = null) {
    const m = message(++this.seq, { version: ++this.version, sender, text, client_id });
    this.messages.push(m);
    return told.message({ ...m });
  }
  shape() {
    return this.reply && { ...this.reply, text: this.owed() ? this.reply.text : "" };
  }
  owed() {
    return this.reply && (this.reply.state === "queued" || this.reply.state === "writing");
  }
  owe() {
    this.reply = reply(`r${++this.replies}`, "queued");
  }
  step() {
    const deed = Math.floor(this.rand() * 6);
    if (deed === 0 && !this.owed()) {
      const news = this.write("user", `said ${this.seq}`, `k${this.seq}`);
      this.free -= 1;
      this.owe();
      this.tell(news, told.reply(this.shape()));
    } else if (deed <= 2 && this.owed()) {
      this.reply = { ...this.reply, state: "writing" };
      const offset = this.reply.text.length;
      const text = `word${Math.floor(this.rand() * 100)} `;
      this.reply.text += text;
      this.parcels.push([told.delta(this.reply.id, offset, text)]);
    } else if (deed === 3 && this.owed()) {
      const failed = this.rand() < 0.3;
      const news = failed ? (this.version++, this.free++, []) : [this.write("ai", this.reply.text || "…")];
      this.reply = { ...this.reply, state: failed ? "failed" : this.rand() < 0.3 ? "stopped" : "done", can_retry: failed };
      this.tell(...news, told.reply(this.shape()));
    } else if (deed === 4 && this.read < this.seq) {
      this.read = this.seq;
      this.version++;
      this.tell();
    } else if (deed === 5) {
      const m = this.messages[Math.floor(this.rand() * this.messages.length)];
      m.text += "!";
      m.version = ++this.version;
      this.tell(told.message({ ...m }));
    }
  }
  since(version) {
    const changed = this.messages.filter((m) => m.version > version).sort((a, b) => a.version - b.version);
    return { type: "state", since: version, conversation: this.header(), reply: this.shape(), messages: changed.map((m) => ({ ...m })), has_more: false };
  }
  watch(version) {
    const { messages, reply: owed, conversation } = this.since(version);
    return [...messages.map(told.message), ...(owed ? [{ ...told.reply(owed), since: version }] : []), told.conversation(conversation, version)];
  }
  page() {
    return begin({ conversation: this.header(), messages: this.messages.map((m) => ({ ...m })), reply: this.shape() });
  }
}

const seen = (state) => ({
  version: state.version,
  messages: state.messages,
  conversation: state.conversation,
  reply: state.reply && { id: state.reply.id, state: state.reply.state },
  words: streamed(state),
  writing: isWriting(state),
});

for (const [name, watch] of [["over the socket", true], ["over HTTP", false]]) {
  test(`lost, doubled and late parcels converge with one question ${name}`, () => {
    for (let seed = 1; seed <= 400; seed += 1) {
      const rand = random(seed);
      const server = new Server(rand);
      let state = server.page();
      const late = [];
      for (let i = 0; i < 60; i += 1) {
        server.step();
        for (const parcel of server.parcels.splice(0)) {
          const luck = rand();
          if (luck < 0.15) continue; // lost
          if (luck < 0.3) late.push(parcel);
          else for (let times = luck < 0.45 ? 2 : 1; times > 0; times -= 1) state = all(state, ...parcel);
          if (late.length && rand() < 0.3) state = all(state, ...late.splice(Math.floor(rand() * late.length), 1)[0]);
        }
        const known = state.version;
        assert.ok(known <= server.version);
        const held = new Map(state.messages.map((m) => [m.id, m.version]));
        for (const m of server.messages) if (m.version <= known) assert.equal(held.get(m.id), m.version, `seed ${seed}: claims version ${known} without message ${m.id}`);
      }
      for (const parcel of late) state = all(state, ...parcel);
      state = watch ? all(state, ...server.watch(state.version)) : apply(state, server.since(state.version));
      assert.deepEqual(seen(state), seen(server.page()), `seed ${seed}`);
      assert.equal(isBehind(state), false, `seed ${seed}`);
    }
  });
}

test("a tab that hears everything in order never has to ask", () => {
  for (let seed = 1; seed <= 100; seed += 1) {
    const server = new Server(random(seed));
    let state = server.page();
    for (let i = 0; i < 60; i += 1) {
      server.step();
      for (const parcel of server.parcels.splice(0)) state = all(state, ...parcel);
      assert.equal(isBehind(state), false, `seed ${seed}`);
    }
    assert.deepEqual(seen(state), seen(server.page()), `seed ${seed}`);
  }
});
