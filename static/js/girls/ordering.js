/** Where things go when they are moved in a grid. Plain lists, no page. */

/** Where a step leads from a place: an arrow key, Home or End; `columns` in a row, `count` in all; `rtl`: right is back. */
export function step(key, at, { count, columns, rtl = false }) {
  const side = rtl ? -1 : 1;
  const to = { ArrowLeft: at - side, ArrowRight: at + side, ArrowUp: at - columns, ArrowDown: at + columns, Home: 0, End: count - 1 }[key];
  if (to === undefined) return null;
  if (key === "ArrowUp" && to < 0) return at; // there is no row above
  return Math.min(Math.max(to, 0), count - 1);
}

/** How many stand in the first row, by the tops of all. */
export const columns = (tops) => {
  const next = tops.findIndex((top) => top > tops[0] + 4);
  return next < 0 ? Math.max(tops.length, 1) : next;
};

/** "Studio door, place 3 of 15." */
export const place = (name, at, count) => `${name}, place ${at + 1} of ${count}.`;
