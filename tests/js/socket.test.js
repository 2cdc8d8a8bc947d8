import assert from "node:assert/strict";
import { mock, test } from "node:test";

/* A page as far as the socket sees it: something that may be hidden, and a network. */
class FakeSocket {
  static made = [];
  constructor(url) {
    Object.assign(this, { url, readyState: 0, sent: [] });
    FakeSocket.made.push(this);
  }
  send(text) { this.sent.push(JSON.parse(text)); }
  close() { this.readyState = 3; }
  opens() { this.readyState = 1; this.onopen?.(); }
  says(frame) { this.onmessage?.({ data: JSON.stringify(frame) }); }
  ends(code) { this.readyState = 3; this.onclose?.({ code }); }
}
Object.assign(globalThis, { WebSocket: FakeSocket, addEventListener: () => {} });
const { Socket, backoff } = await import("../../static/js/chat/socket.js");

function tab(known = { conversation: "c1", version: 7 }) {
  FakeSocket.made = [];
  mock.timers.reset(); // what earlier tabs meant to do
  mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
  const page = (globalThis.document = Object.assign(new EventTarget(), { hidden: false }));
  const world = { turns: [], heard: [] };
  world.socket = new Socket({
    url: "ws://here/ws/",
    watch: () => known,
    hear: (frame) => world.heard.push(frame),
    turn: (to) => world.turns.push(to),
  });
  world.now = () => FakeSocket.made.at(-1);
  world.look = (away) => { page.hidden = away; page.dispatchEvent(new Event("visibilitychange")); };
  return world;
}

test("each try waits longer, never the same, and at most fifteen seconds", () => {
  for (const [n, most] of [1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000].entries()) {
    const waits = Array.from({ length: 50 }, () => backoff(n));
    assert.ok(Math.min(...waits) >= most / 2 && Math.max(...waits) <= most, `try ${n}`);
    assert.ok(new Set(waits).size > 10);
  }
});

test("it asks what is newer when it opens, and every 25 seconds", () => {
  const { now, ...world } = tab();
  now().opens();
  assert.deepEqual(world.turns, ["open"]);
  assert.deepEqual(now().sent, [{ type: "watch", conversation: "c1", version: 7 }]);
  now().says({ type: "conversation" });
  mock.timers.tick(25_000);
  assert.equal(now().sent.length, 2);
});

test("a socket that answers nothing is given up, and a new one opened at once", () => {
  const { now, turns } = tab();
  now().opens();
  mock.timers.tick(9_999);
  assert.equal(FakeSocket.made.length, 1);
  mock.timers.tick(1);
  assert.equal(turns.at(-1), "down");
  mock.timers.tick(0);
  assert.equal(FakeSocket.made.length, 2);
  now().opens();
  assert.equal(turns.at(-1), "open");
  now().says({ type: "conversation" });
});

test("a connection that is lost is tried again, after a moment", () => {
  const { now, turns } = tab();
  now().opens();
  now().ends(1006);
  assert.equal(turns.at(-1), "down");
  assert.equal(FakeSocket.made.length, 1);
  mock.timers.tick(1_000);
  assert.equal(FakeSocket.made.length, 2);
});

test("a server that restarts is tried again like any lost connection", () => {
  const { now } = tab();
  now().opens();
  now().ends(1012);
  mock.timers.tick(1_000);
  assert.equal(FakeSocket.made.length, 2);
});

test("who has too many tabs is not tried again", () => {
  const { now, turns } = tab();
  now().opens();
  now().ends(4408);
  assert.equal(turns.at(-1), "crowded");
  mock.timers.tick(20_000);
  assert.equal(FakeSocket.made.length, 1);
});

test("who is refused tries again, ever less often, until the page says stop", () => {
  const { now, turns, socket } = tab();
  for (const pause of [1_000, 2_000, 4_000]) {
    now().opens(); // it is opened to be told
    const before = FakeSocket.made.length;
    now().ends(4401);
    assert.equal(turns.at(-1), "refused");
    mock.timers.tick(pause / 2 - 1);
    assert.equal(FakeSocket.made.length, before);
    mock.timers.tick(pause);
    assert.equal(FakeSocket.made.length, before + 1);
  }
  now().ends(4401);
  socket.stop();
  mock.timers.tick(60_000);
  assert.equal(FakeSocket.made.length, 4);
});

test("a browser without sockets, or that may not, goes on without", () => {
  const { WebSocket } = globalThis;
  globalThis.WebSocket = class { constructor() { throw new Error("forbidden"); } };
  const { turns } = tab();
  assert.deepEqual(turns, ["down"]);
  globalThis.WebSocket = WebSocket;
  mock.timers.tick(1_000);
  assert.equal(FakeSocket.made.length, 1);
});

test("after a flood it keeps away for half a minute", () => {
  const { now } = tab();
  now().opens();
  now().ends(4429);
  mock.timers.tick(29_000);
  assert.equal(FakeSocket.made.length, 1);
  mock.timers.tick(1_000);
  assert.equal(FakeSocket.made.length, 2);
});

test("a hidden tab keeps its socket for five minutes, and asks as soon as it is looked at again", () => {
  const { now, turns, look } = tab();
  now().opens();
  now().says({ type: "conversation" });
  look(true);
  mock.timers.tick(4 * 60_000);
  assert.equal(turns.at(-1), "open");
  mock.timers.tick(60_000);
  assert.equal(turns.at(-1), "asleep");
  assert.equal(now().readyState, 3);
  mock.timers.tick(60 * 60_000);
  assert.equal(FakeSocket.made.length, 1); // an hour in a pocket costs nothing
  look(false);
  assert.equal(FakeSocket.made.length, 2);
  now().opens();
  assert.deepEqual(now().sent, [{ type: "watch", conversation: "c1", version: 7 }]);
  now().says({ type: "conversation" });
});

test("a tab that is looked at again in time asks on the socket it has", () => {
  const { now, look } = tab();
  now().opens();
  now().says({ type: "conversation" });
  look(true);
  mock.timers.tick(60_000);
  look(false);
  assert.equal(FakeSocket.made.length, 1);
  assert.equal(now().sent.length, 2);
  now().says({ type: "conversation" });
  mock.timers.tick(5 * 60_000);
  assert.equal(now().readyState, 1);
});
