import { apply, isWriting, streamed } from "./state.js";

const HIDDEN = 250; // a tab in the background has no frames, but a title

/**
 * The one state of this tab. `tell(frame)` changes it; who subscribed hears of each change at once, with the state
 * before it; what is on the screen is drawn from the newest state, once per frame.
 */
export class Store {
  #hear = [];
  #draw = [];
  #due = 0;

  constructor(state) {
    this.state = state;
    document.addEventListener("visibilitychange", () => this.#due && this.draw());
  }

  /** Whether she is about to write or writing. */
  get writing() {
    return isWriting(this.state);
  }

  /** What she has written so far. */
  get words() {
    return streamed(this.state);
  }

  tell(frame) {
    const before = this.state;
    const state = (this.state = apply(before, frame));
    if (state === before) return;
    for (const hear of this.#hear) apart(() => hear(state, before));
    if (frame.type === "send" || frame.type === "older") this.draw(); // what was written stands there at once
    else this.#due ||= (document.hidden ? setTimeout : requestAnimationFrame)(() => this.draw(), HIDDEN);
  }

  /** Have `hear(state, before)` called after each change. */
  subscribe(hear) {
    this.#hear.push(hear);
  }

  /** Have `draw(state)` called when there is something new to be seen. */
  draws(draw) {
    this.#draw.push(draw);
  }

  /** Draw now. */
  draw() {
    cancelAnimationFrame(this.#due);
    this.#due = 0;
    for (const draw of this.#draw) apart(() => draw(this.state));
  }
}

/* One part of the page that fails takes no other along. */
function apart(act) {
  try {
    act();
  } catch (error) {
    reportError(error);
  }
}
