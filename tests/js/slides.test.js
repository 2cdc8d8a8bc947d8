import assert from "node:assert/strict";
import { test } from "node:test";

import { inUnits } from "../../static/js/girls/ago.js";
import { again } from "../../static/js/girls/films.js";
import { counter, indexOf, slides } from "../../static/js/girls/slides.js";

const picture = { currentSrc: "/media/a/card", alt: "Clay from this hill" };
const row = (data) => ({ querySelector: () => data && { href: "/media/a/full", dataset: { width: "10", height: "20", ...data }, querySelector: () => picture } });
const list = (first, ...rows) => ({ dataset: first ? { first, total: "40" } : {}, children: rows.map(row) });

test("what is locked is left out, and keeps its place", () => {
  const all = slides(list("26", { item: "1" }, null, { item: "3" }));
  assert.deepEqual(all.map(({ id, place }) => [id, place]), [["1", 26], ["3", 28]]);
  assert.equal(counter(all[1], 40), "28 of 40");
  assert.equal(indexOf(all, "3"), 1);
  assert.equal(indexOf(all, "2"), -1);
});

test("where no place is known none is said", () => {
  const [one] = slides(list(undefined, { item: "1" }));
  assert.equal(counter(one, NaN), "");
  assert.deepEqual(slides(null), []);
});

test("a caption is said when there is one, and only what was made by AI is called so", () => {
  const [silent, told] = slides(list("1", { item: "1" }, { item: "2", caption: "", ai: "" }));
  assert.deepEqual([silent.caption, silent.ai, silent.alt], ["", false, picture.alt]);
  assert.deepEqual([told.caption, told.ai], [picture.alt, true]);
});

test("a film is no picture", () => {
  const [film] = slides(list("1", { item: "1", video: "" }));
  assert.deepEqual([film.type, film.film, film.src], ["html", "/media/a/full", undefined]);
});

test("how long ago, in the largest unit of which it is one", () => {
  const cases = { 0: [0, "second"], 59: [0, "second"], 60: [1, "minute"], 3599: [59, "minute"], 3600: [1, "hour"], 172_800: [2, "day"], 604_800: [1, "week"], 31_536_000: [1, "year"] };
  for (const [seconds, said] of Object.entries(cases)) assert.deepEqual(inUnits(Number(seconds)), said);
  assert.deepEqual(inUnits(-5), [0, "second"]); // a clock that is behind
});

test("a film whose address is over goes on where it was, and a broken one does not go round", () => {
  const film = { dataset: {}, currentTime: 42, paused: false, loads: 0, played: 0, load() { this.loads++; this.currentTime = 0; }, play() { this.played++; return Promise.resolve(); } };
  again(film, 1_000_000);
  assert.deepEqual([film.loads, film.currentTime, film.played], [1, 42, 1]);
  again(film, 1_005_000);
  assert.equal(film.loads, 1);
  film.paused = true;
  again(film, 1_400_000);
  assert.deepEqual([film.loads, film.played], [2, 1]);
});
