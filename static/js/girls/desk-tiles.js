/** The tiles of a surface: which are there, which are chosen, and what is done to several at once. */
import { call } from "../media/api.js";
import { toast } from "../site/toasts.js";

const UNDO_SECONDS = 12;
const DONE = { publish: "published", hide: "hidden", premium_on: "made premium", premium_off: "opened to everybody", delete: "deleted", put_back: "put back" };
const plain = (count) => `${count} item${count === 1 ? "" : "s"}`;

export class Tiles {
  constructor(root) {
    this.root = root;
    this.list = root.querySelector("[data-tiles]");
    this.bar = root.querySelector("[data-chosen]");
    this.status = document.querySelector("p[data-say]:not(media-uploader *)");
    this.last = null; // the box that was ticked last: Shift ticks as far as there
    this.list.addEventListener("click", (event) => this.#tick(event));
    this.bar.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (!button) return;
      if (button.dataset.do) this.act(button.dataset.do, this.chosen());
      else this.choose(button.dataset.chooseAll !== undefined);
    });
    this.choose(false); // what a browser kept of the page before
  }

  say(words) {
    this.status.textContent = words;
  }

  all() {
    return [...this.list.children];
  }

  of(id) {
    return this.list.querySelector(`[data-tile="${id}"]`);
  }

  /* --- Choosing --- */

  chosen() {
    return this.all().filter((tile) => tile.querySelector("[data-choose]").checked).map((tile) => Number(tile.dataset.tile));
  }

  choose(on) {
    for (const tile of this.all()) tile.querySelector("[data-choose]").checked = on;
    if (!on && this.bar.contains(document.activeElement)) this.list.querySelector("[data-choose]")?.focus();
    this.#count();
  }

  #tick(event) {
    const box = event.target.closest("[data-choose]");
    if (!box) return;
    const all = this.all();
    const [at, from] = [box, this.last].map((one) => all.indexOf(one?.closest("[data-tile]")));
    if (event.shiftKey && from >= 0) {
      for (const tile of all.slice(Math.min(at, from), Math.max(at, from) + 1)) tile.querySelector("[data-choose]").checked = box.checked;
    }
    this.last = box;
    this.#count();
  }

  #count() {
    const count = this.chosen().length;
    this.bar.hidden = !count;
    this.bar.querySelector("[data-chosen-count]").textContent = `${count} chosen`;
    this.list.classList.toggle("choosing", count > 0);
  }

  /* --- What the server says --- */

  /** Put tiles in, as the server drew them: in the place of those that are there, new ones in front. */
  show({ html, counts }) {
    const drawn = document.createElement("template");
    drawn.innerHTML = html;
    const chosen = new Set(this.chosen());
    for (const tile of [...drawn.content.children].reverse()) {
      const former = this.of(tile.dataset.tile);
      tile.querySelector("[data-choose]").checked = chosen.has(Number(tile.dataset.tile));
      if (!former) this.list.prepend(tile);
      else {
        const held = former.contains(document.activeElement) && [...former.querySelectorAll("button, input")].indexOf(document.activeElement);
        former.replaceWith(tile);
        if (held !== false && held >= 0) tile.querySelectorAll("button, input")[held]?.focus();
      }
    }
    this.#counts(counts);
  }

  remove(ids) {
    for (const id of ids) this.of(id)?.remove();
    this.#counts();
  }

  #counts(counts = {}) {
    for (const [slug, count] of Object.entries(counts)) {
      const place = document.querySelector(`[data-count="${slug}"]`);
      if (place) place.textContent = count;
    }
    this.root.querySelector("[data-empty]").hidden = this.all().length > 0;
    this.#count();
  }

  /* --- Doing --- */

  /** Do one thing to items. Answers whether it was done. */
  async act(verb, ids) {
    if (!ids.length || this.isBusy) return false;
    this.isBusy = true;
    const before = this.all();
    try {
      const answer = await call("several/", { verb, ids });
      if (verb === "delete") this.#deleted(ids, answer, before);
      else {
        this.show(answer);
        const there = new Set([...answer.html.matchAll(/data-tile="(\d+)"/g)].map(([, id]) => Number(id)));
        const gone = ids.filter((id) => !there.has(id));
        this.remove(gone);
        const missing = gone.length ? ` ${plain(gone.length)} had been deleted meanwhile.` : "";
        toast(`${plain(answer.done)} ${DONE[verb]}.${missing}`);
      }
      return true;
    } catch (trouble) {
      this.fail(trouble);
      return false;
    } finally {
      this.isBusy = false;
    }
  }

  /** Say why something did not happen. */
  fail(trouble) {
    const words = { later: "That didn’t get through. Try again.", "signed-out": "You’re signed out. Reload the page and sign in." };
    toast(words[trouble.kind] ?? (trouble.message || "That didn’t work."), "circle-alert");
  }

  #deleted(ids, answer, before) {
    const next = before.findIndex((tile) => ids.includes(Number(tile.dataset.tile)));
    const tiles = before.filter((tile) => ids.includes(Number(tile.dataset.tile)));
    this.remove(ids);
    this.#counts(answer.counts);
    const stays = this.all();
    (stays[Math.min(next, stays.length - 1)]?.querySelector("[data-edit]") ?? document.getElementById("content-start"))?.focus();
    if (!answer.done) return toast("They had been deleted meanwhile.");
    undo(`${plain(answer.done)} deleted.`, async () => {
      try {
        const back = await call("several/", { verb: "put_back", ids });
        this.#putBack(tiles, before);
        this.show(back);
        toast(`${plain(back.done)} put back.`);
        this.of(ids[0])?.querySelector("[data-edit]").focus();
      } catch (trouble) {
        this.fail(trouble);
      }
    });
  }

  /* Where they were, each behind the one that it followed. */
  #putBack(tiles, before) {
    for (const tile of tiles) {
      const behind = before.slice(0, before.indexOf(tile)).reverse().find((one) => one.isConnected);
      tile.querySelector("[data-choose]").checked = false;
      if (behind) behind.after(tile);
      else this.list.prepend(tile);
    }
  }
}

/* A toast with a way back, which stays while it is pointed at or holds the focus. */
function undo(words, deed) {
  toast(words);
  const element = document.querySelector("[data-toasts]").lastElementChild;
  const copy = element.cloneNode(true); // the toast itself would leave too soon
  const button = document.getElementById("toast-undo").content.firstElementChild.cloneNode(true);
  copy.querySelector("p").after(button);
  element.replaceWith(copy);
  let timer;
  const wait = () => { timer = setTimeout(() => copy.remove(), UNDO_SECONDS * 1000); };
  for (const name of ["pointerenter", "focusin"]) copy.addEventListener(name, () => clearTimeout(timer));
  for (const name of ["pointerleave", "focusout"]) copy.addEventListener(name, () => { clearTimeout(timer); wait(); });
  button.addEventListener("click", () => { copy.remove(); deed(); });
  wait();
}
