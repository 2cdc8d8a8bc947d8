import { kept } from "../site/device.js";

const TELL_AGAIN = 3 * 3_600_000; // of use, until the AI notice is repeated

/** What was seen is read; and who reads for hours is told again that she is an AI. Gives {seen, remind}. */
export function mount({ store, net, id, log, storage = kept }) {
  let marked = 0; // the seq up to which the server was told, and heard it

  function seen() {
    if (document.hidden || !log.pinned || net.is === "signed-out") return;
    remind();
    const { state } = store;
    const last = state.messages.at(-1)?.seq ?? 0;
    if (last <= Math.max(marked, state.conversation.last_read_seq)) return;
    marked = last;
    store.tell({ type: "read", seq: last });
    net.ask("read/", { seq: last }).then((answer) => {
      if (!answer?.ok) marked = 0;
    });
  }

  /* At the start of a conversation the page has the notice already. */
  function remind() {
    const key = `dusk:told:${id}`;
    const now = Date.now();
    const told = Number(storage.getItem(key) ?? 0);
    if (now - told < TELL_AGAIN) return;
    storage.setItem(key, now);
    if (told || store.state.hasOlder) log.tell();
  }

  document.addEventListener("visibilitychange", seen);
  return { seen, remind };
}
