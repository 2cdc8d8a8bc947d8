import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { FakeElement, element, open, row, words } from "./page.js";
import { all, header, message, reply, told } from "./telling.js";

open();
const { Log } = await import("../../static/js/chat/log.js");
const { apply, begin } = await import("../../static/js/chat/state.js");

const fifty = Array.from({ length: 50 }, (_, i) => message(i + 1, { sender: i % 3 ? "ai" : "user" }));
const begun = (messages = fifty, over = {}) => begin({ conversation: header(messages.length, { last_seq: messages.length }), messages, ...over });

/* A conversation as the server drew it, and the log that takes it over. */
function page(state = begun(), { older = async () => null } = {}) {
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout"] });
  const world = { clock: 1_000, said: [], seen: 0, asked: [] };
  globalThis.performance = { now: () => world.clock };
  const part = (name, tag = "div", ...content) => element(tag, { data: { [name]: "" } }, ...content);
  const list = part("messages", "ol", ...state.messages.map(row));
  const box = part("log", "div", part("start", "div", part("hello")), list);
  Object.assign(box, { clientHeight: 400, scrollHeight: 400 });
  Object.defineProperty(box, "scrollTop", { get: () => 0, set: () => {} }); // all of it is in view
  const talk = element("section", {}, part("status", "span", "AI character"), box, element("button", { data: { new: "" } }, element("span", { data: { pill: "" } })), element("textarea"));
  const log = new Log(talk, { words, say: (text) => world.said.push(text), seen: () => { world.seen += 1; }, older: (before) => (world.asked.push(before), older(before)) });
  return Object.assign(world, { log, list, box, talk, rows: () => list.children.filter((li) => li.dataset.id) });
}

test("opening a page takes no row down: the 50 that the server drew stay, with the words in them", () => {
  const { log, list, rows, box } = page();
  const before = rows();
  const removed = [];
  const detach = list.detach.bind(list);
  list.detach = (node) => (removed.push(node), detach(node));
  log.draw(begun());
  assert.deepEqual(rows(), before);
  assert.deepEqual(removed, []);
  assert.equal(box.classList.contains("ready"), true);
});

test("her words grow without drawing the rows again", () => {
  const { log, list } = page();
  log.draw(begun());
  const writing = all(begun(), told.reply(reply("r", "writing")), told.delta("r", 0, "Hello"));
  log.draw(writing);
  const place = list.lastElementChild.querySelector("[data-text]");
  assert.equal(place.textContent, "Hello");
  log.rows.draw = () => assert.fail("drawn again");
  log.draw(apply(writing, told.delta("r", 5, " you")));
  assert.equal(place.textContent, "Hello you");
});

test("dots that were seen stay a moment; what one writes oneself does not wait for them", () => {
  const { log, list, rows, ...world } = page();
  const queued = apply(begun(), told.reply(reply("r", "queued")));
  log.draw(begun());
  log.draw(queued);
  mock.timers.tick(400);
  assert.match(list.lastElementChild.className, /reply/);
  const answered = all(queued, told.message(message(51, { sender: "ai" })), told.reply(reply("r", "done", "", { message: "m51" })));
  log.draw(answered);
  assert.equal(rows().length, 50);
  log.draw(apply(answered, { type: "send", item: { client_id: "x", text: "Hi", created_at: 1, status: "sending" } }));
  assert.equal(rows().length, 51);
  assert.deepEqual(world.said, ["Mara: text 51"]);
});

test("what one sends oneself brings the end back into view", () => {
  const { log } = page();
  log.draw(begun());
  log.place.pinned = false;
  log.draw(apply(begun(), told.message(message(51, { sender: "ai" }))));
  assert.equal(log.pinned, false);
  log.draw(apply(begun(), { type: "send", item: { client_id: "x", text: "Hi", created_at: 1, status: "sending" } }));
  assert.equal(log.pinned, true);
});

test("the greeting and its starters stand there until somebody has written", () => {
  const greeting = [message(1, { sender: "ai" })];
  const { log, talk } = page(begun(greeting));
  log.draw(begun(greeting));
  const hello = talk.querySelector("[data-hello]");
  assert.equal(hello.hidden, false);
  log.draw(apply(begun(greeting), told.message(message(2))));
  assert.equal(hello.hidden, true);
});

test("older messages are asked for from the first one shown", async () => {
  const state = begun(fifty.slice(10), { has_older: true });
  const { log, asked } = page(state);
  log.draw(state);
  await null;
  assert.deepEqual(asked, [11]);
});

test("the focus goes to a message, or to the conversation", () => {
  const { log, box, rows } = page();
  log.draw(begun());
  log.focus("m7");
  assert.equal(FakeElement.focused, rows()[6]);
  log.focus("nobody");
  assert.equal(FakeElement.focused, box);
});
