import assert from "node:assert/strict";
import { test } from "node:test";
import { open } from "./page.js";

open();
const { Choice } = await import("../../static/js/site/keeping.js");

/* A switch that is off, with a server that answers when it is told to. */
function throwing() {
  const sent = [];
  const drawn = [];
  const sorry = [];
  const choice = new Choice(false, {
    keep: (value) => new Promise((resolve, reject) => sent.push({ value, resolve, reject })),
    show: (value) => drawn.push(value),
    sorry: (words) => sorry.push(words),
  });
  return { choice, sent, drawn, sorry };
}

const turn = () => new Promise((resolve) => setTimeout(resolve));

test("a switch is thrown before the server knows", async () => {
  const { choice, sent, drawn } = throwing();
  const kept = choice.choose(true);
  assert.deepEqual(drawn, [true]);
  sent[0].resolve();
  assert.equal(await kept, true);
});

test("however often it is thrown, one asks after the other and the last one counts", async () => {
  const { choice, sent } = throwing();
  const kept = choice.choose(true);
  choice.choose(false);
  choice.choose(true);
  choice.choose(false);
  assert.equal(sent.length, 1);
  sent[0].resolve();
  await turn();
  assert.deepEqual(sent.map(({ value }) => value), [true, false]);
  sent[1].resolve();
  assert.equal(await kept, true);
});

test("what the server refuses is taken back, with its words or our own", async () => {
  for (const [error, words] of [[Object.assign(new Error(), { said: "Slow down." }), "Slow down."], [new TypeError("no network"), "That couldn’t be saved. Try again."]]) {
    const { choice, sent, drawn, sorry } = throwing();
    const kept = choice.choose(true);
    sent[0].reject(error);
    assert.equal(await kept, false);
    assert.deepEqual(drawn, [true, false]);
    assert.deepEqual(sorry, [words]);
    choice.choose(true);
    assert.equal(sent.length, 2);
  }
});
