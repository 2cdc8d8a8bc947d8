const SOON = 20_000; // a permit that ends within this is renewed
const TOO_LATE = 3_000; // and within this it is no longer used
const REST = 5_000; // after a check that failed
const PATIENCE = 20_000; // for a check that asks the person nothing

/** Permits to send, minted ahead so that sending never waits for a check. `mint` gives {permit, uses_left, lasts}. */
export class Permits {
  #permit = null;
  #minting = null;
  #rested = -Infinity;
  #timer;

  constructor({ mint, wanted = () => true, now = () => performance.now(), later = (run, delay) => setTimeout(run, delay) }) {
    Object.assign(this, { mint, wanted, now, later });
  }

  /** See to it that there is a permit for the next send. */
  warm() {
    const held = this.#permit;
    const fresh = held && held.uses > 1 && held.ends - this.now() > SOON;
    if (fresh || this.#minting || this.now() < this.#rested) return;
    this.#mint().catch(() => {}); // the send itself says so if there is still none
  }

  /** One use of a permit; waits for a new one only when none is left. Rejects when the check fails. */
  async take() {
    if (!this.#usable()) await this.#mint();
    const held = this.#permit;
    held.uses -= 1;
    this.warm();
    return held.permit;
  }

  /** The server refused it: the next one is new. */
  discard() {
    this.#permit = null;
    this.#rested = -Infinity;
  }

  #usable() {
    return this.#permit && this.#permit.uses > 0 && this.#permit.ends - this.now() > TOO_LATE;
  }

  #mint() {
    this.#minting ??= (async () => {
      try {
        const { permit, uses_left, lasts } = await this.mint();
        this.#permit = { permit, uses: uses_left, ends: this.now() + lasts };
        clearTimeout(this.#timer);
        this.#timer = this.later(() => this.wanted() && this.warm(), Math.max(lasts - SOON + 1_000, REST));
      } catch (error) {
        this.#rested = this.now() + REST;
        throw error;
      } finally {
        this.#minting = null;
      }
    })();
    return this.#minting;
  }
}

/** A Turnstile token, or the local twin's; the widget shows only when Cloudflare asks for a person. */
export function tokens(place) {
  const { sitekey, action } = place.dataset;
  if (!sitekey) return async () => "local";
  let widget;
  let settle = null;
  let patience;
  const fail = (why) => settle?.reject(new Error(why));
  const start = async (turnstile) => {
    widget ??= turnstile.render(place, {
      sitekey,
      action,
      execution: "execute",
      appearance: "interaction-only",
      callback: (token) => settle?.resolve(token),
      "error-callback": () => fail("check failed"),
      "timeout-callback": () => fail("check timed out"),
      "unsupported-callback": () => fail("this browser cannot be checked"),
      "before-interactive-callback": () => clearTimeout(patience),
    });
    turnstile.reset(widget);
    turnstile.execute(place);
  };
  return () =>
    new Promise((resolve, reject) => {
      settle = { resolve, reject };
      clearTimeout(patience);
      patience = setTimeout(() => fail("no word of the check"), PATIENCE);
      import("../site/turnstile.js").then(({ loadTurnstile }) => loadTurnstile()).then(start).catch(reject);
    }).finally(() => clearTimeout(patience));
}
