/** A picture opens in the lightbox, which is fetched when the first one does; without it, or with Ctrl, by itself. */
export function mount(root) {
  const { lightbox, name } = root.dataset;
  let open;
  root.addEventListener("click", async (event) => {
    const link = event.target.closest("[data-item]");
    if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    try {
      open ??= (await Promise.all([import("./lightbox.js"), style(lightbox)]))[0].mount(root, name);
      open(link);
    } catch {
      location.assign(link.href);
    }
  });
}

const style = (href) =>
  new Promise((resolve, reject) => {
    const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href, onload: resolve, onerror: reject });
    document.head.append(link);
  });
