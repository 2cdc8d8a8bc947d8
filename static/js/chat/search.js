import { brief } from "./times.js";

const PAUSE = 300; // after the last letter
const LEAST = 2; // letters

/** Words that were said, below the threads whose names fit: `ask(path)` asks the server, `hear(count)` is told how many. */
export function mount({ root, ask, hear }) {
  const [box, list, more] = ["found-in", "found", "found-more"].map((name) => root.querySelector(`[data-${name}]`));
  const input = root.querySelector("[data-search] input");
  let timer;
  let wanted = "";
  let next = null;

  const find = async (before) => {
    const words = wanted;
    const page = before ? `&before=${encodeURIComponent(before)}` : "";
    const answer = await ask(`/chat/search/?q=${encodeURIComponent(words)}${page}`);
    if (!answer?.ok || words !== wanted) return; // something else is looked for by now
    if (!before) list.replaceChildren();
    list.append(...answer.body.found.map(row));
    next = answer.body.next;
    tell();
  };
  const tell = () => {
    more.hidden = !next;
    box.hidden = list.childElementCount === 0;
    hear(list.childElementCount);
  };

  const look = () => {
    const words = input.value.trim();
    if (words === wanted) return;
    wanted = words;
    clearTimeout(timer);
    if ([...words].length >= LEAST) {
      timer = setTimeout(find, PAUSE);
      return;
    }
    next = null;
    list.replaceChildren();
    tell();
  };
  input.addEventListener("input", (event) => event.isComposing || look());
  input.addEventListener("compositionend", look);
  more.addEventListener("click", () => find(next));
  return look;
}

function row({ conversation, girl, seq, text, created_at }) {
  const row = document.getElementById("chat-thread").content.firstElementChild.cloneNode(true);
  const put = (name, words) => (row.querySelector(`[data-${name}]`).textContent = words);
  const link = row.querySelector("a");
  link.href = `/chat/${conversation}/?at=${seq}`;
  link.removeAttribute("id");
  row.querySelector("img").src = girl.avatar_url;
  put("name", girl.name);
  put("preview", text);
  put("time", brief(new Date(created_at)));
  row.querySelector("time").dateTime = created_at;
  return row;
}
