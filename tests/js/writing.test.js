import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { element, open, row, words } from "./page.js";
import { all, header, message, reply, told } from "./telling.js";

open();
const { Writing } = await import("../../static/js/chat/writing.js");
const { apply, begin } = await import("../../static/js/chat/state.js");

const greeting = message(1, { sender: "ai" });
const fresh = () => begin({ conversation: header(1, { last_seq: 1 }), messages: [greeting] });
const writes = (text, over) => all(fresh(), told.reply(reply("r", "writing", "", over)), ...(text ? [told.delta("r", 0, text)] : []));

function screen() {
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout"] });
  const world = { clock: 0, said: [], redrawn: 0, box: element("div"), status: element("span", {}, "AI character"), rows: new Map() };
  globalThis.performance = { now: () => world.clock };
  world.rows.set("m1", row(greeting));
  const { box, status, rows } = world;
  world.writing = new Writing({ box, status, rows, words, say: (text) => world.said.push(text), redraw: () => { world.redrawn += 1; } });
  world.pass = (time) => {
    world.clock += time;
    mock.timers.tick(time);
  };
  world.draw = (state) => {
    world.writing.begin(state);
    if (!rows.has("reply")) rows.set("reply", element("li", {}, element("span", { data: { text: "" } })));
    world.writing.stream(state);
    return rows.get("reply").querySelector("[data-text]");
  };
  world.greeting = () => rows.get("m1").querySelector("[data-text]");
  return world;
}

test("dots come after a moment, are spoken of after two seconds, and stay long enough to be seen", () => {
  const { writing, draw, pass, said, status, ...world } = screen();
  draw(writes());
  assert.equal(status.textContent, words.writing);
  pass(399);
  assert.equal(writing.dots, false);
  pass(1);
  assert.equal(writing.dots, true);
  assert.equal(writing.rests(), true);
  pass(600);
  assert.equal(writing.rests(), false);
  assert.deepEqual(said, []);
  pass(1_000);
  assert.deepEqual(said, [words.typing]);
  pass(10_000);
  assert.equal(world.rows.get("reply").classList.contains("still"), true);
  draw(writes("Hello"));
  assert.equal(writing.dots, false);
});

test("a reply that is quick shows no dots and says nothing", () => {
  const { writing, draw, pass, said, status } = screen();
  draw(writes());
  pass(100);
  draw(writes("Hello"));
  pass(60_000);
  assert.equal(writing.dots, false);
  assert.deepEqual(said, []);
  draw(fresh());
  assert.equal(status.textContent, "AI character");
});

test("her words grow in one text node, whatever was taken back", () => {
  const { draw, box } = screen();
  const place = draw(writes("Hello"));
  const node = place.firstChild;
  draw(writes("Hello you"));
  assert.equal(place.firstChild, node);
  assert.equal(node.data, "Hello you");
  assert.equal(box.attributes["aria-busy"], "true");
  draw(writes("Good evening"));
  assert.equal(node.data, "Good evening");
  draw(fresh());
  assert.equal(box.attributes["aria-busy"], "false");
});

test("another answer is written in the bubble of its message, whose words come back if nothing becomes of it", () => {
  for (const end of ["failed", "stopped"]) {
    const { draw, greeting } = screen();
    const before = [...greeting().childNodes];
    const again = writes("Good evening", { replaces: "m1" });
    draw(writes("", { replaces: "m1" }));
    assert.deepEqual(greeting().childNodes, before); // until there is a word
    draw(again);
    draw(apply(again, told.delta("r", 12, ", you")));
    assert.equal(greeting().textContent, "Good evening, you");
    draw(apply(again, told.reply(reply("r", end, "", { replaces: "m1" }))));
    assert.deepEqual(greeting().childNodes, before);
  }
});

test("another answer that landed leaves the bubble to the message", () => {
  const { draw, greeting, rows } = screen();
  const again = writes("Good evening", { replaces: "m1" });
  draw(again);
  const next = message(1, { version: 2, sender: "ai", text: "Good evening", alternatives: 2 });
  rows.get("m1").dataset.version = "2"; // as its row is drawn first
  greeting().replaceChildren(element("em", {}, next.text));
  draw(all(again, told.message(next), told.reply(reply("r", "done", "", { message: "m1", replaces: "m1" }))));
  assert.equal(greeting().firstChild.tag, "em");
});
