import assert from "node:assert/strict";
import { test } from "node:test";
import { open } from "./page.js";
import { header, message, told } from "./telling.js";

const page = open();
const { mount } = await import("../../static/js/chat/reading.js");
const { Store } = await import("../../static/js/chat/store.js");
const { begin } = await import("../../static/js/chat/state.js");

function tab({ answer = { ok: true } } = {}) {
  page.document.hidden = false;
  const store = new Store(begin({ conversation: header(1, { last_seq: 1 }), messages: [message(1, { sender: "ai" })] }));
  const world = { store, asked: [], log: { pinned: true }, net: { is: "open", ask: async (...what) => (world.asked.push(what), answer) } };
  return Object.assign(world, mount({ store, net: world.net, log: world.log }));
}

test("what stands in view is read, once", () => {
  const { seen, asked, store } = tab();
  seen();
  seen();
  assert.deepEqual(asked, [["read/", { seq: 1 }]]);
  assert.equal(store.state.read, 1);
  store.tell(told.message(message(2, { sender: "ai" })));
  seen();
  assert.equal(asked.length, 2);
});

test("nothing is read in a tab that nobody looks at, above the end, or signed out", () => {
  const hidden = tab();
  page.document.hidden = true;
  hidden.seen();
  assert.equal(hidden.asked.length, 0);
  page.hide(false);
  assert.equal(hidden.asked.length, 1);
  const above = tab();
  above.log.pinned = false;
  above.seen();
  assert.equal(above.asked.length, 0);
  const out = tab();
  out.net.is = "signed-out";
  out.seen();
  assert.equal(out.asked.length, 0);
});

test("a mark that was lost is set again; what another tab read needs none", async () => {
  const { seen, asked, store } = tab({ answer: null });
  seen();
  seen();
  assert.equal(asked.length, 1);
  await new Promise(setImmediate);
  seen();
  assert.equal(asked.length, 2);
  store.tell(told.conversation(header(2, { last_seq: 1, last_read_seq: 1 })));
  await new Promise(setImmediate);
  seen();
  assert.equal(asked.length, 2);
});
