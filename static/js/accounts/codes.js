/** Counts down until another code may be asked for: `<button data-wait="30">`. The server says so, too, to whoever has no script. */
export function mount(root) {
  for (const button of root.querySelectorAll("button[data-wait]")) {
    const words = button.textContent;
    const end = performance.now() + Number(button.dataset.wait) * 1000;
    const tick = () => {
      const left = Math.ceil((end - performance.now()) / 1000);
      button.disabled = left > 0;
      button.textContent = left > 0 ? `${words} (in ${left} s)` : words;
      if (left > 0) setTimeout(tick, 1000);
    };
    tick();
  }
}

if (globalThis.document) mount(document);
