/**
 * Native dialogs: <button data-dialog="id"> opens, a click on the backdrop closes. Closing buttons are
 * <form method="dialog">; Esc and the return of focus are the browser's own.
 */
export function mount(root) {
  root.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-dialog]");
    if (opener) {
      const dialog = document.getElementById(opener.dataset.dialog);
      if (dialog && !dialog.open) {
        event.preventDefault();
        opener.closest("[popover]")?.hidePopover?.(); // its button gets the focus, and the dialog gives it back there
        if (dialog.showModal) dialog.showModal();
        else dialog.setAttribute("open", "");
      }
    } else if (event.target.matches?.("dialog") && isOutside(event.target, event)) {
      event.target.close();
    }
  });
}

function isOutside(dialog, { clientX: x, clientY: y }) {
  const box = dialog.getBoundingClientRect();
  return x < box.left || x > box.right || y < box.top || y > box.bottom;
}
