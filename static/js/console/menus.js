/** The side bar shows the page that is open. The phone’s menu and the filters of a list: Esc closes them and gives the focus back, a press elsewhere closes them. */
const MENUS = "details[data-side], details.filter-menu";

export function mount(root) {
  root.querySelector(".side-pages [aria-current]")?.scrollIntoView({ block: "nearest" });
  root.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of open(root)) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
  root.addEventListener("click", ({ target }) => {
    for (const menu of open(root)) if (!belongs(menu, target)) menu.open = false;
  });
}

const open = (root) => [...root.querySelectorAll(MENUS)].filter((menu) => menu.open);
/* What the phone's button opens stands beside it, not inside. */
const belongs = (menu, target) => menu.contains(target) || (menu.dataset.side !== undefined && menu.parentElement.contains(target));
