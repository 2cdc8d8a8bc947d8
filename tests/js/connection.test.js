import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { element, open } from "./page.js";
import { header, message, reply, told } from "./telling.js";

const page = open();
class FakeSocket {
  static made = [];
  sent = [];
  readyState = 0;
  constructor(url) { this.url = url; FakeSocket.made.push(this); }
  send(text) { this.sent.push(JSON.parse(text)); }
  close() {}
  opens() { this.readyState = 1; this.onopen(); }
  says(frame) { this.onmessage({ data: JSON.stringify(frame) }); }
}
globalThis.WebSocket = FakeSocket;
const { Connection, bars } = await import("../../static/js/chat/connection.js");
const { Store } = await import("../../static/js/chat/store.js");
const { begin } = await import("../../static/js/chat/state.js");
const settled = async () => { for (let i = 0; i < 20; i += 1) await null; };

/* A tab in a conversation, and a server that answers each question with the next of `answers`. */
function tab({ id = "c1", answers = {} } = {}) {
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
  Object.defineProperty(globalThis, "navigator", { value: { onLine: true }, configurable: true });
  page.document.hidden = false;
  const world = { asked: [], left: 0, shown: [], turns: [] };
  globalThis.fetch = async (path, { method }) => {
    world.asked.push(`${method} ${path}`);
    const [status, body, type = "basic", kind = "application/json"] = answers[path.split("?")[0]] ?? [503, {}];
    if (status === 0) throw new TypeError("fetch failed");
    return { ok: status === 200, status, type, headers: new Headers({ "Content-Type": kind }), json: async () => body };
  };
  const conversation = id ? header(1, { last_seq: 1 }) : null;
  world.store = new Store(begin({ conversation, messages: id ? [message(1, { sender: "ai" })] : [] }));
  world.net = new Connection({ store: world.store, id, stamp: 5, leave: () => { world.left += 1; }, show: (is) => world.shown.push(is) });
  world.net.subscribe((is, was) => world.turns.push([was, is]));
  world.socket = () => FakeSocket.made.at(-1);
  return world;
}
const newer = (version, ...messages) => [200, { conversation: header(version), reply: null, messages, has_more: false }];

test("what the socket says is told to the state", () => {
  const { store, socket } = tab();
  socket().opens();
  assert.equal(socket().url, "ws://here/ws/");
  assert.deepEqual(socket().sent, [{ type: "watch", conversation: "c1", version: 1, threads: 5 }]);
  socket().says(told.message(message(2)));
  assert.equal(store.state.version, 2);
});

test("who is behind asks on the socket, a moment later and once; and over HTTP if no answer comes", async () => {
  const { store, socket, asked } = tab({ answers: { "state/": newer(4, message(2), message(3), message(4)) } });
  socket().opens();
  socket().says(told.message(message(4)));
  socket().says(told.message(message(3)));
  assert.equal(socket().sent.length, 1);
  mock.timers.tick(50);
  assert.deepEqual(socket().sent.at(-1), { type: "watch", conversation: "c1", version: 1, threads: 5 });
  socket().says(told.conversation(header(4)));
  mock.timers.tick(2_949);
  assert.equal(socket().sent.length, 2);
  assert.deepEqual(asked, []);
  mock.timers.tick(1);
  await settled();
  assert.deepEqual(asked, ["GET state/?after=1"]);
  assert.equal(store.state.version, 4);
});

test("what closes by itself is not asked for: her message comes a moment before the end of her reply", async () => {
  const { socket, asked } = tab();
  socket().opens();
  socket().says(told.reply(reply("r", "writing", "Hello")));
  socket().says(told.message(message(2, { sender: "ai", text: "Hello" })));
  socket().says(told.reply(reply("r", "done", "", { message: "m2" })));
  mock.timers.tick(5_000);
  await settled();
  assert.equal(socket().sent.length, 1);
  assert.deepEqual(asked, []);
});

test("while a reply is owed and silent it asks every five seconds, not while words come or nobody looks", () => {
  const { socket } = tab();
  socket().opens();
  const asks = (seconds) => {
    const before = socket().sent.length;
    mock.timers.tick(seconds * 1_000);
    return socket().sent.length - before;
  };
  socket().says(told.reply(reply("r", "queued")));
  assert.equal(asks(5), 1);
  socket().says(told.reply(reply("r", "queued"), 1));
  assert.equal(asks(5), 1);
  socket().says(told.delta("r", 0, "Well"));
  assert.equal(asks(5), 0);
  page.document.hidden = true;
  socket().says(told.conversation(header(1)));
  assert.equal(asks(5), 0);
  page.document.hidden = false;
  socket().says(told.reply(reply("r", "failed", "Well")));
  assert.equal(asks(4), 0);
});

test("too far behind it takes the newest messages afresh", async () => {
  const { store, socket, asked } = tab({ answers: { "state/": [200, { conversation: header(500), reply: null, messages: [message(500)], has_more: true }] } });
  socket().opens();
  socket().says({ type: "error", code: "too_far_behind" });
  await settled();
  assert.deepEqual(asked, ["GET state/"]);
  assert.equal(store.state.version, 500);
});

test("a conversation that is gone is left", async () => {
  const { socket, ...world } = tab();
  socket().opens();
  const found = tab({ answers: { "state/": [404, { error: { code: "not_found", message: "There is nothing here." } }] } });
  found.socket().opens();
  found.socket().says({ type: "error", code: "not_found" });
  assert.equal(found.left, 1);
  await found.net.refresh();
  assert.equal(found.left, 2);
});

test("without a socket it polls, while somebody looks", async () => {
  const list = { threads: [], stamp: 5, next: null, has_more: false };
  const { socket, net, asked, turns } = tab({ answers: { "state/": newer(1), "/chat/threads/": [200, list] } });
  socket().onclose({ code: 1006 });
  await settled();
  assert.deepEqual(asked, ["GET state/?after=1"]);
  assert.equal(net.is, "polling");
  mock.timers.tick(5_000);
  await settled();
  assert.ok(asked.length > 1);
  const before = asked.length;
  page.document.hidden = true;
  mock.timers.tick(5_000);
  assert.equal(asked.length, before);
  page.document.hidden = false;
  socket().opens();
  assert.deepEqual(turns, [["open", "polling"], ["polling", "open"]]);
});

test("no network is shown after a moment, when it still is so", async () => {
  const { socket, net, shown } = tab({ answers: { "state/": [0] } });
  socket().onclose({ code: 1006 });
  await settled();
  assert.equal(net.is, "down");
  mock.timers.tick(1_999);
  assert.deepEqual(shown, []);
  mock.timers.tick(1);
  assert.deepEqual(shown, ["down"]);
});

test("a flicker is nobody's business", async () => {
  const { socket, shown } = tab({ answers: { "state/": [0] } });
  socket().onclose({ code: 1006 });
  await settled();
  mock.timers.tick(1_000);
  socket().opens();
  mock.timers.tick(10_000);
  assert.deepEqual(shown, ["open"]);
});

const nobody = [401, { error: { code: "sign_in_required", message: "Sign in to go on." } }];
const somebody = (member) => [200, { member, csrf_token: "fresh" }];
const isOf = (member) => {
  const meta = (name, content) => Object.assign(element("meta"), { content, matches: (selector) => selector === `meta[name="${name}"]` });
  page.document.body.replaceChildren(meta("csrf-token", "old"), meta("member", member));
};
const csrf = () => page.document.querySelector('meta[name="csrf-token"]').content;
const passed = async (time) => {
  await settled();
  mock.timers.tick(time);
  await settled();
};

test("who is signed out is told so when the server has said it twice, and goes on when they are back", async () => {
  isOf("alice");
  const answers = { "/chat/session/": nobody };
  const { socket, net, turns, asked } = tab({ answers });
  socket().onclose({ code: 4401 });
  await settled();
  assert.equal(net.is, "open"); // asked once
  await passed(1_000);
  net.turn("open");
  assert.deepEqual([net.is, turns], ["signed-out", [["open", "signed-out"]]]);
  assert.deepEqual(asked, ["GET /chat/session/", "GET /chat/session/"]);
  answers["/chat/session/"] = somebody("alice");
  page.document.dispatchEvent(new Event("visibilitychange"));
  await settled();
  socket().opens();
  assert.equal(net.is, "open");
  assert.equal(csrf(), "fresh");
});

test("a session that changed in another tab goes on here, with the token that is good now", async () => {
  isOf("alice");
  const { socket, net, turns } = tab({ answers: { "/chat/session/": somebody("alice") } });
  const first = socket();
  first.opens();
  first.onclose({ code: 4401 });
  await passed(1_000);
  assert.notEqual(socket(), first);
  socket().opens();
  assert.deepEqual([net.is, turns, csrf()], ["open", [], "fresh"]);
});

test("a page of somebody who is not signed in any more is left to who is", async () => {
  isOf("alice");
  const world = tab({ answers: { "/chat/session/": somebody("bob") } });
  world.socket().onclose({ code: 4401 });
  await settled();
  assert.equal(world.left, 1);
  assert.equal(csrf(), "old"); // nothing is sent as bob
});

for (const [what, answer] of Object.entries({
  "a firewall's page": [403, "<h1>Forbidden</h1>", "basic", "text/html"],
  "a redirect to a maintenance page": [0.5, {}, "opaqueredirect"],
  "a captive portal": [200, "<h1>Welcome to our WiFi</h1>", "basic", "text/html"],
  "a gateway's 401": [401, { message: "Unauthorized" }],
  "nothing at all": [200, "", "basic", "text/plain"],
  "JSON of somebody else": [200, { status: "ok" }],
  "another site's list": [404, { detail: "Not found" }],
})) {
  test(`${what} in the place of an answer is trouble on the way, and over when that is over`, async () => {
    isOf("alice");
    const answers = { "state/": answer, "/chat/threads/": [200, { threads: [], stamp: 5, next: null, has_more: false }] };
    const { socket, net, left, turns } = tab({ answers });
    socket().onclose({ code: 1006 });
    await settled();
    assert.deepEqual([net.is, left, turns], ["down", 0, [["open", "down"]]]);
    answers["state/"] = newer(1);
    await passed(5_000);
    assert.equal(net.is, "polling");
  });
}

test("a session door that is blocked says nothing of anybody", async () => {
  isOf("alice");
  const { socket, net } = tab({ answers: { "/chat/session/": [403, "", "basic", "text/html"] } });
  socket().onclose({ code: 4401 });
  await passed(2_000);
  assert.notEqual(net.is, "signed-out");
});

test("the thread list is asked for when its stamp is another one, and page by page", async () => {
  const row = (id, minute) => ({ conversation: id, girl: {}, preview: "", last_message_at: `2026-11-21T10:${minute}:00Z`, unread: false, typing: false });
  const answers = { "/chat/threads/": [200, { threads: [row("a", "05")], stamp: 6, next: "here~a", has_more: true }] };
  const { store, socket, net, asked } = tab({ id: null, answers });
  socket().opens();
  assert.deepEqual(socket().sent, [{ type: "watch", threads: 5 }]);
  socket().says({ type: "threads", stamp: 5 });
  await settled();
  assert.deepEqual(asked, []); // it is as the page has it
  socket().says({ type: "threads", stamp: 6 });
  await settled();
  assert.deepEqual(asked, ["GET /chat/threads/"]);
  assert.equal(store.state.moreThreads, true);
  answers["/chat/threads/"] = [200, { threads: [row("b", "04")], stamp: 7, next: null, has_more: false }];
  await net.threads(true);
  assert.equal(asked.at(-1), "GET /chat/threads/?before=here~a");
  assert.deepEqual(store.state.threads.map((thread) => thread.conversation), ["a", "b"]);
  mock.timers.tick(25_000);
  assert.deepEqual(socket().sent.at(-1), { type: "watch", threads: 6 }); // an older page says nothing of the first
});

test("bars show how it stands, and are read aloud; a list without a conversation loads anew", () => {
  const bar = (net, innerText) => element("p", { data: { net }, innerText, hidden: true });
  const talk = element("section", {}, bar("down", "You’re offline."), bar("signed-out", "You’re signed out."));
  const said = [];
  const show = bars(talk, (words) => said.push(words));
  const open = () => talk.children.map((p) => !p.hidden);
  show("down");
  assert.deepEqual([open(), talk.className], [[true, false], "offline"]);
  show("open");
  assert.deepEqual([open(), talk.className], [[false, false], ""]);
  show("signed-out");
  assert.deepEqual(open(), [false, true]);
  assert.deepEqual(said, ["You’re offline.", "You’re signed out."]);
  bars(null)("down");
  assert.equal(page.reloaded, undefined);
  bars(null)("signed-out");
  assert.equal(page.reloaded, true);
});
