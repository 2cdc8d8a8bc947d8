/** What a member likes, kept with their account: `keep({ theme: "dark" })`. */
const SORRY = "That couldn’t be saved. Try again.";

/**
 * Says it to the server, in order with what was said before. Rejects when it was not kept: with words for people as
 * `said` and, when the server refused, with `refused`; else nobody answered, and it may be tried again later.
 */
export function keep(chosen) {
  const kept = before.then(() => send(chosen));
  before = kept.catch(() => {});
  return kept;
}

let before = Promise.resolve();

async function send(chosen) {
  const fields = new URLSearchParams();
  for (const [name, value] of Object.entries(chosen)) {
    fields.append("shown", name);
    if (value === true) fields.append(name, "on");
    else if (value !== false) fields.append(name, value);
  }
  const answer = await fetch("/account/preferences/", {
    method: "POST",
    headers: { Accept: "application/json", "X-CSRFToken": document.querySelector('meta[name="csrf-token"]').content },
    body: fields,
    keepalive: true, // the page may be left at once
    redirect: "manual",
  }).catch((error) => {
    throw Object.assign(error, { said: SORRY });
  });
  if (answer.ok) return;
  const body = await answer.json().catch(() => ({}));
  throw Object.assign(new Error(`preferences: ${answer.status}`), { said: body.error?.message ?? SORRY, refused: true });
}

/** One thing that is chosen: shown at once, kept in order; the last choice counts. What was not kept is taken back. */
export class Choice {
  #busy = null;

  /** `show(value)` draws; `keep(value)` promises; `sorry(words)` is called when what is shown had to be taken back. */
  constructor(value, { keep, show, sorry }) {
    Object.assign(this, { kept: value, wish: value, keep, show, sorry });
  }

  /** Promises whether it was kept, or what was chosen after it. */
  choose(value) {
    this.wish = value;
    this.show(value);
    return (this.#busy ??= this.#keep().finally(() => (this.#busy = null)));
  }

  async #keep() {
    try {
      while (this.wish !== this.kept) {
        const next = this.wish;
        await this.keep(next);
        this.kept = next;
      }
      return true;
    } catch (error) {
      this.wish = this.kept;
      this.show(this.kept);
      this.sorry(error.said ?? SORRY);
      return false;
    }
  }
}
