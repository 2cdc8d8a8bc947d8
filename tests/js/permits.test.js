import assert from "node:assert/strict";
import { test } from "node:test";
import { Permits } from "../../static/js/chat/permits.js";

const settled = () => new Promise((resolve) => setImmediate(resolve));

function permits({ uses_left = 5, lasts = 120_000, fail = () => false, wanted = () => true } = {}) {
  const world = { clock: 0, mints: 0, timers: [] };
  world.permits = new Permits({
    wanted,
    now: () => world.clock,
    later: (run, delay) => { world.timers.push({ run, delay }); },
    mint: async () => {
      world.mints += 1;
      if (fail()) throw new Error("refused");
      return { permit: `p${world.mints}`, uses_left, lasts };
    },
  });
  return world;
}

test("warmed once, a send waits for nothing", async () => {
  const world = permits();
  world.permits.warm();
  world.permits.warm();
  await settled();
  assert.equal(world.mints, 1);
  assert.equal(await world.permits.take(), "p1");
  assert.equal(world.mints, 1);
});

test("without one, taking waits for a new one, and two senders share it", async () => {
  const world = permits();
  assert.deepEqual(await Promise.all([world.permits.take(), world.permits.take()]), ["p1", "p1"]);
  assert.equal(world.mints, 1);
});

test("it is renewed when one use is left, never used more often than allowed", async () => {
  const world = permits();
  const used = new Map();
  for (let i = 0; i < 20; i += 1) {
    world.clock += 6_000;
    const permit = await world.permits.take();
    used.set(permit, (used.get(permit) ?? 0) + 1);
    await settled();
  }
  for (const times of used.values()) assert.ok(times <= 5);
  assert.ok(world.mints <= 6);
});

test("the fifth of five quick sends finds the next permit ready", async () => {
  const world = permits();
  for (let i = 0; i < 4; i += 1) await world.permits.take();
  await settled();
  assert.equal(world.mints, 2);
  assert.equal(await world.permits.take(), "p2");
});

test("it is renewed before it ends, while somebody is there", async () => {
  let there = true;
  const world = permits({ wanted: () => there });
  await world.permits.take();
  assert.equal(world.timers[0].delay, 101_000);
  world.clock = 101_000;
  world.timers[0].run();
  await settled();
  assert.equal(world.mints, 2);
  there = false;
  world.clock = 202_000;
  world.timers[1].run();
  await settled();
  assert.equal(world.mints, 2);
});

test("one that has ended is not used", async () => {
  const world = permits();
  assert.equal(await world.permits.take(), "p1");
  world.clock = 118_000;
  assert.equal(await world.permits.take(), "p2");
});

test("a discarded one is not used again", async () => {
  const world = permits();
  await world.permits.take();
  world.permits.discard();
  assert.equal(await world.permits.take(), "p2");
});

test("a failing check is not hammered while typing, but a send always tries", async () => {
  let failing = true;
  const world = permits({ fail: () => failing });
  world.permits.warm();
  await settled();
  world.permits.warm();
  await settled();
  assert.equal(world.mints, 1);
  await assert.rejects(world.permits.take());
  failing = false;
  assert.equal(await world.permits.take(), "p3");
});
