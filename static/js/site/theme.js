/**
 * The theme button: the other one, then the one after it, then the device's own again. The choice is a cookie, so the
 * server writes the next page in it and nothing flashes. What it is now is said in words of the button.
 */
import { toast } from "./toasts.js";

const YEAR = 365 * 24 * 3600;
const ICONS = { light: "sun", dark: "moon", "": "monitor" };

export function mount(root) {
  for (const button of root.querySelectorAll("[data-theme-toggle]")) {
    button.addEventListener("click", () => {
      const theme = next(document.documentElement.dataset.theme ?? "", device());
      setTheme(theme);
      toast(button.dataset[theme || "device"], ICONS[theme]);
    });
  }
}

/** What comes after a theme, "" for the device's own, on a device that is light or dark. */
export function next(theme, device) {
  const other = device === "dark" ? "light" : "dark";
  return { "": other, [other]: device, [device]: "" }[theme];
}

const device = () => (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");

function setTheme(theme) {
  const page = document.documentElement.dataset;
  if (theme) page.theme = theme;
  else delete page.theme;
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `theme=${theme}; path=/; max-age=${theme ? YEAR : 0}; samesite=lax${secure}`;
}
