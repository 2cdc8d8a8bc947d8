import { isWriting, streamed } from "./state.js";
import { clock, day } from "./times.js";

const TOGETHER = 3 * 60_000; // messages of one sender within this are one group
const NEAR = 64; // pixels from the bottom that still count as being there
const DOTS_AFTER = 400;
const DOTS_FOR = 600;
const STILL = 12_000;
const SPEAK_TYPING = 2_000;
const LONG = 500;
const UPWARD = new Set(["ArrowUp", "PageUp", "Home"]);

/** The conversation on the screen: draws a state, keeps the reader's place, and tells a screen reader what is new. */
export class Log {
  pinned = true;
  #rows = new Map(); // key -> <li>
  #state = null; // what is drawn
  #next = null; // what is to be drawn
  #forced = false;
  #told; // seq after which the AI notice is repeated
  #jumping = false;
  #top = 0;
  #dots = { id: null, shown: 0 };
  #timers = {};
  #loading = false;

  /** `older()` loads what is above; `seen()` is called when the reader may have seen something new. */
  constructor(root, { unreadFrom, older, seen }) {
    const find = (selector) => root.querySelector(selector);
    this.box = find("[data-log]");
    this.list = find("[data-messages]");
    this.pill = find("[data-new]");
    this.voice = find("[data-voice]");
    this.status = find("[data-status]");
    this.hello = find("[data-hello]");
    this.start = find("[data-start]");
    this.tools = find("[data-tools]");
    this.input = find("textarea");
    this.name = root.dataset.name;
    Object.assign(this, { unreadFrom, older, seen });
    this.usual = this.status.textContent;
    for (const row of this.list.querySelectorAll("[data-id]")) this.#rows.set(row.dataset.id, row);
    this.list.replaceChildren();
    this.#watchScroll();
  }

  /** Say it to a screen reader, politely. */
  say(words) {
    this.voice.textContent = "";
    setTimeout(() => (this.voice.textContent = words), 100);
  }

  /** Repeat below the newest message that she is an AI. */
  tell() {
    this.#told = this.#state.messages.at(-1)?.seq ?? 0;
    this.#redraw();
  }

  draw(state) {
    const before = this.#state;
    this.#next = state;
    const rest = this.#dots.shown && this.#dots.shown + DOTS_FOR - performance.now();
    if (rest > 0 && before.outbox === state.outbox && !this.#forced) {
      this.#later("rest", rest, () => this.draw(this.#next)); // dots that were seen are not a flash
      return;
    }
    this.#state = state;
    if (before && !this.#forced && sameRows(before, state)) {
      this.#stream(state);
      if (streamed(before) !== streamed(state)) this.#follow(true);
      return;
    }
    this.#forced = false;
    if (state.outbox.length > (before?.outbox.length ?? 0)) this.pinned = true;
    const first = !before;
    const news = !first && this.#announce(before, state);
    this.#typing(state);
    this.#fill(this.list, this.#wanted(state));
    this.#stream(state);
    this.hello.hidden = state.hasOlder || state.messages.some((m) => m.sender === "user") || state.outbox.length > 0;
    this.start.hidden = state.hasOlder;
    this.box.classList.add("ready");
    if (first) this.#place();
    else this.#follow(news);
  }

  /** To the newest message. */
  jump() {
    this.pinned = true;
    const { box } = this;
    const way = this.#distance();
    const smooth = way < 2 * box.clientHeight && !matchMedia("(prefers-reduced-motion: reduce)").matches;
    // A smooth jump scrolls like a reader would: until it has arrived, scrolling means nothing.
    this.#jumping = smooth && way > 0;
    box.scrollTo({ top: box.scrollHeight, behavior: smooth ? "smooth" : "instant" });
    this.#later("jump", 1_000, () => this.#arrive());
    this.input.focus({ preventScroll: true });
    this.pill.hidden = true;
  }

  /** Move the focus to a message, or to the conversation. */
  focus(key) {
    (this.#rows.get(key) ?? this.box).focus({ preventScroll: true });
  }

  #redraw() {
    this.#forced = true;
    this.draw(this.#next);
  }

  // --- What is on the screen ---

  #wanted(state) {
    const rows = [];
    const now = new Date();
    const { messages, outbox, reply } = state;
    let today = "";
    const heard = reply?.state === "writing" ? Infinity : messages.findLast((m) => m.sender === "ai")?.seq ?? 0;
    const begun = state.hasOlder || messages.length + outbox.length > 1;
    messages.forEach((message, i) => {
      const when = new Date(message.created_at);
      const date = day(when, now);
      if (date !== today && begun) rows.push({ key: `day ${(today = date)}`, make: () => this.#line("day", date) });
      if (message.seq === this.unreadFrom && (i || state.hasOlder)) rows.push({ key: "unread", make: () => this.#line("unread", "Unread") });
      const first = !together(messages[i - 1], message);
      const last = !together(message, messages[i + 1]);
      rows.push({ key: message.id, message, when, first, last, delivered: message.seq < heard });
      if (message.seq === this.#told) rows.push({ key: "told", make: () => copy("told") });
    });
    if (reply?.state === "stopped") rows.push({ key: "stopped", make: () => this.#line("stopped", "You stopped this reply") });
    if (reply?.state === "failed") rows.push({ key: `failed ${reply.id}`, make: () => copy("failed") });
    const unsent = (held) => outbox.filter((item) => held === (item.status === "held")).map((item) => ({ key: item.client_id, item }));
    const hers = this.#dots.shown || streamed(state) ? [{ key: "reply", make: () => copy("reply") }] : [];
    return [...rows, ...unsent(false), ...hers, ...unsent(true)]; // what is held comes after what she is writing
  }

  #fill(list, wanted) {
    let at = list.firstElementChild;
    const keys = new Set();
    for (const want of wanted) {
      // A sent message takes over the row that it was written in.
      const { key, message } = want;
      keys.add(key);
      if (message?.client_id && !this.#rows.has(key) && this.#rows.has(message.client_id)) {
        this.#rows.set(key, this.#rows.get(message.client_id));
        this.#rows.delete(message.client_id);
      }
      let row = this.#rows.get(key);
      if (!row) {
        row = want.make?.() ?? copy("message");
        if (list.childElementCount) row.classList.add("new");
        this.#rows.set(key, row);
      }
      if (message) this.#message(row, want);
      if (want.item) this.#unsent(row, want);
      if (row === at) at = at.nextElementSibling;
      else list.insertBefore(row, at);
    }
    for (const [key, row] of this.#rows) {
      if (keys.has(key)) continue;
      if (key === "reply") list.lastElementChild?.classList.remove("new"); // it was there already, letter by letter
      if (row.contains(this.tools)) this.box.append(this.tools);
      row.remove();
      this.#rows.delete(key);
    }
  }

  #message(row, { message, when, first, last, delivered }) {
    const mine = message.sender === "user";
    const classes = { first, last, sent: mine && !delivered, delivered: mine && delivered, new: row.classList.contains("new") };
    row.className = ["message", message.sender, ...Object.keys(classes).filter((name) => classes[name])].join(" ");
    row.querySelector("[data-again]")?.remove();
    delete row.dataset.status;
    if (row.dataset.version !== String(message.version)) {
      row.dataset.id = message.id;
      row.dataset.version = message.version;
      row.querySelector("[data-text]").replaceChildren(...safe(message));
    }
    if (mine) row.querySelector(".avatar")?.remove();
    const time = row.querySelector("time");
    time.dateTime = message.created_at;
    time.textContent = clock(when);
    row.querySelector("[data-who]").textContent = `${mine ? "You" : this.name}, ${time.textContent}: `;
    row.querySelector("[data-ticks]").textContent = mine ? (delivered ? "Delivered" : "Sent") : "";
  }

  #unsent(row, { item }) {
    const { status, text, why } = item;
    if (row.dataset.status === status) return;
    row.dataset.status = status;
    row.className = `message user first last unsent ${status} ${row.classList.contains("new") ? "new" : ""}`;
    row.dataset.client = item.client_id;
    row.querySelector("[data-text]").textContent = text;
    row.querySelector("[data-who]").textContent = "You: ";
    row.querySelector(".avatar")?.remove();
    const words = {
      sending: "Sending",
      waiting: "Sends when you’re back online",
      held: `Sends when ${this.name} has finished`,
      failed: `Not sent. ${why}`,
    };
    row.querySelector("[data-ticks]").textContent = words[status] ?? "";
    row.querySelector("[data-again]")?.remove();
    if (status === "failed" || status === "unchecked") {
      row.append(copy(status === "failed" ? "unsent" : "unchecked"));
      this.say(status === "failed" ? "Message not sent. Retry or delete." : "We couldn’t check your browser. Your message is saved.");
    }
  }

  #line(kind, words) {
    const row = copy("line");
    row.classList.add(kind);
    row.firstElementChild.textContent = words;
    return row;
  }

  // --- Her reply, letter by letter ---

  #typing(state) {
    const { reply } = state;
    const waits = isWriting(state) && !reply.text;
    const dots = this.#dots;
    if (!waits) {
      this.#dots = { id: null, shown: 0 };
      for (const name of ["dots", "speak", "still"]) clearTimeout(this.#timers[name]);
    } else if (dots.id !== reply.id) {
      this.#dots = { id: reply.id, shown: 0 };
      this.#later("dots", DOTS_AFTER, () => {
        this.#dots.shown = performance.now();
        this.#redraw();
      });
      this.#later("speak", SPEAK_TYPING, () => this.say(`${this.name} is typing`));
      this.#later("still", STILL, () => this.#rows.get("reply")?.classList.add("still"));
    }
    this.status.textContent = isWriting(state) ? "Writing a reply…" : this.usual;
  }

  /* The text grows by what is new since the last frame: one text node, never markup, never in a live region. */
  #stream(state) {
    const row = this.#rows.get("reply");
    const text = streamed(state);
    this.box.setAttribute("aria-busy", String(Boolean(row && text)));
    if (!row) return;
    row.classList.toggle("words", Boolean(text));
    row.classList.toggle("over", !isWriting(state));
    const place = row.querySelector("[data-text]");
    const node = place.firstChild ?? place.appendChild(new Text());
    if (text.startsWith(node.data)) node.appendData(text.slice(node.data.length));
    else node.data = text;
  }

  /* Speak once at the boundaries; true when something new is to be read. */
  #announce(before, state) {
    const last = before.messages.at(-1)?.seq ?? 0;
    const hers = state.messages.filter((m) => m.seq > last && m.sender === "ai");
    for (const { text } of hers.slice(-1)) {
      const sentence = text.match(/^[\s\S]*?[.!?…](?=\s)/)?.[0] ?? text.slice(0, 200);
      const short = text.length <= LONG ? text : `${sentence} Full reply in the conversation`;
      this.say(`${this.name}: ${short}`);
    }
    if (state.reply?.state === "failed" && before.reply?.state !== "failed") this.say(`${this.name} couldn’t reply just now. Try again`);
    return hers.length > 0 || streamed(state) !== streamed(before);
  }

  // --- The reader's place ---

  #watchScroll() {
    const { box } = this;
    const leave = () => {
      if (box.scrollTop <= 0) return; // there is nothing above
      this.#jumping = false;
      this.pinned = false;
    };
    box.addEventListener("scroll", () => {
      const up = box.scrollTop < this.#top - 1;
      this.#top = box.scrollTop;
      if (this.#jumping) return;
      const near = this.#distance() <= NEAR;
      if (up && this.#distance() > 1) this.pinned = false;
      else if (near && !up) this.pinned = true;
      if (this.pinned) this.#arrive();
      if (box.scrollTop < box.clientHeight) this.#loadOlder();
    }, { passive: true });
    box.addEventListener("scrollend", () => this.#jumping && this.#arrive());
    box.addEventListener("wheel", (event) => event.deltaY < 0 && leave(), { passive: true });
    let touched = 0;
    box.addEventListener("touchstart", (event) => (touched = event.touches[0].clientY), { passive: true });
    box.addEventListener("touchmove", (event) => event.touches[0].clientY > touched + 4 && leave(), { passive: true });
    box.addEventListener("keydown", (event) => UPWARD.has(event.key) && leave());
    const keep = new ResizeObserver(() => this.pinned && !this.#jumping && this.#bottom());
    keep.observe(box);
    keep.observe(this.list);
    this.pill.addEventListener("click", () => this.jump());
  }

  #distance() {
    return this.box.scrollHeight - this.box.clientHeight - this.box.scrollTop;
  }

  #bottom() {
    this.box.scrollTop = this.box.scrollHeight;
    this.#top = this.box.scrollTop;
  }

  #arrive() {
    this.#jumping = false;
    this.pill.hidden = true;
    this.seen();
  }

  /* Where a conversation opens: at the first unread message, else at its end. */
  #place() {
    const divider = this.#rows.get("unread");
    this.#bottom();
    if (divider) {
      const away = this.box.getBoundingClientRect().bottom - divider.getBoundingClientRect().top;
      if (away > this.box.clientHeight) {
        this.box.scrollTop -= away - this.box.clientHeight + 8;
        this.#top = this.box.scrollTop;
        this.pinned = this.#distance() <= NEAR;
      }
    }
    if (!this.pinned) this.pill.hidden = false;
    this.seen();
    this.#loadOlder();
  }

  #follow(news) {
    if (this.pinned) {
      if (!this.#jumping) this.#bottom();
      this.seen();
    } else if (news) this.pill.hidden = false;
  }

  async #loadOlder() {
    const { box } = this;
    if (this.#loading || !this.#state?.hasOlder || box.scrollTop > box.clientHeight) return;
    this.#loading = true;
    const page = await this.older(this.#state.floor);
    this.#loading = false;
    if (!page) return;
    const below = box.scrollHeight - box.scrollTop;
    page();
    box.scrollTop = box.scrollHeight - below; // what was being read stays where it was
    this.#top = box.scrollTop;
    this.#loadOlder();
  }

  #later(name, delay, act) {
    clearTimeout(this.#timers[name]);
    this.#timers[name] = setTimeout(act, delay);
  }
}

const copy = (name) => document.getElementById(`chat-${name}`).content.firstElementChild.cloneNode(true);

function together(a, b) {
  if (!a || !b || a.sender !== b.sender) return false;
  const [from, to] = [new Date(a.created_at), new Date(b.created_at)];
  return to - from < TOGETHER && from.getDate() === to.getDate();
}

/* Whether two states show the same rows, whatever has been added to her reply. */
const sameRows = (a, b) =>
  a.messages === b.messages && a.outbox === b.outbox && a.reply?.id === b.reply?.id && a.reply?.state === b.reply?.state &&
  isWriting(a) === isWriting(b) && Boolean(streamed(a)) === Boolean(streamed(b));

const ALLOWED = new Set(["P", "EM", "STRONG", "BR"]);

/* The server's HTML, rebuilt from its few known elements; nothing is ever parsed into this document. */
function safe({ html, text }) {
  if (!html) return [text];
  const build = (from) => [...from.childNodes].flatMap((node) => {
    if (node.nodeType === Node.TEXT_NODE) return [node.data];
    if (!ALLOWED.has(node.nodeName)) return build(node);
    const element = document.createElement(node.nodeName);
    element.append(...build(node));
    return [element];
  });
  return build(new DOMParser().parseFromString(html, "text/html").body);
}
