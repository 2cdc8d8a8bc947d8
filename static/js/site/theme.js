/**
 * The theme button: the other one, then the one after it, then the device's own again. The choice is a cookie, so the
 * server writes the next page in it and nothing flashes. What it is now is said in words of the button.
 *
 * A member's choice is also the account's, for all their devices. Until the account has heard of it, the cookie says so
 * (UNTOLD, as in accounts/themes.py): a page that is left too early, or a device without a network, tells it later. How
 * it is told is in a module that visitors need not load.
 */
import { chosen, draw, named, remember, UNTOLD } from "./theme-drawn.js";
import { toast } from "./toasts.js";

const ICONS = { light: "sun", dark: "moon", "": "monitor" };

export function mount(root) {
  const cookie = /(?:^|; )theme=([a-z]*)(!?)/.exec(document.cookie);
  if (cookie?.[2] && isMember()) import("./theme-account.js").then(({ tellNow }) => tellNow(cookie[1]));
  else if (cookie?.[2] || (isMember() && named(cookie?.[1]) !== chosen())) remember(chosen()); // as the page came
  for (const button of root.querySelectorAll("[data-theme-toggle]")) {
    button.addEventListener("click", () => {
      const theme = next(chosen(), device());
      choose(theme, button.dataset[theme || "device"]);
    });
  }
}

/** What comes after a theme, "" for the device's own, on a device that is light or dark. */
export function next(theme, device) {
  const other = device === "dark" ? "light" : "dark";
  return { "": other, [other]: device, [device]: "" }[theme];
}

/** Take this theme from now on, and say so in words, if there are some. Promises whether the account has it, too. */
export async function choose(theme, words) {
  if (words) toast(words, ICONS[theme]);
  const before = chosen();
  draw(theme);
  remember(theme, isMember() ? UNTOLD : "");
  return isMember() && (await import("./theme-account.js")).choose(theme, before);
}

const device = () => (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
const isMember = () => Boolean(document.querySelector('meta[name="member"]'));
