import assert from "node:assert/strict";
import { test } from "node:test";
import { dropped } from "../../static/js/media/picking.js";

const fileEntry = (name) => ({ name, isDirectory: false, file: (give) => give({ name }) });
const folder = (name, ...parts) => ({
  name,
  isDirectory: true,
  createReader: () => ({ readEntries: (give) => give(parts.shift() ?? []) }), // a browser gives a hundred at a time
});
const drop = (...entries) => ({ files: [{ name: "as they came" }], items: entries.map((entry) => ({ webkitGetAsEntry: () => entry })) });
const names = async (data) => (await dropped(data)).map(({ name }) => name);

test("files that are dropped are taken as they came", async () => {
  assert.deepEqual(await names(drop(fileEntry("a.jpg"))), ["as they came"]);
  assert.deepEqual(await names({ files: [{ name: "a.jpg" }] }), ["a.jpg"]);
});

test("a folder is opened, in parts and in the order of names, and what systems leave in it stays", async () => {
  const shoot = folder("shoot", [fileEntry("10.jpg"), fileEntry(".DS_Store")], [fileEntry("9.jpg"), folder("raw", [fileEntry("1.jpg"), fileEntry("Thumbs.db")])]);
  assert.deepEqual(await names(drop(fileEntry("cover.jpg"), shoot)), ["cover.jpg", "9.jpg", "10.jpg", "1.jpg"]);
});

test("what cannot be read is left out", async () => {
  const broken = { name: "x.jpg", isDirectory: false, file: (_, fail) => fail(new Error("no")) };
  assert.deepEqual(await names(drop(folder("shoot", [broken, fileEntry("a.jpg")]))), ["a.jpg"]);
});
