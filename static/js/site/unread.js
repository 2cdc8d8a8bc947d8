// How many chats hold something unread: in the badges of every page of a member, and in its title. The server counted when
// it drew the page; pages of the chat hear of each change, and tell the other tabs; any other page asks now and then.
import { kept } from "./device.js";

export const UNREAD = "dusk:unread";
const EVERY = 25_000; // as often as a page of the chat makes sure

/** Write the number into the badges. */
export function show(unread, page = document) {
  for (const badge of page.querySelectorAll("[data-unread-count]")) {
    badge.hidden = !unread;
    badge.querySelector("[data-unread-number]").textContent = unread;
  }
  for (const dot of page.querySelectorAll("[data-unread-dot]")) dot.hidden = !unread;
}

export function mount(root) {
  const badge = root.querySelector("[data-unread-number]");
  if (!badge || root.querySelector("[data-chat]")) return;
  const title = document.title;
  const tell = (unread) => {
    show(unread);
    document.title = unread ? `(${unread}) ${title}` : title;
  };
  const ask = async () => {
    if (document.hidden) return;
    try {
      const answer = await fetch("/chat/unread/", { headers: { Accept: "application/json" }, redirect: "manual" });
      const { unread } = answer.ok ? await answer.json() : {};
      if (Number.isInteger(unread)) tell(unread);
    } catch {
      // no network, or somebody else's answer: what is shown stays
    }
  };
  tell(Number(badge.textContent));
  document.addEventListener("visibilitychange", ask);
  addEventListener("pageshow", ({ persisted }) => persisted && ask());
  addEventListener("storage", ({ key }) => key === UNREAD && tell(Number(kept.getItem(UNREAD))));
  setInterval(ask, EVERY);
}
