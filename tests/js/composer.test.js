import assert from "node:assert/strict";
import { test } from "node:test";
import { enter } from "../../static/js/chat/composer.js";
import { length } from "../../static/js/site/text.js";

const desk = { sends: true, touch: false };
const press = (over) => ({ key: "Enter", isComposing: false, keyCode: 13, ctrlKey: false, metaKey: false, shiftKey: false, ...over });

test("Enter sends, Shift+Enter is a new line", () => {
  assert.equal(enter(press(), desk), "send");
  assert.equal(enter(press({ shiftKey: true }), desk), "newline");
  assert.equal(enter(press({ key: "a" }), desk), "");
});

test("Enter that ends a composition sends nothing, in Safari either", () => {
  assert.equal(enter(press({ isComposing: true }), desk), "");
  assert.equal(enter(press({ keyCode: 229 }), desk), "");
});

test("on touch, or where the person chose so, Enter is a new line; Ctrl and Cmd always send", () => {
  for (const how of [{ sends: true, touch: true }, { sends: false, touch: false }]) {
    assert.equal(enter(press(), how), "newline");
    assert.equal(enter(press({ ctrlKey: true }), how), "send");
    assert.equal(enter(press({ metaKey: true }), how), "send");
  }
});

test("length counts characters like the server does", () => {
  assert.equal(length("👋é"), 2);
});
