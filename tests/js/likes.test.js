import assert from "node:assert/strict";
import { test } from "node:test";

import { Likes } from "../../static/js/girls/likes.js";

const shown = { liked: false, count: 7 };

/* Likes with a server that answers when it is told to. */
function pressing() {
  const sent = [];
  const drawn = [];
  const sorry = [];
  const likes = new Likes({
    send: (id, liked) => new Promise((resolve, reject) => sent.push({ id, liked, resolve, reject })),
    show: (id, state) => drawn.push(state),
    sorry: (words) => sorry.push(words),
  });
  return { likes, sent, drawn, sorry };
}

test("a like is shown before the server knows", async () => {
  const { likes, sent, drawn } = pressing();
  const done = likes.toggle("5", shown);
  assert.deepEqual(drawn, [{ liked: true, count: 8 }]);
  sent[0].resolve({ liked: true, count: 12 }); // others pressed meanwhile
  await done;
  assert.deepEqual(drawn.at(-1), { liked: true, count: 12 });
  assert.deepEqual(sent.map(({ id, liked }) => [id, liked]), [["5", true]]);
});

test("what the server refuses is taken back, with its words or our own", async () => {
  for (const [error, words] of [[Object.assign(new Error(), { said: "Slow down." }), "Slow down."], [new TypeError("no network"), "That didn’t work. Try again."]]) {
    const { likes, sent, drawn, sorry } = pressing();
    const done = likes.toggle("5", shown);
    sent[0].reject(error);
    await done;
    assert.deepEqual(drawn.at(-1), shown);
    assert.deepEqual(sorry, [words]);
  }
});

test("however often one presses, one question is out, and the last press counts", async () => {
  const { likes, sent, drawn } = pressing();
  const done = likes.toggle("5", shown);
  likes.toggle("5", shown);
  assert.deepEqual(drawn.at(-1), shown);
  assert.equal(sent.length, 1);
  sent[0].resolve({ liked: true, count: 8 });
  await new Promise(setImmediate);
  assert.deepEqual(sent.map(({ liked }) => liked), [true, false]);
  sent[1].resolve({ liked: false, count: 7 });
  await done;
  assert.deepEqual(drawn.at(-1), shown);
});

test("three presses are one like", async () => {
  const { likes, sent, drawn } = pressing();
  const done = likes.toggle("5", shown);
  likes.toggle("5", shown);
  likes.toggle("5", shown);
  sent[0].resolve({ liked: true, count: 8 });
  await done;
  assert.equal(sent.length, 1);
  assert.deepEqual(drawn.at(-1), { liked: true, count: 8 });
});
