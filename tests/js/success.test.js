import assert from "node:assert/strict";
import { test } from "node:test";

import { decided } from "../../static/js/payments/success.js";

const pause = async () => {};

function answers(...states) {
  const asked = [];
  return { asked, ask: async () => { asked.push(1); const state = states.shift() ?? "waiting"; if (state instanceof Error) throw state; return state; } };
}

test("asks until the payment is decided, and no longer", async () => {
  const { ask, asked } = answers("waiting", "waiting", "paid", "failed");
  assert.equal(await decided({ ask, pause }), "paid");
  assert.equal(asked.length, 3);
});

test("an answer that is lost decides nothing", async () => {
  const { ask } = answers(new TypeError("Failed to fetch"), "failed");
  assert.equal(await decided({ ask, pause }), "failed");
});

test("gives up after a minute", async () => {
  let seconds = 0;
  const { ask, asked } = answers();
  assert.equal(await decided({ ask, pause: async () => { seconds += 2; } }), "waiting");
  assert.equal(seconds, 60);
  assert.equal(asked.length, 30);
});
