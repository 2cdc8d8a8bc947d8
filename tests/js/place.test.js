import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { FakeElement, element, event, open } from "./page.js";

open();
const { Place } = await import("../../static/js/chat/place.js");

/* A window of 400 pixels over so much text. */
function reading(height = 2_000, { older = async () => null } = {}) {
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout"] });
  const world = { seen: 0, jumps: [], asked: 0 };
  const box = element("div", { clientHeight: 400, scrollHeight: height });
  let top = 0;
  Object.defineProperty(box, "scrollTop", { get: () => top, set: (to) => (top = Math.max(0, Math.min(to, box.scrollHeight - 400))) });
  box.scrollTo = (how) => world.jumps.push(how);
  box.getBoundingClientRect = () => ({ top: 0, bottom: 400 });
  const pill = element("button", { hidden: true }, element("span", { data: { pill: "", news: "New messages", latest: "Jump to latest" } }));
  const input = element("textarea");
  globalThis.ResizeObserver = class { constructor(resized) { world.resized = resized; } observe() {} };
  const place = new Place({ box, list: element("ol"), pill, input, seen: () => { world.seen += 1; }, older: () => { world.asked += 1; return older(world); } });
  world.scroll = (to) => { box.scrollTop = to; box.dispatchEvent(new Event("scroll")); };
  world.grow = (by) => { box.scrollHeight += by; world.resized(); };
  return Object.assign(world, { box, pill, input, place });
}

test("it opens at the end, and there what grows stays in view", () => {
  const world = reading();
  const { box, place, grow } = world;
  place.open();
  assert.equal(box.scrollTop, 1_600);
  assert.equal(world.seen, 1);
  grow(100);
  assert.equal(box.scrollTop, 1_700);
});

test("it opens at what is unread, if that is further up than the window reaches", () => {
  const { box, place, pill } = reading();
  place.open({ getBoundingClientRect: () => ({ top: -500 }) });
  assert.equal(box.scrollTop, 1_600 - 500 - 8);
  assert.equal(place.pinned, false);
  assert.equal(pill.hidden, false);
});

test("who scrolls up is not moved, and hears of news by the pill", () => {
  const world = reading();
  const { box, place, pill, scroll, grow } = world;
  place.open();
  scroll(1_500);
  assert.equal(place.pinned, false);
  grow(50);
  const { seen } = world;
  place.follow(false);
  assert.equal(pill.hidden, true);
  place.follow(true);
  assert.equal(pill.hidden, false);
  assert.equal(pill.textContent, "New messages");
  assert.equal(box.scrollTop, 1_500);
  assert.equal(world.seen, seen);
  scroll(1_640);
  assert.equal(place.pinned, true);
  assert.equal(pill.hidden, true);
});

test("from further up there is a way down without news, too", () => {
  const { place, pill, scroll } = reading();
  place.open();
  scroll(1_500);
  assert.equal(pill.hidden, true);
  scroll(1_400);
  assert.deepEqual([pill.hidden, pill.textContent], [false, "Jump to latest"]);
  place.follow(true);
  assert.equal(pill.textContent, "New messages");
  scroll(1_600);
  assert.equal(pill.hidden, true);
  scroll(1_100);
  assert.equal(pill.textContent, "Jump to latest");
});

test("a wheel, a finger or a key that goes up lets go at once", () => {
  const ups = [["wheel", { deltaY: -1 }], ["keydown", { key: "PageUp" }]];
  for (const [name, how] of ups) {
    const { box, place } = reading();
    place.open();
    box.dispatchEvent(event(name, how));
    assert.equal(place.pinned, false, name);
  }
  const { box, place } = reading();
  place.open();
  box.dispatchEvent(event("touchstart", { touches: [{ clientY: 100 }] }));
  box.dispatchEvent(event("touchmove", { touches: [{ clientY: 103 }] }));
  assert.equal(place.pinned, true);
  box.dispatchEvent(event("touchmove", { touches: [{ clientY: 110 }] }));
  assert.equal(place.pinned, false);
});

test("while a smooth jump is under way scrolling means nothing; then one has arrived", () => {
  const { box, place, pill, scroll, grow, input, jumps } = reading();
  place.open();
  scroll(1_300);
  pill.hidden = false;
  pill.dispatchEvent(new Event("click"));
  assert.deepEqual(jumps, [{ top: 2_000, behavior: "smooth" }]);
  assert.equal(FakeElement.focused, input);
  assert.equal(pill.hidden, true);
  scroll(1_250); // as the jump's own events may look
  assert.equal(place.pinned, true);
  grow(100);
  place.follow(true);
  assert.equal(box.scrollTop, 1_250); // it is still travelling
  mock.timers.tick(1_000);
  scroll(1_200);
  assert.equal(place.pinned, false);
});

test("far away it jumps without travelling", () => {
  const { place, scroll, jumps } = reading(9_000);
  place.open();
  scroll(4_000);
  place.jump();
  assert.equal(jumps[0].behavior, "instant");
});

test("older messages are asked for near the top, once at a time, and what is read stays where it is", async () => {
  let pages = 1;
  const older = async ({ box }) => (pages-- > 0 ? () => { box.scrollHeight += 1_000; } : null);
  const world = reading(2_000, { older });
  const { box, place, scroll } = world;
  place.open();
  assert.equal(world.asked, 0);
  scroll(300);
  scroll(290);
  await new Promise(setImmediate);
  assert.equal(box.scrollTop, 1_290);
  assert.equal(world.asked, 1);
});
