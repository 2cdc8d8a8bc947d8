/**
 * Draws Cloudflare's widget into each .turnstile[data-sitekey]. The one script from elsewhere: fetched only on pages
 * that ask for a check, and only allowed because it carries this page's nonce.
 */
const API = "https://challenges.cloudflare.com/turnstile/v0/api.js?render=explicit";
let loading;

/** Cloudflare's `turnstile` object, loaded once. */
export function loadTurnstile() {
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = API;
    script.async = true;
    script.nonce = document.querySelector("script[nonce]")?.nonce ?? "";
    script.onload = () => resolve(window.turnstile);
    script.onerror = () => {
      loading = undefined; // it may next time
      script.remove();
      reject(new Error("Turnstile did not load"));
    };
    document.head.append(script);
  });
  return loading;
}

export async function mount(root) {
  const places = [...root.querySelectorAll(".turnstile[data-sitekey]")];
  if (places.length === 0) return;
  try {
    const turnstile = await loadTurnstile();
    const theme = document.documentElement.dataset.theme ?? "auto";
    for (const place of places) {
      const { sitekey, action } = place.dataset;
      turnstile.render(place, { sitekey, action, theme, size: "flexible" });
    }
  } catch {
    for (const place of places) {
      place.textContent = "We couldn’t load the security check. Turn off strict blocking for this site, then reload.";
    }
  }
}

mount(document);
