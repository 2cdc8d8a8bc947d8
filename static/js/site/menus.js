/** Arrow keys, Home and End inside an open .menu; opening, Esc and light dismissal are the popover's own. */
export function mount(root) {
  root.addEventListener("keydown", (event) => {
    const menu = event.target.closest?.(".menu");
    const items = menu ? [...menu.querySelectorAll(".menu-item:not([disabled])")] : [];
    const here = items.indexOf(document.activeElement);
    const next = { ArrowDown: (here + 1) % items.length, ArrowUp: here - 1, Home: 0, End: -1 }[event.key];
    if (next === undefined || items.length === 0) return;
    event.preventDefault();
    items.at(next).focus();
  });
  root.addEventListener(
    "toggle",
    (event) => {
      if (event.target.matches?.(".menu[popover]") && event.newState === "open") {
        event.target.querySelector(".menu-item")?.focus({ preventScroll: true });
      }
    },
    true, // toggle does not bubble
  );
}
