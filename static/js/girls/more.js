import { toast } from "../site/toasts.js";

/** "Load more": the focus goes to the first of what came, and what did not come is said. */
export function mount(root) {
  let before = 0;
  const items = () => root.querySelector("#items");
  root.addEventListener("htmx:beforeSwap", () => (before = items()?.childElementCount ?? 0));
  root.addEventListener("htmx:afterSettle", ({ detail }) => {
    if (detail.target !== items() || !isNobodys(document.activeElement)) return;
    items().children[before]?.querySelector("a, button")?.focus({ preventScroll: true });
  });
  for (const failed of ["htmx:responseError", "htmx:sendError"]) {
    root.addEventListener(failed, () => toast("That didn’t load. Try again.", "circle-alert"));
  }
}

/* The button that had the focus went, or is a new one in the same place. */
const isNobodys = (element) => !element || element === document.body || element.id === "load-more";
