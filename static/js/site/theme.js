/** The theme button. The choice is a cookie, so the server writes the next page in it and nothing flashes. */
const YEAR = 365 * 24 * 3600;

export function mount(root) {
  for (const button of root.querySelectorAll("[data-theme-toggle]")) {
    button.addEventListener("click", () => setTheme(shown() === "dark" ? "light" : "dark"));
  }
}

function shown() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
}

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `theme=${theme}; path=/; max-age=${YEAR}; samesite=lax${secure}`;
}
