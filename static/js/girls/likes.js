import { toast } from "../site/toasts.js";

const SORRY = "That didn’t work. Try again.";

/**
 * What somebody likes, shown at once and said to the server one after the other: however often one presses, the last
 * press counts. `send(id, liked)` answers {liked, count} or throws, with words for people as `said`; `show(id, state)`
 * draws; `sorry(words)` is called when what was shown had to be taken back.
 */
export class Likes {
  #items = new Map(); // those that are on their way

  constructor({ send, show, sorry }) {
    Object.assign(this, { send, show, sorry });
  }

  /** The other way round than it is shown, which is `shown`. */
  async toggle(id, shown) {
    const under = this.#items.get(id);
    const item = under ?? { kept: shown, wish: shown.liked };
    item.wish = !item.wish;
    this.show(id, { liked: item.wish, count: item.kept.count + item.wish - item.kept.liked });
    if (under) return;
    this.#items.set(id, item);
    try {
      while (item.wish !== item.kept.liked) item.kept = await this.send(id, item.wish);
    } catch (error) {
      this.sorry(error.said ?? SORRY);
    }
    this.#items.delete(id);
    this.show(id, item.kept);
  }
}

export function mount(root) {
  const all = (id) => document.querySelectorAll(`[data-like="${id}"]`);
  const likes = new Likes({
    async send(id, liked) {
      const [button] = all(id);
      const answer = await fetch(button.formAction, {
        method: "POST",
        headers: { Accept: "application/json", "X-CSRFToken": button.form.elements.csrfmiddlewaretoken.value },
        body: new URLSearchParams({ liked: Number(liked) }),
        keepalive: true,
        redirect: "manual",
      });
      const body = await answer.json().catch(() => ({}));
      if (!answer.ok) throw Object.assign(new Error(`like: ${answer.status}`), { said: body.error?.message });
      return { liked: body.liked, count: body.like_count };
    },
    show(id, { liked, count }) {
      for (const button of all(id)) {
        button.setAttribute("aria-pressed", liked);
        button.value = Number(!liked);
        button.querySelector("[data-count]").textContent = count;
        button.querySelector("[data-likes]").textContent = count === 1 ? " like" : " likes";
      }
    },
    sorry: (words) => toast(words, "circle-alert"),
  });
  // Who is not signed in has a button that is not pressed or unpressed: it leads to the sign-in.
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-like][aria-pressed]");
    if (!button) return;
    event.preventDefault();
    likes.toggle(button.dataset.like, {
      liked: button.getAttribute("aria-pressed") === "true",
      count: Number(button.querySelector("[data-count]").textContent),
    });
  });
}
