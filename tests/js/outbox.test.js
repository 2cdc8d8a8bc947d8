import assert from "node:assert/strict";
import { test } from "node:test";
import { LIMIT, Outbox, uuid } from "../../static/js/chat/outbox.js";
import { Kept } from "../../static/js/site/device.js";
import { Foreign } from "../../static/js/chat/api.js";
import { apply, begin } from "../../static/js/chat/state.js";

const settled = () => new Promise((resolve) => setImmediate(resolve));

/* What localStorage does: its keys are its own properties. */
function store(content = {}) {
  const data = { ...content };
  const hidden = (value) => ({ value, enumerable: false });
  return Object.defineProperties(data, {
    getItem: hidden((key) => data[key] ?? null),
    setItem: hidden((key, value) => (data[key] = String(value))),
    removeItem: hidden((key) => delete data[key]),
  });
}

function outbox(answers, { storage = store(), held = () => false } = {}) {
  let state = begin({ conversation: null });
  const world = { sent: [], pauses: [], given: [], signedOut: 0, storage, run: null };
  world.box = new Outbox({
    conversation: "c1",
    storage: new Kept(() => storage),
    held,
    items: () => state.outbox,
    tell: (frame) => (state = frame.type === "sent" ? state : apply(state, frame)),
    deliver: async (item, again) => {
      world.sent.push({ client_id: item.client_id, text: item.text, again });
      const answer = answers.length > 1 ? answers.shift() : answers[0];
      if (answer instanceof Error) throw answer;
      return { ok: answer.status < 300, code: "", body: {}, wait: 0, ...answer };
    },
    giveBack: (texts) => world.given.push(...texts),
    retired: () => (world.retired = (world.retired ?? 0) + 1),
    signedOut: async () => { world.signedOut += 1; return world.isOut ?? true; },
    later: (run, pause) => { world.pauses.push(pause); world.run = run; },
    now: () => (world.clock = (world.clock ?? 0) + 1),
  });
  world.items = () => state.outbox;
  return world;
}

const ok = { status: 201 };
const offline = new TypeError("fetch failed");

test("a message that arrives leaves nothing behind", async () => {
  const { box, sent, items, storage } = outbox([ok]);
  assert.equal(box.add("hello"), true);
  await settled();
  assert.equal(sent.length, 1);
  assert.deepEqual(items(), []);
  assert.deepEqual(Object.keys(storage), []);
});

test("to a character who retired nothing is sent, and the words stay", async () => {
  const body = { error: { code: "character_retired", message: "She has retired." } };
  const world = outbox([{ status: 410, code: "character_retired", body }]);
  world.box.add("hello");
  await settled();
  assert.equal(world.retired, 1);
  assert.deepEqual(world.items().map(({ text, status, why }) => [text, status, why]), [["hello", "failed", "She has retired."]]);
});

test("what cannot be sent waits, and goes with the id it was born with", async () => {
  const world = outbox([offline, offline, ok]);
  world.box.add("hello");
  await settled();
  assert.equal(world.items()[0].status, "waiting");
  world.run();
  await settled();
  world.run();
  await settled();
  assert.equal(new Set(world.sent.map((s) => s.client_id)).size, 1);
  assert.equal(world.sent.length, 3);
  assert.deepEqual(world.items(), []);
  assert.ok(world.pauses[0] <= 1000 && world.pauses[1] > 500 && world.pauses[1] <= 2000);
});

test("a reload in the middle of a send sends the same id again", async () => {
  const before = outbox([offline]);
  before.box.add("hello");
  await settled();
  const after = outbox([{ status: 200 }], { storage: before.storage });
  after.box.load();
  await settled();
  assert.equal(after.sent[0].client_id, before.sent[0].client_id);
  assert.deepEqual(Object.keys(after.storage), []);
});

test("messages go one after the other, in the order in which they were written", async () => {
  const { box, sent } = outbox([ok]);
  for (const text of ["a", "b", "c"]) box.add(text);
  await settled();
  await settled();
  await settled();
  assert.deepEqual(sent.map((s) => s.text), ["a", "b", "c"]);
});

test("twenty may wait, not more", async () => {
  const { box, items } = outbox([offline]);
  for (let i = 0; i < LIMIT; i += 1) assert.equal(box.add(`${i}`), true);
  assert.equal(box.add("one too many"), false);
  assert.equal(items().length, LIMIT);
});

test("out of free messages: everything goes back into the draft", async () => {
  const { box, given, items, storage } = outbox([{ status: 402, code: "quota_exhausted" }]);
  box.add("a");
  box.add("b");
  await settled();
  assert.deepEqual(given, ["a", "b"]);
  assert.deepEqual(items(), []);
  assert.deepEqual(Object.keys(storage), []);
});

test("a refused check is tried once more with a new permit, then the message is kept", async () => {
  const refused = { status: 403, code: "security_check_failed" };
  const { box, sent, items, storage } = outbox([refused]);
  box.add("hello");
  await settled();
  await settled();
  assert.deepEqual(sent.map((s) => s.again), [false, true]);
  assert.equal(items()[0].status, "unchecked");
  assert.equal(Object.keys(storage).length, 1);
});

test("no permit to be had: the message is kept as unchecked", async () => {
  const { box, items } = outbox([Object.assign(new Error(), { name: "CheckFailed" })]);
  box.add("hello");
  await settled();
  assert.equal(items()[0].status, "unchecked");
});

test("too fast: it waits as long as it was told and goes by itself", async () => {
  const world = outbox([{ status: 429, wait: 7000 }, ok]);
  world.box.add("hello");
  await settled();
  assert.deepEqual(world.pauses, [7000]);
  world.run();
  await settled();
  assert.deepEqual(world.items(), []);
});

test("a server in trouble is tried a few times, then the person decides", async () => {
  const world = outbox([{ status: 503 }]);
  world.box.add("hello");
  for (let i = 0; i < 6; i += 1) {
    await settled();
    if (world.items()[0].status !== "failed") world.run();
  }
  assert.equal(world.items()[0].status, "failed");
  assert.equal(world.sent.length, 6);
  world.box.drop(world.items()[0].client_id);
  assert.deepEqual(Object.keys(world.storage), []);
});

test("a message that is refused says why, and the next ones go on", async () => {
  const world = outbox([{ status: 400, body: { error: { code: "message_too_long", message: "Too long." } } }, ok]);
  world.box.add("long");
  world.box.add("short");
  await settled();
  await settled();
  assert.deepEqual(world.items().map((i) => [i.status, i.why]), [["failed", "Too long."]]);
});

test("said to be signed out by mistake: it goes by itself", async () => {
  const world = outbox([{ status: 401, code: "sign_in_required" }, ok]);
  world.isOut = false;
  world.box.add("hello");
  await settled();
  world.run();
  await settled();
  assert.deepEqual(world.items(), []);
});

for (const status of [400, 401, 402, 403, 404, 407, 413, 451]) {
  test(`a ${status} that is not ours is the end of this message, and of no other`, async () => {
    const world = outbox([new Foreign(status), ok]);
    world.box.add("blocked");
    world.box.add("harmless");
    await settled();
    await settled();
    assert.deepEqual(world.items().map((i) => [i.text, i.status, i.why]), [["blocked", "failed", ""]]);
    assert.deepEqual([world.signedOut, world.given], [0, []]);
    const after = outbox([ok], { storage: world.storage }); // a reload
    after.box.load();
    after.box.add("later");
    await settled();
    assert.deepEqual(after.sent.map((s) => s.text), ["later"]);
    assert.deepEqual(after.items().map((i) => i.status), ["failed"]);
  });
}

for (const status of [0, 200, 429, 500, 502, 511]) {
  test(`a ${status || "redirect"} that is not ours is tried a few times, then the person decides`, async () => {
    const world = outbox([new Foreign(status)]);
    world.box.add("hello");
    for (let i = 0; i < 3; i += 1) {
      await settled();
      assert.equal(world.items()[0].status, "waiting");
      world.run();
    }
    await settled();
    assert.equal(world.items()[0].status, "failed");
    assert.equal(world.sent.length, 4);
  });
}

test("what others left among our things is thrown away, and locks nothing", async () => {
  const item = (client_id, over) => JSON.stringify({ client_id, text: "hello", created_at: 1, status: "waiting", ...over });
  const junk = { a: "{", b: "null", c: item("other"), d: item("d", { text: 7 }), e: item("e", { status: "?" }), f: item("f") };
  const storage = store(Object.fromEntries(Object.entries(junk).map(([id, text]) => [`dusk:outbox:c1:${id}`, text])));
  const world = outbox([ok], { storage });
  world.box.load();
  await settled();
  assert.deepEqual(world.sent.map((s) => s.client_id), ["f"]);
  assert.deepEqual(Object.keys(storage), []);
});

test("signed out: it waits and nothing is tried again", async () => {
  const world = outbox([{ status: 401, code: "sign_in_required" }]);
  world.box.add("hello");
  await settled();
  assert.equal(world.signedOut, 1);
  assert.equal(world.sent.length, 1);
  assert.deepEqual(world.pauses, []);
  assert.equal(Object.keys(world.storage).length, 1);
});

test("there is something to agree to first: it waits for the page that comes back", async () => {
  const world = outbox([{ status: 403, code: "consent_required" }]);
  world.box.add("hello");
  await settled();
  assert.deepEqual(world.items().map((i) => i.status), ["waiting"]);
  assert.deepEqual([world.sent.length, world.pauses], [1, []]);
  assert.equal(Object.keys(world.storage).length, 1);
});

test("while she writes a message is held, and goes when she has finished", async () => {
  let writing = true;
  const world = outbox([ok], { held: () => writing });
  world.box.add("hello");
  await settled();
  assert.equal(world.items()[0].status, "held");
  assert.equal(world.sent.length, 0);
  writing = false;
  world.box.go();
  await settled();
  assert.equal(world.sent.length, 1);
});

test("another tab that delivered it takes it off this one's list", async () => {
  const world = outbox([offline]);
  world.box.add("hello");
  await settled();
  const [key] = Object.keys(world.storage);
  world.box.stored(key, null);
  assert.deepEqual(world.items(), []);
});

for (const [what, storage] of Object.entries({
  full: Object.defineProperties({}, { getItem: { value: () => null }, removeItem: { value() {} }, setItem: { value() { throw new Error("full"); } } }),
  missing: null,
  forbidden: new Proxy({}, { get() { throw new Error("forbidden"); } }),
})) {
  test(`storage that is ${what} stops no message`, async () => {
    const { box, sent, items } = outbox([offline, ok], { storage });
    box.add("hello");
    await settled();
    assert.equal(items()[0].status, "waiting");
    box.load();
    await settled();
    assert.equal(sent.length, 2);
    assert.deepEqual(items(), []);
  });
}

test("ids are random UUIDs of version 4, also where the browser makes none by itself", () => {
  const plain = { getRandomValues: (bytes) => crypto.getRandomValues(bytes) };
  const ids = Array.from({ length: 100 }, () => uuid(plain));
  for (const id of ids) assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.equal(new Set(ids).size, 100);
  assert.equal(uuid({ randomUUID: () => "its own" }), "its own");
});
