import assert from "node:assert/strict";
import { test } from "node:test";
import { counted } from "../../static/js/girls/counting.js";
import { facts, lines } from "../../static/js/staff/playground.js";

const body = (...chunks) => new ReadableStream({ start(to) { chunks.forEach((chunk) => to.enqueue(chunk)); to.close(); } });
const bytes = (text) => new TextEncoder().encode(text);

async function all(stream) {
  const found = [];
  for await (const line of lines(stream)) found.push(line);
  return found;
}

test("lines are read however they are cut on the way", async () => {
  const whole = bytes('{"text":"Inês "}\n{"text":"🌙"}\n');
  for (let size = 1; size < 9; size += 1) {
    const chunks = [];
    for (let at = 0; at < whole.length; at += size) chunks.push(whole.slice(at, at + size));
    assert.deepEqual(await all(body(...chunks)), [{ text: "Inês " }, { text: "🌙" }]);
  }
});

test("a line that was cut off is none", async () => {
  assert.deepEqual(await all(body(bytes('{"text":"a"}\n{"te'))), [{ text: "a" }]);
});

const words = { unknown: "not told", noPrice: "no price set", cached: "{n} of them cached", seconds: "{n} s" };

test("what a talk took is said, and what nobody told, too", () => {
  const told = { provider: "primary", model: "m", tokens_in: 1200, tokens_cached: 1000, tokens_out: 30, cost: "0.000052", first_ms: 640, total_ms: 2000 };
  assert.deepEqual(facts(told, words), { by: "primary, m", in: "1,200 (1,000 of them cached)", out: "30", cost: "$0.000052", first: "0.6 s", total: "2.0 s" });
  const untold = { provider: "primary", model: "", tokens_in: null, tokens_cached: null, tokens_out: null, cost: null, first_ms: null, total_ms: 90 };
  assert.deepEqual(facts(untold, words), { by: "primary", in: "not told", out: "not told", cost: "no price set", first: "not told", total: "0.1 s" });
});

test("a text is counted as the server counts it", () => {
  const sentence = "{n} of {most} characters, about {tokens} tokens.";
  assert.equal(counted("", 8000, sentence), "0 of 8,000 characters, about 0 tokens.");
  assert.equal(counted("a\r\nb🌙", 8000, sentence), "4 of 8,000 characters, about 1 tokens.");
  assert.equal(counted("x".repeat(8000), 8000, sentence), "8,000 of 8,000 characters, about 2,000 tokens.");
});
