import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { open } from "./page.js";
import { header, message, reply, told } from "./telling.js";

const page = open();
const { Store } = await import("../../static/js/chat/store.js");
const { begin } = await import("../../static/js/chat/state.js");

function fresh() {
  page.frames.length = 0;
  page.document.hidden = false;
  const store = new Store(begin({ conversation: header(1, { last_seq: 1 }), messages: [message(1, { sender: "ai" })] }));
  const world = { store, heard: [], drawn: [] };
  store.subscribe((state, before) => world.heard.push([before.version, state.version]));
  store.draws((state) => world.drawn.push(state.version));
  return world;
}

test("who subscribed hears of each change at once, with the state before it; of no change nothing", () => {
  const { store, heard } = fresh();
  store.tell(told.message(message(2)));
  store.tell(told.message(message(2)));
  store.tell({ type: "party" });
  assert.deepEqual(heard, [[1, 2]]);
});

test("many frames are drawn once, as they stand then", () => {
  const { store, drawn } = fresh();
  for (const seq of [2, 3, 4]) store.tell(told.message(message(seq)));
  assert.deepEqual(drawn, []);
  assert.equal(page.frames.length, 1);
  page.frame();
  assert.deepEqual(drawn, [4]);
  store.tell(told.message(message(5)));
  page.frame();
  assert.deepEqual(drawn, [4, 5]);
});

test("what a person wrote stands there at once", () => {
  const { store, drawn } = fresh();
  store.tell({ type: "send", item: { client_id: "x", text: "Hi", created_at: 1, status: "sending" } });
  assert.equal(drawn.length, 1);
});

test("a tab in the background draws now and then, and at once when it is looked at", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const { store, drawn } = fresh();
  page.hide(true);
  store.tell(told.message(message(2)));
  assert.equal(page.frames.length, 0);
  mock.timers.tick(250);
  assert.deepEqual(drawn, [2]);
  store.tell(told.message(message(3)));
  page.hide(false);
  assert.deepEqual(drawn, [2, 3]);
  mock.timers.reset();
});

test("it says what she is about", () => {
  const { store } = fresh();
  assert.equal(store.writing, false);
  store.tell(told.reply(reply("r", "writing", "Hel")));
  assert.equal(store.writing, true);
  assert.equal(store.words, "Hel");
});
