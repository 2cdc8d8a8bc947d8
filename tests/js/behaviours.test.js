/* The small ones: what is left, the actions of a message, the profile, the keyboard of a phone, the thread list. */
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { FakeElement, element, event, open, row, words } from "./page.js";
import { header, message, reply, told } from "./telling.js";

const page = open();
const script = (name) => import(`../../static/js/chat/${name}.js`);
const [quota, tools, panel, keyboard, threads] = await Promise.all(["quota", "tools", "panel", "keyboard", "threads"].map(script));
const { Store } = await script("store");
const { begin } = await script("state");
const fresh = (over = {}) => new Store(begin({ conversation: header(1, { last_seq: 1, ...over }), messages: [message(1, { sender: "ai" })] }));

/* --- What is left --- */

function meter(text) {
  const store = fresh({ text });
  const data = (name) => element("span", { data: { [name]: "" } });
  const talk = element("section", { data: { quota: "plenty" } }, data("left"), data("leftWords"), data("refill"), data("meter"));
  const root = element("div", {}, talk, data("free"), data("left"));
  const toasts = [];
  const said = [];
  quota.mount({ store, root, talk, low: 3, words, say: (text) => said.push(text), toast: (said) => toasts.push(said) });
  store.draw();
  const shown = () => [talk.dataset.quota, ...root.querySelectorAll("[data-left]").map((place) => place.textContent), `${talk.querySelector("[data-left-words]").textContent} ${talk.querySelector("[data-refill]").textContent}`];
  return { store, shown, toasts, said, free: root.querySelector("[data-free]") };
}

test("what is left stands in every place, and one is not many", () => {
  assert.deepEqual(meter(10).shown(), ["plenty", "10", "10", "10 free messages left They don’t refill."]);
  assert.deepEqual(meter(1).shown(), ["low", "1", "1", "1 free message left It doesn’t refill."]);
  assert.deepEqual(meter(0).shown()[0], "out");
});

test("the last free message is out when it has its answer, not before, and is said", () => {
  const { store, shown, said } = meter(1);
  store.tell({ type: "sent", message: message(2), reply: reply("r", "queued"), conversation: header(2, { text: 0 }) });
  store.draw();
  assert.deepEqual([shown()[0], shown().at(-1), said], ["low", "No free messages left They don’t refill.", []]);
  store.tell(told.reply(reply("r", "writing", "Hello")));
  store.draw();
  assert.equal(shown()[0], "low");
  store.tell(told.message(message(3, { sender: "ai", text: "Hello" })));
  store.tell(told.reply(reply("r", "done", "", { message: "m3" })));
  store.draw();
  assert.deepEqual([shown()[0], said], ["out", [words.out]]);
  store.tell({ type: "account", premium_active: true, premium_until: null });
  store.draw();
  assert.equal(shown()[0], "premium");
});

test("a last message whose reply fails is given back", () => {
  const { store, shown } = meter(1);
  store.tell({ type: "sent", message: message(2), reply: reply("r", "queued"), conversation: header(2, { text: 0 }) });
  store.tell(told.reply(reply("r", "failed")));
  store.tell(told.conversation(header(3, { text: 1, last_seq: 2 })));
  store.draw();
  assert.equal(shown()[0], "low");
});

test("what is left stands in the profile too while that is in a dialog", () => {
  const { store, free } = meter(10);
  free.remove();
  store.tell({ type: "account", premium_active: true, premium_until: null });
  store.draw();
  assert.equal(free.hidden, true);
});

test("premium that comes or goes is said once", () => {
  const { store, shown, toasts, free } = meter(0);
  for (const premium_active of [true, true, false]) {
    store.tell({ type: "account", premium_active, premium_until: null });
    store.draw();
    store.draw();
  }
  assert.deepEqual(toasts, [words.premium, words.ended]);
  assert.equal(shown()[0], "out");
  assert.equal(free.hidden, false);
});

/* --- The actions of a message --- */

function conversation() {
  const rows = [message(1, { sender: "ai" }), message(2)].map(row);
  const list = element("ol", { data: { messages: "" } }, ...rows);
  const set = element("div", { data: { tools: "" }, hidden: true }, element("button"), element("a"));
  const box = element("div", { data: { log: "" } }, list, set);
  const copied = [];
  Object.defineProperty(globalThis, "navigator", { value: { clipboard: { writeText: async (text) => copied.push(text) } }, configurable: true });
  const toasts = [];
  const deeds = tools.mount({ talk: element("section", {}, box), words, toast: (said) => toasts.push(said) });
  return { rows, list, set, box, copied, toasts, deeds };
}

test("the actions go to the message that is pointed at or focused", () => {
  const { rows, list, set } = conversation();
  list.dispatchEvent(event("pointerover", { target: rows[0].firstElementChild, pointerType: "touch" }));
  assert.equal(set.hidden, true);
  list.dispatchEvent(event("pointerover", { target: rows[0].firstElementChild, pointerType: "mouse" }));
  assert.equal(rows[0].contains(set), true);
  assert.equal(set.hidden, false);
  const report = set.children[1];
  assert.deepEqual([report.hidden, report.href], [false, "messages/m1/report/"]);
  list.dispatchEvent(event("focusin", { target: rows[1] }));
  assert.equal(rows[1].contains(set), true);
  assert.equal(report.hidden, true); // what one said oneself
});

test("a line of the site has no actions, but arrows stop at it", () => {
  const { rows, list, set, box } = conversation();
  const line = element("li", { className: "told", data: { id: "n1" } });
  list.append(line);
  list.dispatchEvent(event("focusin", { target: line }));
  assert.equal(set.hidden, true);
  box.dispatchEvent(event("keydown", { key: "ArrowUp", target: box }));
  assert.equal(FakeElement.focused, line);
  box.dispatchEvent(event("keydown", { key: "ArrowUp", target: line }));
  assert.equal(FakeElement.focused, rows[1]);
});

test("arrows go from message to message, from the newest", () => {
  const { rows, box } = conversation();
  const press = (key, target) => box.dispatchEvent(event("keydown", { key, target }));
  press("ArrowDown", box);
  press("ArrowUp", box);
  assert.equal(FakeElement.focused, rows[1]);
  press("ArrowUp", rows[1]);
  assert.equal(FakeElement.focused, rows[0]);
  press("ArrowUp", rows[0]);
  assert.equal(FakeElement.focused, rows[0]);
  press("ArrowDown", rows[0]);
  assert.equal(FakeElement.focused, rows[1]);
});

test("what is copied is what one reads", async () => {
  const { rows, deeds, copied, toasts } = conversation();
  rows[0].querySelector("[data-text]").innerText = "leaning in";
  await deeds.copy(rows[0].firstElementChild);
  assert.deepEqual([copied, toasts], [["leaning in"], [words.copied]]);
});

/* --- The profile, and the end --- */

test("the profile folds where there is room, and is a dialog where there is none", () => {
  const profile = element("div", { data: { panel: "" } });
  const aside = element("aside", {}, profile);
  const root = element("div", {}, aside);
  const { panel: deed } = panel.mount({ root });
  const button = element("button");
  globalThis.matchMedia = () => ({ matches: true });
  deed(button);
  assert.deepEqual([root.className, button.attributes["aria-expanded"]], ["no-panel", "false"]);
  deed(button);
  assert.deepEqual([root.className, button.attributes["aria-expanded"]], ["", "true"]);
  globalThis.matchMedia = () => ({ matches: false });
  const dialog = element("dialog", { showModal() { this.open = true; } });
  page.document.getElementById = () => dialog;
  deed(button);
  assert.deepEqual([dialog.open, dialog.contains(profile)], [true, true]);
  dialog.dispatchEvent(new Event("close"));
  assert.equal(aside.contains(profile), true);
});

test("who deletes a conversation comes to the next one's row; nothing of it stays on this device", async () => {
  const list = ["a", "c1", "b"].map((conversation, i) => ({ conversation, last_message_at: `2026-11-21T10:0${9 - i}:00Z` }));
  const mounted = (threads, ok) => {
    const world = { left: [], sorry: 0 };
    const store = new Store(begin({ conversation: header(1), threads }));
    localStorage.setItem("dusk:draft:c1", "a secret");
    localStorage.setItem("dusk:draft:a", "another");
    const net = { ask: async (path) => ({ ok, path }) };
    return Object.assign(world, panel.mount({ root: null, store, net, id: "c1", leave: (to) => world.left.push(to), sorry: () => { world.sorry += 1; } }));
  };
  const done = mounted(list, true);
  await done.forget();
  assert.deepEqual(done.left, ["b"]);
  assert.deepEqual(Object.keys(localStorage), ["dusk:draft:a"]);
  const last = mounted(list.slice(0, 2), true);
  await last.forget();
  assert.deepEqual(last.left, ["a"]);
  const lost = mounted(list, false);
  await lost.forget();
  assert.deepEqual([lost.left, lost.sorry], [[], 1]);
});

/* --- The keyboard of a phone --- */

test("what an iPhone's keyboard covers is left free; a zoom is no keyboard", () => {
  const view = Object.assign(new EventTarget(), { scale: 1, height: 500, offsetTop: 0 });
  const set = [];
  keyboard.mount(view, { style: { setProperty: (...what) => set.push(what) } });
  view.dispatchEvent(new Event("resize"));
  view.scale = 2;
  view.dispatchEvent(new Event("resize"));
  assert.deepEqual(set, [["--kb", "300px"], ["--kb", "0px"]]);
  keyboard.mount(null);
});

/* --- The thread list --- */

const thread = (conversation, minute, over = {}) => ({
  conversation, girl: { name: conversation, avatar_url: `/${conversation}.svg` }, preview: "…", last_message_at: `2026-11-21T10:${minute}:00Z`, unread: false, typing: false, ...over,
});

function listed(rows, id) {
  page.document.getElementById = () => ({ content: { firstElementChild: template() } });
  const list = element("ul", { data: { threadList: "", typing: "Typing…", silent: "Say hi" } });
  const more = element("button", { data: { more: "" }, hidden: true });
  const input = element("input", { value: "" });
  const search = element("div", { data: { search: "" } }, input);
  search.querySelector = () => input;
  const inMessages = element("section", { data: { foundIn: "" }, hidden: true }, element("ul", { data: { found: "" } }), element("button", { data: { foundMore: "" }, hidden: true }));
  const root = element("div", {}, list, more, search, inMessages, element("p", { data: { none: "" } }), element("button", { data: { searchOpen: "" } }));
  const plain = root.querySelector.bind(root);
  root.querySelector = (selector) => (selector === "[data-search] input" ? input : plain(selector));
  const badge = element("span", { data: { unreadCount: "" } }, element("span", { data: { unreadNumber: "" } }));
  page.document.body.replaceChildren(badge);
  page.document.title = "Chats";
  const asked = [];
  const answers = [];
  const ask = async (path) => (asked.push(path), answers.shift());
  const store = new Store(begin({ conversation: id && { ...header(1), id }, threads: rows, has_more: true }));
  threads.mount({ store, net: { threads: (more) => asked.push(more), ask }, root, id });
  store.draw();
  const shown = () => list.children.map((li) => [li.dataset.thread, li.querySelector("[data-preview]").textContent]);
  const found = () => inMessages.querySelector("[data-found]").children.map((li) => [li.querySelector("a").href, li.querySelector("[data-preview]").textContent]);
  return { store, list, more, input, badge, asked, shown, answers, inMessages, found, none: root.querySelector("[data-none]") };
}
const template = () =>
  element("li", { className: "thread" }, element("a", {}, element("img"), element("span", { data: { name: "" } }), element("time", { data: { time: "" } }), element("span", { data: { preview: "" } }), element("span", { data: { unread: "" } })));

test("threads stand with the newest first, and say who types", () => {
  const { store, list, shown } = listed([thread("a", "05"), thread("b", "04", { preview: "" })]);
  assert.deepEqual(shown(), [["a", "…"], ["b", "Say hi"]]);
  const [first] = list.children;
  store.tell({ type: "thread", thread: thread("b", "06", { typing: true }) });
  store.draw();
  assert.deepEqual(shown(), [["b", "Typing…"], ["a", "…"]]);
  assert.equal(list.children[1], first);
});

test("where a conversation is open its row knows at once that she types", () => {
  const { store, shown } = listed([thread("c1", "05")], "c1");
  store.tell(told.reply(reply("r", "writing")));
  store.draw();
  assert.deepEqual(shown(), [["c1", "Typing…"]]);
});

test("what is unread is counted in the title and in badges", () => {
  const { store, badge } = listed([thread("a", "05", { unread: true }), thread("b", "04")]);
  assert.equal(page.document.title, "(1) Chats");
  assert.deepEqual([badge.hidden, badge.textContent], [false, "1"]);
  store.tell({ type: "thread", thread: thread("a", "06") });
  store.draw();
  assert.equal(page.document.title, "Chats");
  assert.equal(badge.hidden, true);
});

test("search hides what does not fit; more are loaded by the button", () => {
  const { list, input, more, asked } = listed([thread("mara", "05"), thread("ines", "04")]);
  assert.equal(more.hidden, false);
  more.dispatchEvent(new Event("click"));
  assert.deepEqual(asked, [true]);
  input.value = "INE";
  input.dispatchEvent(new Event("input"));
  assert.deepEqual(list.children.map((li) => li.hidden), [true, false]);
});

test("words that were said are found below the names, once the typing pauses, and only those looked for last", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const { input, asked, answers, inMessages, found, none, list } = listed([thread("mara", "05")]);
  const hit = (conversation, seq, text) => ({ conversation, girl: { name: conversation, avatar_url: "/x.svg" }, seq, text, created_at: "2026-11-21T10:00:00Z" });
  const type = (words) => {
    input.value = words;
    input.dispatchEvent(new Event("input"));
  };
  const settle = async () => { for (let i = 0; i < 10; i += 1) await null; };
  type("k");
  mock.timers.tick(1_000);
  assert.deepEqual(asked, []); // one letter is in every message
  type("kil");
  type("kiln");
  answers.push({ ok: true, body: { found: [hit("ines", 7, "the kiln was hot")], next: "here~1" } }, { ok: true, body: { found: [hit("vera", 2, "what kiln?")], next: null } });
  mock.timers.tick(300);
  await settle();
  assert.deepEqual(asked, ["/chat/search/?q=kiln"]);
  assert.deepEqual(found(), [["/chat/ines/?at=7", "the kiln was hot"]]);
  assert.deepEqual([inMessages.hidden, none.hidden, list.children[0].hidden], [false, true, true]);
  inMessages.querySelector("[data-found-more]").dispatchEvent(new Event("click"));
  await settle();
  assert.deepEqual([asked.at(-1), found().length], ["/chat/search/?q=kiln&before=here~1", 2]);
  assert.equal(inMessages.querySelector("[data-found-more]").hidden, true);
  type("");
  assert.deepEqual([found(), inMessages.hidden, list.children[0].hidden], [[], true, false]);
  let late;
  answers.push(new Promise((resolve) => { late = resolve; }));
  type("clay");
  mock.timers.tick(300);
  type("glaze");
  late({ ok: true, body: { found: [hit("ines", 7, "clay")], next: null } });
  await settle();
  assert.deepEqual(found(), []);
  mock.timers.reset();
});
