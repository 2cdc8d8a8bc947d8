/**
 * Putting tiles in order. With a pointer: drag the grip, or press it and use the buttons of the bar. With the keyboard, on
 * a grip: Space lifts, arrows move, Space drops, Escape cancels. Each step is announced. `save(ids)` keeps the order.
 */
import { columns, place, step } from "./ordering.js";

const AWAY = 6; // px until a press is a drag
const EDGE = 60; // px from the edge of the window in which it scrolls
const nameOf = (tile) => tile.querySelector("[data-caption]").textContent;

export function mount(list, bar, { save, say }) {
  let lifted = null; // {tile, before: the order as it was, by: "keyboard" or "pointer"}
  const tiles = () => [...list.children];
  const ids = () => tiles().map((tile) => Number(tile.dataset.tile));
  const rtl = () => getComputedStyle(list).direction === "rtl";

  function lift(tile, { quiet = false } = {}) {
    if (lifted) drop();
    lifted = { tile, before: tiles() };
    tile.classList.add("lifted");
    tile.querySelector("[data-grip]").setAttribute("aria-pressed", "true");
    if (quiet) return;
    bar.hidden = false;
    bar.querySelector("[data-moving-name]").textContent = `Moving “${nameOf(tile)}”`;
    say(`${place(nameOf(tile), tiles().indexOf(tile), tiles().length)} Lifted. Arrow keys move it, Space drops it, Escape puts it back.`);
  }

  function moveTo(to, { quiet = false } = {}) {
    const { tile } = lifted;
    const all = tiles();
    const from = all.indexOf(tile);
    if (to === from) return;
    const held = document.activeElement;
    list.insertBefore(tile, all[to > from ? to + 1 : to] ?? null);
    if (tile.contains(held)) held.focus({ preventScroll: quiet }); // what is moved in the page loses the focus
    if (!quiet) tile.scrollIntoView({ block: "nearest" });
    if (!quiet) say(place(nameOf(tile), to, all.length));
  }

  function end() {
    const { tile } = lifted;
    tile.classList.remove("lifted");
    tile.querySelector("[data-grip]").removeAttribute("aria-pressed");
    if (bar.contains(document.activeElement)) tile.querySelector("[data-grip]").focus();
    bar.hidden = true;
    lifted = null;
  }

  async function drop() {
    const { tile, before } = lifted;
    const at = tiles().indexOf(tile);
    const changed = tiles().some((other, place) => other !== before[place]);
    end();
    say(`${place(nameOf(tile), at, tiles().length)} Dropped.`);
    if (changed && !(await save(ids()))) restore(before);
  }

  function cancel() {
    const { tile, before } = lifted;
    restore(before);
    end();
    tile.querySelector("[data-grip]").focus();
    say(`${place(nameOf(tile), tiles().indexOf(tile), tiles().length)} Put back.`);
  }

  /* The order as it was, of those that are still there; what came meanwhile stands first. */
  function restore(before) {
    for (const tile of before) if (tile.isConnected) list.append(tile);
  }

  list.addEventListener("keydown", (event) => {
    const grip = event.target.closest("[data-grip]");
    if (!grip) return;
    const tile = grip.closest("[data-tile]");
    if (event.key === " " || event.key === "Enter") {
      event.preventDefault();
      if (lifted?.tile === tile) drop();
      else lift(tile);
    } else if (event.key === "Escape" && lifted) {
      event.preventDefault();
      cancel();
    } else {
      const all = tiles();
      const where = { count: all.length, columns: columns(all.map((one) => one.offsetTop)), rtl: rtl() };
      const to = step(event.key, all.indexOf(tile), where);
      if (to === null) return;
      event.preventDefault();
      if (lifted?.tile === tile) moveTo(to);
      else all[to].querySelector("[data-grip]").focus();
    }
  });
  list.addEventListener("focusout", ({ relatedTarget }) => {
    // Whoever goes on elsewhere has put it down; a tile that is moved loses the focus for a moment, to nothing.
    if (lifted && !lifted.drags && relatedTarget && !lifted.tile.contains(relatedTarget) && !bar.contains(relatedTarget)) drop();
  });

  bar.addEventListener("click", (event) => {
    const move = event.target.closest("[data-move]")?.dataset.move;
    if (!move || !lifted) return;
    if (move === "drop") return drop();
    if (move === "cancel") return cancel();
    const [at, last] = [tiles().indexOf(lifted.tile), tiles().length - 1];
    moveTo({ first: 0, last, earlier: Math.max(at - 1, 0), later: Math.min(at + 1, last) }[move]);
  });

  // --- With a pointer ---
  let press = null;
  list.addEventListener("pointerdown", (event) => {
    const grip = event.target.closest("[data-grip]");
    if (!grip || event.button) return;
    press = { grip, tile: grip.closest("[data-tile]"), x: event.clientX, y: event.clientY };
    grip.setPointerCapture(event.pointerId);
  });
  list.addEventListener("pointermove", (event) => {
    if (!press) return;
    const { tile, x, y } = press;
    if (!press.drags) {
      if (Math.hypot(event.clientX - x, event.clientY - y) < AWAY) return;
      press.drags = true;
      lift(tile, { quiet: true });
      lifted.drags = true;
      list.classList.add("dragging");
    }
    scrollNear(event.clientY);
    const over = document.elementsFromPoint(event.clientX, event.clientY).map((one) => one.closest("[data-tile]")).find((one) => one && one !== tile);
    if (over && list.contains(over)) moveTo(tiles().indexOf(over), { quiet: true });
  });
  const release = (event) => {
    if (!press) return;
    const { drags, tile } = press;
    press = null;
    list.classList.remove("dragging");
    if (drags) {
      if (event.type === "pointerup") drop();
      else cancel();
    } else if (event.type === "pointerup") {
      tile.querySelector("[data-grip]").focus();
      if (lifted?.tile === tile) drop();
      else lift(tile);
    }
  };
  list.addEventListener("pointerup", release);
  list.addEventListener("pointercancel", release);
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !press?.drags) return;
    press = null;
    list.classList.remove("dragging");
    cancel();
  });

  return { end: () => lifted && end() };
}

function scrollNear(y) {
  if (y < EDGE) scrollBy(0, y - EDGE);
  else if (y > innerHeight - EDGE) scrollBy(0, y - innerHeight + EDGE);
}
