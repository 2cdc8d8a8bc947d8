/** Cards of preferences: with a script there is nothing to press "Save" for. A switch is kept as it is thrown. */
import { Choice, keep } from "./keeping.js";
import { choose } from "./theme.js";
import { chosen } from "./theme-drawn.js";
import { toast } from "./toasts.js";

export function mount(root) {
  for (const form of root.querySelectorAll("[data-preferences]")) {
    form.addEventListener("submit", (event) => event.preventDefault()); // Enter: it is kept already
    form.querySelector("[data-by-hand]").hidden = true;
    const status = form.querySelector(".saved");
    status.replaceChildren();
    for (const input of form.querySelectorAll('[role="switch"]')) {
      const choice = new Choice(input.defaultChecked, {
        keep: (on) => keep({ [input.name]: on }),
        show: (on) => (input.checked = on),
        sorry: (words) => toast(words, "circle-alert"),
      });
      input.checked = input.defaultChecked; // and not what the browser remembers of the page before
      input.addEventListener("change", () => {
        status.replaceChildren();
        choice.choose(input.checked).then((kept) => kept && say(status));
      });
    }
    const themes = [...form.querySelectorAll('[name="theme"]')];
    const draw = () => themes.forEach((input) => (input.checked = input.value === (chosen() || "system")));
    if (themes.length) draw();
    for (const input of themes) {
      input.addEventListener("change", () => {
        status.replaceChildren();
        choose(input.value === "system" ? "" : input.value).then((kept) => kept && say(status));
      });
    }
    if (themes.length) root.addEventListener("themechange", draw);
  }
}

function say(status) {
  const icon = document.getElementById("toast").content.querySelector(".icon").cloneNode(true);
  icon.classList.add("sm");
  status.replaceChildren(icon, "Saved");
}

if (globalThis.document) mount(document);
