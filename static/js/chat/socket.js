const DELAYS = [1_000, 2_000, 4_000, 8_000, 15_000];
const FLOOD = 30_000;
const HEARTBEAT = 25_000;
const SILENCE = 10_000; // a watch without any frame after it
const ASLEEP = 5 * 60_000; // a hidden tab gives its socket back

/** Milliseconds before try number `n` (from 0), with jitter. */
export const backoff = (n) => (DELAYS[n] ?? DELAYS.at(-1)) * (0.5 + Math.random() / 2);

/**
 * The one socket of this tab. It only listens, and asks with `watch()` ({conversation, version, threads}) what it missed:
 * when it opens, when the tab is looked at again, every 25 s. `hear` gets each frame, `turn` each of its states:
 * "open", "down", "asleep", "crowded" (too many tabs), "refused" (not signed in any more, it says).
 */
export class Socket {
  #socket = null;
  #tries = 0;
  #retry;
  #silence;
  #sleep;

  constructor({ url, watch, hear, turn }) {
    Object.assign(this, { url, watch, hear, turn });
    document.addEventListener("visibilitychange", () => (document.hidden ? this.#rest() : this.wake()));
    addEventListener("online", () => this.wake());
    addEventListener("offline", () => this.#drop("down"));
    addEventListener("pageshow", (event) => event.persisted && this.wake());
    setInterval(() => document.hidden || this.ask(), HEARTBEAT);
    this.#open();
  }

  /** Ask what is newer than what this tab knows. */
  ask() {
    if (this.#socket?.readyState !== 1) return;
    this.#socket.send(JSON.stringify({ type: "watch", ...this.watch() }));
    // A socket whose network is gone looks open: no answer tells.
    this.#silence ??= setTimeout(() => this.#drop("down", 0), SILENCE);
  }

  /** The tab is looked at: be connected, and ask. */
  wake() {
    clearTimeout(this.#sleep);
    if (this.#socket?.readyState === 1) return this.ask();
    if (this.#socket) return;
    this.#tries = 0;
    this.#open();
  }

  /** Nobody is there to be told anything. */
  stop() {
    this.#drop("asleep");
  }

  #rest() {
    clearTimeout(this.#sleep);
    this.#sleep = setTimeout(() => this.#drop("asleep"), ASLEEP);
  }

  #open() {
    clearTimeout(this.#retry);
    let socket;
    try {
      socket = this.#socket = new WebSocket(this.url);
    } catch {
      return this.#drop("down", backoff(this.#tries++)); // this browser has none, or may not: the page asks instead
    }
    socket.onopen = () => {
      this.turn("open");
      this.ask();
    };
    socket.onmessage = ({ data }) => {
      clearTimeout(this.#silence);
      this.#silence = undefined;
      this.#tries = 0;
      this.hear(JSON.parse(data));
    };
    socket.onclose = ({ code }) => {
      if (code === 4401) this.#drop("refused", backoff(this.#tries++));
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
