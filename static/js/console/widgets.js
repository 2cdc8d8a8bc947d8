/** Names for what Django's own widgets leave without one: the field of select2, and the lens beside a filter. */
export function mount(root) {
  if (!root.querySelector(".admin-autocomplete, .selectfilter")) return;
  const name = () => {
    for (const box of root.querySelectorAll(".select2-selection[role=combobox]:not([data-named])")) {
      const label = box.closest(".form-row")?.querySelector("label");
      const chosen = box.querySelector("[role=textbox]");
      if (!label || !chosen) continue;
      box.dataset.named = "";
      label.id ||= `${chosen.id}-label`;
      box.setAttribute("aria-labelledby", `${label.id} ${chosen.id}`);
      chosen.setAttribute("aria-labelledby", label.id);
    }
    for (const lens of root.querySelectorAll(".search-label-icon[aria-label]:not([role])")) lens.setAttribute("role", "img");
  };
  new MutationObserver(name).observe(root.body, { childList: true, subtree: true }); // they come when the page is ready
  name();
}
