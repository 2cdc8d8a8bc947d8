/** The key "/" leads to the search across everything, unless somebody is writing. */
export function mount(root) {
  root.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target.closest?.("input, textarea, select, [contenteditable], dialog")) return;
    const field = root.querySelector("[data-console-search]");
    if (!field) return;
    event.preventDefault();
    const side = root.querySelector("details[data-side]");
    if (side && getComputedStyle(side).display !== "none") side.open = true;
    field.focus();
    field.select();
  });
}
