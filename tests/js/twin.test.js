/* The promise itself: whatever is lost, doubled or late, one answer makes the tab equal to the database. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { apply, begin, isBehind, isWriting, streamed } from "../../static/js/chat/state.js";
import { all, gone, header, message, reply, told } from "./telling.js";

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
  below(n) { return Math.floor(this.rand() * n); }
  header() { return header(this.version, { last_seq: this.seq, last_read_seq: this.read, text: this.free }); }
  tell(...frames) { this.parcels.push([...frames, told.conversation(this.header())]); }
  owed() { return this.reply && (this.reply.state === "queued" || this.reply.state === "writing"); }
  shape() { return this.reply && { ...this.reply, text: this.owed() ? this.reply.text : "" }; }
  live() { return this.messages.filter((m) => !m.deleted); }
  write(sender, text, client_id = null) {
    this.messages.push(message(++this.seq, { version: ++this.version, sender, text, client_id }));
    return told.message({ ...this.messages.at(-1) });
  }
  change(m, over) {
    const changed = this.messages[m.seq - 1] = { ...m, ...over, version: ++this.version };
    return told.message({ ...changed });
  }
  owe(over) { this.reply = reply(`r${++this.replies}`, "queued", "", over); }
  end(state, message = null) {
    this.reply = { ...this.reply, state, message, can_retry: state === "failed" };
    return told.reply(this.shape());
  }

  send() {
    const news = this.write("user", `said ${this.seq}`, `k${this.seq}`);
    this.free -= 1;
    if (!this.owed()) this.owe();
    this.tell(news, told.reply(this.shape()));
  }
  speak() { // from the start again, now and then: another model took over
    const again = this.rand() < 0.1;
    this.reply = { ...this.reply, state: "writing", text: again ? "" : this.reply.text };
    const text = `word${this.below(100)} `;
    this.parcels.push([...(again ? [told.reply(this.shape())] : []), told.delta(this.reply.id, this.reply.text.length, text)]);
    this.reply.text += text;
  }
  land() {
    const { text, replaces } = this.reply;
    const stopped = this.rand() < 0.3;
    if (stopped && !text) {
      this.version += 1;
      return this.tell(this.end("stopped"));
    }
    const old = this.messages.find((m) => m.id === replaces);
    const alternatives = Math.max(old?.alternatives ?? 0, 1) + 1;
    const said = text.trim() || "…";
    const news = old ? this.change(old, { text: said, html: `<p>${said}</p>`, alternatives, chosen: alternatives }) : this.write("ai", said);
    const ended = this.end(stopped ? "stopped" : "done", news.message.id);
    const waits = this.live().at(-1).sender === "user";
    if (waits) this.owe();
    this.tell(news, ended, ...(waits ? [told.reply(this.shape())] : []));
  }
  fail() { this.version += 1; this.free += 1; this.tell(this.end("failed")); }
  edit() {
    const [m] = this.live().slice(-1 - this.below(3));
    if (m) this.tell(this.change(m, { text: `${m.text}!`, html: "", edited_at: "2026-11-21T11:00:00Z" }));
  }
  remove() {
    const live = this.live();
    const m = live[this.below(live.length)];
    if (!m) return;
    const first = this.owed() && this.reply.replaces === m.id ? [this.end("stopped")] : [];
    this.messages[m.seq - 1] = gone(m.seq, ++this.version);
    this.tell(told.message(this.messages[m.seq - 1]), ...first);
  }
  again() {
    const m = this.live().findLast((other) => other.sender === "ai");
    if (!m) return;
    this.owe({ replaces: m.id });
    this.parcels.push([told.reply(this.shape())]);
  }
  seen() { this.read = this.seq; this.version += 1; this.tell(); }
  step() {
    const can = [this.send, this.edit, this.remove, ...(this.owed() ? [this.speak, this.speak, this.speak, this.land, this.land, this.fail] : [this.again])];
    if (this.read < this.seq) can.push(this.seen);
    can[this.below(can.length)].call(this);
  }

  since(version) {
    const messages = this.messages.filter((m) => m.version > version).sort((a, b) => a.version - b.version);
    return { type: "state", since: version, conversation: this.header(), reply: this.shape(), messages: messages.map((m) => ({ ...m })), has_more: false };
  }
  watch(version) {
    const { messages, reply: latest, conversation } = this.since(version);
    return [...messages.map(told.message), ...(latest ? [{ ...told.reply(latest), since: version }] : []), told.conversation(conversation, version)];
  }
  page() { return begin({ conversation: this.header(), messages: this.live().map((m) => ({ ...m })), reply: this.shape() }); }
  afresh() { return { type: "state", conversation: this.header(), reply: this.shape(), messages: this.live(), has_more: false }; }
}

const seen = (state) => ({
  version: state.version,
  messages: state.messages,
  conversation: state.conversation,
  reply: state.reply && { id: state.reply.id, state: state.reply.state, message: state.reply.message, replaces: state.reply.replaces },
  words: streamed(state),
  writing: isWriting(state),
});

const parcels = (all) => all;
const frames = (all) => all.flatMap((parcel) => parcel.map((frame) => [frame]));
const answers = {
  "over the socket": (server, state) => all(state, ...server.watch(state.version)),
  "over HTTP": (server, state) => apply(state, server.since(state.version)),
  "with a page afresh": (server, state) => apply(state, server.afresh()),
};

for (const [what, split] of [["parcels", parcels], ["single frames", frames]]) {
  for (const [how, answer] of Object.entries(answers)) {
    test(`lost, doubled and late ${what} converge with one question ${how}`, () => {
      for (let seed = 1; seed <= 400; seed += 1) {
        const rand = random(seed);
        const server = new Server(rand);
        let state = server.page();
        const late = [];
        for (let i = 0; i < 60; i += 1) {
          server.step();
          for (const part of split(server.parcels.splice(0))) {
            const luck = rand();
            if (luck < 0.15) continue; // lost
            if (luck < 0.3) late.push(part);
            else for (let times = luck < 0.45 ? 2 : 1; times > 0; times -= 1) state = all(state, ...part);
            if (late.length && rand() < 0.3) state = all(state, ...late.splice(Math.floor(rand() * late.length), 1)[0]);
          }
          if (rand() < 0.03) state = answer(server, state);
          claims(state, server, seed);
        }
        for (const part of late) state = all(state, ...part);
        state = answer(server, state);
        assert.deepEqual(seen(state), seen(server.page()), `seed ${seed}`);
        assert.equal(isBehind(state), false, `seed ${seed}`);
      }
    });
  }
}

/* What a tab says it holds, it holds: otherwise it would never ask for it. */
function claims(state, server, seed) {
  assert.ok(state.version <= server.version);
  const held = new Map(state.messages.map((m) => [m.id, m.version]));
  for (const m of server.messages) {
    if (m.version > state.version) continue;
    assert.equal(held.get(m.id), m.deleted ? undefined : m.version, `seed ${seed}: claims version ${state.version}, not so ${m.id}`);
  }
}

test("a tab that hears everything in order has next to nothing to ask, and shows no words twice", () => {
  for (let seed = 1; seed <= 200; seed += 1) {
    const server = new Server(random(seed));
    let state = server.page();
    for (let i = 0; i < 60; i += 1) {
      server.step();
      for (const parcel of server.parcels.splice(0)) {
        for (const frame of parcel) {
          state = apply(state, frame);
          const words = streamed(state).trim();
          const last = state.messages.findLast((m) => m.sender === "ai");
          assert.ok(!words || state.reply.replaces || last?.text !== words || last.seq <= state.reply.since, `seed ${seed}: twice`);
        }
        // That a reply came to nothing shows in no message and no header: the version of it has to be asked for.
        const nothing = parcel[0].reply?.state === "stopped" && !parcel[0].reply.message;
        assert.equal(isBehind(state), nothing, `seed ${seed}: ${parcel.map((frame) => frame.type)}`);
        if (nothing) state = all(state, ...server.watch(state.version));
      }
    }
    assert.deepEqual(seen(state), seen(server.page()), `seed ${seed}`);
  }
});
