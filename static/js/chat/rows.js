import { brokenOff, streamed } from "./state.js";
import { clock, day } from "./times.js";

const TOGETHER = 3 * 60_000; // messages of one sender within this are one group

/**
 * What a state looks like, row by row: {key, copy} names the template; with `words` for a day, `message` and how it
 * stands in its group, or the `item` of the outbox. `unreadFrom` is a seq; `dots`: she is seen to type.
 */
export function rowsOf(state, { unreadFrom, dots }, now = new Date()) {
  const rows = [];
  const { messages, outbox, reply } = state;
  const cut = Boolean(brokenOff(state));
  const heard = dots || cut || reply?.state === "writing" ? Infinity : messages.findLast((m) => m.sender === "ai")?.seq ?? 0;
  const begun = state.hasOlder || messages.length + outbox.length > 1;
  let today = "";
  messages.forEach((message, i) => {
    const when = new Date(message.created_at);
    const date = day(when, now);
    if (date !== today && begun) rows.push({ key: `day ${(today = date)}`, copy: "day", words: date });
    if (message.seq === unreadFrom && (i || state.hasOlder)) rows.push({ key: "unread", copy: "unread" });
    const first = !together(messages[i - 1], message);
    const last = !together(message, messages[i + 1]);
    const copy = message.sender !== "site" ? "message" : message.help ? "card" : "notice";
    rows.push({ key: message.id, copy, message, when, first, last, delivered: message.seq < heard });
  });
  if (reply?.state === "stopped") rows.push({ key: "stopped", copy: "stopped" });
  if (cut) rows.push({ key: "reply", copy: "reply" });
  if (reply?.state === "failed") rows.push({ key: `failed ${reply.id}`, copy: cut ? "cut" : "failed" });
  const unsent = (held) =>
    outbox.filter((item) => held === (item.status === "held")).map((item) => ({ key: item.client_id, copy: "message", item }));
  const hers = !reply?.replaces && (dots || streamed(state)) ? [{ key: "reply", copy: "reply" }] : [];
  return [...rows, ...unsent(false), ...hers, ...unsent(true)]; // what is held comes after what she is writing
}

function together(a, b) {
  if (!a || !b || a.sender !== b.sender) return false;
  const [from, to] = [new Date(a.created_at), new Date(b.created_at)];
  return to - from < TOGETHER && from.getDate() === to.getDate();
}

/** What the rows that the server drew say of their messages: it is not sent a second time. */
export const drawn = (list) => [...list.children].map((row) => ({ id: row.dataset.id, created_at: row.querySelector("time").dateTime }));

/** The rows on the screen. Those that the server drew are taken over as they are: only what differs is written. */
export class Rows {
  #rows = new Map(); // key -> <li>

  constructor(list, words) {
    this.list = list;
    this.words = words;
    for (const row of list.children) this.#rows.set(row.dataset.id, row);
  }

  get(key) {
    return this.#rows.get(key);
  }

  /** Show these, in this order; `fresh`: what is new among them came in just now. */
  draw(wanted, fresh) {
    const rows = this.#rows;
    const keys = new Set();
    for (const { key, message } of wanted) {
      keys.add(key);
      // A sent message takes over the row that it was written in.
      const written = rows.has(key) ? null : rows.get(message?.client_id);
      if (written) rows.set(key, written).delete(message.client_id);
    }
    const landed = rows.has("reply") && !keys.has("reply"); // it was there already, letter by letter
    for (const [key, row] of rows) {
      if (keys.has(key)) continue;
      row.remove();
      rows.delete(key);
    }
    let at = this.list.firstElementChild;
    for (const want of wanted) {
      const { key, message, item } = want;
      let row = rows.get(key);
      if (!row) {
        rows.set(key, (row = copy(want.copy)));
        if (want.words) row.firstElementChild.textContent = want.words;
        if (fresh && !(landed && message?.sender === "ai")) row.classList.add("new");
      }
      if (message) this.#message(row, want);
      if (item) this.#unsent(row, item);
      if (row === at) at = at.nextElementSibling;
      else this.list.insertBefore(row, at);
    }
  }

  #message(row, { message, when, first, last, delivered }) {
    const { id, version, sender, help } = message;
    const { dataset } = row;
    if (dataset.version !== String(version)) {
      Object.assign(dataset, { id, version });
      row.querySelector("[data-text]").replaceChildren(...safe(message));
      if (help) shows(row, help);
    }
    if (sender === "site") return;
    const mine = sender === "user";
    const ticks = mine ? (delivered ? "delivered" : "sent") : "";
    put(row, "className", ["message", sender, first && "first", last && "last", ticks, isEmoji(message.text) && "emoji", isNew(row)].filter(Boolean).join(" "));
    if (dataset.status) {
      delete dataset.status;
      row.querySelector("[data-again]")?.remove();
    }
    const time = row.querySelector("time");
    put(time, "dateTime", message.created_at);
    put(time, "textContent", clock(when));
    this.#says(row, mine, `, ${clock(when)}`, this.words[ticks] ?? "");
  }

  #unsent(row, { client_id, status, text, why }) {
    const { dataset } = row;
    if (dataset.status === status) return;
    Object.assign(dataset, { status, client: client_id });
    row.className = `message user first last unsent ${status} ${isEmoji(text) ? "emoji" : ""} ${isNew(row)}`;
    const words = Object.assign(document.createElement("p"), { dir: "auto", textContent: text });
    row.querySelector("[data-text]").replaceChildren(words);
    this.#says(row, true, "", `${this.words[status] ?? ""} ${why ?? ""}`);
    row.querySelector("[data-again]")?.remove();
    if (status === "failed" || status === "unchecked") row.append(copy(status === "failed" ? "unsent" : status));
  }

  #says(row, mine, time, ticks) {
    if (mine) row.querySelector(".avatar")?.remove();
    put(row.querySelector("[data-who]"), "textContent", `${mine ? this.words.you : this.words.name}${time}: `);
    put(row.querySelector("[data-ticks]"), "textContent", ticks);
  }
}

/* A crisis card: where people are who help. */
function shows(row, { title, ways, danger, number, url }) {
  const [name, list, first, last] = ["title", "ways", "danger", "number"].map((part) => row.querySelector(`[data-${part}]`));
  const one = list.firstElementChild;
  name.textContent = title;
  first.textContent = number ? `${danger} ` : danger;
  if (number) Object.assign(last, { textContent: number, href: url });
  else last?.remove();
  list.replaceChildren(
    ...ways.map(({ kind, title, about, url }) => {
      const way = one.cloneNode(true);
      const link = way.firstElementChild;
      if (/^(tel|sms|https):/.test(url)) link.href = url;
      link.dataset.kind = kind;
      const words = link.querySelector("span");
      [words.firstElementChild.textContent, words.lastElementChild.textContent] = [title, about];
      return way;
    }),
  );
}

/** A copy of one of the page's templates. */
const copy = (name) => document.getElementById(`chat-${name}`).content.firstElementChild.cloneNode(true);

/* One to three emoji and nothing else; false where the browser does not know what emoji are. */
const EMOJI = (() => {
  const one = "(?:\\p{Emoji_Presentation}|\\p{Emoji}\\uFE0F|\\p{Emoji_Modifier_Base}(?=\\p{Emoji_Modifier}))\\p{Emoji_Modifier}?\\uFE0F?[\\u{E0020}-\\u{E007F}]*";
  const more = "(?:\\u200D\\p{Extended_Pictographic}\\p{Emoji_Modifier}?\\uFE0F?)*";
  try {
    return new RegExp(`^\\s*(?:(?:\\p{Regional_Indicator}{2}|[0-9#*]\\uFE0F?\\u20E3|${one}${more})\\s*){1,3}$`, "u");
  } catch {
    return /^$/;
  }
})();
export const isEmoji = (text) => EMOJI.test(text);

const isNew = (row) => (row.classList.contains("new") ? "new" : "");
const put = (place, what, value) => place[what] === value || (place[what] = value);

const ALLOWED = /^(P|EM|STRONG|BR)$/;
const OF_A_LINK = new Set(["href", "rel", "target"]);
const isLink = (part) =>
  part.nodeName === "A" && /^https?:\/\//i.test(part.getAttribute("href")) && [...part.attributes].every(({ name }) => OF_A_LINK.has(name));

/* A paragraph has the direction of its own first letter; nothing else has any attribute. */
const isPlain = ({ nodeName, attributes }) => [...attributes].every(({ name, value }) => nodeName === "P" && name === "dir" && value === "auto");

/* The server's HTML, of which its few known elements are left, bare; nothing is ever parsed into this document. */
function safe({ html, text }) {
  if (!html) return [text];
  const { body } = new DOMParser().parseFromString(html, "text/html");
  for (const part of body.querySelectorAll("*")) {
    if (isLink(part)) Object.assign(part, { rel: "noopener nofollow ugc", target: "_blank" });
    else if (!ALLOWED.test(part.nodeName) || !isPlain(part)) part.replaceWith(...part.childNodes);
  }
  return body.childNodes;
}
