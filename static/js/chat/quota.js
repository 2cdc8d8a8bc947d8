import { quota } from "./state.js";

/** What is left, wherever it stands on the page; and a word when premium comes or goes. */
export function mount({ store, root, talk, low, words, say, toast }) {
  const find = (name) => root.querySelector(`[data-${name}]`);
  const [free, meter, sentence, refill] = ["free", "meter", "left-words", "refill"].map(find); // a part of it may move into a dialog
  const places = root.querySelectorAll("[data-left]");
  store.draws((state) => {
    const { kind, left } = quota(state, low);
    const was = talk.dataset.quota;
    talk.dataset.care = state.conversation.care;
    if (kind !== was && [kind, was].includes("premium") && ![kind, was].includes("care")) toast(kind === "premium" ? words.premium : words.ended, "sparkles");
    if (kind === "out" && was !== kind) say(words.out);
    talk.dataset.quota = kind;
    for (const place of places) place.textContent = left;
    sentence.textContent = (left > 1 ? words.many : left === 1 ? words.one : words.none).replace("{n}", left);
    refill.textContent = left === 1 ? words.oneRefills : words.manyRefill;
    meter.value = left;
    free.hidden = kind === "premium" || kind === "care";
  });
}
