import assert from "node:assert/strict";
import { test } from "node:test";
import { open } from "./page.js";

open();
const { next } = await import("../../static/js/site/theme.js");

test("the button goes to the other theme, to the one after it, and to the device's own again", () => {
  const round = (device) => ["", 1, 2, 3].reduce((themes, step) => [...themes, step ? next(themes.at(-1), device) : ""], []);
  assert.deepEqual(round("light"), ["", "dark", "light", ""]);
  assert.deepEqual(round("dark"), ["", "light", "dark", ""]);
});
