/* The same corpus as tests/config/test_text.py: what is drawn while she writes is what stands there afterwards. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fold, isBlank, segments } from "../../static/js/site/text.js";

const CORPUS = JSON.parse(readFileSync(new URL("../corpus/scripts.json", import.meta.url), "utf8"));
const name = ({ script, text }) => `${script}: ${text.slice(0, 30)}`;

for (const line of CORPUS) {
  const { text } = line;
  test(`${name(line)} is ${line.blank ? "" : "not "}blank`, () => assert.equal(isBlank(text), Boolean(line.blank)));
  if (line.blank) continue;
  test(`${name(line)} has the pairs that a person sees`, () => {
    assert.deepEqual(segments(text), line.model ?? [["", text]]);
    assert.deepEqual(segments(text, { byMember: true }), line.member ?? [["", text]]);
  });
  if (line.fold) test(`${name(line)} is compared as people mean it`, () => assert.equal(fold(text), line.fold));
}

test("while she writes a pair is drawn from its first word, and no mark flashes by", () => {
  const seen = [];
  for (let at = 1; at <= "Oh *yes* so".length; at += 1) seen.push(segments("Oh *yes* so".slice(0, at), { grows: true }));
  assert.deepEqual(seen[3], [["", "Oh "]]);
  assert.deepEqual(seen[4], [["", "Oh "], ["em", "y"]]);
  assert.deepEqual(seen[7], [["", "Oh "], ["em", "yes"]]);
  assert.deepEqual(seen.at(-1), [["", "Oh "], ["em", "yes"], ["", " so"]]);
});
