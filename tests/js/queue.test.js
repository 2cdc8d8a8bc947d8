import assert from "node:assert/strict";
import { test } from "node:test";
import { bytes, heading, Queue } from "../../static/js/media/queue.js";

const trouble = (kind, more = {}) => Object.assign(new Error(more.message ?? ""), { kind, wait: 0, ...more });
const file = (name, size = 1000) => ({ name, size, type: "image/jpeg" });
const turns = async (count = 30) => { for (let n = 0; n < count; n += 1) await null; };

/* A site and a storage that a test directs, and a clock that it turns. */
function world(over = {}) {
  const seen = { asked: [], sending: [], cancelled: [], waits: [], states: {} };
  let number = 0;
  const doors = {
    askFor: async (file) => {
      seen.asked.push(file.name);
      return { upload: { id: `u${++number}` }, url: "/bucket", fields: {} };
    },
    send: (asked, file, heard, signal) =>
      new Promise((resolve, reject) => {
        seen.sending.push({ id: asked.upload.id, name: file.name, heard, resolve, reject });
        signal.addEventListener("abort", () => reject(new DOMException("x", "AbortError")));
      }),
    complete: async (id) => ({ id, state: "arrived", error: "" }),
    cancel: async (id) => void seen.cancelled.push(id),
    retry: async (id) => ({ id, state: "arrived", error: "" }),
    states: async (ids) => ids.map((id) => ({ id, error: "", state: "arrived", ...seen.states[id] })),
    ...over,
  };
  const clock = { jitter: () => 1, wait: (ms) => new Promise((resolve) => seen.waits.push({ ms, resolve })) };
  const queue = new Queue(doors, clock);
  const told = [];
  queue.addEventListener("ready", ({ jobs: [job] }) => told.push(job.name));
  const pass = async () => { // all that is waited for is over
    for (const { resolve } of seen.waits.splice(0)) resolve();
    await turns();
  };
  return { queue, seen, told, pass };
}

test("three files are sent at a time, the next when one is through", async () => {
  const { queue, seen } = world();
  queue.add(["a", "b", "c", "d", "e"].map((name) => file(name)));
  await turns();
  assert.deepEqual(seen.asked, ["a", "b", "c"]);
  seen.sending[1].resolve();
  await turns();
  assert.deepEqual(seen.asked, ["a", "b", "c", "d"]);
  assert.equal(queue.jobs[1].state, "checking");
});

test("two hundred files at once are all sent, and asked about fifty at a time", async () => {
  const questions = [];
  const { queue, told, pass } = world({
    send: async () => {},
    states: async (ids) => {
      questions.push(ids.length);
      return ids.map((id) => ({ id, state: "ready", error: "" }));
    },
  });
  queue.add(Array.from({ length: 200 }, (_, n) => file(`${n}`)));
  for (let n = 0; n < 30 && told.length < 200; n += 1) {
    await turns(200);
    await pass();
  }
  assert.equal(new Set(told).size, 200);
  assert.ok(Math.max(...questions) <= 50);
  assert.ok(questions.length < 20);
});

test("a line that is lost is tried again with a new form, later each time, and then it has failed", async () => {
  const { queue, seen, pass } = world({ send: async () => { throw trouble("later"); } });
  const [job] = queue.add([file("a")]);
  const waits = [];
  await turns();
  while (seen.waits.length) {
    waits.push(seen.waits[0].ms / 1000);
    await pass();
  }
  assert.deepEqual(waits, [1, 2, 4, 8, 15, 15, 30, 30]);
  assert.equal(job.state, "failed");
  assert.equal(seen.asked.length, 9);
  assert.equal(seen.cancelled.length, 8); // those that came to nothing
});

test("a busy server says when, and that long it is left alone", async () => {
  let busy = true;
  const { queue, seen, pass } = world({
    complete: async (id) => {
      if (busy) throw trouble("later", { wait: 20_000 });
      return { id, state: "arrived" };
    },
  });
  const [job] = queue.add([file("a")]);
  await turns();
  seen.sending[0].resolve();
  await turns();
  assert.equal(seen.waits[0].ms, 20_000);
  busy = false;
  await pass();
  assert.equal(job.state, "checking");
  assert.equal(seen.sending.length, 1); // what was sent is not sent again
});

test("what will not be taken says why, and takes nobody else along", async () => {
  const refusal = trouble("final", { code: "bad_upload", message: "TIFF isn’t supported. Save it as JPG or PNG." });
  const { queue, seen } = world({
    askFor: async (one) => {
      if (one.name === "scan.tiff") throw refusal;
      return { upload: { id: one.name }, url: "/", fields: {} };
    },
  });
  const [bad, good] = queue.add([file("scan.tiff"), file("a")]);
  await turns();
  assert.deepEqual([bad.state, bad.words], ["refused", refusal.message]);
  seen.sending[0].resolve();
  await turns();
  assert.equal(good.state, "checking");
});

test("a session that ended holds all, until somebody signed in again", async () => {
  let isIn = false;
  const { queue, seen } = world({
    askFor: async (one) => {
      if (!isIn) throw trouble("signed-out");
      return { upload: { id: one.name }, url: "/", fields: {} };
    },
  });
  queue.add([file("a"), file("b"), file("c"), file("d")]);
  await turns();
  assert.equal(queue.isPaused, true);
  assert.deepEqual(queue.jobs.map(({ state }) => state), ["waiting", "waiting", "waiting", "waiting"]);
  isIn = true;
  queue.goOn();
  await turns();
  assert.deepEqual(seen.sending.map(({ name }) => name), ["a", "b", "c"]);
});

test("what is cancelled stops at once, the site is told, and the next one goes", async () => {
  const { queue, seen } = world();
  const jobs = queue.add(["a", "b", "c", "d"].map((name) => file(name)));
  await turns();
  queue.cancel(jobs[0]);
  await turns();
  assert.deepEqual(seen.cancelled, ["u1"]);
  assert.deepEqual(seen.asked, ["a", "b", "c", "d"]);
  assert.equal(jobs[0].state, "cancelled");
  queue.cancelAll();
  await turns();
  assert.equal(queue.isSending, false);
});

test("files of the same name are files of their own", async () => {
  const { queue, seen } = world();
  const [one, other] = queue.add([file("a"), file("a")]);
  await turns();
  seen.sending[0].resolve();
  await turns();
  assert.deepEqual([one.state, other.state], ["checking", "sending"]);
});

test("what failed on the server is tried there again, without being sent", async () => {
  const { queue, seen, pass } = world();
  const [job] = queue.add([file("a")]);
  await turns();
  seen.sending[0].resolve();
  await turns();
  seen.states.u1 = { state: "failed", error: "Our storage didn’t answer. Try again." };
  await pass();
  assert.deepEqual([job.state, job.words], ["failed", "Our storage didn’t answer. Try again."]);
  seen.states.u1 = { state: "ready" };
  await queue.retry(job);
  await pass();
  await pass();
  assert.equal(job.state, "ready");
  assert.equal(seen.sending.length, 1);
});

test("an upload that nobody knows any more is said so", async () => {
  const { queue, seen, pass } = world({ states: async () => [] });
  const [job] = queue.add([file("a")]);
  await turns();
  seen.sending[0].resolve();
  await turns();
  await pass();
  assert.deepEqual([job.state, job.words], ["failed", "This upload is gone. Try again."]);
  queue.retry(job);
  await turns();
  assert.equal(seen.sending.length, 2);
});

test("it is asked more seldom while nothing changes", async () => {
  const { queue, seen, pass } = world();
  queue.add([file("a")]);
  await turns();
  seen.sending[0].resolve();
  await turns();
  const waits = [];
  for (let n = 0; n < 8; n += 1) {
    waits.push(seen.waits[0].ms);
    await pass();
  }
  assert.deepEqual(waits.slice(0, 3), [800, 1200, 1800]);
  assert.equal(waits.at(-1), 8000);
});

test("the heading counts what goes, then what came of it", () => {
  const jobs = (...states) => states.map((state) => ({ state }));
  assert.equal(heading(jobs("sending", "waiting", "ready", "refused")), "Uploading 2 of 4");
  assert.equal(heading(jobs("checking", "ready", "cancelled")), "Making 1 of 2 ready");
  assert.equal(heading(jobs("ready", "ready", "refused")), "2 ready, 1 not taken");
});

test("sizes are said as people say them", () => {
  assert.equal(bytes(3.1 * 1024 * 1024, 4.8 * 1024 * 1024), "3.1 of 4.8 MB");
  assert.equal(bytes(38 * 1024 * 1024, 121 * 1024 * 1024), "38 of 121 MB");
  assert.equal(bytes(0, 4.8 * 1024 * 1024), "4.8 MB");
  assert.equal(bytes(0, 900), "900 bytes");
});
