import assert from "node:assert/strict";
import { test } from "node:test";
import { begin, moved, shown, sideOf, zoomed } from "../../static/js/media/crop.js";

test("it begins with the largest square, in the middle", () => {
  assert.deepEqual(shown(begin(1000, 600)), { left: 200, top: 0, side: 600 });
  assert.deepEqual(shown(begin(600, 1000)), { left: 0, top: 200, side: 600 });
});

test("it moves by parts of what is shown, and stops at the edges", () => {
  const wide = begin(1000, 600);
  assert.equal(shown(moved(wide, 0.1, 0.1)).left, 260);
  assert.deepEqual(shown(moved(wide, 5, 5)), { left: 400, top: 0, side: 600 });
  assert.deepEqual(shown(moved(wide, -5, -5)), { left: 0, top: 0, side: 600 });
  assert.ok(shown(moved(zoomed(wide, 2), 0.5, 0.5)).top > 0);
});

test("closer shows less around the same middle; it never shows what is not there", () => {
  const close = zoomed(begin(1000, 600), 2);
  assert.deepEqual(shown(close), { left: 350, top: 150, side: 300 });
  const corner = moved(close, 9, 9);
  assert.deepEqual(shown(zoomed(corner, 1)), { left: 400, top: 0, side: 600 });
});

test("zoom has its limits, and nonsense is no zoom", () => {
  const whole = begin(400, 400);
  assert.equal(sideOf(zoomed(whole, 99)), 100);
  for (const nonsense of [0, -3, NaN, 0.2]) assert.equal(sideOf(zoomed(whole, nonsense)), 400);
  assert.deepEqual(shown(zoomed(begin(1, 1), 4)), { left: 0.375, top: 0.375, side: 0.25 });
});
