import { kept } from "../site/device.js";

const COUNT_FROM = 1_800;

/** Length as the server counts it: characters, not UTF-16 units. */
export const length = (text) => [...text].length;

/** What Enter means: "send", "newline" (leave it to the browser) or nothing. */
export function enter(event, { sends, touch }) {
  if (event.key !== "Enter" || event.isComposing || event.keyCode === 229) return ""; // 229: Safari ends composing first
  if (event.ctrlKey || event.metaKey) return "send";
  return event.shiftKey || touch || !sends ? "newline" : "send";
}

/** The place to write: keeps a draft for each conversation, grows, counts, and turns into Stop while she writes. */
export class Composer {
  #stops = false; // what the button does: stop her, or send
  busy = false;
  streaming = false;
  locked = false;

  /** `send(text)` answers whether the text was taken; `stop()`; `warm()` when somebody is about to write. */
  constructor(root, { draft, most, sends, send, stop, warm }) {
    Object.assign(this, { draft, most, send, stop });
    this.form = root.querySelector("form");
    this.input = root.querySelector("textarea");
    this.button = root.querySelector("[data-send]");
    this.words = this.button.querySelector("[data-words]");
    this.counter = root.querySelector("[data-counter]");
    const touch = matchMedia("(pointer: coarse)");
    this.input.addEventListener("input", () => {
      this.#keep();
      this.#fit();
      warm();
    });
    this.input.addEventListener("focus", warm);
    this.input.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !event.isComposing && this.busy) this.stop();
      if (enter(event, { sends, touch: touch.matches }) !== "send") return;
      event.preventDefault();
      this.#send();
    });
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.#stops) this.stop();
      else this.#send();
      this.input.focus({ preventScroll: true });
    });
    // A press on the button must not close a phone's keyboard.
    this.button.addEventListener("pointerdown", (event) => event.preventDefault());
    this.write(this.#kept() || this.input.value);
  }

  /** What is written now. */
  get text() {
    return this.input.value;
  }

  /** Put something into the composer, as if it had been written. */
  write(text) {
    this.input.value = text;
    this.#keep();
    this.#fit();
  }

  /** Show what can be done: `writing` she is about to, `streaming` her words are coming, `locked` nothing is left. */
  show({ writing, streaming, locked }) {
    this.busy = writing;
    this.streaming = streaming;
    this.locked = locked;
    this.input.readOnly = locked;
    this.#fit();
  }

  #send() {
    const text = this.text.trim();
    if (!text || this.locked || length(text) > this.most || !this.send(text)) return;
    this.write("");
  }

  #fit() {
    const { input, button, counter, words } = this;
    const size = length(input.value);
    const over = size > this.most;
    counter.hidden = size < COUNT_FROM;
    counter.textContent = (over ? counter.dataset.over : counter.dataset.room).replace("{n}", Math.abs(this.most - size));
    input.setAttribute("aria-invalid", String(over));
    const empty = !input.value.trim();
    const stops = (this.#stops = this.streaming || (this.busy && empty));
    button.classList.toggle("stops", stops);
    words.textContent = stops ? words.dataset.halts : words.dataset.goes;
    button.setAttribute("aria-disabled", String(!stops && (empty || over || this.locked)));
    if (!CSS.supports("field-sizing", "content")) {
      input.style.height = "auto";
      input.style.height = `${input.scrollHeight}px`;
    }
  }

  #kept() {
    return kept.getItem(this.draft) ?? "";
  }

  #keep() {
    if (this.text) kept.setItem(this.draft, this.text);
    else kept.removeItem(this.draft);
  }
}
