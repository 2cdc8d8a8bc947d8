import { isBlank, length } from "../site/text.js";

const COUNT_FROM = 1_800;

/** What Enter means: "send", "newline" (leave it to the browser) or nothing. */
export function enter(event, { sends, touch }) {
  if (event.key !== "Enter" || event.isComposing || event.keyCode === 229) return ""; // 229: Safari ends composing first
  if (event.ctrlKey || event.metaKey) return "send";
  return event.shiftKey || touch || !sends ? "newline" : "send";
}

/** The place to write: keeps a draft, grows, counts. While she writes its button sends what is written, and stops her when nothing is. */
export class Composer {
  #stops = false; // what the button does: stop her, or send
  busy = false;
  spent = false;

  /** `draft` reads and keeps; `send(text)` answers whether the text was taken; `stop()`; `warm()` when somebody is about to write. */
  constructor(root, { draft, most, sends, send, stop, warm }) {
    Object.assign(this, { draft, most, send, stop });
    this.form = root.querySelector(".composer");
    this.input = root.querySelector("textarea");
    this.button = root.querySelector("[data-send]");
    this.words = this.button.querySelector("[data-words]");
    this.counter = root.querySelector("[data-counter]");
    this.hint = root.querySelector("[data-kept]");
    const touch = matchMedia("(pointer: coarse)");
    const label = () => (this.input.enterKeyHint = sends && !touch.matches ? "send" : "enter"); // a phone's key says what it does
    label();
    touch.addEventListener?.("change", label);
    this.input.addEventListener("input", () => {
      draft.keep(this.text);
      this.#fit();
      warm();
    });
    this.input.addEventListener("focus", warm);
    this.input.addEventListener("keydown", (event) => {
      if (enter(event, { sends, touch: touch.matches }) !== "send") return;
      event.preventDefault();
      this.#send();
    });
    root.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !event.isComposing && this.busy && !event.target.closest(".menu")) this.stop();
    });
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.#stops) this.stop();
      else this.#send();
      this.input.focus({ preventScroll: true });
    });
    // A press on the button must not close a phone's keyboard.
    this.button.addEventListener("pointerdown", (event) => event.preventDefault());
    const text = draft.read() || this.input.value;
    if (text) this.write(text);
    else this.#fit();
  }

  /** What is written now. */
  get text() {
    return this.input.value;
  }

  /** Put something into the composer, as if it had been written. */
  write(text) {
    this.input.value = text;
    this.draft.keep(text);
    this.#fit();
  }

  /** Send this, whatever is being written; where nothing can be sent, it is something to begin with. */
  say(text, spent = this.spent) {
    if ((spent || !this.send(text)) && !this.text) this.write(text);
  }

  /** These words were sent in another tab: they are not to be sent again here. */
  sent(text) {
    if (this.text.trim() === text) this.write("");
    else if (this.text) this.draft.keep(this.text); // it may have been the other tab's until now
  }

  /** Show what can be done: `writing` she is, `spent` nothing is left to send. */
  show({ writing, spent }) {
    this.busy = writing;
    this.spent = spent;
    this.#fit();
  }

  #send() {
    const text = this.text.trim();
    if (isBlank(text) || this.spent || length(text) > this.most) return;
    this.draft.keep(""); // first: another tab that hears of the message may keep its own now
    this.write(this.send(text) ? "" : this.text);
  }

  #fit() {
    const { input, button, counter, words, hint } = this;
    const size = length(input.value);
    const over = size > this.most;
    counter.hidden = size < COUNT_FROM;
    counter.textContent = (over ? counter.dataset.over : counter.dataset.room).replace("{n}", Math.abs(this.most - size));
    input.setAttribute("aria-invalid", String(over));
    const empty = isBlank(input.value);
    const stops = (this.#stops = this.busy && empty);
    hint.hidden = empty;
    button.classList.toggle("stops", stops);
    words.textContent = stops ? words.dataset.halts : words.dataset.goes;
    button.setAttribute("aria-disabled", String(!stops && (empty || over || this.spent)));
    if (!CSS.supports("field-sizing", "content")) {
      input.style.height = "auto";
      input.style.height = `${input.scrollHeight}px`;
    }
  }
}
