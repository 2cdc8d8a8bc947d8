import { brokenOff } from "./state.js";

const LONG = 500;

/** What a screen reader should hear now that `state` follows `before`: one sentence, or none. Her reply is read once,
    when it is whole. `words` are the page's. */
export function news(before, state, words) {
  const last = before.messages.at(-1)?.seq ?? 0;
  const again = before.reply?.replaces;
  const heard = state.messages.filter((m) => m.sender !== "user" && (m.seq > last || (m.id === again && m !== before.known.get(again))));
  const told = heard.findLast((m) => m.help) ?? heard.at(-1); // a crisis card goes before all that came with it
  const unsent = ({ client_id, status }) => words[`${status}Said`] && before.outbox.find((item) => item.client_id === client_id)?.status !== status;
  const status = state.outbox.findLast(unsent)?.status;
  if (status) return words[`${status}Said`];
  if (state.reply?.stopping && !before.reply?.stopping) return words.stopped;
  if (state.reply?.state === "failed" && before.reply?.state !== "failed") return brokenOff(state) ? words.broken : words.couldnt;
  if (!told) return "";
  const { sender, text, help } = told;
  if (help) return `${help.title}. ${text} ${help.ways[0].title}. ${[help.danger, help.number].filter(Boolean).join(" ")}.`;
  const sentence = text.match(/^[\s\S]*?[.!?…](?=\s)/)?.[0] ?? text.slice(0, 200);
  const short = text.length <= LONG ? text : `${sentence} ${words.long}`;
  return sender === "ai" ? `${words.name}: ${short}` : short;
}

/** Speaks to a screen reader, politely: `place` is a live region. */
export const speaker = (place) => (words) => {
  place.textContent = "";
  setTimeout(() => (place.textContent = words), 100);
};
