import { segments } from "../site/text.js";
import { brokenOff, isWriting, streamed } from "./state.js";

const DOTS_AFTER = 400;
const DOTS_FOR = 600; // dots that were seen are not a flash
const SPEAK = 2_000;
const STILL = 12_000;

/**
 * Her reply while it is written: dots first, then letter by letter. It has a row of its own, unless it is another
 * answer: that is written in the bubble of the message it is for, whose words come back if nothing becomes of it.
 * `redraw()` is called when dots come or may go.
 */
export class Writing {
  dots = false;
  #id = null; // of the reply that is waited for
  #until = 0; // the dots stay
  #timers = [];
  #resting;
  #lent = null; // {row, version, words}: a message whose bubble shows something else

  constructor({ box, status, rows, words, say, redraw }) {
    Object.assign(this, { box, status, rows, words, say, redraw });
    this.usual = status.textContent;
  }

  /** Whether the dots have to stay a moment longer; draws again when they need not. */
  rests() {
    const rest = this.dots && this.#until - performance.now();
    if (!(rest > 0)) return false;
    clearTimeout(this.#resting);
    this.#resting = setTimeout(this.redraw, rest);
    return true;
  }

  /** Before the rows are drawn: dots or none, and the line below her name. */
  begin(state) {
    const writing = isWriting(state);
    const id = writing && !state.reply.text ? state.reply.id : null;
    if (id !== this.#id) {
      this.#id = id;
      this.dots = false;
      this.#timers.forEach(clearTimeout);
      if (id) {
        const after = (delay, act) => setTimeout(act, delay);
        this.#timers = [
          after(DOTS_AFTER, () => {
            this.dots = true;
            this.#until = performance.now() + DOTS_FOR;
            this.redraw();
          }),
          after(SPEAK, () => this.say(this.words.typing)),
          after(STILL, () => this.rows.get("reply")?.classList.add("still")),
        ];
      }
    }
    this.status.textContent = writing ? this.words.writing : this.usual;
  }

  /** After the rows are drawn. The text grows by what is new: text nodes, never HTML, never in a live region. */
  stream(state) {
    const coming = streamed(state);
    const text = coming || brokenOff(state);
    const key = state.reply?.replaces ?? "reply";
    const row = this.rows.get(key);
    const place = row?.querySelector("[data-text]");
    this.box.setAttribute("aria-busy", String(Boolean(row && coming)));
    if (this.#lent && (this.#lent.row !== row || !text)) this.#giveBack();
    if (!place) return;
    if (key === "reply") {
      row.classList.toggle("words", Boolean(text));
      row.classList.toggle("over", !isWriting(state));
    } else if (!text) return;
    else if (!this.#lent || this.#lent.version !== row.dataset.version) {
      this.#lent = { row, version: row.dataset.version, words: [...place.childNodes] };
      place.replaceChildren();
    }
    grow(place, segments(text, { grows: Boolean(coming) }));
  }

  #giveBack() {
    const { row, version, words } = this.#lent;
    this.#lent = null;
    if (row.dataset.version === version) row.querySelector("[data-text]").replaceChildren(...words); // else it is new
  }
}

const GROWN = new WeakMap(); // place -> [{look, node, top}], its text nodes in order and what of each stands in the place

/* Show these segments, and touch only what differs: mostly the end of the last text node. A browser that translates the
   page takes our nodes out and puts its own in: then all of it is written anew. */
function grow(place, parts) {
  let grown = GROWN.get(place) ?? [];
  const kept = place.childNodes.length === grown.length && grown.every(({ node, top }) => top.parentElement === place && top.contains(node));
  if (!kept) {
    place.replaceChildren();
    grown = [];
  }
  const differs = grown.findIndex(({ look }, i) => look !== parts[i]?.[0]);
  if (differs >= 0) grown.splice(differs).forEach(({ top }) => top.remove());
  parts.forEach(([look, text], i) => {
    const { node } = (grown[i] ??= added(place, look));
    if (node.data === text) return;
    if (text.startsWith(node.data)) node.appendData(text.slice(node.data.length));
    else node.data = text;
  });
  GROWN.set(place, grown);
}

function added(place, look) {
  const node = new Text();
  const top = look.split(" ").reduce((inner, name) => {
    if (!name) return inner;
    const outer = document.createElement(name);
    outer.append(inner);
    return outer;
  }, node);
  place.append(top);
  return { look, node, top };
}
