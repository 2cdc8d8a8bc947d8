import { kept } from "../site/device.js";
import { backoff } from "./socket.js";

export const LIMIT = 20;
const NEVER = Infinity;
const STATES = new Set(["sending", "waiting", "held", "failed", "unchecked"]);
const TRIES = 5; // for a server that answers, but wrongly
const FOREIGN_TRIES = 3; // for somebody else who does, in its place
const PASSES = new Set([408, 425, 429]); // of the refusals, those that are over after a while

/** A random id. Browsers have `randomUUID` on https and localhost only: not on a phone at http://192.168.1.5:8000. */
export function uuid(source = globalThis.crypto) {
  if (source?.randomUUID) return source.randomUUID();
  const bytes = new Uint8Array(16);
  if (source?.getRandomValues) source.getRandomValues(bytes);
  else bytes.forEach((_, i) => (bytes[i] = Math.random() * 256));
  bytes[6] = (bytes[6] & 0x0f) | 0x40; // version 4
  bytes[8] = (bytes[8] & 0x3f) | 0x80; // RFC 9562's variant
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/**
 * What is on its way to the server, one after the other. Each message keeps the client id it was born with, here and
 * in localStorage, so a reload, a second tab or a lost answer never makes it two. The list itself is in the state:
 * `items()` reads it, `tell(frame)` changes it, `deliver(item)` sends one, `giveBack(texts)` takes what may not be sent;
 * `signedOut()` is asked when the server says so: whether it is true; `retired()` is told when she answers no more; `elsewhere(text)` is told what another tab sends.
 */
export class Outbox {
  #prefix;
  #busy = false;
  #heard = new Set(); // what other tabs sent
  #tries = 0;
  #timer;

  constructor({ conversation, items, tell, deliver, giveBack, held, signedOut, retired, elsewhere, storage = kept, later = (run, delay) => setTimeout(run, delay), now = Date.now }) {
    Object.assign(this, { items, tell, deliver, giveBack, held, signedOut, retired, elsewhere, storage, later, now });
    this.#prefix = `dusk:outbox:${conversation}:`;
  }

  /** What an earlier page left unsent. */
  load() {
    for (const key of this.storage.keys().filter((name) => name.startsWith(this.#prefix))) {
      const item = parsed(this.storage.getItem(key));
      if (item && key === this.#prefix + item.client_id) this.tell({ type: "send", item });
      else this.storage.removeItem(key);
    }
    this.go();
  }

  /** Take a text on; false when too much waits already. */
  add(text, client_id = uuid()) {
    if (this.items().length >= LIMIT) return false;
    const item = { client_id, text, created_at: this.now(), status: this.held() ? "held" : this.#tries ? "waiting" : "sending" };
    this.#store(item);
    this.tell({ type: "send", item });
    this.#run();
    return true;
  }

  /** Try again: what failed, by hand. */
  retry(client_id) {
    this.#mark(client_id, "sending");
    this.go();
  }

  drop(client_id) {
    this.forget(client_id);
    this.tell({ type: "drop", client_id });
  }

  /** It arrived, or is not wanted any more. */
  forget(client_id) {
    this.storage.removeItem(this.#prefix + client_id);
  }

  /** Another tab took a text on, delivered it or deleted it. */
  stored(key, value) {
    if (!key?.startsWith(this.#prefix)) return;
    const client_id = key.slice(this.#prefix.length);
    if (value === null) return this.tell({ type: "drop", client_id });
    const item = parsed(value);
    if (item && !this.#heard.has(client_id)) this.elsewhere(item.text);
    this.#heard.add(client_id);
  }

  /** There may be a way again: do not wait for the next try. */
  go() {
    this.#tries = 0;
    this.#run();
  }

  async #run() {
    clearTimeout(this.#timer);
    if (this.#busy) return;
    this.#busy = true;
    let pause = 0;
    try {
      for (let item; !pause && !this.held() && (item = this.items().find(isDue)); ) pause = await this.#send(item);
    } finally {
      this.#busy = false;
    }
    if (pause && pause !== NEVER) this.#timer = this.later(() => this.#run(), pause);
  }

  /* Milliseconds to wait before the next try; 0 to go on. */
  async #send(item, again = false) {
    const { client_id } = item;
    let answer;
    try {
      if (!this.#tries) this.#mark(client_id, "sending");
      answer = await this.deliver(item, again);
    } catch (error) {
      if (error.name === "CheckFailed") return this.#mark(client_id, "unchecked");
      if (error.name === "Foreign" && (isFinal(error.status) || this.#tries >= FOREIGN_TRIES)) return this.#fail(client_id);
      this.#mark(client_id, "waiting");
      return backoff(this.#tries++);
    }
    const { ok, status, code, body, wait } = answer;
    if (ok) {
      this.#tries = 0;
      this.tell({ type: "sent", ...body });
      this.forget(client_id);
      this.tell({ type: "drop", client_id });
      return 0;
    }
    if (code === "sign_in_required" && this.#tries < TRIES) {
      this.#mark(client_id, "waiting");
      return (await this.signedOut()) ? NEVER : backoff(this.#tries++);
    }
    if (code === "consent_required") {
      this.#mark(client_id, "waiting"); // for the page that comes back from the question
      return NEVER;
    }
    if (code === "security_check_failed") return again ? this.#mark(client_id, "unchecked") : this.#send(item, true);
    if (code === "quota_exhausted") {
      const refused = this.items().filter((other) => other === item || isDue(other) || other.status === "held");
      for (const other of refused) this.drop(other.client_id);
      this.giveBack(refused.map((other) => other.text));
      return 0;
    }
    if (code === "character_retired") this.retired();
    if (status === 429) return Math.max(wait, 1_000);
    if (status >= 500 && this.#tries < TRIES) return Math.max(wait, backoff(this.#tries++));
    return this.#fail(client_id, status < 500 ? body.error.message : "");
  }

  /* It is for the person to decide; those after it go on. */
  #fail(client_id, why) {
    this.#tries = 0;
    return this.#mark(client_id, "failed", why);
  }

  #mark(client_id, status, why = "") {
    const item = this.items().find((other) => other.client_id === client_id);
    if (item) this.#store({ ...item, status, why });
    this.tell({ type: "mark", client_id, status, why });
    return 0;
  }

  #store(item) {
    this.storage.setItem(this.#prefix + item.client_id, JSON.stringify(item));
  }
}

const isFinal = (status) => status >= 400 && status < 500 && !PASSES.has(status);

/* An item as this module wrote it; null for what another script, or another version, left in its place. */
function parsed(text) {
  try {
    const { client_id, text: words, created_at, status, why } = JSON.parse(text);
    const known = typeof client_id === "string" && typeof words === "string" && STATES.has(status);
    return known ? { client_id, text: words, created_at: Number(created_at) || 0, status, why } : null;
  } catch {
    return null;
  }
}

const isDue = ({ status }) => status === "sending" || status === "waiting" || status === "held";
