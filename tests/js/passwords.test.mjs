import assert from "node:assert/strict";
import { test } from "node:test";

import { strength } from "../../static/js/site/passwords.js";

test("nothing typed is no strength at all", () => assert.equal(strength(""), 0));

test("what everybody tries first is weak, however it is decorated", () => {
  for (const password of ["abc", "aaaaaaaaaaaa", "password1!", "Qwerty12345", "12345678"]) assert.equal(strength(password), 1);
});

test("a long sentence without a single symbol is very strong", () => {
  assert.equal(strength("the kettle sings at four"), 4);
});

test("more characters never make a password weaker", () => {
  const password = "maple River 9 lanterns & tea";
  const scores = [...password].map((_, i) => strength(password.slice(0, i + 1)));
  assert.deepEqual(scores, scores.toSorted());
});
