const DELAYS = [1_000, 2_000, 4_000, 8_000, 15_000];
const FLOOD = 30_000;
const HEARTBEAT = 25_000;
const SILENCE = 10_000; // a watch without any frame after it
const ASLEEP = 5 * 60_000; // a hidden tab gives its socket back

/** Milliseconds before try number `n` (from 0), with jitter. */
export const backoff = (n) => (DELAYS[n] ?? DELAYS.at(-1)) * (0.5 + Math.random() / 2);

/**
 * The one socket of this tab. It only listens, and asks with `watch()` ({conversation, version} or null) what it missed:
 * when it opens, when the tab is looked at again, every 25 s. `hear` gets each frame, `turn` each of its states:
 * "open", "down", "asleep", "crowded" (too many tabs), "signed-out"; `beat` is called at the same times, for what no
 * watch answers.
 */
export class Socket {
  #socket = null;
  #tries = 0;
  #again = false;
  #retry;
  #silence;
  #sleep;

  constructor({ url, watch, hear, turn, beat }) {
    Object.assign(this, { url, watch, hear, turn, beat });
    document.addEventListener("visibilitychange", () => (document.hidden ? this.#rest() : this.wake()));
    addEventListener("online", () => this.wake());
    addEventListener("offline", () => this.#drop("down"));
    addEventListener("pageshow", (event) => event.persisted && this.wake());
    setInterval(() => document.hidden || this.#beat(), HEARTBEAT);
    this.#open();
  }

  /** Ask what is newer than what this tab knows. */
  ask() {
    if (this.#socket?.readyState !== 1) return;
    const known = this.watch();
    if (!known) return;
    this.#socket.send(JSON.stringify({ type: "watch", ...known }));
    // A socket whose network is gone looks open: no answer tells.
    this.#silence ??= setTimeout(() => this.#drop("down", 0), SILENCE);
  }

  /** The tab is looked at: be connected, and ask. */
  wake() {
    clearTimeout(this.#sleep);
    if (this.#socket?.readyState === 1) return this.#beat();
    if (this.#socket) return;
    this.#tries = 0;
    this.#open();
  }

  #beat() {
    this.beat();
    this.ask();
  }

  #rest() {
    clearTimeout(this.#sleep);
    this.#sleep = setTimeout(() => this.#drop("asleep"), ASLEEP);
  }

  #open() {
    clearTimeout(this.#retry);
    const socket = (this.#socket = new WebSocket(this.url));
    socket.onopen = () => {
      this.turn("open");
      if (this.#again || !this.watch()) this.#beat();
      else this.ask(); // the page itself is only a moment old
      this.#again = true;
    };
    socket.onmessage = ({ data }) => {
      clearTimeout(this.#silence);
      this.#silence = undefined;
      this.#tries = 0;
      this.hear(JSON.parse(data));
    };
    socket.onclose = ({ code }) => {
      if (code === 4401) this.#drop("signed-out");
      else if (code === 4408) this.#drop("crowded");
      else this.#drop("down", code === 4429 ? FLOOD : backoff(this.#tries++));
    };
  }

  #drop(state, retry) {
    clearTimeout(this.#silence);
    clearTimeout(this.#retry);
    this.#silence = undefined;
    const socket = this.#socket;
    this.#socket = null;
    if (socket) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }
    if (retry !== undefined) this.#retry = setTimeout(() => this.#open(), retry);
    this.turn(state);
  }
}
