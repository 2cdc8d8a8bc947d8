import { Place } from "./place.js";
import { Rows, rowsOf } from "./rows.js";
import { isWriting, streamed } from "./state.js";
import { news } from "./voice.js";
import { Writing } from "./writing.js";

const MOST_PAGES = 40; // that are loaded to come to a message that was found

/**
 * The conversation on the screen: its rows, her reply while it is written, the reader's place, and what is said of it.
 * `older(before)` loads what is above a seq; `seen()` is called when the reader may have seen something new.
 */
export class Log {
  #state = null; // what is drawn
  #next = null; // what is to be drawn

  constructor(talk, { words, say, unreadFrom, older, seen }) {
    const find = (name) => talk.querySelector(`[data-${name}]`);
    Object.assign(this, { words, say, unreadFrom, older, hello: find("hello"), start: find("start"), box: find("log") });
    const { box } = this;
    const list = find("messages");
    this.rows = new Rows(list, words);
    this.writing = new Writing({ box, status: find("status"), rows: this.rows, words, say, redraw: () => this.draw(this.#next, true) });
    this.place = new Place({
      box,
      list,
      pill: find("new"),
      input: talk.querySelector("textarea"),
      seen,
      older: async () => this.#state.hasOlder && older(this.#state.floor),
    });
  }

  /** Whether the reader is at the end. */
  get pinned() {
    return this.place.pinned;
  }

  /** Show this state; `anyway`: also if it shows the same rows. */
  draw(state, anyway = false) {
    const before = this.#state;
    this.#next = state;
    const { writing, place } = this;
    if (!anyway && before?.outbox === state.outbox && writing.rests()) return;
    this.#state = state;
    const words = before && streamed(before) !== streamed(state);
    if (before && !anyway && sameRows(before, state)) {
      writing.stream(state);
      if (words) place.follow(true);
      return;
    }
    const more = state.outbox.length > (before?.outbox.length ?? 0);
    if (more) place.pinned = true;
    const say = before && news(before, state, this.words);
    if (say) this.say(say);
    writing.begin(state);
    this.rows.draw(rowsOf(state, { ...this, dots: writing.dots }), Boolean(before));
    writing.stream(state);
    const { hasOlder, messages, outbox } = state;
    this.hello.hidden = hasOlder || messages.some((m) => m.sender === "user") || outbox.length > 0;
    this.start.hidden = hasOlder;
    this.box.classList.add("ready");
    if (before) place.follow(say || words);
    else place.open(this.rows.get("unread"));
  }

  /** Show the message with this seq, in the middle: what is above is loaded until it is there. */
  async show(seq) {
    this.place.pinned = false;
    for (let pages = 0; this.#state.hasOlder && this.#state.floor > seq && pages < MOST_PAGES; pages += 1) {
      const show = await this.older(this.#state.floor);
      if (!show) break;
      show();
    }
    const { messages } = this.#state;
    const row = this.rows.get((messages.find((m) => m.seq >= seq) ?? messages.at(-1))?.id);
    if (!row) return;
    this.place.pinned = false;
    row.dataset.found = "";
    row.scrollIntoView({ block: "center" });
    row.focus({ preventScroll: true });
  }

  /** Move the focus to a message, or to the conversation. */
  focus(key) {
    (this.rows.get(key) ?? this.box).focus({ preventScroll: true });
  }
}

/* Whether two states show the same rows, whatever has been added to her reply. */
const sameRows = (a, b) =>
  a.messages === b.messages && a.outbox === b.outbox && a.reply?.id === b.reply?.id && a.reply?.state === b.reply?.state &&
  isWriting(a) === isWriting(b) && Boolean(streamed(a)) === Boolean(streamed(b));
