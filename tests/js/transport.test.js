import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { open } from "./page.js";

open();
const { putUp, retry, NotUp } = await import("../../static/js/media/transport.js");
const FILE = Object.assign(new Blob(["abc"], { type: "image/jpeg" }), { name: "me.jpg" });
const asked = { upload: { id: "u1", state: "issued", name: "me.jpg" }, url: "/bucket", fields: { key: "tmp/u1", policy: "p" } };
const state = (name, more = {}) => ({ upload: { id: "u1", state: name, error: "", ...more } });
const refusal = (code, message = "No.") => ({ error: { code, message } });

/* A site that gives its answers one after the other, the last for ever, and a storage. */
let knocked, sent, storage;
function served(answers) {
  globalThis.fetch = async (path, { method, body, signal }) => {
    signal?.throwIfAborted();
    const door = `${method} ${path.replace("/media/uploads/", "").replace("u1/", "u1 ")}`.trim();
    knocked.push(body && path.endsWith("uploads/") ? [door, JSON.parse(body)] : door);
    const list = answers[door];
    const [status, answer, headers] = list.length > 1 ? list.shift() : list[0];
    if (status === 0) throw new TypeError("Failed to fetch");
    return new Response(JSON.stringify(answer), { status, headers });
  };
}

class FakeRequest {
  upload = {};
  open(method, url) { this.url = url; }
  send(form) {
    sent.push([this.url, [...form.keys()]]);
    storage(this);
  }
  end(status) {
    this.status = status;
    this.onload();
    this.onloadend();
  }
  abort() {
    this.onabort();
    this.onloadend();
  }
}

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout"] });
  [knocked, sent] = [[], []];
  globalThis.XMLHttpRequest = FakeRequest;
  storage = (request) => {
    request.upload.onprogress({ loaded: 1, total: 2 });
    request.end(204);
  };
});

const GOOD = { POST: [[201, asked]], "POST u1 complete/": [[200, state("arrived")]], "GET u1": [[200, state("arrived")], [200, state("ready")]], "POST u1 cancel/": [[200, state("gone")]] };
const site = (changes = {}) => served({ ...structuredClone(GOOD), ...changes });

/* Let time pass until the promise is settled. */
async function settled(promise) {
  let over = false;
  const ending = promise.then((value) => ({ value }), (error) => ({ error })).finally(() => (over = true));
  for (let n = 0; n < 2000 && !over; n += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    mock.timers.tick(100);
  }
  assert.ok(over, "it never ended");
  return ending;
}

test("a file is asked for, sent, completed, and looked at until it is ready", async () => {
  site();
  const progress = [];
  const { value } = await settled(putUp(FILE, { purpose: "avatar", onProgress: (part) => progress.push(part), onSent: ({ id }) => progress.push(id) }));
  assert.equal(value.state, "ready");
  assert.deepEqual(knocked, [
    ["POST", { purpose: "avatar", target: {}, name: "me.jpg", content_type: "image/jpeg", size: 3 }],
    "POST u1 complete/", "GET u1", "GET u1",
  ]);
  assert.deepEqual(sent, [["/bucket", ["key", "policy", "file"]]]);
  assert.deepEqual(progress, [0.5, "u1"]);
});

test("what the site refuses before it is sent is not sent", async () => {
  site({ POST: [[400, refusal("bad_upload", "That file is empty.")]] });
  const { error } = await settled(putUp(FILE, { purpose: "avatar" }));
  assert.deepEqual([error instanceof NotUp, error.message, error.again, sent.length], [true, "That file is empty.", false, 0]);
});

test("what turns out to be no picture says why, and is not worth another try", async () => {
  site({ "GET u1": [[200, state("refused", { error: "That’s not a picture." })]] });
  const { error } = await settled(putUp(FILE, { purpose: "avatar" }));
  assert.deepEqual([error.message, error.code, error.again, error.upload.id], ["That’s not a picture.", "refused", false, "u1"]);
  assert.ok(!knocked.includes("POST u1 cancel/"));
});

test("what failed at the site is tried again there, without sending it", async () => {
  site({ "GET u1": [[200, state("failed", { error: "Our storage didn’t answer." })], [200, state("ready")]], "POST u1 retry/": [[200, state("arrived")]] });
  const { error } = await settled(putUp(FILE, { purpose: "avatar" }));
  assert.equal(error.again, true);
  assert.equal((await settled(retry(error.upload.id))).value.state, "ready");
  assert.equal(sent.length, 1);
});

test("cancelled while it is sent, nothing goes on, and the site knows", async () => {
  site();
  const cancel = new AbortController();
  storage = () => cancel.abort();
  const { error } = await settled(putUp(FILE, { purpose: "avatar", signal: cancel.signal }));
  assert.equal(error.name, "AbortError");
  assert.deepEqual(knocked.slice(1), ["POST u1 cancel/"]);
});

test("cancelled while the site works on it, the site knows", async () => {
  site({ "GET u1": [[200, state("arrived")]] });
  const cancel = new AbortController();
  const { error } = await settled(putUp(FILE, { purpose: "avatar", signal: cancel.signal, onSent: () => setTimeout(() => cancel.abort(), 2000) }));
  assert.equal(error.name, "AbortError");
  assert.equal(knocked.at(-1), "POST u1 cancel/");
});

for (const [what, fails] of [
  ["breaks", (request) => { request.onerror(); request.onloadend(); }],
  ["is refused by the storage", (request) => request.end(403)],
  ["stands still", () => {}],
]) {
  test(`a sending that ${what} ends in words, and may be tried again`, async () => {
    site();
    storage = fails;
    const { error } = await settled(putUp(FILE, { purpose: "avatar" }));
    assert.deepEqual([error instanceof NotUp, error.again], [true, true]);
    assert.match(error.message, /Try again\.$/);
    assert.ok(knocked.includes("POST u1 cancel/"));
  });
}

test("too fast, it waits as long as it is told, and goes on", async () => {
  site({ POST: [[429, refusal("too_many_requests"), { "Retry-After": "7" }], [201, asked]] });
  const { value } = await settled(putUp(FILE, { purpose: "avatar" }));
  assert.equal(value.state, "ready");
});

test("a look that finds nobody is repeated; a line that stays dead is not waited for without end", async () => {
  site({ "GET u1": [[0], [502, "<html>"], [200, state("ready")]] });
  assert.equal((await settled(putUp(FILE, { purpose: "avatar" }))).value.state, "ready");
  site({ "GET u1": [[0]] });
  const { error } = await settled(putUp(FILE, { purpose: "avatar" }));
  assert.equal(error.message, "The connection was lost. Try again.");
});
