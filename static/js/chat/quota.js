import { quota } from "./state.js";

/** What is left, wherever it stands on the page; and a word when premium comes or goes. */
export function mount({ store, root, talk, total, words, toast }) {
  const put = (name, words) => {
    for (const place of root.querySelectorAll(`[data-${name}]`)) place.textContent = words;
  };
  store.draws((state) => {
    const { kind, left } = quota(state, total);
    const was = talk.dataset.quota;
    if (kind !== was && [kind, was].includes("premium")) toast(kind === "premium" ? words.premium : words.ended, "sparkles");
    talk.dataset.quota = kind;
    put("left", left);
    put("left-words", (left === 1 ? words.one : words.many).replace("{n}", left));
    talk.querySelector("[data-meter]").value = left;
    root.querySelector("[data-free]").hidden = kind === "premium";
  });
}
