import assert from "node:assert/strict";
import { test } from "node:test";
import { columns, place, step } from "../../static/js/girls/ordering.js";

const grid = { count: 8, columns: 3 }; // 0 1 2 / 3 4 5 / 6 7

test("arrows lead to the next place, up and down by a row", () => {
  assert.deepEqual(["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"].map((key) => step(key, 4, grid)), [3, 5, 1, 7]);
  assert.deepEqual(["Home", "End"].map((key) => step(key, 4, grid)), [0, 7]);
});

test("nothing leads out of the grid", () => {
  assert.equal(step("ArrowLeft", 0, grid), 0);
  assert.equal(step("ArrowRight", 7, grid), 7);
  assert.equal(step("ArrowUp", 2, grid), 2);
  assert.equal(step("ArrowDown", 5, grid), 7); // the last row is shorter
});

test("where one reads from right to left, right is back", () => {
  assert.equal(step("ArrowRight", 4, { ...grid, rtl: true }), 3);
});

test("other keys lead nowhere", () => assert.equal(step("a", 4, grid), null));

test("a row is as long as until the next one begins", () => {
  assert.equal(columns([0, 0, 0, 150, 150]), 3);
  assert.equal(columns([0, 0]), 2);
  assert.equal(columns([]), 1);
});

test("a place is said as people count", () => assert.equal(place("Studio door", 2, 15), "Studio door, place 3 of 15."));
