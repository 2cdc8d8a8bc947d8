import assert from "node:assert/strict";
import { test } from "node:test";

/* Cloudflare's script as far as a permit needs it: what it was asked for, and its callbacks. */
const asked = [];
let widget;
const cloudflare = {
  render: (place, options) => { asked.push("render"); widget = options; return "w1"; },
  reset: (id) => asked.push(`reset ${id}`),
  execute: () => asked.push("execute"),
};
const scripts = [];
globalThis.window = globalThis;
globalThis.document = {
  documentElement: { dataset: {} },
  querySelectorAll: () => [],
  querySelector: () => ({ nonce: "n-1" }),
  createElement: () => ({}),
  head: { append: (script) => { scripts.push(script); globalThis.turnstile = cloudflare; script.onload(); } },
};
const { tokens } = await import("../../static/js/chat/permits.js");
/* Until it was asked once more: a module that is loaded when it is needed takes as long as it takes. */
const settled = async () => {
  for (const before = asked.filter((what) => what === "execute").length; asked.filter((what) => what === "execute").length === before; )
    await new Promise((resolve) => setTimeout(resolve, 1));
};

test("without a key nothing is loaded, and the local twin's token is enough", async () => {
  assert.equal(await tokens({ dataset: { action: "chat_send" } })(), "local");
  assert.equal(scripts.length, 0);
});

test("with a key the widget is invisible, made once, and gives a fresh token for each permit", async () => {
  const token = tokens({ dataset: { sitekey: "0x4", action: "chat_send" } });
  assert.equal(scripts.length, 0); // not before somebody is about to write
  for (const fresh of ["t1", "t2"]) {
    const answer = token();
    await settled();
    widget.callback(fresh);
    assert.equal(await answer, fresh);
  }
  assert.equal(scripts.length, 1);
  assert.equal(scripts[0].nonce, "n-1");
  assert.match(scripts[0].src, /^https:\/\/challenges\.cloudflare\.com\//);
  assert.deepEqual(asked, ["render", "reset w1", "execute", "reset w1", "execute"]);
  assert.deepEqual([widget.sitekey, widget.action, widget.appearance], ["0x4", "chat_send", "interaction-only"]);
});

test("a check that fails or takes too long is told, and the next one is asked afresh", async () => {
  const token = tokens({ dataset: { sitekey: "0x4", action: "chat_send" } });
  for (const failure of ["error-callback", "timeout-callback"]) {
    const answer = token();
    await settled();
    widget[failure]();
    await assert.rejects(answer);
  }
  const answer = token();
  await settled();
  widget.callback("t3");
  assert.equal(await answer, "t3");
});
