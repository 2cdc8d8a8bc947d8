// What browsers of a few years ago lack, or what somebody took away: imported before everything that uses it. What
// cannot be had is there and does nothing; the pages do without.
const lend = (to, parts) => {
  for (const [name, part] of Object.entries(parts)) {
    if (!(name in to)) Object.defineProperty(to, name, { value: part, configurable: true, writable: true });
  }
};

function at(index) {
  return this[index < 0 ? this.length + index : index];
}

lend(Array.prototype, {
  at,
  findLast(test) {
    return [...this].reverse().find(test);
  },
});
lend(Element.prototype, {
  replaceChildren(...nodes) {
    while (this.lastChild) this.lastChild.remove();
    this.append(...nodes);
  },
});
lend(Object, { hasOwn: (thing, name) => Object.prototype.hasOwnProperty.call(thing, name) });

class Blind {
  observe() {}
  unobserve() {}
  disconnect() {}
}
lend(globalThis, {
  ResizeObserver: Blind,
  IntersectionObserver: Blind,
  matchMedia: () => ({ matches: false, addEventListener() {}, removeEventListener() {} }),
  CSS: {},
  requestAnimationFrame: (draw) => setTimeout(() => draw(performance.now()), 16),
  cancelAnimationFrame: (id) => clearTimeout(id),
});
lend(globalThis, {
  reportError: (error) =>
    setTimeout(() => {
      throw error;
    }),
});
lend(CSS, { supports: () => false });
