import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeElement, element, event, open, words } from "./page.js";
import { header, message, reply, told } from "./telling.js";

open();
const wait = setTimeout;
globalThis.setTimeout = (...what) => wait(...what).unref(); // a permit is renewed in two minutes: nobody waits for that
const { mount } = await import("../../static/js/chat/sending.js");
const { Draft } = await import("../../static/js/chat/draft.js");
const { Store } = await import("../../static/js/chat/store.js");
const { begin } = await import("../../static/js/chat/state.js");
const settled = () => new Promise((resolve) => wait(resolve, 5));

/* A composer on a page, and a server that answers each path with what `answers` has for it. */
function tab(answers = {}) {
  for (const place of [localStorage, sessionStorage]) for (const key of Object.keys(place)) place.removeItem(key);
  const form = element("form", { className: "composer" },
    element("textarea", { value: "" }),
    element("button", { data: { send: "" } }, element("span", { data: { words: "", goes: "Send", halts: "Stop the reply" } })),
  );
  const talk = element("section", { data: { quota: "plenty" } }, element("form", { data: { goOn: "" } }), form, element("p", { data: { counter: "", room: "{n} left", over: "{n} too many" } }), element("p", { data: { kept: "" }, hidden: true }), element("div", { data: { check: "", action: "chat_send" } }));
  const world = { posted: [], toasts: [], focused: [], refreshed: 0, hear: [], talk };
  const answer = (path, body) => {
    world.posted.push([path, body]);
    const [status, json = {}] = answers[path] ?? [503];
    return { ok: status < 300, status, type: "basic", headers: new Headers({ "Content-Type": "application/json" }), json: async () => json, body: json };
  };
  globalThis.addEventListener = (name, hear) => name === "storage" && (world.heard = (key, newValue) => hear({ key, newValue }));
  globalThis.fetch = async (path, { body }) => answer(path, JSON.parse(body));
  answers["/chat/permits/"] ??= [201, { permit: "p1", uses_left: 5, expires_at: new Date(Date.now() + 120_000).toISOString() }];
  world.store = new Store(begin({ conversation: header(1, { last_seq: 1 }), messages: [message(1, { sender: "ai" })] }));
  world.net = {
    is: "open",
    ask: async (path, body) => answer(path, body),
    refresh: () => { world.refreshed += 1; },
    turn: (to) => { world.net.is = to; },
    subscribe: (hear) => world.hear.push(hear),
  };
  const start = { conversation: { id: "c1" }, permit_scope: "chat_send", message_max: 2_000, enter_sends: true };
  Object.assign(world, mount({
    store: world.store, net: world.net, talk, start, words,
    focus: (key) => world.focused.push(key),
    toast: (text) => world.toasts.push(text),
  }));
  world.send = (text) => {
    world.composer.write(text);
    form.dispatchEvent(event("submit"));
  };
  world.sent = () => world.posted.filter(([path]) => path === "messages/").map(([, body]) => body.text);
  return world;
}
const accepted = () => [201, { message: message(2, { client_id: "x" }), reply: reply("r", "queued"), conversation: header(2, { text: 9 }) }];
const button = (client) => element("li", { data: { client } }, element("button")).firstElementChild;

test("a permit is minted before anybody sends, and goes along", async () => {
  const { posted, send } = tab({ "messages/": accepted() });
  await settled();
  assert.deepEqual(posted, [["/chat/permits/", { token: "local", scope: "chat_send" }]]);
  send("Hello");
  await settled();
  assert.equal(posted[1][1].permit, "p1");
  assert.equal(posted[1][1].text, "Hello");
});

test("the answer to a send is told: the message, the reply that is owed, what is left", async () => {
  const { send, store, ...world } = tab({ "messages/": accepted() });
  send("Hello");
  assert.equal(store.state.outbox[0].text, "Hello"); // there at once
  await settled();
  assert.equal(store.state.messages.length, 2);
  assert.equal(store.writing, true);
  assert.equal(store.state.conversation.free_remaining.text, 9);
  assert.deepEqual(store.state.outbox, []);
  assert.equal(world.composer.text, "");
});

test("what is written while she writes is held, and goes when she has finished", async () => {
  const { send, store, sent } = tab({ "messages/": accepted() });
  store.tell(told.reply(reply("r0", "writing", "First ")));
  send("One");
  send("Two");
  await settled();
  assert.deepEqual(sent(), []);
  assert.deepEqual(store.state.outbox.map((item) => [item.text, item.status]), [["One", "held"], ["Two", "held"]]);
  store.tell(told.reply(reply("r0", "stopped")));
  await settled();
  assert.deepEqual(sent(), ["One", "Two"]);
});

test("too many messages at once are refused in words, and nothing is sent when signed out", () => {
  const full = tab();
  for (let i = 0; i < 21; i += 1) full.send(`${i}`);
  assert.deepEqual(full.toasts, ["20 messages are waiting already."]);
  assert.equal(full.composer.text, "20");
  const out = tab();
  out.net.is = "signed-out";
  out.send("Hello");
  assert.equal(out.composer.text, "Hello");
  assert.deepEqual(out.store.state.outbox, []);
});

test("out of free messages the words go back into the composer, and what is left is asked", async () => {
  const world = tab({ "messages/": [402, { error: { code: "quota_exhausted" } }] });
  world.send("Which bakery?");
  await settled();
  assert.equal(world.composer.text, "Which bakery?");
  assert.equal(world.refreshed, 1);
});

test("stopping keeps what was seen, and goes on when nobody heard of it", async () => {
  const stopped = reply("r", "stopped", "", { message: "m2" });
  const answers = { "stop/": [200, { reply: stopped }] };
  const world = tab(answers);
  world.store.tell(told.reply(reply("r", "writing", "Once upon a time")));
  world.store.draw();
  assert.equal(world.composer.words.textContent, "Stop the reply");
  world.talk.querySelector(".composer").dispatchEvent(event("submit"));
  assert.equal(world.store.writing, false);
  await settled();
  assert.deepEqual(world.posted.find(([path]) => path === "stop/"), ["stop/", { seen: 16 }]);
  assert.equal(world.store.state.reply.state, "stopped");
  answers["stop/"] = [503];
  const lost = tab(answers);
  lost.store.tell(told.reply(reply("r", "writing", "Once")));
  lost.store.draw();
  lost.talk.querySelector(".composer").dispatchEvent(event("submit"));
  await settled();
  assert.equal(lost.store.writing, true);
});

test("asking again tells what is owed now; a refusal says so and asks how it stands", async () => {
  const world = tab({ "retry/": [201, { message: message(2), reply: reply("r2", "queued"), conversation: header(3) }] });
  world.store.tell(told.message(message(2)));
  await world.deeds.retry();
  assert.equal(world.store.state.reply.id, "r2");
  assert.deepEqual(world.focused, ["m2"]);
  const fast = tab({ "retry/": [429] });
  await fast.deeds.retry();
  assert.deepEqual(fast.toasts, [words.sorry]);
  assert.equal(fast.refreshed, 1);
});

test("going on tells what is owed now, and sends nothing; a refusal says so", async () => {
  const world = tab({ "go-on/": [200, { reply: reply("r2", "queued"), conversation: header(3) }] });
  const pressed = event("submit");
  world.talk.querySelector("[data-go-on]").dispatchEvent(pressed);
  await settled();
  assert.deepEqual(world.posted.map(([path]) => path).filter((path) => !path.includes("permits")), ["go-on/"]);
  assert.equal(world.store.state.reply.id, "r2");
  assert.deepEqual(world.toasts, []);
  const lost = tab();
  lost.talk.querySelector("[data-go-on]").dispatchEvent(event("submit"));
  await settled();
  assert.deepEqual(lost.toasts, [words.sorry]);
});

test("a message that failed is sent again with the same id, or taken away", async () => {
  const answers = { "messages/": [400, { error: { message: "No." } }] };
  const world = tab(answers);
  world.send("Lost");
  await settled();
  const [{ client_id, status }] = world.store.state.outbox;
  assert.equal(status, "failed");
  answers["messages/"] = accepted();
  world.deeds.resend(button(client_id));
  await settled();
  const ids = world.posted.filter(([path]) => path === "messages/").map(([, body]) => body.client_id);
  assert.deepEqual(ids, [client_id, client_id]);
  assert.deepEqual(world.focused, [client_id]);
  answers["messages/"] = [400, {}];
  world.send("Lost too");
  await settled();
  world.deeds.unsend(button(world.store.state.outbox[0].client_id));
  assert.deepEqual(world.store.state.outbox, []);
});

test("what could not be checked is tried with a new permit", async () => {
  const answers = { "/chat/permits/": [403, { error: { code: "security_check_failed" } }], "messages/": accepted() };
  const world = tab(answers);
  world.send("Let me in");
  await settled();
  assert.equal(world.store.state.outbox[0].status, "unchecked");
  answers["/chat/permits/"] = [201, { permit: "p2", uses_left: 5, expires_at: new Date(Date.now() + 120_000).toISOString() }];
  world.deeds.check(button(world.store.state.outbox[0].client_id));
  await settled();
  assert.deepEqual(world.sent(), ["Let me in"]);
});

test("what another tab delivered is forgotten here, and what waits goes when the connection is back", async () => {
  const answers = {};
  const world = tab(answers);
  globalThis.fetch = async () => { throw new TypeError("fetch failed"); };
  world.send("From a tunnel");
  await settled();
  const [{ client_id, status }] = world.store.state.outbox;
  assert.ok(status === "waiting" || status === "sending");
  assert.ok(Object.keys(localStorage).some((key) => key.endsWith(client_id)));
  world.store.tell(told.message(message(2, { client_id })));
  assert.equal(Object.keys(localStorage).some((key) => key.endsWith(client_id)), false);
});

test("a starter is sent at once, and what is being written stays", async () => {
  const world = tab({ "messages/": accepted() });
  world.composer.write("Half a thou");
  world.deeds.starter(element("button", {}, " How was the kiln? "));
  await settled();
  assert.deepEqual(world.sent(), ["How was the kiln?"]);
  assert.equal(world.composer.text, "Half a thou");
});

test("a starter that cannot be sent is something to begin with", async () => {
  const world = tab();
  world.net.is = "signed-out";
  world.deeds.starter(element("button", {}, "How was the kiln?"));
  await settled();
  assert.deepEqual(world.sent(), []);
  assert.equal(world.composer.text, "How was the kiln?");
});

test("a starter that came with the page is sent beside a draft, or is something to begin with", async () => {
  const world = tab({ "messages/": accepted() });
  world.composer.write("Half a thought");
  world.composer.say("How was the kiln?");
  await settled();
  assert.deepEqual(world.sent(), ["How was the kiln?"]);
  assert.equal(world.composer.text, "Half a thought");
  world.composer.say("How was the kiln?", true);
  assert.equal(world.composer.text, "Half a thought");
  world.composer.write("");
  world.composer.say("How was the kiln?", true);
  await settled();
  assert.equal(world.composer.text, "How was the kiln?");
  assert.equal(world.sent().length, 1);
});

test("while she writes the button sends what is written, and stops her when nothing is", async () => {
  const world = tab({ "stop/": [200, { reply: null }] });
  world.store.tell(told.reply(reply("r", "writing", "Once")));
  world.store.draw();
  assert.equal(world.composer.words.textContent, "Stop the reply");
  world.send("Wait, ");
  assert.equal(world.store.writing, true);
  assert.deepEqual(world.store.state.outbox.map((item) => item.text), ["Wait,"]);
  world.store.draw();
  assert.equal(world.composer.words.textContent, "Stop the reply");
  world.composer.write("And");
  assert.equal(world.composer.words.textContent, "Send");
  world.talk.dispatchEvent(event("keydown", { key: "Escape", target: world.composer.input }));
  assert.equal(world.store.writing, false);
  assert.equal(world.composer.text, "And");
});

test("with nothing left one can go on writing, but not send", async () => {
  const world = tab();
  world.store.tell(told.conversation(header(2, { last_seq: 1, text: 0 })));
  world.store.draw();
  assert.equal(world.talk.querySelector("[data-kept]").hidden, true);
  world.send("For later");
  await settled();
  assert.deepEqual([world.composer.text, world.sent()], ["For later", []]);
  assert.notEqual(world.composer.input.readOnly, true);
  assert.equal(world.talk.querySelector("[data-kept]").hidden, false);
  assert.equal(world.composer.button.attributes["aria-disabled"], "true");
  world.store.tell({ type: "account", premium_active: true, premium_until: null });
  world.store.draw();
  assert.equal(world.composer.button.attributes["aria-disabled"], "false");
});

test("a phone's key says what it does", () => {
  assert.equal(tab().composer.input.enterKeyHint, "send");
  globalThis.matchMedia = () => ({ matches: true });
  assert.equal(tab().composer.input.enterKeyHint, "enter");
  globalThis.matchMedia = () => ({ matches: false });
});

test("what another tab sends is not offered here again; other words stay", async () => {
  const world = tab();
  const key = (id) => `dusk:outbox:c1:${id}`;
  const item = (id, text) => JSON.stringify({ client_id: id, text, created_at: 1, status: "sending" });
  world.composer.write("Hello there");
  world.heard(key("a"), item("a", "Something else"));
  assert.equal(world.composer.text, "Hello there");
  world.heard(key("b"), item("b", "Hello there"));
  assert.equal(world.composer.text, "");
  world.composer.write("Hello there"); // once more, and on purpose
  world.heard(key("b"), item("b", "Hello there"));
  assert.equal(world.composer.text, "Hello there");
});

test("a draft is this tab's own; a new tab is offered the latest; a send takes away what it sent", () => {
  tab();
  assert.deepEqual(Object.keys(sessionStorage), []); // nothing was written here
  new Draft("c1").keep("from A");
  const inB = () => { for (const key of Object.keys(sessionStorage)) sessionStorage.removeItem(key); };
  inB();
  const other = new Draft("c1");
  assert.equal(other.read(), "from A");
  other.keep("from B");
  other.keep("");
  assert.equal(other.read(), "");
  inB();
  assert.equal(new Draft("c1").read(), "");
  sessionStorage.setItem("dusk:draft:c1", "from A"); // a reload of A
  assert.equal(new Draft("c1").read(), "from A");
});
