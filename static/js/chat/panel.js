import { forget } from "../site/device.js";

/** The profile beside the conversation, where there is no room for it in a dialog; and the end of the conversation. */
export function mount({ root, store, net, id, leave, sorry }) {
  return {
    panel(button) {
      const panel = root.querySelector("[data-panel]");
      if (matchMedia("(width >= 1100px)").matches) {
        button.setAttribute("aria-expanded", String(!root.classList.toggle("no-panel")));
        return;
      }
      const dialog = document.getElementById("chat-panel");
      const place = panel.parentElement;
      dialog.append(panel);
      dialog.addEventListener("close", () => place.append(panel), { once: true });
      if (dialog.showModal) dialog.showModal();
      else dialog.setAttribute("open", "");
    },
    async forget() {
      const answer = await net.ask("delete/", {});
      if (!answer?.ok) return sorry();
      forget(id);
      const rows = store.state.threads.map((row) => row.conversation);
      const here = rows.indexOf(id);
      leave(rows[here + 1] ?? rows[here - 1]);
    },
  };
}
