import assert from "node:assert/strict";
import { test } from "node:test";
import { element, open, row, words } from "./page.js";
import { all, gone, header, message, reply, told } from "./telling.js";

open();
const { Rows, drawn, isEmoji, rowsOf } = await import("../../static/js/chat/rows.js");
const { apply, begin } = await import("../../static/js/chat/state.js");

const NOW = new Date("2026-11-21T12:00:00Z");
const at = (seq, minute, over = {}) => ({ ...message(seq, over), created_at: `2026-11-21T10:${minute}:00Z` });
const begun = (messages, over = {}) => begin({ conversation: header(messages.length, { last_seq: messages.length }), messages, ...over });
const keys = (state, how = {}) => rowsOf(state, how, NOW).map((want) => want.key);
const item = (client_id, status = "sending") => ({ client_id, text: client_id, created_at: 1, status });

/* --- Which rows there are --- */

test("messages of one sender within three minutes are a group", () => {
  const state = begun([at(1, "00", { sender: "ai" }), at(2, "01", { sender: "ai" }), at(3, "05", { sender: "ai" }), at(4, "06")]);
  const groups = rowsOf(state, {}, NOW).filter((want) => want.message).map(({ first, last }) => [first, last]);
  assert.deepEqual(groups, [[true, false], [false, true], [true, true], [true, true]]);
});

test("a line of the site is no part of anybody's group", () => {
  const line = { ...at(2, "01", { sender: "site" }), kind: "notice" };
  const rows = rowsOf(begun([at(1, "00", { sender: "ai" }), line, at(3, "01", { sender: "ai" })]), {}, NOW).filter((want) => want.message);
  assert.deepEqual(rows.map((want) => want.copy), ["message", "notice", "message"]);
  const card = { ...line, help: { ways: [] } };
  assert.equal(rowsOf(begun([card]), {}, NOW)[0].copy, "card");
  assert.deepEqual(rows.map(({ first, last }) => first && last), [true, true, true]);
});

test("each day has its line, a greeting alone has none, and what is unread begins with one", () => {
  const yesterday = { ...message(1, { sender: "ai" }), created_at: "2026-11-20T10:00:00Z" };
  assert.deepEqual(keys(begun([yesterday])), ["m1"]);
  const state = begun([yesterday, at(2, "00"), at(3, "01", { sender: "ai" })]);
  assert.deepEqual(keys(state, { unreadFrom: 3 }), ["day Yesterday", "m1", "day Today", "m2", "unread", "m3"]);
});

test("unsent messages stand before her reply, held ones after it", () => {
  const frames = [{ type: "send", item: item("a") }, { type: "send", item: item("b", "held") }, told.reply(reply("r", "writing", "Hm"))];
  assert.deepEqual(keys(all(begun([at(1, "00")]), ...frames)).slice(-3), ["a", "reply", "b"]);
});

test("another answer has no row of its own", () => {
  const state = apply(begun([at(1, "00", { sender: "ai" })]), told.reply(reply("r", "writing", "Hm", { replaces: "m1" })));
  assert.deepEqual(keys(state, { dots: true }), ["m1"]);
});

test("how the last reply ended stands below the messages", () => {
  const state = begun([at(1, "00")]);
  assert.equal(keys(apply(state, told.reply(reply("r", "stopped")))).at(-1), "stopped");
  assert.equal(keys(apply(state, told.reply(reply("r", "failed")))).at(-1), "failed r");
});

test("what was read of a reply that broke off stays above the offer to try again, until it is taken", () => {
  const began = apply(begun([at(1, "00")]), told.reply(reply("r", "writing", "Once upon")));
  const broke = all(began, told.reply(reply("r", "failed", "Once upon a")), { type: "send", item: item("x", "failed") });
  assert.deepEqual(rowsOf(broke, {}, NOW).slice(-3).map((want) => [want.key, want.copy]), [["reply", "reply"], ["failed r", "cut"], ["x", "message"]]);
  assert.equal(broke.reply.text, "Once upon a"); // what the server has
  assert.deepEqual(keys(apply(broke, told.reply(reply("r2", "queued")))).slice(-2), ["m1", "x"]);
  const other = apply(began, told.reply(reply("r", "failed", "Once", { replaces: "m1" })));
  assert.deepEqual(keys(other).at(-1), "failed r"); // the message has its own words again
});

test("what she has answered is delivered; everything, while she writes", () => {
  const delivered = (state) => rowsOf(state, {}, NOW).filter((want) => want.message).map((want) => want.delivered);
  const state = begun([at(1, "00"), at(2, "01", { sender: "ai" }), at(3, "02")]);
  assert.deepEqual(delivered(state), [true, false, false]);
  assert.equal(delivered(apply(state, told.reply(reply("r", "writing"))))[2], true);
  const queued = apply(state, told.reply(reply("r", "queued")));
  assert.equal(delivered(queued)[2], false);
  assert.equal(rowsOf(queued, { dots: true }, NOW).findLast((want) => want.message).delivered, true);
});

/* --- Rows on the screen --- */

function screen(state, drawn = state.messages) {
  const list = element("ol", {}, ...drawn.map(row));
  const rows = new Rows(list, words);
  const world = { list, rows, fresh: false };
  world.draw = (next) => {
    rows.draw(rowsOf(next, {}, NOW), world.fresh);
    world.fresh = true;
    return list.children;
  };
  world.text = () => list.children.filter((li) => li.dataset.id).map((li) => li.querySelector("[data-text]").textContent);
  return world;
}

const fifty = Array.from({ length: 50 }, (_, i) => at(i + 1, String(i + 10), { sender: i % 3 ? "ai" : "user" }));

test("rows that the server drew are taken over: the same elements, with the same words in them", () => {
  const { list, draw } = screen(begun(fifty));
  const before = list.children;
  const bubbles = before.map((li) => li.querySelector("[data-text]").childNodes[0]);
  draw(begun(fifty));
  const after = list.children.filter((li) => li.dataset.id);
  assert.equal(after.length, 50);
  after.forEach((li, i) => {
    assert.equal(li, before[i]);
    assert.equal(li.querySelector("[data-text]").childNodes[0], bubbles[i]);
    assert.equal(li.classList.contains("new"), false);
  });
});

test("what a row says already need not be sent a second time", () => {
  const list = element("ol", {}, ...fifty.slice(0, 2).map(row));
  assert.deepEqual(drawn(list), fifty.slice(0, 2).map(({ id, created_at }) => ({ id, created_at })));
});

test("drawing the same again writes nothing", () => {
  const { list, draw } = screen(begun(fifty));
  draw(begun(fifty));
  const writes = () => list.querySelectorAll("time").concat(list.querySelectorAll("span")).reduce((sum, place) => sum + place.writes, 0);
  const before = writes();
  draw(begun(fifty));
  assert.equal(writes(), before);
});

test("only a row whose version is older than the state's is written anew", () => {
  const [first, second] = [at(1, "00", { sender: "ai" }), at(2, "01", { version: 3, text: "edited" })];
  const { draw, text, list } = screen(begun([first, second]), [first, at(2, "01")]);
  const rows = list.children;
  draw(begun([first, second]));
  assert.deepEqual(text(), ["text 1", "edited"]);
  assert.ok(rows.every((li) => list.children.includes(li)));
});

test("a deleted message takes its row with it, and no other row is touched", () => {
  const state = begun([at(1, "00"), at(2, "01"), at(3, "02")]);
  const { list, draw, text } = screen(state);
  draw(state);
  const last = list.lastElementChild;
  const moved = [];
  const insert = list.insertBefore.bind(list);
  list.insertBefore = (node, before) => (moved.push(node), insert(node, before));
  draw(apply(state, told.message(gone(2, 4))));
  assert.deepEqual(text(), ["text 1", "text 3"]);
  assert.equal(list.lastElementChild, last);
  assert.deepEqual(moved, []); // a row that moves loses the focus
});

test("a sent message keeps the row that it was written in, and what was said of it goes", () => {
  const state = begun([at(1, "00", { sender: "ai" })]);
  const { list, draw } = screen(state);
  draw(state);
  const failed = apply(state, { type: "send", item: { ...item("x"), status: "failed", why: "No." } });
  draw(failed);
  const mine = list.lastElementChild;
  assert.equal(mine.querySelector("[data-ticks]").textContent, "Not sent. No.");
  assert.equal(mine.querySelector("[data-who]").textContent, "You: ");
  assert.ok(mine.querySelector("[data-again]"));
  draw(apply(failed, told.message({ ...at(2, "01"), client_id: "x" })));
  assert.equal(list.lastElementChild, mine);
  assert.equal(mine.dataset.id, "m2");
  assert.equal(mine.dataset.status, undefined);
  assert.equal(mine.querySelector("[data-again]"), null);
  assert.match(mine.className, /message user first last sent new/);
});

test("what comes in rises, but not what was there already, letter by letter", () => {
  const state = begun([at(1, "00")]);
  const { list, draw } = screen(state);
  draw(state);
  const writing = apply(state, told.reply(reply("r", "writing", "Hello")));
  draw(writing);
  assert.match(list.lastElementChild.className, /reply new/);
  draw(all(writing, told.message(at(2, "01", { sender: "ai" })), told.reply(reply("r", "done", "", { message: "m2" }))));
  assert.equal(list.lastElementChild.classList.contains("new"), false);
});

test("a line of the site has its words and nothing of a message", () => {
  const line = { ...at(2, "01", { sender: "site", text: "You don’t have to carry this alone." }), kind: "notice" };
  const { list, draw } = screen(begun([at(1, "00")]));
  draw(begun([at(1, "00")]));
  draw(begun([at(1, "00"), line]));
  const last = list.lastElementChild;
  assert.equal(last.className, "told new");
  assert.equal(last.dataset.id, "m2");
  assert.equal(last.textContent, line.text);
});

const help = {
  title: "You don’t have to carry this alone",
  ways: [{ kind: "call", title: "Call 988", about: "Lifeline", url: "tel:988" }, { kind: "web", title: "Help in another country", about: "findahelpline.com", url: "https://findahelpline.com/" }],
  danger: "In immediate danger, call", number: "911", url: "tel:911",
};
function shown(over) {
  const card = { ...at(2, "01", { sender: "site", text: "These people can help." }), kind: "notice", notice: "held", help: { ...help, ...over } };
  const { list, draw } = screen(begun([at(1, "00")]));
  draw(begun([at(1, "00")]));
  draw(begun([at(1, "00"), card]));
  return list.lastElementChild;
}

test("a crisis card has its words, and ways that ring", () => {
  const row = shown();
  assert.equal(row.className, "care new");
  assert.equal(row.querySelector("[data-title]").textContent, help.title);
  assert.deepEqual(row.querySelectorAll(".way").map((way) => [way.href, way.dataset.kind, way.textContent]), [
    ["tel:988", "call", "Call 988Lifeline"],
    ["https://findahelpline.com/", "web", "Help in another countryfindahelpline.com"],
  ]);
  assert.equal(row.querySelector("p").textContent, "In immediate danger, call 911.");
  assert.equal(row.querySelector("[data-number]").href, "tel:911");
});

test("a card of no country names no number, and no link leads nowhere", () => {
  const row = shown({ danger: "In immediate danger, call your local emergency number", number: "", url: "" });
  assert.equal(row.querySelector("p").textContent, "In immediate danger, call your local emergency number.");
  assert.equal(row.querySelector("[data-number]"), null);
});

test("no way leads into a script", () => {
  const row = shown({ ways: [{ kind: "web", title: "x", about: "", url: "javascript:alert(1)" }] });
  assert.notEqual(row.querySelector(".way").href, "javascript:alert(1)");
});

test("a message of one to three emoji and nothing else is large", () => {
  for (const text of ["👋", "❤️", "👨‍👩‍👧", "❤️‍🔥", "👋🏽", "☝🏽", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "🇵🇹", "1️⃣", "👩‍⚕️", "🏳️‍🌈", "😀😀😀", "😀 🎉", " 👋\n"]) assert.equal(isEmoji(text), true, text);
  for (const text of ["", " ", "a", "1", "#", "12", "👋!", "hi 👋", "😀😀😀😀", "©", "*", "…", "‍", "️"]) assert.equal(isEmoji(text), false, text);
});
