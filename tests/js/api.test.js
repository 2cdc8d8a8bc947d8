import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { element, open } from "./page.js";
import { header, message } from "./telling.js";

const page = open();
const { call, whose, Foreign } = await import("../../static/js/chat/api.js");
const meta = (name, content) => Object.assign(element("meta"), { content, matches: (selector) => selector === `meta[name="${name}"]` });
const json = (status, body, more = {}) => [status, JSON.stringify(body), { "Content-Type": "application/json", ...more }];
const no = (status, code) => json(status, { error: { code, message: "No." } });

/* A page of alice's, and a server that gives its answers one after the other, the last for ever. */
function served(answers) {
  const asked = [];
  page.document.body.replaceChildren(meta("csrf-token", "old"), meta("member", "alice"));
  globalThis.fetch = async (path, { method, headers }) => {
    asked.push([method, path, headers["X-CSRFToken"]]);
    const list = answers[path];
    const [status, body, fields] = list.length > 1 ? list.shift() : list[0];
    if (status === "redirect") return { ok: false, status: 0, type: "opaqueredirect", headers: new Headers() };
    return new Response(status === 204 ? null : body, { status, headers: fields });
  };
  return asked;
}

const sent = { message: message(2), reply: null, conversation: header(2) };
const foreign = (status) => (error) => error instanceof Foreign && error.status === status;

test("what our doors promise is an answer, and so is a refusal in our words", async () => {
  served({ "messages/": [json(201, sent)], "read/": [[204]], "x/": [no(429, "too_many_requests")] });
  assert.equal((await call("messages/", {})).body.message.id, "m2");
  assert.equal((await call("read/", {})).ok, true);
  assert.deepEqual([(await call("x/")).code, (await call("x/")).ok], ["too_many_requests", false]);
});

for (const [what, answer, status] of [
  ["a page", [403, "<h1>Blocked</h1>", { "Content-Type": "text/html" }], 403],
  ["a redirect", ["redirect"], 0],
  ["a portal", [200, "<h1>Welcome</h1>", { "Content-Type": "text/html" }], 200],
  ["an empty 200", [200, "", {}], 200],
  ["an empty 200 that is called JSON", [200, "", { "Content-Type": "application/json" }], 200],
  ["JSON cut off on the way", [201, '{"message": {"id": "m', { "Content-Type": "application/json" }], 201],
  ["somebody else's good news", json(200, { status: "ok" }), 200],
  ["a list", json(200, [1]), 200],
  ["null", json(200, null), 200],
  ["somebody else's refusal", json(403, { error: { code: 1020, message: "Access denied" } }), 403],
  ["a refusal without words", json(403, { error: "forbidden" }), 403],
  ["a gateway's 401", json(401, { message: "Unauthorized" }), 401],
  ["a 204 for a message", [204], 204],
  ["legal reasons", [451, "<h1>No</h1>", { "Content-Type": "text/html" }], 451],
  ["a proxy that wants a sign-in of its own", [511, "<h1>Sign in</h1>", { "Content-Type": "text/html" }], 511],
]) {
  test(`${what} is no answer of ours`, async () => {
    served({ "messages/": [answer] });
    await assert.rejects(call("messages/", {}), foreign(status));
  });
}

test("a page with an old token asks for the one that is good now, and once again", async () => {
  const asked = served({ "retry/": [no(403, "page_out_of_date"), json(201, sent)], "/chat/session/": [json(200, { member: "alice", csrf_token: "new" })] });
  assert.equal((await call("retry/", {})).ok, true);
  assert.deepEqual(asked, [["POST", "retry/", "old"], ["GET", "/chat/session/", undefined], ["POST", "retry/", "new"]]);
  const never = served({ "retry/": [no(403, "page_out_of_date")], "/chat/session/": [json(200, { member: "alice", csrf_token: "new" })] });
  assert.equal((await call("retry/", {})).code, "page_out_of_date");
  assert.equal(never.length, 3);
});

test("nothing is sent as somebody else", async () => {
  const asked = served({ "retry/": [no(403, "page_out_of_date")], "/chat/session/": [json(200, { member: "bob", csrf_token: "bobs" })] });
  assert.equal((await call("retry/", {})).ok, false);
  assert.equal(asked.length, 2);
  assert.equal(page.document.querySelector('meta[name="csrf-token"]').content, "old");
});

test("that nobody is signed in is believed when the server says it twice", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const says = async (...answers) => {
    served({ "/chat/session/": answers });
    const found = whose();
    for (let i = 0; i < 50; i += 1) await new Promise((resolve) => setImmediate(resolve));
    mock.timers.tick(1_000);
    return found;
  };
  const out = no(401, "sign_in_required");
  assert.equal(await says(out), "nobody");
  assert.equal(await says(out, json(200, { member: "alice", csrf_token: "t" })), "mine");
  assert.equal(await says(out, [302, "", {}]), "unknown");
  assert.equal(await says([403, "<h1>", { "Content-Type": "text/html" }]), "unknown");
  mock.timers.reset();
});
