/**
 * Makes bubbles as wide as their longest line: text that wraps alone leaves them as wide as the room was. No line breaks
 * anew by it, so nothing moves; what she is writing is left to grow.
 */
export function mount(list) {
  const fit = (bubbles) => {
    for (const bubble of bubbles) bubble.style.maxWidth = "";
    const widths = bubbles.map(needed); // all are measured before any is changed
    bubbles.forEach((bubble, i) => (bubble.style.maxWidth = widths[i]));
  };
  const all = () => fit([...list.querySelectorAll(BUBBLE)]);
  let width = 0;
  new ResizeObserver(() => width !== (width = list.clientWidth) && all()).observe(list);
  new MutationObserver((records) => {
    const changed = new Set();
    for (const { target, addedNodes } of records) {
      if (target === list) for (const row of addedNodes) changed.add(row.querySelector(BUBBLE));
      else changed.add((target.closest ? target : target.parentElement)?.closest(BUBBLE));
    }
    fit([...changed].filter(Boolean));
  }).observe(list, { childList: true, characterData: true, subtree: true });
  document.fonts?.addEventListener?.("loadingdone", all);
  all();
}

const BUBBLE = ".message:not(.reply) > .bubble";

/* The width at which every line still fits, as CSS; nothing where there is nothing to spare. */
function needed(bubble) {
  const line = document.createRange();
  const spans = new Map(); // of the paragraphs: from where to where their lines reach, in whatever direction they run
  const walk = document.createTreeWalker(bubble, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const block = walk.currentNode.parentElement.closest("p, .bubble");
    const [from, to] = spans.get(block) ?? [Infinity, -Infinity];
    line.selectNode(walk.currentNode);
    const rects = [...line.getClientRects()];
    spans.set(block, [Math.min(from, ...rects.map(({ left }) => left)), Math.max(to, ...rects.map(({ right }) => right))]);
  }
  const widest = Math.max(...[...spans.values()].map(([from, to]) => to - from));
  const { width } = bubble.getBoundingClientRect();
  const { paddingLeft, paddingRight, borderLeftWidth, borderRightWidth } = getComputedStyle(bubble);
  const around = [paddingLeft, paddingRight, borderLeftWidth, borderRightWidth].reduce((sum, part) => sum + parseFloat(part), 0);
  const spare = width - around - widest;
  return spare >= 1 && widest > 0 ? `${Math.ceil(widest + around)}px` : "";
}
