/** Arrow keys, Home and End inside an open .menu; opening, Esc and light dismissal are the popover's own. */
export function mount(root) {
  if (!("popover" in HTMLElement.prototype)) root.addEventListener("click", toggle);
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
      const menu = event.target;
      if (!menu.matches?.(".menu[popover]") || event.newState !== "open") return;
      // It comes a task later: who was quick is inside already.
      if (!menu.contains(document.activeElement)) menu.querySelector(".menu-item")?.focus({ preventScroll: true });
    },
    true, // toggle does not bubble
  );
}

/* For a browser that has no popovers: a click on the button opens, any other click closes. */
function toggle({ target }) {
  const id = target.closest("[popovertarget]")?.getAttribute("popovertarget");
  for (const menu of document.querySelectorAll("[popover]")) menu.classList.toggle("open", menu.id === id && !menu.classList.contains("open"));
}
