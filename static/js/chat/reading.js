/** What was seen is read. Gives {seen}. */
export function mount({ store, net, log }) {
  let marked = 0; // the seq up to which the server was told, and heard it

  function seen() {
    if (document.hidden || !log.pinned || net.is === "signed-out") return;
    const { state } = store;
    const last = state.messages.at(-1)?.seq ?? 0;
    if (last <= Math.max(marked, state.conversation.last_read_seq)) return;
    marked = last;
    store.tell({ type: "read", seq: last });
    net.ask("read/", { seq: last }).then((answer) => {
      if (!answer?.ok) marked = 0;
    });
  }

  document.addEventListener("visibilitychange", seen);
  return { seen };
}
