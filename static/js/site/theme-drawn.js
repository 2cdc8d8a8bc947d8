/** The theme that a page is drawn in, and the cookie that remembers it. */
const YEAR = 365 * 24 * 3600;
export const UNTOLD = "!"; // behind the name in the cookie: the account has not heard of it

/** What the page is drawn in: "light", "dark", or "" for the device's own. */
export const chosen = () => document.documentElement.dataset.theme ?? "";

export const named = (value = "") => (value === "system" ? "" : value);

export function draw(theme) {
  const page = document.documentElement.dataset;
  if (theme) page.theme = theme;
  else delete page.theme;
  document.dispatchEvent(new Event("themechange"));
}

export function remember(theme, untold = "") {
  const secure = location.protocol === "https:" ? "; secure" : "";
  const value = theme || (untold && "system");
  document.cookie = `theme=${value}${untold}; path=/; max-age=${value ? YEAR : 0}; samesite=lax${secure}`;
}
