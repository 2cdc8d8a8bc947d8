/** The actions of a message: one set, which goes to the message that is pointed at, focused or pressed for long. */
export function mount({ talk, words, toast }) {
  const [box, list, tools] = ["log", "messages", "tools"].map((name) => talk.querySelector(`[data-${name}]`));
  const [copy, report] = tools.children;
  copy.hidden = !navigator.clipboard; // a page that came over plain http from another machine has none
  const show = (event) => {
    const row = event.target.closest(".message[data-id]"); // a line of the site has no actions
    if (row && !row.contains(tools)) {
      row.append(tools);
      report.hidden = !row.classList.contains("ai");
      report.href = `messages/${row.dataset.id}/report/`;
    }
    tools.hidden = !row && tools.hidden;
  };
  list.addEventListener("pointerover", (event) => event.pointerType === "mouse" && show(event));
  list.addEventListener("focusin", show);
  list.addEventListener("contextmenu", (event) => matchMedia("(pointer: coarse)").matches && show(event));
  box.addEventListener("keydown", (event) => {
    const up = event.key === "ArrowUp";
    if (!up && event.key !== "ArrowDown") return;
    const rows = [...list.querySelectorAll("[data-id]")];
    const here = rows.indexOf(event.target.closest("[data-id]"));
    const next = here < 0 ? up && rows.at(-1) : rows[here + (up ? -1 : 1)];
    if (!next) return;
    event.preventDefault();
    next.focus();
  });
  return {
    async copy(button) {
      try {
        await navigator.clipboard.writeText(button.closest("[data-id]").querySelector("[data-text]").innerText);
        toast(words.copied);
      } catch {
        toast(words.sorry, "circle-alert"); // it was not allowed
      }
    },
  };
}
