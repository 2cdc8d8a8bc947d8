import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { element, words } from "./page.js";
import { all, header, message, reply, told } from "./telling.js";
import { apply, begin } from "../../static/js/chat/state.js";
import { news, speaker } from "../../static/js/chat/voice.js";

const fresh = begin({ conversation: header(1, { last_seq: 1 }), messages: [message(1, { sender: "ai" })] });
const after = (...frames) => news(fresh, all(fresh, ...frames), words);
const item = (status) => ({ client_id: "x", text: "x", created_at: 1, status });

test("her answer is read once, when it is whole, and never while it is written", () => {
  assert.equal(after(told.reply(reply("r", "writing", "Half of it"))), "");
  assert.equal(after(told.message(message(2, { sender: "ai", text: "All of it." }))), "Mara: All of it.");
  assert.equal(after(told.message(message(2))), ""); // what one wrote oneself
});

test("a long answer is read to the end of its first sentence", () => {
  const text = `Once there was a kiln. ${"It burned. ".repeat(60)}`;
  assert.equal(after(told.message(message(2, { sender: "ai", text }))), "Mara: Once there was a kiln. Full reply in the conversation");
  assert.equal(after(told.message(message(2, { sender: "ai", text: "x".repeat(600) }))), `Mara: ${"x".repeat(200)} Full reply in the conversation`);
});

test("another answer is read as well, an edit is not", () => {
  const next = told.message(message(1, { version: 2, sender: "ai", text: "Good evening.", alternatives: 2 }));
  const writing = apply(fresh, told.reply(reply("r", "writing", "Good", { replaces: "m1" })));
  assert.equal(news(writing, apply(writing, next), words), "Mara: Good evening.");
  assert.equal(after(next), "");
});

test("a line of the site is read, not in her voice", () => {
  const line = { ...message(2, { sender: "site", text: "You don’t have to carry this alone." }), kind: "notice" };
  assert.equal(after(told.message(line)), line.text);
});

test("a crisis card is read with its first way and the emergency number, before her reply that came with it", () => {
  const help = { title: "You don’t have to carry this alone", ways: [{ title: "Call 988" }, { title: "Text 988" }], danger: "In immediate danger, call", number: "911" };
  const card = { ...message(2, { sender: "site", text: "These people can help." }), kind: "notice", help };
  const hers = message(3, { sender: "ai", text: "I’m here." });
  const heard = "You don’t have to carry this alone. These people can help. Call 988. In immediate danger, call 911.";
  assert.equal(after(told.message(card)), heard);
  const state = { messages: [card, hers], has_more: false, reply: null, conversation: header(3), since: 1 };
  assert.equal(news(fresh, apply(fresh, { type: "state", ...state }), words), heard);
  const nowhere = { ...help, danger: "In immediate danger, call your local emergency number", number: "" };
  assert.match(after(told.message({ ...card, help: nowhere })), /local emergency number\.$/);
});

test("what went wrong is said once", () => {
  const failed = apply(fresh, told.reply(reply("r", "failed")));
  assert.equal(news(fresh, failed, words), words.couldnt);
  assert.equal(news(failed, failed, words), "");
  const sent = apply(fresh, { type: "send", item: item("sending") });
  assert.equal(news(fresh, sent, words), "");
  for (const status of ["failed", "unchecked"]) {
    const marked = apply(sent, { type: "mark", client_id: "x", status });
    assert.equal(news(sent, marked, words), words[`${status}Said`]);
    assert.equal(news(marked, marked, words), "");
  }
});

test("the same words twice are heard twice: the place is emptied first", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const place = element("p");
  speaker(place)("Hello");
  assert.equal(place.textContent, "");
  mock.timers.tick(100);
  assert.equal(place.textContent, "Hello");
  mock.timers.reset();
});
