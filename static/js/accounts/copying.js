/** Buttons that copy what a part of the page says: `<button data-copy="id">`, and a `[data-copied]` that says so. */

export function mount(root) {
  for (const button of root.querySelectorAll("[data-copy]")) {
    button.addEventListener("click", async () => {
      const status = button.parentElement.querySelector("[data-copied]");
      const text = textOf(document.getElementById(button.dataset.copy));
      try {
        await navigator.clipboard.writeText(text);
        status.textContent = "Copied";
      } catch {
        status.textContent = "Your browser didn’t let us. Select it, then copy.";
      }
    });
  }
}

/** Lines of a list, or the text; without the spaces that are there for eyes. */
export function textOf(part) {
  const pieces = part.children.length ? [...part.children] : [part];
  return pieces.map((piece) => piece.textContent.replaceAll(/\s/g, "")).join("\n");
}

if (globalThis.document) mount(document);
